"""A quote: how much of some spending a programme pays, and why, step by step in the normative order. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from vouchers.rules import base, caps, lines, ratio
from vouchers.rules.case import Case, Limits, Spending
from vouchers.rules.steps import Cap, Refusal, Step
from vouchers.rules.terms import Terms
from vouchers.rules.work import Work

NOTHING_MORE = Case()
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Quote(Struct, frozen=True, kw_only=True):
    """What a voucher pays of some spending, with everything needed to explain it and to compute it again.

    ``eligible_fen`` is what counts after discounts, ``base_fen`` what the ratio was taken of, ``shares`` who bears it.
    """

    terms: Terms
    spending: tuple[Spending, ...]
    limits: Limits
    case: Case
    amount_fen: int
    eligible_fen: int
    base_fen: int
    ratio_bp: int
    other_support_fen: int
    ceiling_fen: int | None
    shares: dict[str, int]
    binding_cap: Cap | None
    refused: Refusal | None
    steps: tuple[Step, ...]

    @property
    def cash_fen(self) -> int:
        """Return what the buyer pays of the lines that count."""
        return self.eligible_fen - self.amount_fen

    def explanation(self) -> dict[str, Any]:
        """Return the quote as JSON: inputs, every step, result. It is kept with the redemption as evidence."""
        told = {
            "terms": self.terms,
            "spending": self.spending,
            "limits": self.limits,
            "steps": self.steps,
            "amount_fen": self.amount_fen,
            "eligible_fen": self.eligible_fen,
            "ratio_bp": self.ratio_bp,
            "binding_cap": self.binding_cap,
            "refused": self.refused,
        }
        plain: dict[str, Any] = _decode(_encode(told | self._more()))
        return plain

    def _more(self) -> dict[str, Any]:
        """Return what only some quotes have."""
        more: dict[str, Any] = {}
        if self.case is not NOTHING_MORE:
            more["case"] = self.case
        if self.base_fen != self.eligible_fen:
            more["base_fen"] = self.base_fen
        if self.shares:
            more["shares"] = self.shares
        if self.other_support_fen:
            more["other_support_fen"] = self.other_support_fen
        if self.ceiling_fen is not None:
            more["ceiling_fen"] = self.ceiling_fen
        return more


def _usable(work: Work) -> Refusal | None:
    if not work.limits.programme_open:
        return work.refuse(Refusal.PROGRAMME_NOT_OPEN)
    if not work.limits.grant_usable:
        return work.refuse(Refusal.GRANT_NOT_USABLE)
    if not work.limits.trusted:
        return work.refuse(Refusal.BLACKLISTED)
    return work.refuse(Refusal.RELATED_PARTY) if work.limits.related else None


def _used_once(work: Work) -> Refusal | None:
    """Refuse what is not a firm's first purchase, or one voucher too many in an order, where a programme says so."""
    if work.terms.first_purchase_only and work.case.facts.first_purchase is not True:
        return work.refuse(Refusal.NOT_FIRST_PURCHASE)
    if work.limits.vouchers_beside >= work.terms.vouchers_per_order_max:
        return work.refuse(Refusal.TOO_MANY_VOUCHERS, most=work.terms.vouchers_per_order_max)
    return None


# The normative order. A stage that refuses is the last.
STAGES: tuple[Callable[[Work], Refusal | None], ...] = (
    _usable,
    _used_once,
    lines.select,
    lines.discount,
    lines.untax,
    base.spends_enough,
    base.support,
    base.apportion,
    ratio.choose,
    ratio.apply,
    caps.limit,
    caps.decide,
)


def quote(*, terms: Terms, spending: Sequence[Spending], limits: Limits, case: Case = NOTHING_MORE) -> Quote:
    """Say how much of ``spending`` the programme pays, and why, in the normative order of calculation.

    :raises BadSpending: if discounts are above the price.
    """
    work = Work(terms, spending, limits, case)
    refused: Refusal | None = None
    for stage in STAGES:
        refused = stage(work)
        if refused is not None:
            break
    return Quote(
        terms=terms,
        spending=tuple(spending),
        limits=limits,
        case=case,
        amount_fen=work.amount_fen,
        eligible_fen=work.eligible_fen,
        base_fen=work.base_fen,
        ratio_bp=work.ratio_bp,
        other_support_fen=work.other_fen,
        ceiling_fen=work.ceiling_fen,
        shares=work.shares,
        binding_cap=work.cap,
        refused=refused,
        steps=tuple(work.steps),
    )


def replay(explanation: Mapping[str, Any]) -> Quote:
    """Compute a stored explanation again from its own inputs."""
    case = explanation.get("case")
    return quote(
        terms=msgspec.convert(explanation["terms"], Terms),
        spending=[msgspec.convert(line, Spending) for line in explanation["spending"]],
        limits=msgspec.convert(explanation["limits"], Limits),
        case=NOTHING_MORE if case is None else msgspec.convert(case, Case),
    )
