"""A cross-encoder in this process, through transformers."""
