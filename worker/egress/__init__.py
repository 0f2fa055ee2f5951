"""The way out: which addresses this installation connects to, and the connection itself."""
