"""What a payee owes after a clawback is set off against what it is paid: exactly, once, and never below nothing."""

import io

import openpyxl
import pytest
from django.db import IntegrityError, transaction

from tests.owning import as_owner
from tests.vouchers import cases, claims, log, scenes
from tests.vouchers.claims import CLAIMANT, FINANCE, LATER, SECOND, fen
from tests.vouchers.scenes import AT, officer
from vouchers import chart, dashboards, kpis
from vouchers.models import BatchStatus, ClaimLine, ClaimStatus, ClawbackRecovery, PaymentOffset, PaymentStatus
from vouchers.parameters.integrity import Clawback
from vouchers.services import clawback_appeals, freezing, recoveries, registry
from vouchers.services.claims import bank_results, decisions, offsets, payments, reimbursement

pytestmark = pytest.mark.django_db


def release(batch):
    return payments.release(batch=batch, actor=officer(SECOND), at=LATER)


def answer(batch, **facts):
    content = claims.answer(batch, **facts)
    return bank_results.take(batch=batch, content=content, actor=officer(FINANCE), at=LATER)


def owed(case):
    case.refresh_from_db()
    return case.status, case.recovered_fen, case.offset_fen, case.outstanding_fen


def places(programme, provider):
    """Return what is payable, with the bank, paid and set off of a programme."""
    payable = chart.payable("provider", programme.pk, provider.pk)
    codes = payable, chart.in_transit(programme.pk), chart.paid(programme.pk), chart.set_off(programme.pk)
    return tuple(fen(code) for code in codes)


def test_the_next_payment_is_less_by_what_its_payee_owes_in_file_ledger_pack_and_log(
    quarter, provider, courier, tmp_path
):
    claim = claims.approved(quarter)
    claims.account(provider)
    case = cases.owes(provider, quarter.authority, 1_234_567, at=LATER)
    batch = claims.batch(claim)
    payment = batch.payments.get()

    with pytest.raises(recoveries.Withheld) as refusal:
        recoveries.recover(clawback=case, amount_fen=1, reference="bank/1", actor=officer(3), at=LATER)
    sent = release(batch).file.content
    before = places(quarter, provider)
    answer(batch)

    assert (batch.total_fen, batch.offset_fen) == (payment.amount_fen, payment.offset_fen) == (3_765_433, 1_234_567)
    assert refusal.value.extra == {"reserved_fen": 1_234_567}
    assert kpis.course(programmes=[quarter.pk], at=LATER).months[-1].paid_fen == 3_765_433
    board = dashboards.of(programmes=[quarter], at=LATER)[quarter.pk]
    assert [board.parts[part] for part in ("paid", "set-off", "claimed", "redeemed")] == [3_765_433, 1_234_567, 0, 0]
    *_head, row, total, less = bytes(sent).decode("utf-8-sig").splitlines()
    assert (row.split(",")[0], '"37,654.33"' in row) == (payment.reference, True)
    assert total == 'TOTAL,,,,"37,654.33",1'
    assert less.startswith(f"SET-OFF,{provider.name},,,")
    assert ("-12,345.67" in less, str(case.pk) in less) == (True, True)
    assert owed(case) == ("recovered", 0, 1_234_567, 0)
    assert before == (1_234_567, 3_765_433, 0, 0)
    assert places(quarter, provider) == (0, 0, 3_765_433, 1_234_567)
    assert courier.told == [("paid", 5_000_000)]
    rows = list(openpyxl.load_workbook(io.BytesIO(reimbursement.workbook(batch=batch))).active.values)
    assert (len(rows), rows[-1][10], rows[-2][4]) == (1 + 3 + 1 + 1, "37,654.33", provider.credit_code)
    assert reimbursement.summary(batch=batch).startswith(b"%PDF-1.7")
    log.published()
    assert log.verify(log.export(tmp_path), tmp_path / "log.pub").code == 0


def test_what_is_more_than_a_payment_waits_for_the_next_one_and_the_oldest_demand_comes_first(
    quarter, provider, courier, tmp_path
):
    first = claims.approved(quarter)
    claims.captured(first.lines.first().redemption.grant, 1_000_000, courier, provider)
    second = claims.approved(quarter)
    claims.account(provider)
    older = cases.owes(provider, quarter.authority, 4_000_001, at=LATER)
    newer = cases.owes(provider, quarter.authority, 1_250_000, at=claims.days_later(1))

    whole = release(claims.batch(first))

    payment = whole.payments.get()
    assert (payment.status, payment.amount_fen, payment.offset_fen) == (PaymentStatus.PAID, 0, 5_000_000)
    assert (whole.status, whole.total_fen) == (BatchStatus.ANSWERED, 0)
    assert bytes(whole.file.content).decode("utf-8-sig").splitlines()[1] == "TOTAL,,,,0.00,0"
    assert (owed(older), owed(newer)) == (("recovered", 0, 4_000_001, 0), ("demanded", 0, 999_999, 250_001))
    first.refresh_from_db()
    assert first.status == ClaimStatus.PAID
    payments.reconcile(batch=whole, actor=officer(FINANCE), at=LATER)

    recoveries.recover(clawback=newer, amount_fen=50_000, reference="bank/1", actor=officer(3), at=LATER)
    part = claims.batch(second)
    release(part)
    answer(part)
    assert (part.total_fen, part.offset_fen, owed(newer)) == (99_999, 200_001, ("recovered", 50_000, 1_200_000, 0))
    assert places(quarter, provider) == (0, 0, 99_999, 5_200_001)
    log.published()
    assert log.verify(log.export(tmp_path), tmp_path / "log.pub").code == 0


