"""Fits: weights of the combined score that this installation made of its own labels."""
