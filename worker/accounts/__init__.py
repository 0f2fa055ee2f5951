"""People and programs that may sign in or submit."""
