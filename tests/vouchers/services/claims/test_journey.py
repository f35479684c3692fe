"""A quarter's claim from captured redemptions to money on the provider's account, and what comes back afterwards."""

from dataclasses import replace
from datetime import date

import pytest
from django.db import OperationalError

from accounts.models import Interest
from accounts.services import relations
from accounts.services.duties import Partial
from tests.vouchers import cases, claims, log, scenes
from tests.vouchers.claims import APPROVER, AUDITOR, CLAIMANT, FINANCE, LATER, OPERATOR, SECOND, days_later
from tests.vouchers.scenes import officer
from vouchers import chart, sampling, selectors
from vouchers.models import (
    Capture,
    Claim,
    ClaimInvoice,
    ClaimLine,
    ClaimStatus,
    Clawback,
    ClawbackStatus,
    LineStatus,
    Reason,
)
from vouchers.services import grants, recoveries, redemptions
from vouchers.services.claims import answers, assembly, bank_results, decisions, evidence, payments, proofs, steps
from vouchers.services.claims.decisions import Refusal
from vouchers.services.claims.proofs import Invoice
from vouchers.services.people import MakerIsChecker

pytestmark = pytest.mark.django_db


def test_s23_a_claim_is_approved_in_part_paid_to_the_fen_and_its_refused_line_reversed(quarter, courier, provider):
    claim = claims.assembled(quarter)
    amounts = list(claim.lines.order_by("number").values_list("amount_fen", flat=True))
    assert (claim.amount_fen, amounts) == (5_000_000, [370_370, 2_100_000, 2_529_630])
    assert (claim.number, claim.claimant, len(claim.digest)) == (1, provider, 64)
    (refused,) = claim.lines.filter(amount_fen=370_370)

    claim = claims.decided(
        claims.sampled(claims.submitted(claim)), {refused.number: Refusal(Reason.NO_USAGE_PROOF, "no batch")}
    )

    assert (claim.status, claim.approved_fen) == (ClaimStatus.PARTLY_APPROVED, 4_629_630)
    assert claims.fen(chart.payable("provider", quarter.pk, provider.pk)) == 4_629_630

    claim = claims.paid(claim)

    assert claim.status == ClaimStatus.PAID
    assert claim.payments.get().amount_fen == 4_629_630
    assert (claims.fen(chart.paid(quarter.pk)), claims.fen(chart.claimed(quarter.pk))) == (4_629_630, -4_629_630)
    assert courier.told == [("paid", 4_629_630)]

    refused.refresh_from_db()
    assert answers.reverse_due(at=refused.resubmit_by.replace(microsecond=0) - claims.timedelta(milliseconds=1)) == 0
    assert not answers.reverse(line=refused, at=refused.resubmit_by - claims.timedelta(milliseconds=1)), (
        "a line that got more time between the sweep's look and its lock"
    )
    assert answers.reverse_due(at=refused.resubmit_by) == 1
    refused.refresh_from_db()
    assert refused.status == LineStatus.REVERSED
    assert refused.redemption.refunded_fen == 370_370
    assert courier.told == [("paid", 4_629_630), ("denied", 370_370)]
    assert assembly.assemble(programme=quarter, period=claims.Q2, at=days_later(40)) == []


def test_a_line_that_cannot_be_reversed_stops_no_other_and_is_tried_again(quarter, courier, caplog):
    claim = claims.decided(
        claims.sampled(claims.submitted(claims.assembled(quarter))),
        {1: Refusal(Reason.OTHER), 2: Refusal(Reason.OTHER)},
    )
    courier.failures = [OperationalError("deadlock detected")]

    assert answers.reverse_due(at=days_later(60)) == 1

    lines = claim.lines.order_by("pk").filter(number__in=[1, 2])
    assert [line.status for line in lines] == [LineStatus.REJECTED, LineStatus.REVERSED]
    assert [line.redemption.refunded_fen > 0 for line in lines] == [False, True]
    assert "left to the next sweep" in caplog.text
    assert answers.reverse_due(at=days_later(60)) == 1
    assert answers.reverse_due(at=days_later(60)) == 0


