"""Public money."""
