"""What a programme would have paid of past spending: cost, reach, binding caps, and who drops out and why. Pure.

Whoever spent first is paid first, out of one budget, as a first-come programme would. Conditions on applicants that the
known facts do not meet bar a firm; those that they say nothing about are counted and taken as met, or every firm would
drop out for want of papers that nobody asked it for.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from core.money import BP_WHOLE, share_fen
from vouchers import eligibility, rules
from vouchers.parameters import Facts, Parameters
from vouchers.parameters.eligibility import Registry
from vouchers.rules import Case, Limits, Quote, Spending, Terms

FIRST_DROPPED = 200
TOLD_EVERY = 500
Progress = Callable[[int], None]


class PastSpending(Struct, frozen=True, kw_only=True):
    """What one firm spent on one thing with one provider; results are broken down by group, size and district."""

    entity: str
    name: str = ""
    on: date
    category: str
    provider: str
    amount_fen: int
    facts: Facts = Facts()
    group: str = ""
    district: str = ""


@dataclass
class _Firm:
    """What became of one firm."""

    name: str
    group: str
    size: str = ""
    district: str = ""
    spending_fen: int = 0
    award_fen: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    years: Counter[int] = field(default_factory=Counter)


class _Run:
    """The programme at work: what is left, what was paid, and what stood in the way."""

    def __init__(self, parameters: Parameters, listed: Collection[str], year_fen: dict[tuple[str, int], int]) -> None:
        self.parameters = parameters
        self.terms = replace(rules.terms_of(parameters), price_filing=False)  # what was filed by then is not known
        self.listed, self.is_open = listed, parameters.providers.registry is Registry.OPEN
        self.year_fen, self.left_fen = year_fen, parameters.money.budget_fen
        self.firms: dict[str, _Firm] = {}
        self.caps: dict[str, Counter[str]] = defaultdict(Counter)
        self.refusals: dict[str, Counter[str]] = defaultdict(Counter)
        self.months: dict[str, Counter[str]] = defaultdict(Counter)
        self.shares: Counter[str] = Counter()
        self.unknown: dict[str, set[str]] = defaultdict(set)
        self.paid_spending_fen = self.orders = 0
        self.exhausted_on: date | None = None

    def spend(self, one: PastSpending) -> None:
        """Quote one spending with what is left, and take the award out of it."""
        self.orders += 1
        named = _Firm(one.name or one.entity, one.group, one.facts.size or "", one.district)
        firm = self.firms.setdefault(one.entity, named)
        facts = self._known(one, firm)
        firm.spending_fen += one.amount_fen
        barred = self._barred(one.entity, facts)
        if barred:
            return self._refuse(one, firm, barred)
        quote = self._quote(one, firm, facts)
        self._note_cap(quote, one)
        if quote.refused:
            return self._refuse(one, firm, str(quote.refused))
        return self._pay(quote, one, firm)

    def _known(self, one: PastSpending, firm: _Firm) -> Facts:
        """Add what the run itself knows: what the firm spent in that year, and whether it bought anything before."""
        facts = one.facts
        if facts.annual_spend_fen is None:
            facts = replace(facts, annual_spend_fen=self.year_fen[one.entity, one.on.year])
        if facts.first_purchase is None:
            facts = replace(facts, first_purchase=not firm.spending_fen)
        return facts

    def _barred(self, entity: str, facts: Facts) -> str | None:
        for answer in eligibility.unmet(self.parameters, facts):
            if answer.met is False:
                return answer.code
            self.unknown[answer.code].add(entity)
        return None

    def _quote(self, one: PastSpending, firm: _Firm, facts: Facts) -> Quote:
        cap_fen = self.terms.entity_year_cap_fen
        life_fen = self.terms.entity_lifetime_cap_fen
        limits = Limits(
            entity_year_left_fen=None if cap_fen is None else cap_fen - firm.years[one.on.year],
            entity_lifetime_left_fen=None if life_fen is None else life_fen - firm.award_fen,
            budget_left_fen=self.left_fen,
            waiver_approved=True,
        )
        listed = self.is_open or one.provider in self.listed
        line = Spending(category=one.category, provider_listed=listed, amount_fen=one.amount_fen)
        return rules.quote(terms=self.terms, spending=[line], limits=limits, case=Case(facts=facts))

    def _note_cap(self, quote: Quote, one: PastSpending) -> None:
        if quote.binding_cap is None:
            return
        cap = self.caps[str(quote.binding_cap)]
        cap["orders"] += 1
        cap["cut_fen"] += _full_fen(self.terms, quote) - quote.amount_fen
        if quote.binding_cap is rules.Cap.BUDGET and self.exhausted_on is None:
            self.exhausted_on = one.on

    def _refuse(self, one: PastSpending, firm: _Firm, reason: str) -> None:
        firm.reasons[reason] += 1
        self.refusals[reason]["orders"] += 1
        self.refusals[reason]["spending_fen"] += one.amount_fen

    def _pay(self, quote: Quote, one: PastSpending, firm: _Firm) -> None:
        self.left_fen -= quote.amount_fen
        firm.award_fen += quote.amount_fen
        firm.years[one.on.year] += quote.amount_fen
        self.shares.update(quote.shares)
        self.paid_spending_fen += quote.eligible_fen
        month = self.months[f"{one.on:%Y-%m}"]
        month["orders"] += 1
        month["cost_fen"] += quote.amount_fen

    def told(self) -> dict[str, Any]:
        """Return the outcome as JSON; amounts in fen, the leverage in basis points of spending per fen paid."""
        cost_fen = self.parameters.money.budget_fen - self.left_fen
        return {
            "programme": self.parameters.identity.code,
            "orders": self.orders,
            "paid_orders": sum(month["orders"] for month in self.months.values()),
            "spending_fen": sum(firm.spending_fen for firm in self.firms.values()),
            "budget_fen": self.parameters.money.budget_fen,
            "cost_fen": cost_fen,
            "exhausted_on": self.exhausted_on and self.exhausted_on.isoformat(),
            "leverage_bp": self.paid_spending_fen * BP_WHOLE // cost_fen if cost_fen else None,
            "firms": len(self.firms),
            "reached": sum(firm.award_fen > 0 for firm in self.firms.values()),
            "caps": [{"cap": name, **counts} for name, counts in sorted(self.caps.items())],
            "refusals": [{"reason": name, **counts} for name, counts in sorted(self.refusals.items())],
            "months": [{"month": name, **counts} for name, counts in sorted(self.months.items())],
            "groups": self._by("group"),
            "sizes": self._by("size"),
            "districts": self._by("district"),
            "funders": dict(self.shares),
            "not_known": [{"code": code, "firms": len(firms)} for code, firms in sorted(self.unknown.items())],
            "dropped": self._dropped(),
        }

    def _by(self, axis: str) -> list[dict[str, Any]]:
        parts: dict[str, Counter[str]] = defaultdict(Counter)
        for firm in self.firms.values():
            parts[getattr(firm, axis)].update(firms=1, reached=int(firm.award_fen > 0), cost_fen=firm.award_fen)
        return [{axis: name, **counts} for name, counts in sorted(parts.items())]

    def _dropped(self) -> list[dict[str, Any]]:
        """Return the firms that got nothing, those that spent most first."""
        nothing = [(entity, firm) for entity, firm in self.firms.items() if not firm.award_fen]
        nothing.sort(key=lambda each: (-each[1].spending_fen, each[0]))
        return [_dropped(entity, firm) for entity, firm in nothing[:FIRST_DROPPED]]


def _dropped(entity: str, firm: _Firm) -> dict[str, Any]:
    return {
        "entity": entity,
        "name": firm.name,
        "spending_fen": firm.spending_fen,
        "reasons": [{"reason": reason, "orders": orders} for reason, orders in firm.reasons.most_common()],
    }


def _full_fen(terms: Terms, quote: Quote) -> int:
    share = share_fen(amount_fen=quote.base_fen, ratio_bp=quote.ratio_bp)
    return rules.floor_to(share, terms.round_unit_fen)


def simulate(
    *, parameters: Parameters, spendings: Iterable[PastSpending], listed: Collection[str] = frozenset()
) -> dict[str, Any]:
    """Return what a programme would have paid of past spending; ``listed`` are the providers on its list."""
    return _played(parameters, list(spendings), listed).told()


def compare(
    *,
    before: Parameters,
    after: Parameters,
    spendings: Iterable[PastSpending],
    listed: Collection[str] = frozenset(),
    progress: Progress = lambda _done: None,
) -> dict[str, Any]:
    """Return both outcomes, and which firms lose, gain, or get less or more by the change.

    ``progress`` is told from time to time how many spendings were played, of twice as many as there are.
    """
    known = list(spendings)
    old = _played(before, known, listed, progress)
    new = _played(after, known, listed, lambda done: progress(len(known) + done))
    each = [_compared(entity, old.firms[entity], firm) for entity, firm in sorted(new.firms.items())]
    changes = [one for one in each if one["before_fen"] != one["after_fen"]]
    return {
        "before": old.told(),
        "after": new.told(),
        "cost_change_fen": old.left_fen
        - old.parameters.money.budget_fen
        - new.left_fen
        + new.parameters.money.budget_fen,
        "each": each,
        "lost": [one for one in changes if not one["after_fen"]][:FIRST_DROPPED],
        "gained": [one for one in changes if not one["before_fen"]][:FIRST_DROPPED],
        "changed": [one for one in changes if one["before_fen"] and one["after_fen"]][:FIRST_DROPPED],
    }


def _compared(entity: str, old: _Firm, new: _Firm) -> dict[str, Any]:
    return {
        "entity": entity,
        "name": new.name,
        "size": new.size,
        "district": new.district,
        "spending_fen": new.spending_fen,
        "before_fen": old.award_fen,
        "after_fen": new.award_fen,
        "reasons": sorted(new.reasons),
    }


def _played(
    parameters: Parameters,
    spendings: Sequence[PastSpending],
    listed: Collection[str],
    progress: Progress = lambda _done: None,
) -> _Run:
    year_fen: Counter[tuple[str, int]] = Counter()
    for one in spendings:
        year_fen[one.entity, one.on.year] += one.amount_fen
    run = _Run(parameters, listed, year_fen)
    for done, one in enumerate(sorted(spendings, key=lambda each: (each.on, each.entity)), start=1):
        run.spend(one)
        if done % TOLD_EVERY == 0:
            progress(done)
    return run
