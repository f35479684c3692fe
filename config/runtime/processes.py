"""Pid files that outlive their processes, and directories that outlive their use."""

import shutil
from pathlib import Path

import psutil


def recorded_pid(pid_file: Path) -> int | None:
    """Return the process id in the first line of a file, if there is one."""
    try:
        return int(pid_file.read_text(encoding="ascii").split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def is_alive(pid: int | None, *, mark: str) -> bool:
    """Return whether a process of that id has ``mark`` in its command line: the id may be another's by now."""
    if pid is None:
        return False
    try:
        process = psutil.Process(pid)
        return mark in " ".join(process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def forget_recycled_pid(pid_file: Path, *, mark: str) -> None:
    """Remove a pid file whose id belongs to another program now, as after the restart of a container.

    A file whose process is simply gone stays: PostgreSQL uses it to find out whether orphans still hold its memory.
    """
    pid = recorded_pid(pid_file)
    if pid is not None and psutil.pid_exists(pid) and not is_alive(pid, mark=mark):
        pid_file.unlink(missing_ok=True)


def remove_tree(directory: Path) -> None:
    """Remove a directory that may not exist."""
    if directory.exists():
        shutil.rmtree(directory)
