"""The prompt, and parsing of the answer into fields with their tokens."""