def test_a_correction_after_payment_is_a_reversal_and_a_new_entry_in_the_next_claim(quarter, courier, provider):
    """I13: what was settled stays; S21's refund of 500,000 of an order gives the voucher's 150,000 back."""
    first = claims.paid(claims.approved(quarter))
    assert first.approved_fen == 5_000_000
    settled = ClaimLine.objects.get(claim=first, amount_fen=2_100_000)
    redemptions.refund(redemption=settled.redemption, reference="credit/1", amount_fen=150_000, at=LATER)
    grant = settled.redemption.grant
    autumn = claims.AUTUMN
    fresh = claims.captured(grant, 1_000_000, courier, provider, at=days_later(10))

    second = claims.assembled(quarter, at=days_later(100), period=autumn)

    lines = list(second.lines.order_by("number").values_list("kind", "generation", "redemption", "amount_fen"))
    assert lines == [
        ("reversal", 0, settled.redemption_id, -2_100_000),
        ("entry", 1, settled.redemption_id, 1_950_000),
        ("entry", 0, fresh.pk, 300_000),
    ]
    assert second.amount_fen == 150_000

    second = claims.paid(claims.decided(claims.sampled(claims.submitted(second))), at=days_later(101))

    assert second.approved_fen == 150_000
    assert claims.fen(chart.paid(quarter.pk)) == 5_150_000 == 5_000_000 - 150_000 + 300_000
    settled.refresh_from_db()
    assert (settled.status, settled.accepted_fen) == (LineStatus.ACCEPTED, 2_100_000)
    assert assembly.assemble(programme=quarter, period=claims.WINTER, at=days_later(200)) == []


def test_s21_a_refund_after_expiry_lapses_to_the_programme_and_the_claim_follows(courier, provider):
    programme = scenes.published(providers=[provider])
    grant = scenes.grant(programme, face_fen=6_000_000)
    redemption = claims.captured(grant, 2_000_000, courier, provider)
    claim = claims.paid(claims.approved(programme))
    grants.expire_due(at=grant.expires_at)
    available = selectors.grant_balance(grant).available_fen

    refund = redemptions.refund(redemption=redemption, reference="credit/1", amount_fen=150_000, at=grant.expires_at)

    assert refund.lapsed
    assert selectors.grant_balance(grant).available_fen == available == 0
    assert assembly.assemble(programme=programme, period=claims.SUMMER_AFTER, at=grant.expires_at) == []
    assert claim.approved_fen == 600_000


def test_what_was_taken_back_before_payment_is_looked_at_again(quarter, provider):
    claim = claims.approved(quarter)
    claims.account(provider)
    made = claims.batch(claim)
    taken = ClaimLine.objects.filter(claim=claim).first()
    redemptions.refund(redemption=taken.redemption, reference="credit/1", amount_fen=1, at=LATER)

    with pytest.raises(payments.TakenBack):
        payments.release(batch=made, actor=officer(SECOND), at=LATER)

    payments.cancel(batch=made, actor=officer(FINANCE), at=LATER)
    decisions.reconsider(claim=claim, note="refunded", actor=officer(FINANCE), at=LATER)
    assert claims.fen(chart.payable("provider", quarter.pk, provider.pk)) == 0

    claim = claims.decided(claim)

    taken.refresh_from_db()
    assert (claim.status, claim.approved_fen) == (ClaimStatus.PARTLY_APPROVED, 5_000_000 - taken.amount_fen)
    assert (taken.status, taken.reason) == (LineStatus.FREED, Reason.AMOUNT_CHANGED)
    (next_one,) = assembly.assemble(programme=quarter, period=claims.Q2, at=LATER)
    assert next_one.amount_fen == taken.amount_fen - 1


def test_a_payment_that_bounces_is_paid_in_another_batch(quarter, provider):
    claim = claims.approved(quarter)
    claims.account(provider)
    first = claims.batch(claim)
    payments.release(batch=first, actor=officer(SECOND), at=LATER)
    content = claims.answer(first, failed=[claim.pk])

    result = bank_results.take(batch=first, content=content, actor=officer(FINANCE), at=LATER)
    assert (result.paid_count, result.failed_count, result.paid_fen) == (0, 1, 0)
    assert bank_results.take(batch=first, content=content, actor=officer(FINANCE), at=LATER) == result
    claim.refresh_from_db()
    assert (claim.status, claim.note) == (ClaimStatus.PAYMENT_FAILED, "wrong account")
    assert claims.fen(chart.payable("provider", quarter.pk, provider.pk)) == 5_000_000

    claim = claims.paid(claim)
    last = claim.payments.get(status="paid").batch
    payments.reconcile(batch=last, actor=officer(FINANCE), at=LATER)
    claim.refresh_from_db()
    assert claim.status == ClaimStatus.RECONCILED
    assert claims.fen(chart.paid(quarter.pk)) == 5_000_000
    assert list(claim.events.order_by("pk").values_list("kind", flat=True)) == [
        "claim", "submit", "check", "sample", "decide", "finance", "instruct", "fail", "finance", "instruct", "pay",
        "reconcile",
    ]  # fmt: skip


