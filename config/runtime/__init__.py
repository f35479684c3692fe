"""Run a real PostgreSQL and a real Valkey from their wheels, under one directory and on free loopback ports.

``serving()`` wraps a command: it exports ``DATABASE_URL`` and ``REDIS_URL``, starting what is not given or running.
``Postgres(home)`` and ``Valkey(home)`` are single servers, for tests and drills.
"""

from config.runtime.places import default_home
from config.runtime.postgres import Postgres
from config.runtime.serving import EmbeddedServersRefused, is_embedded, serving
from config.runtime.valkey import Valkey

__all__ = ["EmbeddedServersRefused", "Postgres", "Valkey", "default_home", "is_embedded", "serving"]
