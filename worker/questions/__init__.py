"""Ask when unsure: the sender of a document is asked, and it goes on from the answer."""
