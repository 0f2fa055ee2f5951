"""States, people and storage: no tensors."""