def test_lines_of_related_parties_and_delisted_providers_are_withheld_until_they_are_not(quarter, provider):
    """S08: a relation that comes to light after the capture withholds the line at the claim."""
    claim = claims.sampled(claims.submitted(claims.assembled(quarter)))
    line = claim.lines.first()
    relations.declare(
        first=line.buyer, second=provider, ground="controller", source="registry", actor=officer(1), at=LATER
    )

    claim = claims.decided(claim)

    assert claim.status == ClaimStatus.REJECTED
    assert set(claim.lines.values_list("status", "reason")) == {(LineStatus.WITHHELD, Reason.RELATED_PARTY)}
    assert set(Clawback.objects.values_list("status", flat=True)) == {ClawbackStatus.SUSPECTED}
    assert Clawback.objects.count() == claim.lines.count()
    assert assembly.claimable(quarter, claims.Q2).count() == 3


def test_a_provider_without_fault_is_paid_once_its_buyers_debt_is_repaid_and_never_twice(quarter, provider, tmp_path):
    claims.account(provider)
    captures = list(Capture.objects.order_by("amount_fen"))
    bought, sold = captures[0], captures[1]
    theirs = cases.upheld(bought.redemption.grant, [bought], at=LATER)
    cases.upheld(sold.redemption.grant, [sold], at=LATER, debtor=provider)
    withheld_fen, kept_fen = bought.amount_fen + sold.amount_fen, captures[2].amount_fen

    claim = claims.approved(quarter)
    assert (claim.approved_fen, withheld_fen + kept_fen) == (kept_fen, 5_000_000)
    assert set(claim.lines.filter(status=LineStatus.WITHHELD).values_list("reason", flat=True)) == {Reason.FROZEN}
    half = {"clawback": theirs, "actor": officer(3), "at": LATER}
    recoveries.recover(amount_fen=theirs.demand_fen - 1, reference="b/1", **half)
    assert claims.approved(quarter).status == ClaimStatus.REJECTED
    recoveries.recover(amount_fen=1, reference="b/2", **half)

    again = claims.approved(quarter)

    assert (again.approved_fen, again.lines.get(status=LineStatus.WITHHELD).redemption) == (
        bought.amount_fen,
        sold.redemption,
    )
    batch = claims.batch(again)
    assert (batch.total_fen, batch.offset_fen) == (0, bought.amount_fen), "what the provider owes itself comes first"
    assert claims.approved(quarter).status == ClaimStatus.REJECTED
    assert ClaimLine.objects.accepted().filter(redemption=bought.redemption).count() == 1
    log.published()
    assert log.verify(log.export(tmp_path), tmp_path / "log.pub").code == 0


def test_a_refused_line_is_handed_in_again_and_paid(quarter, provider):
    claim = claims.assembled(quarter)
    claim = claims.decided(claims.sampled(claims.submitted(claim)), {1: Refusal(Reason.NO_INVOICE)})
    mine = {"claim": claim, "claimant": provider, "lines": [1], "actor": officer(CLAIMANT), "at": LATER}

    with pytest.raises(answers.AnswerMissing):
        answers.resubmit(answer=" ", **mine)
    with pytest.raises(steps.NotClaimant):
        answers.resubmit(answer="here", **(mine | {"claimant": scenes.provider()}))
    with pytest.raises(answers.TooLate):
        answers.resubmit(answer="here", **(mine | {"at": days_later(16)}))
    again = answers.resubmit(answer="here it is", **mine)
    with pytest.raises(answers.NothingToResubmit):
        answers.resubmit(answer="here", **mine)

    assert (again.sequence, again.number, again.amount_fen) == (1, 2, claim.lines.get(number=1).amount_fen)
    again = claims.paid(claims.decided(claims.sampled(claims.submitted(again))))
    claims.paid(claim)
    assert claims.fen(chart.paid(quarter.pk)) == 5_000_000