def test_what_was_not_paid_was_not_set_off(quarter, provider):
    claim = claims.approved(quarter)
    claims.account(provider)
    case = cases.owes(provider, quarter.authority, 1_000, at=LATER)
    failed = release(claims.batch(claim))
    answer(failed, failed=[claim.pk])
    assert (owed(case), places(quarter, provider)) == (("demanded", 0, 0, 1_000), (5_000_000, 0, 0, 0))

    cancelled = claims.batch(claim)
    payments.cancel(batch=cancelled, actor=officer(FINANCE), at=LATER)
    recoveries.recover(clawback=case, amount_fen=400, reference="bank/1", actor=officer(3), at=LATER)
    paid = payments.make_batch(authority=quarter.authority, claims=[claim], actor=officer(FINANCE), at=LATER)
    release(paid)
    answer(paid)

    assert (paid.total_fen, owed(case)) == (4_999_400, ("recovered", 400, 600, 0))
    assert ClawbackRecovery.objects.get(kind="offset").reference == paid.payments.get().reference
    assert PaymentOffset.objects.count() == 3


def test_a_demand_that_came_later_must_be_set_off_before_the_release(quarter, provider):
    claim = claims.approved(quarter)
    claims.account(provider)
    batch = claims.batch(claim)
    case = cases.owes(provider, quarter.authority, 1_000, at=LATER)

    with pytest.raises(offsets.OffsetsChanged):
        release(batch)

    assert batch.payments.get().status == PaymentStatus.WAITING
    days = [(claims.days_later(20).date(), 600), (claims.days_later(40).date(), 400)]
    recoveries.plan(clawback=case, parts=days, actor=officer(2), at=LATER)
    assert recoveries.to_set_off_fen(case, at=claims.days_later(21)) == 600
    assert release(batch).total_fen == 5_000_000, "instalments are set off once they are overdue"


def test_a_programme_that_does_not_set_off_pays_what_was_approved():
    plain = cases.minding(clawback=Clawback(offset_allowed=False))
    granted = scenes.grant(plain)
    case = cases.upheld(granted, cases.paid(granted, 1_000), at=LATER)

    assert recoveries.to_set_off_fen(case, at=LATER) == 0


def test_the_database_keeps_offsets_to_what_is_owed_and_to_payments_that_were_made(quarter, provider):
    claims.account(provider)
    case = cases.owes(provider, quarter.authority, 1_000, at=LATER)
    payment = claims.batch(claims.approved(quarter)).payments.get()
    other = cases.owes(scenes.provider(), quarter.authority, 1_000, at=LATER)
    fields = {"reference": "x", "amount_fen": 1_000, "recovered_at": AT}
    part = payment.offsets.get()

    for act, rule in [
        (lambda: PaymentOffset.objects.create(payment=payment, clawback=other, amount_fen=1), "no more is set off"),
        (lambda: PaymentOffset.objects.update(amount_fen=1), "never changed"),
        (lambda: ClawbackRecovery.objects.create(clawback=case, kind="offset", **fields), "has withheld"),
        (
            lambda: ClawbackRecovery.objects.create(clawback=case, kind="offset", payment_offset=part, **fields),
            "has withheld",
        ),
        (lambda: ClawbackRecovery.objects.create(clawback=case, kind="repayment", **fields), "withholds this already"),
        (lambda: payment.batch.payments.update(offset_fen=0, amount_fen=5_000_000), "stays what it was"),
        (lambda: payment_by_hand(payment), "is less owed"),
    ]:
        with as_owner(), pytest.raises(IntegrityError, match=rule), transaction.atomic():
            act()


def payment_by_hand(payment):
    """Call a payment paid without counting what it has set off."""
    payment.batch.payments.update(status="sent")
    payment.batch.payments.update(status="paid", bank_serial="B1")
    with transaction.get_connection().cursor() as cursor:
        cursor.execute("SET CONSTRAINTS payment_offset_counted IMMEDIATE")


