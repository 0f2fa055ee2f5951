"""How right the readings of documents are whose truth is known."""
