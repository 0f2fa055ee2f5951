"""A file becomes page images and words."""
