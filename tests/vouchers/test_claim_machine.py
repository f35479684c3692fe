"""Play random stories of captures, refunds, claims, payments, debts: lines = claim = payment, whatever comes first."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Sum
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from core.errors import DomainError
from ledger import selectors as ledger
from tests.vouchers import cases, claims, scenes
from tests.vouchers.claims import CLAIMANT, FINANCE, LATER, SECOND
from tests.vouchers.scenes import officer
from vouchers import chart, ports, reconciliation
from vouchers.models import Claim, ClaimLine, Clawback, PaymentBatch, PaymentOffset, Reason, Redemption
from vouchers.models.claim import DECIDED, SETTLED
from vouchers.services import recoveries, redemptions
from vouchers.services.claims import answers, assembly, bank_results, decisions, payments, steps
from vouchers.services.claims.decisions import Refusal
from vouchers.services.claims.proofs import Invoice

STORIES, STEPS = 6, 30
numbers = st.integers(min_value=0, max_value=5)


class ClaimMachine(RuleBasedStateMachine):
    """Everyone does what their turn allows, in any order; refusals change nothing."""

    stage: dict[str, Any]

    def __init__(self) -> None:
        super().__init__()
        self.story = transaction.atomic()
        self.story.__enter__()
        self.courier = claims.courier()
        self.days = 0

    def teardown(self) -> None:
        found = reconciliation.discrepancies(), ledger.reconcile()
        transaction.set_rollback(True)
        self.story.__exit__(None, None, None)
        assert found == ([], [])

    @property
    def now(self) -> Any:
        return LATER + timedelta(days=self.days)

    def attempt(self, act: Any, **facts: Any) -> None:
        try:
            act(at=self.now, **facts)
        except DomainError:
            return

    def pick(self, number: int, *statuses: str) -> Claim | None:
        rows = list(Claim.objects.filter(status__in=statuses).with_names().order_by("number"))
        return rows[number % len(rows)] if rows else None

    @rule(eligible_fen=st.integers(min_value=100, max_value=90_000))
    def capture(self, eligible_fen: int) -> None:
        claims.captured(self.stage["grant"], eligible_fen, self.courier, self.stage["provider"], at=self.now)

    @rule(number=numbers, amount_fen=st.integers(min_value=1, max_value=9_000))
    def refund(self, number: int, amount_fen: int) -> None:
        rows = list(Redemption.objects.order_by("pk"))
        if rows:
            reference = f"credit/{next(scenes.numbers)}"
            redemption = rows[number % len(rows)]
            self.attempt(redemptions.refund, redemption=redemption, reference=reference, amount_fen=amount_fen)

    @rule(days=st.integers(min_value=1, max_value=20))
    def wait(self, days: int) -> None:
        self.days += days

    @rule()
    def assemble(self) -> None:
        self.attempt(assembly.assemble, programme=self.stage["programme"], period=claims.EVER)

    @rule(number=numbers)
    def submit(self, number: int) -> None:
        claim = self.pick(number, "assembled", "returned")
        if claim:
            lines = list(claim.lines.filter(amount_fen__gt=0, status="included").values_list("number", flat=True))
            invoice = Invoice(
                number=f"{next(scenes.numbers):020d}", amount_fen=1, issued_on=claims.Q2.starts_on, lines=lines
            )
            facts = {"claimant": claim.claimant, "invoices": [invoice] if lines else [], "committed": True}
            self.attempt(steps.submit, claim=claim, actor=officer(CLAIMANT), **facts)

    @rule(number=numbers)
    def withdraw(self, number: int) -> None:
        claim = self.pick(number, "assembled", "returned")
        if claim:
            self.attempt(answers.withdraw, claim=claim, claimant=claim.claimant, actor=officer(CLAIMANT))

    @rule(number=numbers, fails=st.sets(numbers, max_size=2))
    def audit(self, number: int, fails: set[int]) -> None:
        claim = self.pick(number, "submitted")
        if claim:
            claims.sampled(claim, at=self.now, fails=sorted(fails))

    @rule(number=numbers, refused=st.sets(numbers, max_size=3))
    def decide(self, number: int, refused: set[int]) -> None:
        claim = self.pick(number, "audit_sample")
        if claim:
            there = set(claim.lines.filter(status="included", kind="entry").values_list("number", flat=True))
            refusals = {line: Refusal(Reason.OTHER, "no") for line in refused & there}
            self.attempt(decisions.decide, claim=claim, refusals=refusals, actor=officer(claims.APPROVER))

    @rule(number=numbers)
    def reconsider(self, number: int) -> None:
        claim = self.pick(number, "approved", "partly_approved", "finance_review")
        if claim:
            self.attempt(decisions.reconsider, claim=claim, note="again", actor=officer(FINANCE))

    @rule(number=numbers)
    def batch(self, number: int) -> None:
        for claim in Claim.objects.filter(status__in=("approved", "partly_approved", "payment_failed")):
            self.attempt(steps.take_over, claim=claim, actor=officer(FINANCE))
        claim = self.pick(number, "finance_review")
        if claim:
            authority = claim.programme.authority
            self.attempt(payments.make_batch, authority=authority, claims=[claim], actor=officer(FINANCE))

    @rule(released=st.booleans())
    def release(self, released: bool) -> None:
        batch = PaymentBatch.objects.filter(status="draft").first()
        if batch:
            act = payments.release if released else payments.cancel
            self.attempt(act, batch=batch, actor=officer(SECOND))

    @rule(fails=st.booleans())
    def bank(self, fails: bool) -> None:
        batch = PaymentBatch.objects.filter(status="released").first()
        if batch:
            failed = [one.claim_id for one in batch.payments.all()] if fails else []
            content = claims.answer(batch, failed=failed)
            self.attempt(bank_results.take, batch=batch, content=content, actor=officer(FINANCE))

    @rule(amount_fen=st.integers(min_value=1, max_value=30_000))
    def owe(self, amount_fen: int) -> None:
        granted = scenes.grant(self.stage["other"], face_fen=amount_fen)
        cases.upheld(granted, cases.paid(granted, amount_fen), at=self.now, debtor=self.stage["provider"])

    @rule(amount_fen=st.integers(min_value=1, max_value=20_000))
    def repay(self, amount_fen: int) -> None:
        clawback = Clawback.objects.owed().first()
        if clawback:
            facts = {"amount_fen": amount_fen, "reference": f"bank/{next(scenes.numbers)}", "actor": officer(3)}
            self.attempt(recoveries.recover, clawback=clawback, **facts)

    @rule()
    def resubmit(self) -> None:
        line = ClaimLine.objects.filter(status="rejected").select_related("claim__claimant").first()
        if line:
            facts = {"claimant": line.claim.claimant, "lines": [line.number], "answer": "here"}
            self.attempt(answers.resubmit, claim=line.claim, actor=officer(CLAIMANT), **facts)

    @rule()
    def reverse(self) -> None:
        answers.reverse_due(at=self.now)

    @invariant()
    def lines_are_claims_are_payments(self) -> None:
        for claim in Claim.objects.filter(status__in=DECIDED).annotate(given=Sum("lines__accepted_fen")):
            assert claim.given == claim.approved_fen
            assert {one.whole_fen for one in claim.payments.exclude(status__in=("failed", "cancelled"))} <= {
                claim.approved_fen
            }

    @invariant()
    def the_circle_of_claims_is_closed(self) -> None:
        programme, provider = self.stage["programme"], self.stage["provider"]
        approved = Claim.objects.filter(status__in=DECIDED).aggregate(fen=Sum("approved_fen"))["fen"] or 0
        paid = Claim.objects.filter(status__in=SETTLED).aggregate(fen=Sum("approved_fen"))["fen"] or 0
        payable = chart.payable("provider", programme.pk, provider.pk)
        places = (payable, chart.in_transit(programme.pk), chart.paid(programme.pk), chart.set_off(programme.pk))
        sums = [claims.fen(code) for code in places]
        assert sum(sums) == approved == -claims.fen(chart.claimed(programme.pk))
        assert sums[2] + sums[3] == paid
        assert min(sums) >= 0

    @invariant()
    def what_was_decided_is_set_off_or_repaid_or_outstanding(self) -> None:
        cases_fen = [(one.demand_fen, one.recovered_fen, one.offset_fen, one.outstanding_fen) for one in _decided()]
        assert all(decided == repaid + offset + left for decided, repaid, offset, left in cases_fen)
        assert all(min(parts) >= 0 for parts in cases_fen)
        assert sum(parts[2] for parts in cases_fen) == claims.fen(chart.set_off(self.stage["programme"].pk))
        reserved = PaymentOffset.objects.reserved().aggregate(fen=Sum("amount_fen"))["fen"] or 0
        assert reserved <= sum(parts[3] for parts in cases_fen)


def _decided() -> list[Clawback]:
    return list(Clawback.objects.filter(demanded_at__isnull=False))


def test_lines_claim_and_payment_agree_in_every_story(db):
    provider = scenes.provider()
    other = cases.minding(blacklist_years=0)
    programme = scenes.published(authority=other.authority, providers=[provider], validity_days=3_000)
    grant = scenes.grant(programme, face_fen=1_000_000_000)
    claims.account(provider)
    ClaimMachine.stage = {"programme": programme, "provider": provider, "grant": grant, "other": other}
    before = ports.deliveries()
    try:
        run_state_machine_as_test(
            ClaimMachine,
            settings=settings(
                max_examples=STORIES,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        ports.register(before)
