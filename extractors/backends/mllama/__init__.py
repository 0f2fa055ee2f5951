"""Mllama (Llama 3.2 Vision) through transformers, with a decoding loop of its own.

``vision_tower`` encodes pages. ``text_model`` is one forward of the language model over rows that
share pages. ``prefill`` runs the prompts. ``decode_fields`` and ``decode_json`` are the two decode
modes. The modules and weights are transformers' own; only the order of the work is ours.
"""
