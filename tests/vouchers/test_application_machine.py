"""Applications under anything that people and time may do: what is proposed is reserved, and nothing stays reserved."""

from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from core.errors import DomainError
from tests.vouchers import filing, scenes
from tests.vouchers.filing import AT, SIMPLE, applicant, officer
from vouchers import reconciliation, selectors
from vouchers.models import Application, Objection, Round
from vouchers.models.application import AWARDED, RESERVING
from vouchers.services.applications import (
    deciding,
    drafting,
    publicity,
    reviewing,
    rounds,
    submitting,
    sweeping,
)

ASKED = st.sampled_from([1_000_000, 2_500_000, 4_000_000])
WHICH = st.integers(0, 7)
VERBS = ["publish", "object", "dismiss", "uphold", "approve", "turn down", "appeal"]


class Applications(RuleBasedStateMachine):
    """Two rounds of one budget, one first come and one by batch; every act may be refused, and then changes nothing."""

    def __init__(self):
        super().__init__()
        self.point = transaction.atomic()
        self.point.__enter__()

    @initialize()
    def open(self):
        programme = scenes.published(budget_fen=10_000_000)
        self.programme = programme
        later = {"opens_at": filing.CLOSES, "closes_at": filing.CLOSES + timedelta(days=9)}
        short = {"publicity_days": 1, "supplement_days": 1}
        self.first = filing.opened(programme, **SIMPLE | {"reviewers": 1} | short)
        self.batch = filing.opened(programme, **SIMPLE | later | short | {"method": "batch", "partly": True})
        self.at = AT
        self.firms = [scenes.buyer() for _ in range(3)]
        self.people = [filing.person(firm) for firm in self.firms]

    def pick(self, which):
        rows = list(Application.objects.order_by("pk"))
        return rows[which % len(rows)] if rows else None

    def attempt(self, act, **terms):
        before = selectors.reserved_fen(self.programme)
        try:
            with transaction.atomic():
                act(at=self.at, **terms)
        except DomainError:
            assert selectors.reserved_fen(self.programme) == before

    @rule(firm=st.integers(0, 2), asked=ASKED)
    def apply(self, firm, asked):
        open_now = Round.objects.taking(self.at).first()
        if open_now is None:
            return
        made = drafting.draft(
            procedure=open_now, applicant=self.firms[firm], actor=self.people[firm], at=self.at, asked_fen=asked
        )
        self.attempt(submitting.submit, application=made, actor=self.people[firm])

    @rule(which=WHICH, verb=st.sampled_from(["pass", "reject", "supplement"]), amount=st.sampled_from([None, 500_000]))
    def review(self, which, verb, amount):
        found = self.pick(which)
        if found is None:
            return
        terms = {"application": found, "stage": found.status, "actor": officer(3 + found.cycle)}
        if verb == "pass":
            self.attempt(reviewing.approve, no_interest=True, amount_fen=amount, **terms)
        elif verb == "reject":
            self.attempt(reviewing.reject, no_interest=True, reason_code="other", reason="no", **terms)
        else:
            self.attempt(reviewing.ask_for_supplement, reason="more", **terms)

    @rule(which=WHICH, verb=st.sampled_from(["withdraw", "supplement", "appeal"]))
    def by_the_applicant(self, which, verb):
        found = self.pick(which)
        if found is None:
            return
        act = {"withdraw": drafting.withdraw, "supplement": submitting.supplement, "appeal": deciding.appeal}[verb]
        more = {"text": "why"} if verb == "appeal" else {}
        self.attempt(act, application=found, actor=applicant(found), **more)

    @rule(
        which=WHICH, verb=st.sampled_from(["publish", "object", "dismiss", "uphold", "approve", "turn down", "appeal"])
    )
    def by_the_authority(self, which, verb):
        found = self.pick(which)
        if found is None:
            return
        objection = Objection.objects.filter(application=found, decided_at=None).first()
        made = found.appeals.filter(decided_at=None).first()
        chief = {"actor": officer(2)}
        acts = {
            "publish": (publicity.publish, {"applications": [found], "actor": officer(1)}),
            "object": (publicity.raise_objection, {"application": found, "name": "a", "contact": "b", "text": "c"}),
            "dismiss": objection and (publicity.dismiss, {"objection": objection, "answer": "no"} | chief),
            "uphold": objection and (publicity.uphold, {"objection": objection, "answer": "yes"} | chief),
            "approve": (deciding.approve, {"application": found} | chief),
            "turn down": (deciding.turn_down, {"applications": [found], "reason_code": "other", "reason": "r"} | chief),
            "appeal": made and (deciding.decide_appeal, {"made": made, "upheld": True, "answer": "yes"} | chief),
        }
        if acts[verb]:
            act, terms = acts[verb]
            self.attempt(act, **terms)

    @rule(days=st.integers(1, 6))
    def time_passes(self, days):
        self.at += timedelta(days=days)
        sweeping.close_windows(at=self.at)
        sweeping.lapse_supplements(at=self.at)
        sweeping.offer_freed_budget(at=self.at)

    @rule()
    def allocate(self):
        self.attempt(rounds.allocate, procedure=self.batch, actor=officer(1))

    @invariant()
    def what_is_proposed_is_reserved_and_nothing_else(self):
        if not hasattr(self, "programme"):
            return
        rows = list(Application.objects.values_list("status", "reserved_fen", "round"))
        reserving = sum(fen for status, fen, _round in rows if status in RESERVING)
        assert selectors.reserved_fen(self.programme) == reserving
        for one in Round.objects.all():
            awarded = sum(fen for status, fen, of in rows if status in AWARDED and of == one.pk)
            assert one.committed_fen == awarded
        assert all(fen == 0 for status, fen, _round in rows if status not in AWARDED)
        (position,) = selectors.programme_positions(programmes=[self.programme])
        assert position.adds_up
        assert reserving <= position.unallocated_fen
        assert reconciliation.discrepancies() == []

    def teardown(self):
        transaction.set_rollback(True)
        self.point.__exit__(None, None, None)


@pytest.mark.django_db
def test_whatever_happens_to_applications_budget_is_reserved_while_they_are_proposed():
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        Applications,
        settings=settings(max_examples=8, stateful_step_count=20, deadline=None, suppress_health_check=checks),
    )
