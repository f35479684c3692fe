"""What was promised and delivered."""
