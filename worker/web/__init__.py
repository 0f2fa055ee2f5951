"""The web: pages for people, and the HTTP door for upstream systems.

Never loads the model or the PDF library.
"""
