"""What a server keeps between its lives: its port and its passwords, readable by their owner only."""

import json
import os
import secrets
import socket
from dataclasses import asdict, dataclass, field
from pathlib import Path

LOOPBACK = "127.0.0.1"


def _password() -> str:
    return secrets.token_urlsafe(24)


@dataclass
class Seat:
    """Where a server listens and who may talk to it."""

    port: int = 0
    password: str = field(default_factory=_password)
    superuser_password: str = field(default_factory=_password)
    application_password: str = field(default_factory=_password)


def is_free(port: int) -> bool:
    """Return whether a server could listen on a port of loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port of loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def load(path: Path) -> Seat | None:
    """Return the seat kept in a file, if there is one that we may read."""
    try:
        return Seat(**json.loads(path.read_text(encoding="ascii")))
    except (FileNotFoundError, PermissionError):
        return None


def save(path: Path, seat: Seat) -> None:
    """Keep a seat; the file appears whole or not at all."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        json.dump(asdict(seat), file)
    part.replace(path)
