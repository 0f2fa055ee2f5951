"""What type a document is, where it ends, which pages are read."""
