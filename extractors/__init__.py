"""Documents and models: no database, no queue, no web, no settings."""
