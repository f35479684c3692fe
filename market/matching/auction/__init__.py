"""Clear a whole batch at once: a call auction over arrays, with a certified bound on what could have been reached.

Everything here is pure: numpy and compiled loops, no Django. ``clearing.clear`` is the whole of it in one call.
"""

import hashlib
import os
from pathlib import Path

import numba


def _compiled_by_content() -> str:
    """Return where compiled loops are kept: a place named by all sources.

    Numba notices a change in the file of a loop, but not in the files of the loops that it calls and has built in.
    """
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for source in sorted(here.glob("*.py")):
        digest.update(source.read_bytes())
    return str(Path(os.environ.get("NUMBA_CACHE_DIR") or here / "__pycache__") / f"auction-{digest.hexdigest()[:16]}")


numba.config.CACHE_DIR = _compiled_by_content()  # type: ignore[attr-defined]
