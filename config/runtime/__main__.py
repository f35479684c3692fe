"""``python -m config.runtime url`` prints the database's address, ``remove`` forgets the servers and their data."""

import shutil
import sys
from pathlib import Path

from config.runtime import Postgres, Valkey, default_home


def url(home: Path) -> None:
    """Print the address of the embedded database, for ``psql`` and the like."""
    print(Postgres(home).url())  # noqa: T201 - its purpose


def remove(home: Path) -> None:
    """Stop the servers and remove their files, and nothing else, from their home."""
    for server in (Postgres(home), Valkey(home)):
        server.stop()
        for path in home.glob(f"{server.name}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.rmtree(home / "software", ignore_errors=True)
    if home.exists() and not any(home.iterdir()):
        home.rmdir()


if __name__ == "__main__":
    {"url": url, "remove": remove}[sys.argv[1]](default_home())
