"""All fields of a page at once: the page encoded once, its prompt prefilled once, every field
continued in parallel.

``vision`` encodes pages, ``text`` is one forward of the language model over rows that share pages,
``fields`` and ``skeleton`` are the two decode loops. The modules and weights are transformers' own;
only the order of the work is ours.
"""
