"""The outside world: one module per party, each behind the shapes of ``ports``."""
