"""Find the servers' programs in the installed wheels, and copy them where their servant may not read them."""

import shutil
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from config.runtime import servants
from config.runtime.errors import ServerFailed


def find(home: Path, *, distribution: str, folders: list[str], program: str) -> Path:
    """Return the path of ``program`` (a pattern below the site directory) which the servant can run.

    :raises ServerFailed: if the wheel has no program for this machine.
    """
    site = _site_of(folders[0])
    if _runs(_program(site, program)):
        return _program(site, program)
    copy = home / "software" / f"{distribution}-{version(distribution)}"
    if not copy.exists():
        _copy(site, folders, copy)
    return _program(copy, program)


def _site_of(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ServerFailed(f"the Python package {package} is not installed")
    return Path(spec.origin).parents[1]


def _program(site: Path, pattern: str) -> Path:
    found = sorted(site.glob(pattern))
    if not found:
        raise ServerFailed(f"no program {pattern} below {site}: this platform has no wheel with it")
    return found[0]


def _runs(program: Path) -> bool:
    try:
        return servants.run([str(program), "--version"], capture_output=True).returncode == 0
    except PermissionError:
        return False


def _copy(site: Path, folders: list[str], target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    target.parent.chmod(0o711)
    part = target.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    for folder in folders:
        shutil.copytree(site / folder, part / folder, symlinks=True)
    servants.give(part)
    part.rename(target)
