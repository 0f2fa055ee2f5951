"""A picture of a page -> words with boxes, by an OCR engine that is installed.

What an engine says is evidence of a source of its own, and never taken for a text layer.
"""
