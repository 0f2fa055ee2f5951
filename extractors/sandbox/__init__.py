"""What a process that opens strangers' files may still do: almost nothing."""