def test_what_is_withheld_by_now_is_in_no_batch_and_released_by_nobody(quarter, provider):
    claims.account(provider)
    listing = registry.apply(
        programme=quarter,
        provider=provider,
        valid_from=AT.date(),
        valid_until=claims.days_later(100).date(),
        actor=officer(CLAIMANT),
        at=AT,
    )
    registry.review(listing=listing, actor=officer(1), at=AT)
    registry.list_(listing=listing, actor=officer(1), at=AT)
    batch = claims.batch(claims.approved(quarter))
    registry.suspend(listing=listing, reason="under investigation", actor=officer(1), at=LATER)

    with pytest.raises(payments.PayoutWithheld) as suspended:
        release(batch)
    payments.cancel(batch=batch, actor=officer(FINANCE), at=LATER)
    claim = batch.payments.get().claim
    wanted = {"authority": quarter.authority, "claims": [claim], "actor": officer(FINANCE), "at": LATER}
    with pytest.raises(payments.PayoutWithheld):
        payments.make_batch(**wanted)
    assert registry.expire_due(at=claims.days_later(200)) == 0, "a suspension does not end by itself"

    registry.resume(listing=listing, actor=officer(1), at=LATER)
    assert registry.expire_due(at=claims.days_later(200)) == 1
    grant = claim.lines.first().redemption.grant
    freezing.freeze(grant=grant, reason="a tip", actor=officer(1), at=LATER)
    with pytest.raises(payments.PayoutWithheld) as frozen:
        payments.make_batch(**wanted)
    reasons = [refusal.value.extra["reason"] for refusal in (suspended, frozen)]
    assert reasons == ["PROVIDER_SUSPENDED", "FROZEN"]
    decisions.reconsider(claim=claim, note="frozen", actor=officer(FINANCE), at=LATER)
    assert set(ClaimLine.objects.filter(claim=claim).values_list("status", flat=True)) == {"included"}


def appealed(case):
    return clawback_appeals.lodge(clawback=case, text="We did.", actor=cases.speaks_for(case.debtor), at=LATER)


def decide(verb, appeal, **said):
    return getattr(clawback_appeals, verb)(appeal=appeal, reason="It is so.", actor=officer(25), at=LATER, **said)


def is_verified(tmp_path):
    log.published()
    return log.verify(log.export(tmp_path), tmp_path / "log.pub").code == 0


def test_payments_set_nothing_off_while_an_appeal_waits_and_what_they_have_set_off_is_given_back(
    quarter, provider, tmp_path
):
    claim = claims.approved(quarter)
    claims.account(provider)
    case = cases.owes(provider, quarter.authority, 1_000, at=LATER)
    batch = claims.batch(claim)
    appeal = appealed(case)

    with pytest.raises(recoveries.Withheld):
        decide("quash", appeal)
    with pytest.raises(offsets.OffsetsChanged):
        payments.release(batch=batch, actor=officer(SECOND), at=LATER)
    payments.cancel(batch=batch, actor=officer(claims.FINANCE), at=LATER)
    anew = payments.make_batch(authority=quarter.authority, claims=[claim], actor=officer(claims.FINANCE), at=LATER)
    payment = anew.payments.get()
    assert (anew.offset_fen, payment.amount_fen) == (0, 5_000_000)
    with pytest.raises(IntegrityError, match="no more is set off"), transaction.atomic():
        PaymentOffset.objects.create(payment=payment, clawback=case, amount_fen=1)
    payments.cancel(batch=anew, actor=officer(claims.FINANCE), at=LATER)
    decide("uphold", appeal)

    sent = payments.make_batch(authority=quarter.authority, claims=[claim], actor=officer(claims.FINANCE), at=LATER)
    payments.release(batch=sent, actor=officer(SECOND), at=LATER)
    bank_results.take(batch=sent, content=claims.answer(sent), actor=officer(claims.FINANCE), at=LATER)
    assert owed(case) == ("recovered", 0, 1_000, 0)
    assert is_verified(tmp_path)


def test_what_a_payment_with_the_bank_has_set_off_is_given_back_once_it_arrived(quarter, provider, tmp_path):
    claim = claims.approved(quarter)
    claims.account(provider)
    case = cases.owes(provider, quarter.authority, 1_000, at=LATER)
    batch = claims.batch(claim)
    payments.release(batch=batch, actor=officer(SECOND), at=LATER)
    appeal = appealed(case)
    with pytest.raises(recoveries.Withheld):
        decide("reduce", appeal, principal_fen=400)
    bank_results.take(batch=batch, content=claims.answer(batch), actor=officer(claims.FINANCE), at=LATER)
    assert owed(case) == ("recovered", 0, 1_000, 0)

    decide("reduce", appeal, principal_fen=400)

    assert (owed(case), case.remitted_fen, case.restored_fen) == (("recovered", 0, 1_000, 0), 600, 600)
    assert (fen(chart.clawback(case.pk)), fen(chart.restitution(case.pk))) == (0, 600)
    assert is_verified(tmp_path)
