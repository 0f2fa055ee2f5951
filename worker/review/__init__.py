"""Review: what waits for people, what they see, what they do."""
