"""Claims and payments by many hands at the same moment, each race once with its guard and once without it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet

from core.models import EntityQuerySet
from tests import emptying
from tests.gathering import LONG, Gathering
from tests.market.races import race
from tests.owning import as_owner
from tests.vouchers import cases, claims, scenes
from tests.vouchers.claims import CLAIMANT, FINANCE, LATER, SECOND
from tests.vouchers.scenes import officer
from tests.vouchers.services.claims import test_buyers as buyers
from tests.vouchers.test_races import without_trigger
from vouchers import ports
from vouchers.models import Claim, ClaimLine, Payment, PaymentOffset, Reason
from vouchers.services import clawback_appeals, redemptions
from vouchers.services.claims import answers, assembly, drafts, offsets, payments, proofs, spending, steps
from vouchers.services.claims.decisions import Refusal
from vouchers.services.claims.proofs import Invoice

pytestmark = pytest.mark.django_db(transaction=True)
HANDS = 8


@contextmanager
def without_index(name: str) -> Iterator[None]:
    """Take a unique index with a condition away for a negative control, and put it back when the tables are empty."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [name])
        (definition,) = cursor.fetchone()
        cursor.execute(f"DROP INDEX {name}")
    try:
        yield
    finally:
        emptying.empty()
        with as_owner(), connection.cursor() as cursor:
            cursor.execute(definition)


@pytest.fixture
def quarter():
    before = ports.deliveries()
    courier = claims.courier()
    provider = scenes.provider()
    programme = scenes.published(providers=[provider])
    grant = scenes.grant(programme, face_fen=6_000_000)
    for eligible_fen in (1_234_567, 7_000_000):
        claims.captured(grant, eligible_fen, courier, provider)
    yield programme
    ports.register(before)


@pytest.fixture
def claims_of_one_invoice():
    """Return two claims for what one invoice proved in an earlier claim, where it is free since, and that invoice."""
    provider, owner = scenes.provider(), scenes.buyer()
    programme = buyers.published("NN-2025", provider)
    whole = {"invoice_fen": 150_000_000, **buyers.PERIOD}
    both = [buyers.spent(provider, fen, "8" * 20, **whole) for fen in (100_000_000, 50_000_000)]
    claim = buyers.handed_in(buyers.put_together(programme, owner, *both, at=buyers.WINDOW), at=buyers.WINDOW)
    claims.decided(claim, {2: Refusal(Reason.NO_PAYMENT_PROOF)}, at=buyers.WINDOW)
    mine = {"claimant": owner, "actor": officer(CLAIMANT), "at": buyers.WINDOW}
    answers.withdraw(claim=answers.resubmit(claim=claim, lines=[2], answer="the slip", **mine), **mine)
    again = [replace(both[1], invoice_no=other * 20) for other in "67"]
    made = [buyers.put_together(programme, owner, one, at=buyers.WINDOW) for one in again]
    return made, Invoice(number="8" * 20, amount_fen=150_000_000, issued_on=both[1].invoiced_on, lines=[1])


def test_an_invoice_comes_over_to_one_claim_however_many_name_it(claims_of_one_invoice):
    made, invoice = claims_of_one_invoice

    assert race(lambda n: atomically(proofs.add, made[n], invoice), threads=2) == {"ok": 1, "duplicate-invoice": 1}


def test_without_its_lock_an_invoice_comes_over_to_two_claims(claims_of_one_invoice, monkeypatch):
    made, invoice = claims_of_one_invoice
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **_terms: rows)
    monkeypatch.setattr(proofs, "_came_over", Gathering(2, patience=LONG).after(proofs._came_over))

    assert race(lambda n: atomically(proofs.add, made[n], invoice), threads=2) == {"ok": 2}


def atomically(act, *terms):
    with transaction.atomic():
        act(*terms)


@pytest.fixture
def claims_of_one_contract():
    """Return how one of several claims for a contract is put together, each asking for most of what its cap has."""
    provider, owner = scenes.provider(), scenes.buyer()
    programme = buyers.amended(buyers.published("HN-2025", provider), {"caps.contract_cap_fen": 25_000_000})
    spent = [buyers.spent(provider, 90_000_000, f"{n}" * 20) for n in (1, 2)]
    return lambda number: buyers.put_together(programme, owner, spent[number])


