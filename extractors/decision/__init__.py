"""Scores, and the decision that follows from evidence and scores."""
