"""Django's backend for PostgreSQL, but for the question whether a kept connection still stands."""
