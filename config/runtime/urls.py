"""The addresses of the embedded servers as last started, for processes that find none in the environment."""

from config.runtime.places import default_home
from config.runtime.postgres import Postgres
from config.runtime.valkey import Valkey

NEVER_STARTED_DATABASE = "postgres://suanyi@127.0.0.1/suanyi"
NEVER_STARTED_BROKER = "redis://127.0.0.1/0"


def database() -> str:
    """Return the address of the embedded database, or one that nobody answers."""
    server = Postgres(default_home())
    return server.url() if server.known else NEVER_STARTED_DATABASE


def owner() -> str:
    """Return the address of the embedded database for the role that owns its tables, or one that nobody answers."""
    server = Postgres(default_home())
    return server.owner_url() if server.known else NEVER_STARTED_DATABASE


def broker() -> str:
    """Return the address of the embedded broker, or one that nobody answers."""
    server = Valkey(default_home())
    return server.url() if server.known else NEVER_STARTED_BROKER
