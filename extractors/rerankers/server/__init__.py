"""A cross-encoder behind a server."""