def test_claims_at_once_ask_for_no_more_than_the_cap_of_their_contract(claims_of_one_contract):
    assert race(claims_of_one_contract, threads=2) == {"ok": 2}
    assert sorted(Claim.objects.values_list("amount_fen", flat=True)) == [7_000_000, 18_000_000]


def test_by_what_was_seen_before_the_queue_claims_ask_for_more_than_the_cap(claims_of_one_contract, monkeypatch):
    queue, look, together = drafts.queue, spending.Contracts, Gathering(2, patience=LONG)

    def look_then_queue(programme, buyer, grant):
        seen = look(programme, buyer, grant)
        together.wait()
        queue(programme)
        return seen

    monkeypatch.setattr(drafts, "queue", lambda _programme: None)
    monkeypatch.setattr(spending, "Contracts", look_then_queue)

    assert race(claims_of_one_contract, threads=2) == {"ok": 2}
    assert list(Claim.objects.values_list("amount_fen", flat=True)) == [18_000_000] * 2


def test_a_redemption_is_assembled_once_however_many_assemble(quarter):
    outcomes = race(lambda _n: assembly.assemble(programme=quarter, period=claims.Q2, at=LATER), threads=HANDS)

    assert outcomes == {"ok": HANDS}
    assert list(Claim.objects.values_list("number", "amount_fen")) == [(1, 2_470_370)]
    assert ClaimLine.objects.count() == 2


def test_without_queue_and_constraint_a_redemption_is_claimed_many_times(quarter):
    """What stands behind the queue: the same lines written for claims of their own, as two assemblies would."""
    first = claims.assembled(quarter)
    line = ClaimLine.objects.filter(claim=first).first()

    def again(number: int) -> None:
        terms_of = assembly.terms.of(quarter)
        with assembly.transaction.atomic():
            drafts.queue(quarter)
            made = drafts.open_claim(programme=quarter, claimant=first.claimant, terms=terms_of, period=claims.Q2)
            facts = {"redemption": line.redemption, "buyer": line.buyer, "provider": line.provider}
            ClaimLine.objects.create(
                claim=made, number=1, status="included", eligible_fen=1, amount_fen=line.amount_fen, **facts
            )

    with without_index("claim_line_redemption_live_once"):
        assert race(again, threads=HANDS) == {"ok": HANDS}
        assert ClaimLine.objects.filter(redemption=line.redemption, status="included").count() == HANDS + 1


def test_a_claim_is_in_one_batch_however_many_pay(quarter):
    claim = claims.approved(quarter)
    claims.account(claim.claimant)
    steps.take_over(claim=claim, actor=officer(FINANCE), at=LATER)
    authority = claim.programme.authority

    outcomes = race(
        lambda n: payments.make_batch(authority=authority, claims=[claim], actor=officer(30 + n), at=LATER),
        threads=HANDS,
    )

    assert outcomes == {"ok": 1, "claim-in-another-batch": HANDS - 1}
    assert Payment.objects.get().amount_fen == claim.approved_fen


def test_without_its_constraint_a_claim_is_paid_many_times(quarter):
    claim = claims.approved(quarter)
    claims.account(claim.claimant)
    steps.take_over(claim=claim, actor=officer(FINANCE), at=LATER)
    authority = claim.programme.authority

    with without_index("payment_under_way_once"):
        race(
            lambda n: payments.make_batch(authority=authority, claims=[claim], actor=officer(30 + n), at=LATER),
            threads=HANDS,
        )
        assert Payment.objects.count() == HANDS


