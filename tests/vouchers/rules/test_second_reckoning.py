"""Thousands of programmes and orders, each reckoned twice: by our rules, and straight from the document."""

from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from tests.vouchers.rules import reckoning
from vouchers import rules
from vouchers.parameters import Facts, Funder, Span, Tier
from vouchers.parameters.award import Apportion, Discount, Select
from vouchers.parameters.caps import CapBasis
from vouchers.parameters.formulas import parse
from vouchers.parameters.redemption import AggregateScope, Ceiling, OverCeiling, Stacking, StackRule
from vouchers.rules import Case, DiscountGiven, Limits, Spending, Support, Terms

CONDITIONS = [None, parse("is_sme"), parse("established_days < 365"), parse("facility_type == 'DOMESTIC'")]
RULES = [StackRule.ALLOW, StackRule.DENY, StackRule.REDUCE_BASE, StackRule.AGGREGATE_CAP, StackRule.HIGHER_OF]


class Drawn:
    """One programme and one order, drawn by a seed."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.case_and_lines()

    def fen(self) -> int:
        return self.chance.choice(
            [1, 9_999, 10_000, 10**15, self.chance.randrange(1, 10 ** self.chance.randrange(1, 12))]
        )

    def perhaps(self, fen: int | None = None) -> int | None:
        return self.chance.choice([*[None] * 6, fen or self.fen()])

    def bp(self) -> int:
        return self.chance.choice([1, 2_000, 3_333, 5_000, 10_000, self.chance.randrange(1, 10_001)])

    def days(self) -> Span:
        first, more = date(2025, 1, 1) + timedelta(self.chance.randrange(600)), self.chance.randrange(1, 600)
        return Span(first_on=first, last_on=first + timedelta(more))

    def case_and_lines(self) -> None:
        chance = self.chance
        self.lines = [self.line() for _ in range(chance.randrange(1, 5))]
        total = sum(line.amount_fen for line in self.lines)
        given = chance.choice([0, 0, 1, 2])
        kinds = [chance.choice(list(Discount)) for _ in range(given)]
        self.case = Case(
            facts=Facts(is_sme=chance.choice([None, True, False]), established_days=chance.choice([None, 364, 365])),
            discounts=tuple(DiscountGiven(kind=one, amount_fen=chance.randrange(total // given + 1)) for one in kinds),
            support=tuple(Support(kind="x", amount_fen=self.fen()) for _ in range(chance.choice([0, 0, 1, 2]))),
            contract=self.days(),
            contract_fen=chance.choice([None, total + self.fen()]),
        )

    def line(self) -> Spending:
        listed, own = self.chance.random() < 0.95, self.chance.random() < 0.1
        fields: dict[str, Any] = {"vat_bp": self.chance.choice([None, None, 0, 1_300])}
        category = self.chance.choice("AABC")
        return Spending(category=category, provider_listed=listed, amount_fen=self.fen(), self_built=own, **fields)

    def terms(self) -> Terms:
        chance = self.chance
        select, rule, by_days = chance.choice(list(Select)), chance.choice(RULES), chance.random() < 0.2
        tiers = [
            Tier(code=f"T{n}", bp=self.bp(), when=chance.choice(CONDITIONS)) for n in range(chance.choice([0, 2, 3]))
        ]
        funders = [Funder(code=f"F{n}", weight=chance.choice([1, 1, 3, 7])) for n in range(chance.choice([0, 2, 3]))]
        return Terms(
            programme="P",
            ratio_bp=self.bp(),
            eligible_categories=("A", "B"),
            excluded_categories=chance.choice([(), ("B",)]),
            self_built_counts=chance.random() < 0.5,
            net_of=chance.choice([tuple(Discount), (), (Discount.POINTS,)]),
            vat_bp=chance.choice([None, None, 600]),
            stacking=self.stacking(rule),
            apportion=Apportion.CONTRACT_DAYS if by_days else Apportion.NONE,
            base_period=self.days() if by_days else None,
            tiers=tuple(tiers),
            select=select,
            sum_cap_bp=self.bp() if select is Select.SUM_CAPPED else None,
            funders=tuple(funders),
            **self.sizes(),
        )

    def stacking(self, rule: StackRule) -> Stacking:
        scope, over = self.chance.choice(list(AggregateScope)), self.chance.choice(list(OverCeiling))
        ceilings = (Ceiling(bp=self.bp()),) if rule is StackRule.AGGREGATE_CAP else ()
        return Stacking(rule=rule, ceilings=ceilings, scope=scope, over=over)

    def sizes(self) -> dict[str, Any]:
        return {
            "round_base_first": self.chance.random() < 0.3,
            "round_unit_fen": self.chance.choice([1, 1, 7, 100]),
            "order_cap_fen": self.perhaps(),
            "contract_cap_fen": self.perhaps(),
            "entity_year_cap_fen": self.perhaps(),
            "max_award_fen": self.perhaps(),
            "min_award_fen": self.chance.choice([0, 0, 0, self.fen()]),
            "min_cash_share_bp": self.chance.choice([0, 0, 1, 3_333]),
            "partial_when_short": self.chance.random() < 0.8,
        }

    def limits(self) -> Limits:
        left = ("grant_available_fen", "entity_year_left_fen", "order_left_fen", "contract_left_fen", "pool_left_fen")
        by_basis = self.chance.choice([{}, {}, {CapBasis.GRANT: self.fen()}])
        return Limits(left_by_basis=by_basis, **{name: self.perhaps() for name in left})


@pytest.mark.parametrize("thousand", range(2))
def test_our_rules_pay_what_the_document_says(thousand):
    paid = 0
    for seed in range(1_000 * thousand, 1_000 * (thousand + 1)):
        drawn = Drawn(seed)
        terms, limits = drawn.terms(), drawn.limits()

        quote = rules.quote(terms=terms, spending=drawn.lines, limits=limits, case=drawn.case)

        told = reckoning.award(terms, drawn.lines, drawn.case, limits)
        assert (quote.amount_fen, quote.shares) == told, seed
        paid += quote.amount_fen > 0
    assert paid > 200  # it is not all refusals
