"""Value in double entry."""
