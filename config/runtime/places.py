"""Where the embedded servers keep their files."""

import hashlib
import os
from pathlib import Path

from config.runtime import servants
from config.runtime.errors import ServerFailed

CHECKOUT = Path(__file__).resolve().parents[2]
PUBLIC_TEMPORARY = Path("/var/tmp")  # noqa: S108 - the directory made in it is checked to be ours


def default_home() -> Path:
    """Return ``SUANYI_DATA_DIR``, else ``var/`` of the checkout, else a place which the servant of root can enter."""
    configured = os.environ.get("SUANYI_DATA_DIR")
    if configured:
        return (CHECKOUT / configured).resolve()
    if servants.can_enter(CHECKOUT):
        return CHECKOUT / "var"
    digest = hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:12]
    return PUBLIC_TEMPORARY / f"suanyi-{digest}"


def make_home(home: Path) -> None:
    """Create the directory of all servers, readable by the servant who works in it.

    :raises ServerFailed: if it belongs to somebody else or the servant cannot reach it.
    """
    home.mkdir(parents=True, exist_ok=True)
    if home.is_symlink() or home.stat().st_uid != os.geteuid():
        raise ServerFailed(f"{home} belongs to another user; set SUANYI_DATA_DIR to a directory of your own")
    home.chmod(0o711 if servants.needed() else 0o700)
    if not servants.can_enter(home):
        raise ServerFailed(
            f"root's servers run as nobody, who cannot enter {home}; set SUANYI_DATA_DIR to another place"
        )