def test_one_invoice_proves_several_lines_named_at_once_or_not_and_those_handed_in_again(quarter, provider):
    claim = claims.assembled(quarter)
    invoice = Invoice(number="7" * 20, amount_fen=10**9, issued_on=date(2025, 7, 1), lines=[1])
    mine = {"claimant": provider, "actor": officer(CLAIMANT), "at": LATER}
    rest = replace(invoice, lines=list(claim.lines.exclude(number=1).values_list("number", flat=True)))
    for named in (invoice, rest, replace(invoice, lines=[1, *rest.lines])):
        steps.name_invoice(claim=claim, invoice=named, **mine)
    with pytest.raises(proofs.BadInvoice):
        steps.name_invoice(claim=claim, invoice=replace(invoice, amount_fen=10**8), **mine)
    claim = claims.decided(
        claims.sampled(steps.submit(claim=claim, committed=True, **mine)), {1: Refusal(Reason.NO_USAGE_PROOF)}
    )
    again = answers.resubmit(claim=claim, lines=[1], answer="here it is", **mine)

    again = steps.submit(claim=again, invoices=[invoice], committed=True, **mine)

    assert ClaimInvoice.objects.get().lines.count() == claim.lines.count() + 1
    assert [one.number for one in proofs.of(again)] == ["7" * 20]
    proofs.add(again, invoice)
    assert ClaimInvoice.objects.get().lines.count() == claim.lines.count() + 1
    assert claims.decided(claims.sampled(again)).approved_fen == claim.lines.get(number=1).amount_fen


def test_a_claim_whose_refused_invoice_is_used_elsewhere_by_now_is_not_looked_at_again(quarter, provider):
    claim = claims.assembled(quarter)
    invoice = Invoice(number="5" * 20, amount_fen=10**9, issued_on=date(2025, 7, 1), lines=[1])
    rest = replace(invoice, number="6" * 20, lines=[2, 3])
    mine = {"claimant": provider, "actor": officer(CLAIMANT), "at": LATER}
    claim = steps.submit(claim=claim, invoices=[invoice, rest], committed=True, **mine)
    claim = claims.decided(claims.sampled(claim), {1: Refusal(Reason.NO_USAGE_PROOF)})
    used = {"number": "5" * 20, "number_key": "5" * 20, "amount_fen": 10**9, "issued_on": date(2025, 7, 1)}
    ClaimInvoice.objects.create(claim=claim, **used)

    with pytest.raises(proofs.DuplicateInvoice):
        decisions.reconsider(claim=claim, note="look", actor=officer(FINANCE), at=LATER)

    assert Claim.objects.get(pk=claim.pk).status == ClaimStatus.PARTLY_APPROVED


def test_a_disputed_line_waits_for_another_person_and_no_time_runs(quarter, provider):
    claim = claims.assembled(quarter)
    claim = claims.decided(
        claims.sampled(claims.submitted(claim)), {1: Refusal(Reason.NOT_ELIGIBLE), 2: Refusal(Reason.NOT_ELIGIBLE)}
    )
    lines = list(claim.lines.order_by("number"))
    contest = {"claim": claim, "claimant": provider, "answer": "it is", "actor": officer(CLAIMANT), "at": LATER}
    for wrong, refusal in (([1, 99], evidence.NoSuchLine), ([1, 3], answers.NothingToResubmit)):
        with pytest.raises(refusal):
            answers.dispute(lines=wrong, **contest)
    assert [line.status for line in answers.dispute(lines=[2, 1], **contest)] == [LineStatus.DISPUTED] * 2
    assert answers.reverse_due(at=days_later(60)) == 0

    with pytest.raises(MakerIsChecker):
        answers.resolve(line=lines[0], granted=True, note="", actor=officer(APPROVER), at=LATER)
    answers.resolve(line=lines[0], granted=True, note="eligible", actor=officer(AUDITOR), at=LATER)
    answers.resolve(line=lines[1], granted=False, note="it is not", actor=officer(AUDITOR), at=LATER)

    assert answers.reverse_due(at=LATER) == 1
    again = claims.assembled(quarter)
    assert [line.redemption_id for line in again.lines.all()] == [lines[0].redemption_id]
    assert ClaimLine.objects.get(pk=lines[0].pk).status == LineStatus.FREED


def test_a_claim_with_nothing_accepted_is_rejected_and_one_taken_back_frees_its_lines(quarter, provider):
    claim = claims.assembled(quarter)
    answers.withdraw(claim=claim, claimant=provider, actor=officer(CLAIMANT), at=LATER)
    assert Claim.objects.get(pk=claim.pk).status == ClaimStatus.WITHDRAWN
    again = claims.sampled(claims.submitted(claims.assembled(quarter)))
    numbers = again.lines.values_list("number", flat=True)

    again = claims.decided(again, {number: Refusal(Reason.OTHER, "no") for number in numbers})

    assert (again.status, again.approved_fen) == (ClaimStatus.REJECTED, None)
    assert claims.fen(chart.claimed(quarter.pk)) == 0
    assert assembly.assemble(programme=quarter, period=claims.Q2, at=LATER) == []


