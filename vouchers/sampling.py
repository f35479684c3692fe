"""Which lines of a claim are audited: drawn by a seed published with the draw, so that anyone draws the same. Pure."""

import hashlib
from collections.abc import Iterable

WHOLE_BP = 10_000


def size(*, lines: int, ratio_bp: int) -> int:
    """Return how many of ``lines`` are drawn: the ratio, rounded up, so that a sample is never empty by rounding."""
    return -(-lines * ratio_bp // WHOLE_BP)


def draw(*, seed: str, digest: str, numbers: Iterable[int], ratio_bp: int) -> list[int]:
    """Return the numbers of the lines in the sample, in their order.

    Each line gets the SHA-256 of ``seed/digest/number``; those with the smallest are drawn. The digest fixes the lines
    before the seed exists, so neither the claimant nor who draws can choose.
    """
    every = sorted(numbers)
    drawn = sorted(every, key=lambda number: hashlib.sha256(f"{seed}/{digest}/{number}".encode()).digest())
    return sorted(drawn[: size(lines=len(every), ratio_bp=ratio_bp)])
