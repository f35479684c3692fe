"""Compile the auction's engine beside the setting up, so that the first auction does not wait for the compiler."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

ONE = np.ones(1, np.int32)
SMALLEST: dict[str, Any] = {
    "offer_class": ONE - 1,
    "offer_region": ONE - 1,
    "offer_ask": np.ones((1, 1), np.int64),
    "offer_attr": np.ones((1, 0), np.int32),
    "cap": np.ones((1, 1), np.int32),
    "ring": np.zeros((1, 1), np.int32),
    "req_count": np.ones((1, 1), np.int32),
    "req_hours": ONE,
    "req_start_min": ONE - 1,
    "req_start_max": ONE - 1,
    "req_value": np.full(1, 2, np.int64),
    "req_attr_min": np.ones((1, 0), np.int32),
    "req_home": ONE - 1,
    "req_ring_max": ONE - 1,
    "req_seq": np.ones(1, np.int64),
}
"""One card for one hour, and one request for it."""


@contextmanager
def engine(folder: Path) -> Iterator[None]:
    """Clear the smallest auction in a process of its own while the block runs; what it compiles is kept on disk."""
    instance, result = folder / "smallest.npz", folder / "smallest-result.npz"
    np.savez(instance, allow_pickle=False, **SMALLEST)
    command = [sys.executable, "-m", "market.matching", str(instance), "--out", str(result)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as compiling:
        yield
    if compiling.returncode:
        raise subprocess.CalledProcessError(compiling.returncode, command)
