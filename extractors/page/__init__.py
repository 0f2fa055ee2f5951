"""What stands on a page: words, lines, cells, labels."""