def test_a_refund_and_the_release_of_a_payment_never_both_count(quarter):
    claim = claims.approved(quarter)
    claims.account(claim.claimant)
    batch = claims.batch(claim)
    redemption = claim.lines.first().redemption

    def act(number: int) -> None:
        if number % 2:
            payments.release(batch=batch, actor=officer(SECOND), at=LATER)
        else:
            redemptions.refund(redemption=redemption, reference="credit/1", amount_fen=1, at=LATER)

    outcomes = race(act, threads=2)

    sent = Payment.objects.get().status == "sent"
    assert outcomes in ({"ok": 2}, {"ok": 1, "claim-taken-back": 1})
    assert sent == (outcomes["ok"] == 2)


def with_finance(programme, courier):
    """Return two claims of one provider that wait for a batch, and what it owes: more than one, less than both."""
    first = claims.approved(programme)
    provider, grant = first.claimant, first.lines.first().redemption.grant
    claims.captured(grant, 1_000_000, courier, provider)
    second = claims.approved(programme)
    claims.account(provider)
    for claim in (first, second):
        steps.take_over(claim=claim, actor=officer(FINANCE), at=LATER)
    return (first, second), cases.owes(provider, programme.authority, 2_600_000, at=LATER)


def test_what_is_owed_is_set_off_once_however_many_batches_are_made(quarter):
    two, _case = with_finance(quarter, ports.deliveries())

    def make(number: int) -> None:
        payments.make_batch(authority=quarter.authority, claims=[two[number]], actor=officer(30 + number), at=LATER)

    assert race(make, threads=2) == {"ok": 2}
    assert sum(PaymentOffset.objects.values_list("amount_fen", flat=True)) == 2_600_000


def test_without_its_guard_more_is_set_off_than_is_owed(quarter):
    two, _case = with_finance(quarter, ports.deliveries())
    payments.make_batch(authority=quarter.authority, claims=two, actor=officer(FINANCE), at=LATER)
    later = cases.owes(two[0].claimant, quarter.authority, 1_000, at=LATER)
    with without_trigger("vouchers_paymentoffset", "payment_offset_within_what_is_owed"):
        race(
            lambda n: PaymentOffset.objects.create(
                payment=Payment.objects.order_by("pk")[n], clawback=later, amount_fen=1_000
            ),
            threads=2,
        )
        assert sum(later.offsets.values_list("amount_fen", flat=True)) == 2_000


def released_beside_an_appeal(programme, patch):
    """Let a debtor appeal between look and release of a payment; tell whether it had gone out by then, and has now."""
    two, case = with_finance(programme, ports.deliveries())
    batch = payments.make_batch(authority=programme.authority, claims=two, actor=officer(FINANCE), at=LATER)
    looked, appealed, gone_out = Gathering(2, patience=LONG), Gathering(2), []
    patch.setattr(offsets, "require_unchanged", appealed.after(looked.after(offsets.require_unchanged)))
    debtor = cases.speaks_for(case.debtor)

    def act(number: int) -> None:
        if number:
            payments.release(batch=batch, actor=officer(SECOND), at=LATER)
        else:
            looked.wait()
            clawback_appeals.lodge(clawback=case, text="We did use it.", actor=debtor, at=LATER)
            gone_out.append(Payment.objects.exclude(status="waiting").exists())
            appealed.wait()

    outcomes = race(act, threads=2)
    return outcomes, gone_out, Payment.objects.exclude(status="waiting").count()


def test_an_appeal_waits_for_a_payment_that_is_being_released(quarter, monkeypatch):
    assert released_beside_an_appeal(quarter, monkeypatch) == ({"ok": 2}, [True], 2)


def test_without_the_lock_the_database_sets_nothing_off_that_is_appealed_against(quarter, monkeypatch):
    monkeypatch.setattr(EntityQuerySet, "locked", lambda rows: rows)
    assert released_beside_an_appeal(quarter, monkeypatch) == ({"ok": 1, "offsets-changed": 1}, [False], 0)


def test_without_either_guard_a_payment_sets_off_what_is_appealed_against(quarter, monkeypatch):
    monkeypatch.setattr(EntityQuerySet, "locked", lambda rows: rows)
    with without_trigger("vouchers_paymentbatch", "payment_offset_not_suspended"):
        assert released_beside_an_appeal(quarter, monkeypatch) == ({"ok": 2}, [False], 2)
