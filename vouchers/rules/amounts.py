"""Amounts that add up over time: what a hold has paid so far, what has come back so far, who bears it. Pure."""

from collections.abc import Sequence

from core.money import share_fen, split_fen
from vouchers.parameters import Funder


def floor_to(amount_fen: int, unit_fen: int) -> int:
    """Return the largest multiple of ``unit_fen`` that is not above the amount."""
    return amount_fen - amount_fen % unit_fen


def capture_total_fen(*, ratio_bp: int, round_unit_fen: int, held_fen: int, eligible_used_fen: int) -> int:
    """Return what a hold has paid in total once ``eligible_used_fen`` of its spending was really used.

    It is cumulative: capture the difference to what was captured before, and rounding never adds up.
    """
    return min(held_fen, floor_to(share_fen(amount_fen=eligible_used_fen, ratio_bp=ratio_bp), round_unit_fen))


def refund_total_fen(*, captured_fen: int, eligible_fen: int, refunded_eligible_fen: int) -> int:
    """Return what has come back in total once ``refunded_eligible_fen`` of the paid ``eligible_fen`` is refunded.

    It is cumulative and rounded down; the last refund returns the exact remainder.

    :raises ValueError: if more is refunded than was paid.
    """
    if eligible_fen <= 0 or not 0 <= refunded_eligible_fen <= eligible_fen:
        raise ValueError("a refund lies between nothing and all of what was paid")
    return captured_fen * refunded_eligible_fen // eligible_fen


def shares_fen(amount_fen: int, funders: Sequence[Funder]) -> dict[str, int]:
    """Return what each funder bears of an amount; the odd fen go to the largest remainders, ties to the first.

    Shares of a total that grows (captures, claims) are differences of two of these, so that they add up too.
    """
    if not funders:
        return {}
    parts = split_fen(amount_fen, [funder.weight for funder in funders])
    return {funder.code: part for funder, part in zip(funders, parts, strict=True)}