def test_two_providers_of_one_order_claim_their_shares_each(courier, provider):
    other = scenes.provider()
    programme = scenes.published(providers=[provider, other])
    redemption = claims.captured(scenes.grant(programme, face_fen=6_000_000), 1_000_000, courier, provider)
    courier.providers[redemption.pk] = {provider: 2, other: 1}

    made = assembly.assemble(programme=programme, period=claims.Q2, at=LATER)

    assert {claim.claimant: claim.amount_fen for claim in made} == {provider: 200_000, other: 100_000}
    first, second = (claims.sampled(claims.submitted(claim)) for claim in made)
    refused = claims.decided(first, {1: Refusal(Reason.NO_USAGE_PROOF)})
    assert refused.status == ClaimStatus.REJECTED
    assert claims.paid(claims.decided(second)).approved_fen == second.amount_fen
    assert assembly.assemble(programme=programme, period=claims.Q2, at=LATER) == []


def test_the_audit_of_a_sample_decides_over_its_lines(quarter):
    claim = claims.submitted(claims.assembled(quarter))
    steps.check(claim=claim, actor=officer(OPERATOR), at=LATER)
    claim = steps.sample(claim=claim, actor=officer(OPERATOR), at=LATER)
    (line,) = claim.lines.filter(sampled=True)
    drawn = sampling.draw(seed=claim.seed, digest=claim.digest, numbers=[1, 2, 3], ratio_bp=1_000)
    assert drawn == [line.number]
    with pytest.raises(decisions.NotAudited):
        claims.decided(claim)
    with pytest.raises(decisions.UnknownLine):
        claims.decided(claim, {9: Refusal(Reason.OTHER)})

    decisions.audit_line(line=line, passed=False, note="no such job", actor=officer(AUDITOR), at=LATER)
    claim = claims.decided(claim)

    line.refresh_from_db()
    assert (line.status, line.reason, line.note) == (LineStatus.REJECTED, Reason.AUDIT_FAILED, "no such job")
    assert claim.approved_fen == 5_000_000 - line.amount_fen


def test_nobody_with_an_interest_in_a_claimant_has_a_hand_in_its_claim(quarter):
    claim = claims.submitted(claims.assembled(quarter))
    Interest.objects.create(user=officer(9).user, organization=claim.claimant, note="n", declared_at=LATER)
    partial = {"actor": officer(9), "at": LATER}

    with pytest.raises(Partial):
        steps.assign(claim=claim, to=officer(9).user, actor=officer(OPERATOR), at=LATER)
    with pytest.raises(Partial):
        steps.check(claim=claim, **partial)
    steps.check(claim=claim, actor=officer(OPERATOR), at=LATER)
    with pytest.raises(Partial):
        steps.sample(claim=claim, **partial)
    claim = steps.sample(claim=claim, actor=officer(OPERATOR), at=LATER)
    with pytest.raises(Partial):
        decisions.audit_line(line=claim.lines.get(sampled=True), passed=True, note="seen", **partial)
    with pytest.raises(Partial):
        steps.send_back(claim=claim, note="the letter is missing", **partial)
    decisions.audit_line(line=claim.lines.get(sampled=True), passed=True, note="seen", actor=officer(AUDITOR), at=LATER)
    claim = claims.decided(claim)
    with pytest.raises(Partial):
        steps.take_over(claim=claim, **partial)

    assert steps.take_over(claim=claim, actor=officer(FINANCE), at=LATER).status == ClaimStatus.FINANCE_REVIEW


def test_a_returned_claim_is_handed_in_again_with_the_same_draw(quarter, provider):
    claim = claims.sampled(claims.submitted(claims.assembled(quarter)))
    with pytest.raises(steps.NoteMissing):
        steps.send_back(claim=claim, note=" ", actor=officer(OPERATOR), at=LATER)
    seed = claim.seed

    claim = steps.send_back(claim=claim, note="the letter is missing", actor=officer(OPERATOR), at=LATER)
    assert (claim.status, claim.note) == (ClaimStatus.RETURNED, "the letter is missing")
    claim = steps.submit(claim=claim, claimant=provider, committed=True, actor=officer(CLAIMANT), at=LATER)
    steps.check(claim=claim, actor=officer(OPERATOR), at=LATER)

    assert steps.sample(claim=claim, actor=officer(OPERATOR), at=LATER).seed == seed
