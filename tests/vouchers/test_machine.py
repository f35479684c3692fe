"""Play random stories with the real vouchers and the oracle: 200 stories of 50 steps, on real PostgreSQL."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from core.errors import DomainError
from core.periods import date_of
from ledger import selectors as ledger
from tests import tracing
from tests.vouchers import oracle, scenes
from tests.vouchers.oracle import Rules
from tests.vouchers.scenes import AT, officer
from vouchers import reconciliation, selectors
from vouchers.models import Grant, Redemption
from vouchers.parameters import codec
from vouchers.services import extensions, grants, idle, redemptions
from vouchers.services import programmes as programmes_of

RULES = {
    "generous": Rules(budget=5_000, ratio_bp=5_000, validity_days=30, year_cap=900, order_cap=400, extends=True),
    "strict": Rules(budget=3_000, ratio_bp=3_333, validity_days=60, unit=10, min_award=20, partial=False, idle_days=20),
}
STORIES, STEPS = 200, 50
MOST_GRANTS = 6

programmes = st.sampled_from(sorted(RULES))
owners = st.sampled_from(["first", "second"])


class VoucherMachine(RuleBasedStateMachine):
    """Every step does the same to both and compares the answers; every invariant compares where the budgets are."""

    stage: dict[str, Any]
    granted = Bundle("granted")
    held = Bundle("held")

    def __init__(self) -> None:
        super().__init__()
        self.story = transaction.atomic()
        self.story.__enter__()
        self.oracle = oracle.Oracle(rules=RULES)
        self.grants: dict[str, Grant] = {}
        self.count = 0

    def teardown(self) -> None:
        found = reconciliation.discrepancies(), ledger.reconcile()
        balances = {name: selectors.grant_balance(grant) for name, grant in self.grants.items()}
        transaction.set_rollback(True)
        self.story.__exit__(None, None, None)
        assert found == ([], [])
        for name, balance in balances.items():
            grant = self.oracle.grants[name]
            held = self.oracle.held(name)
            assert balance == (grant.face, grant.available, held, grant.redeemed, grant.expired, grant.revoked)

    @property
    def now(self) -> Any:
        return AT + timedelta(days=self.oracle.day)

    def new_name(self) -> str:
        self.count += 1
        return f"n{self.count}"

    def agree(self, act: Callable[[], Any], ask: Callable[[], Any]) -> bool:
        """Return whether the vouchers did what the oracle did; fail if they disagree."""
        try:
            expected, refusal = ask(), None
        except oracle.Refused as refused:
            expected, refusal = None, refused.args[0]
        try:
            answer, code = act(), None
        except DomainError as error:
            answer, code = None, error.code
        assert code == refusal
        assert expected is None or answer.amount_fen == expected
        return code is None

    @precondition(lambda self: len(self.oracle.grants) < MOST_GRANTS)
    @rule(target=granted, programme=programmes, owner=owners, face=st.integers(1, 1_500))
    def grant(self, programme: str, owner: str, face: int) -> Any:
        name = self.new_name()

        def act() -> Grant:
            row = {"programme": self.stage[programme], "owner": self.stage[owner], "face_fen": face}
            self.grants[name] = grants.propose(actor=self.stage["maker"], at=self.now, **row)
            self.grants[name] = grants.approve(grant=self.grants[name], actor=self.stage["checker"], at=self.now)
            return self.grants[name]

        if self.agree(act, partial(self.oracle.grant, name, programme, owner, face)):
            return name
        del self.grants[name]
        return multiple()

    @rule(
        target=held,
        grant=granted,
        amount=st.integers(1, 1_500),
        category=st.sampled_from(["GPU_TRAIN"] * 9 + ["HPC"]),
    )
    def hold(self, grant: str, amount: int, category: str) -> Any:
        reference = self.new_name()
        return reference if self.hold_both(reference, grant, category, amount) else multiple()

    @rule(reference=held, more=st.sampled_from([0, 0, 1]))
    def hold_again(self, reference: str, more: int) -> None:
        first = self.oracle.redemptions[reference]
        category, amount = first.wish
        self.hold_both(reference, first.grant, category, amount + more)

    def hold_both(self, reference: str, grant: str, category: str, amount: int) -> bool:
        wish = scenes.wish(self.grants[grant], amount, category=category, at=self.now)
        act = partial(redemptions.hold, reference=reference, **wish)
        return self.agree(act, partial(self.oracle.hold, reference, grant, category, amount))

    @rule(reference=held, fen=st.integers(1, 200), days_ago=st.sampled_from([0, 0, 1, 8]))
    def capture(self, reference: str, fen: int, days_ago: int) -> None:
        used_day = self.oracle.day - days_ago
        row = {"used_at": AT + timedelta(days=used_day), "at": self.now}
        act = partial(scenes.capture, self.redemption(reference), fen, **row)
        self.agree(act, partial(self.oracle.capture, reference, fen, used_day))

    @rule(reference=held)
    def release(self, reference: str) -> None:
        act = partial(redemptions.release, redemption=self.redemption(reference), at=self.now)
        self.agree(act, partial(self.oracle.release, reference))

    @rule(reference=held, fen=st.integers(1, 150))
    def refund(self, reference: str, fen: int) -> None:
        row = {"redemption": self.redemption(reference), "reference": self.new_name(), "amount_fen": fen}
        self.agree(partial(redemptions.refund, at=self.now, **row), partial(self.oracle.refund, reference, fen))

    @rule(grant=granted, days=st.sampled_from([0, 1, 30]))
    def extend(self, grant: str, days: int) -> None:
        last_on = date_of(AT) + timedelta(days=self.oracle.grants[grant].ends + days - 1)

        def act() -> Grant:
            terms = {"grant": self.grants[grant], "last_on": last_on, "reason": "flood"}
            proposed = extensions.propose(actor=self.stage["maker"], at=self.now, **terms)
            return extensions.approve(extension=proposed, actor=self.stage["checker"], at=self.now)

        self.agree(act, partial(self.oracle.extend, grant, days))

    @rule(grant=granted)
    def revoke(self, grant: str) -> None:
        act = partial(grants.revoke, grant=self.grants[grant], actor=self.stage["maker"], at=self.now)
        self.agree(act, partial(self.oracle.revoke, grant))

    @rule(days=st.sampled_from([0, 1, 6, 7, 25, 40]), sweep=st.booleans())
    def wait(self, days: int, sweep: bool) -> None:
        self.oracle.day += days
        if sweep:
            self.agree(partial(grants.expire_due, at=self.now), self.oracle.expire_due)
            self.agree(partial(idle.take_back_due, at=self.now), self.oracle.take_back_due)

    def redemption(self, reference: str) -> Redemption:
        return Redemption.objects.get(reference=reference)

    @invariant()
    def every_fen_of_the_budgets_is_where_the_oracle_says(self) -> None:
        positions = {row.programme_id: row for row in selectors.programme_positions()}
        for name in RULES:
            position = positions[self.stage[name].pk]
            assert position[2:8] == self.oracle.position(name)
            assert position.adds_up


def publish(rules: Rules) -> Any:
    drafted = scenes.draft(
        open_registry=True,
        budget_fen=rules.budget,
        ratio_bp=rules.ratio_bp,
        validity_days=rules.validity_days,
        entity_year_cap_fen=rules.year_cap,
        order_cap_fen=rules.order_cap,
        min_award_fen=rules.min_award,
        round_unit_fen=rules.unit,
        partial_when_short=rules.partial,
        eligible_categories=["GPU_TRAIN"],
        closes_on=date(2040, 1, 1),
    )
    ends = {"validity.extension_allowed": rules.extends, "validity.inactivity_expunge_days": rules.idle_days}
    parameters = codec.changed(drafted.parameters, ends | {"identity.code": f"{drafted.code}-M"})
    meant = programmes_of.draft_of(authority=drafted.authority, parameters=parameters, actor=officer(1), at=AT)
    return programmes_of.publish(programme=meant, actor=officer(2), at=AT)


def test_vouchers_agree_with_the_oracle_in_every_story(db):
    VoucherMachine.stage = {name: publish(rules) for name, rules in RULES.items()}
    VoucherMachine.stage |= {name: scenes.buyer() for name in ("first", "second")}
    VoucherMachine.stage |= {"maker": officer(1), "checker": officer(2)}

    play(tracing.STORIES)
    with tracing.paused():
        play(STORIES - tracing.STORIES)


def play(stories: int) -> None:
    run_state_machine_as_test(
        VoucherMachine,
        settings=settings(
            max_examples=stories,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
