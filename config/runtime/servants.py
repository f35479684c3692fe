"""Whom the servers run as: ourselves, or nobody where we are root, because PostgreSQL refuses root."""

import os
import pwd
import stat
import subprocess
from pathlib import Path
from typing import Any


def needed() -> bool:
    """Return whether the servers must run as somebody else."""
    return os.geteuid() == 0


def spawn_options() -> dict[str, Any]:
    """Return the arguments of ``subprocess`` that run a server as its servant, in a directory everyone can enter."""
    if not needed():
        return {"cwd": "/"}
    nobody = pwd.getpwnam("nobody")
    return {"cwd": "/", "user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command as the servant and return its outcome, whatever it is."""
    return subprocess.run(command, text=True, check=False, **spawn_options(), **options)


def make_private(directory: Path) -> None:
    """Create a directory that only the servant can enter."""
    directory.mkdir(mode=0o700, exist_ok=True)
    give(directory)


def give(path: Path) -> None:
    """Hand a file or directory tree to the servant."""
    if not needed():
        return
    nobody = pwd.getpwnam("nobody")
    for part in [path, *path.rglob("*")]:
        os.chown(part, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)


def can_enter(directory: Path) -> bool:
    """Return whether the servant can reach a directory that may not exist yet."""
    if not needed():
        return True
    ancestors = [part for part in [directory, *directory.parents] if part.exists()]
    return all(part.stat().st_mode & stat.S_IXOTH for part in ancestors)
