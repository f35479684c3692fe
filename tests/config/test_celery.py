"""The broker's settings decide what a crash costs; each was measured before it was chosen."""

