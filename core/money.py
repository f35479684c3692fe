"""Money in integer fen, unit prices in micro-yuan, ratios in basis points: the only place that rounds."""

from collections.abc import Sequence

FEN_PER_YUAN = 100
MICRO_PER_FEN = 10_000
MS_PER_HOUR = 3_600_000
BP_WHOLE = 10_000


def round_half_up(numerator: int, denominator: int) -> int:
    """Return ``numerator / denominator`` rounded to the nearest integer, halves away from zero."""
    if denominator <= 0:
        raise ValueError("the denominator must be positive")
    sign = -1 if numerator < 0 else 1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


def price_fen(*, accelerator_ms: int, price_micro: int) -> int:
    """Return the price of ``accelerator_ms`` at ``price_micro`` micro-yuan per card-hour, in fen, half up."""
    return round_half_up(accelerator_ms * price_micro, MS_PER_HOUR * MICRO_PER_FEN)


def share_fen(*, amount_fen: int, ratio_bp: int) -> int:
    """Return ``ratio_bp`` of an amount, rounded down: public money never pays the odd fen."""
    return amount_fen * ratio_bp // BP_WHOLE


def split_fen(total_fen: int, weights: Sequence[int]) -> list[int]:
    """Split a non-negative total by weights so that the parts add up; the odd fen go to the largest remainders.

    Ties go to the first. Weights that are all zero share equally.

    :raises ValueError: if there are no weights, or a weight or the total is negative.
    """
    if not weights or total_fen < 0 or min(weights) < 0:
        raise ValueError("split_fen needs weights, none negative, and a non-negative total")
    shares = list(weights) if any(weights) else [1] * len(weights)
    whole = sum(shares)
    parts = [total_fen * share // whole for share in shares]
    odd_fen = total_fen - sum(parts)
    if odd_fen:
        by_remainder = sorted(range(len(shares)), key=lambda index: -(total_fen * shares[index] % whole))
        for index in by_remainder[:odd_fen]:
            parts[index] += 1
    return parts


def format_yuan(fen: int) -> str:
    """Return fen as yuan with two decimals and thousands separators: ``-1,234.05``."""
    sign = "-" if fen < 0 else ""
    yuan, rest = divmod(abs(fen), FEN_PER_YUAN)
    return f"{sign}{yuan:,}.{rest:02d}"


def format_micro(micro: int) -> str:
    """Return a micro-yuan price as yuan with at least two and at most six decimals: ``2.20``, ``0.123456``."""
    sign = "-" if micro < 0 else ""
    yuan, rest = divmod(abs(micro), FEN_PER_YUAN * MICRO_PER_FEN)
    decimals = f"{rest:06d}"
    return f"{sign}{yuan:,}.{decimals[:2]}{decimals[2:].rstrip('0')}"


def parse_scaled(text: str, *, decimals: int) -> int:
    """Read a plain decimal number as an integer of its ``decimals``-th place: ``"2.2"`` with 6 is 2,200,000.

    :raises ValueError: if it is not a number or has more decimals than that.
    """
    cleaned = text.strip().replace(",", "")
    whole, _, fraction = cleaned.partition(".")
    digits = whole.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or len(fraction) > decimals:
        raise ValueError(f"{text!r} is not a number with at most {decimals} decimals")
    if fraction and not (fraction.isascii() and fraction.isdigit()):
        raise ValueError(f"{text!r} is not a number with at most {decimals} decimals")
    magnitude = int(digits + fraction.ljust(decimals, "0"))
    return -magnitude if cleaned.startswith("-") else magnitude
