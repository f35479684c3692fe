"""Who gets how much of a budget that is too small for all. Pure: integers in, integers and places out.

Every method is deterministic: the same candidates and the same seed give the same awards, whoever computes them.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Method(StrEnum):
    """How a round allocates its budget."""

    FIRST_COME = "first_come"
    BATCH = "batch"
    RANKED = "ranked"
    PRO_RATA = "pro_rata"
    LOTTERY = "lottery"
    EXEMPT = "exempt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One application that has passed: what it may get, when it came, and its score if experts gave one.

    ``part`` is the part of the budget from which it is served: a district, or a pool.
    """

    key: str
    asked_fen: int
    arrived: int
    score: int = 0
    part: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What bounds the awards of a round; quotas are of parts of it, and a part that has none is not bounded."""

    method: Method
    budget_fen: int
    partly: bool = False
    least_fen: int = 1
    unit_fen: int = 1
    seed: str = ""
    quotas_fen: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Award:
    """What a candidate gets, in fen, and its place in the order from 1; nothing means the waiting list."""

    key: str
    place: int
    amount_fen: int


def allocate(terms: Terms, candidates: Iterable[Candidate]) -> list[Award]:
    """Return an award for every candidate, in the order of their places; the sum is never above the budget."""
    ordered = sorted(candidates, key=_order(terms))
    if terms.method is Method.PRO_RATA:
        return _in_proportion(terms, ordered)
    return _one_by_one(terms, ordered)


def seed_commitment(seed: str) -> str:
    """Return what is published before a lottery, so that its seed cannot be chosen afterwards."""
    return hashlib.sha256(f"suanyi/lottery/{seed}".encode()).hexdigest()


def lot(seed: str, key: str) -> str:
    """Return the lot that a candidate draws: the smallest comes first."""
    return hashlib.sha256(f"{seed}/{key}".encode()).hexdigest()


def _order(terms: Terms) -> Callable[[Candidate], tuple[Any, ...]]:
    if terms.method is Method.LOTTERY:
        return lambda one: (lot(terms.seed, one.key),)
    if terms.method is Method.RANKED:
        return lambda one: (-one.score, one.arrived, one.key)
    return lambda one: (one.arrived, one.key)


def _one_by_one(terms: Terms, ordered: Sequence[Candidate]) -> list[Award]:
    """Serve in order. Nobody overtakes: once one is short, the budget is closed, within a part of it or as a whole."""
    left_fen, left_of = terms.budget_fen, dict(terms.quotas_fen)
    awards = []
    for place, one in enumerate(ordered, start=1):
        quota_fen = left_of.get(one.part)
        amount_fen = _fitting(terms, one.asked_fen, left_fen, quota_fen)
        if amount_fen < one.asked_fen:
            if quota_fen is not None and quota_fen <= left_fen:
                left_of[one.part] = amount_fen
            else:
                left_fen = amount_fen
        left_fen -= amount_fen
        if quota_fen is not None:
            left_of[one.part] -= amount_fen
        awards.append(Award(one.key, place, amount_fen))
    return awards


def _fitting(terms: Terms, asked_fen: int, left_fen: int, quota_fen: int | None) -> int:
    most_fen = left_fen if quota_fen is None else min(left_fen, quota_fen)
    if asked_fen <= most_fen:
        return asked_fen
    part_fen = most_fen - most_fen % terms.unit_fen
    return part_fen if terms.partly and part_fen >= max(terms.least_fen, 1) else 0


def _in_proportion(terms: Terms, ordered: Sequence[Candidate]) -> list[Award]:
    """Give everybody the same share of what they may get, rounded down; odd units go by largest remainder."""
    asked = _within_quotas(terms, ordered)
    shares = _shares(asked, min(terms.budget_fen, sum(asked)), terms.unit_fen)
    least_fen = max(terms.least_fen, 1)
    return [
        Award(one.key, place, share if share >= least_fen else 0)
        for place, (one, share) in enumerate(zip(ordered, shares, strict=True), start=1)
    ]


def _within_quotas(terms: Terms, ordered: Sequence[Candidate]) -> list[int]:
    """Return what each asks for, less where those of one part of the budget ask for more than it has."""
    asked = [one.asked_fen for one in ordered]
    for part, quota_fen in terms.quotas_fen.items():
        places = [place for place, one in enumerate(ordered) if one.part == part]
        wanted = [asked[place] for place in places]
        for place, share in zip(places, _shares(wanted, min(quota_fen, sum(wanted)), terms.unit_fen), strict=True):
            asked[place] = share
    return asked


def _shares(asked: Sequence[int], budget_fen: int, unit_fen: int) -> list[int]:
    total = sum(asked)
    if total <= budget_fen:
        return list(asked)
    exact = [fen * budget_fen for fen in asked]
    shares = [part // total // unit_fen * unit_fen for part in exact]
    odd = (budget_fen - sum(shares)) // unit_fen
    by_remainder = sorted(range(len(asked)), key=lambda n: (shares[n] * total - exact[n], n))
    for n in by_remainder[:odd]:
        if shares[n] + unit_fen <= asked[n]:
            shares[n] += unit_fen
    return shares
