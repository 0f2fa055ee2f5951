"""What upstream systems are told, with real receivers."""
