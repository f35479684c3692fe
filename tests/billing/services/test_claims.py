"""Where an authority's claim meets a provider's settlement: what vouchers paid is owed once and paid once."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.services.audit import Actor
from billing.models import Charge, UndoneDenial
from billing.services import extending, fundings, invoicing, settlement
from core.constraints import constraint_name
from market.models import Reservation
from market.services import matching, reservations
from market.services.splits import Split
from tests.billing import scenes
from tests.billing.scenes import AT, CARD_HOUR_MS, START
from tests.billing.services.test_extending import again
from tests.billing.services.test_invoicing import CLOSED, FULL, NOVEMBER, OCTOBER
from tests.market import scenes as markets
from tests.owning import as_owner
from tests.vouchers import cases, claims
from vouchers import ports, reconciliation
from vouchers.cycles import Period
from vouchers.models import Capture, EntityYear, KeptFile, LineStatus, Reason
from vouchers.services.claims import answers, assembly
from vouchers.services.claims.decisions import Refusal

Q4 = Period(date(2026, 10, 1), date(2027, 1, 1))
Q1 = Period(date(2027, 1, 1), date(2027, 4, 1))
JANUARY = datetime(2027, 1, 12, 4, tzinfo=UTC)


@pytest.fixture
def used(buyer, provider, offering, grant):
    """Return a reservation of ¥6.00 of which the voucher paid ¥3.00, over and charged, on no bill yet."""
    made = scenes.reserve(buyer, offering, voucher=grant)
    scenes.meter(made, FULL, CARD_HOUR_MS)
    scenes.rate(made)
    fundings.close(funding=scenes.funding(made.order), at=scenes.serve(made))
    return made


@pytest.fixture
def billed(used, buyer, provider):
    return invoicing.issue(issuer=provider, buyer=buyer, month_on=OCTOBER, at=CLOSED)


def assembled(programme):
    return assembly.assemble(programme=programme, period=Q4, at=JANUARY)


def test_what_is_on_no_bill_yet_is_not_claimed(used, programme, provider, buyer):
    assert assembled(programme) == []

    invoicing.issue(issuer=provider, buyer=buyer, month_on=OCTOBER, at=CLOSED)

    (claim,) = assembled(programme)
    assert (claim.claimant, claim.amount_fen) == (provider, 300)


def test_a_paid_claim_is_no_longer_due_to_the_provider_nor_asked_of_the_authority(billed, programme, provider):
    settlement.settle(provider=provider, month_on=OCTOBER, at=CLOSED)
    assert scenes.fen(f"payout-due/{provider.pk}") == 585
    (claim,) = assembled(programme)

    claims.paid(claims.decided(claims.sampled(claims.submitted(claim, at=JANUARY), at=JANUARY), at=JANUARY), at=JANUARY)

    assert scenes.fen(f"payout-due/{provider.pk}") == 285
    assert scenes.fen(f"authority-billed/{programme.pk}") == 0
    assert scenes.broken() == []


def test_what_an_authority_will_never_pay_is_borne_by_who_delivered(billed, programme, provider, grant):
    (claim,) = assembled(programme)
    claim = claims.sampled(claims.submitted(claim, at=JANUARY), at=JANUARY)
    claim = claims.decided(claim, {1: Refusal(Reason.NO_USAGE_PROOF)}, at=JANUARY)
    line = claim.lines.get()

    assert answers.reverse_due(at=line.resubmit_by) == 1

    line.refresh_from_db()
    assert (line.status, line.redemption.refunded_fen) == (LineStatus.REVERSED, 300)
    assert scenes.fen(f"provider-payable/{provider.pk}") == 585 - 300
    assert scenes.fen(f"authority-receivable/{programme.pk}") == 0
    assert scenes.broken() == []


@pytest.fixture
def denied(billed, used, programme, provider):
    """Return the reservation, settled for October, of which the authority has denied the voucher's ¥3.00 since."""
    settlement.settle(provider=provider, month_on=OCTOBER, at=CLOSED)
    line = refused(programme)
    assert answers.reverse_due(at=line.resubmit_by) == 1
    return used


def refused(programme):
    (claim,) = assembled(programme)
    claim = claims.sampled(claims.submitted(claim, at=JANUARY), at=JANUARY)
    return claims.decided(claim, {1: Refusal(Reason.NO_USAGE_PROOF)}, at=JANUARY).lines.get()


def figures(charge):
    return charge.amount_fen, charge.voucher_fen, charge.wallet_fen, charge.provider_fen


def standing(buyer, provider, programme, grant):
    """Return what buyer, voucher, provider and authority have by now, of the last two in settlements and beside them.

    What comes back to the voucher after its end has lapsed to the programme.
    """
    wallet = scenes.fen(f"wallet/{buyer.pk}")
    voucher = scenes.fen(f"grant/{grant.pk}") + scenes.fen(f"lapsed/{programme.pk}")
    earned = scenes.fen(f"payout-due/{provider.pk}"), scenes.fen(f"provider-payable/{provider.pk}")
    owed = scenes.fen(f"authority-billed/{programme.pk}"), scenes.fen(f"authority-receivable/{programme.pk}")
    return wallet, voucher, earned, owed


def test_a_correction_after_a_denial_undoes_its_part_of_the_denial_and_refunds_no_voucher_twice(
    denied, buyer, provider, programme, grant
):
    begun = standing(buyer, provider, programme, grant)
    assert begun == (99_700, 50_000, (585, -300), (-300, 300))
    scenes.meter(denied, CARD_HOUR_MS)

    made = scenes.rate(denied)

    # ¥6.00 have become ¥4.00: the buyer gets half of ¥2.00 back; the voucher had its half when it was denied.
    assert figures(made[-1]) == (-200, -100, -100, -195)
    redemption = scenes.funding(denied.order).redemption
    assert (redemption.captured_fen, redemption.refunded_fen) == (300, 300)
    assert standing(buyer, provider, programme, grant) == (99_800, 50_000, (585, -395), (-300, 300))
    assert EntityYear.objects.get().used_fen == 0
    before = scenes.rows()
    assert len(scenes.rate(denied)) == len(made)
    assert (scenes.rows(), scenes.broken(), reconciliation.discrepancies()) == (before, [], [])

    later = CLOSED + timedelta(days=30)
    bill = invoicing.issue(issuer=provider, buyer=buyer, month_on=NOVEMBER, at=later)
    following = settlement.settle(provider=provider, month_on=NOVEMBER, at=later)

    assert (bill.amount_fen, bill.voucher_fen, bill.wallet_fen) == (-200, -100, -100)
    assert (following.gross_fen, following.net_fen) == (-200, -195)
    assert following.authority_payables.get().amount_fen == -100
    # The provider has ¥3.90 of ¥4.00 less the ¥2.00 that are still denied; the authority owes nothing.
    assert standing(buyer, provider, programme, grant) == (99_800, 50_000, (390, -200), (-200, 200))
    assert assembly.assemble(programme=programme, period=Q1, at=JANUARY + timedelta(days=90)) == []
    assert (scenes.broken(), reconciliation.discrepancies()) == ([], [])


def test_after_a_denial_what_is_used_more_is_cash_and_what_was_never_used_is_denied_no_more(
    denied, buyer, provider, programme, grant
):
    scenes.meter(denied, FULL, FULL)
    assert figures(scenes.rate(denied)[-1]) == (200, 0, 200, 190)
    assert standing(buyer, provider, programme, grant) == (99_500, 50_000, (585, -110), (-300, 300))

    scenes.meter(denied, CARD_HOUR_MS, 0)
    made = [figures(charge) for charge in scenes.rate(denied)][-2:]

    assert [sum(parts) for parts in zip(*made, strict=True)] == [-600, -200, -400, -580]
    assert standing(buyer, provider, programme, grant) == (99_900, 50_000, (585, -490), (-300, 300))
    assert (scenes.broken(), reconciliation.discrepancies()) == ([], [])

    scenes.meter(denied, 0, 0)
    scenes.rate(denied)

    assert standing(buyer, provider, programme, grant) == (100_000, 50_000, (585, -585), (-300, 300))
    assert (scenes.broken(), reconciliation.discrepancies()) == ([], [])


def test_raw_sql_cannot_undo_more_than_was_denied_nor_by_a_charge_that_takes_nothing_off(denied, buyer, provider):
    first = Charge.objects.order_by("pk").first()
    scenes.meter(denied, CARD_HOUR_MS)
    taking = scenes.rate(denied)[-1]
    redemption = scenes.funding(denied.order).redemption
    undone = UndoneDenial.objects.get()
    assert (undone.charge, undone.redemption, undone.provider, undone.amount_fen) == (taking, redemption, provider, 100)
    scenes.meter(denied, 0)
    more = scenes.rate(denied)[-1]

    def undo(charge, party=provider, fen=1):
        row = {"charge": charge, "redemption": redemption, "provider": party, "amount_fen": fen}
        with pytest.raises(IntegrityError) as refusal, transaction.atomic():
            UndoneDenial.objects.create(**row)
        return constraint_name(refusal.value)

    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE billing_undonedenial DISABLE TRIGGER billing_undonedenial_append_only")
        cursor.execute("DELETE FROM billing_undonedenial WHERE charge_id = %s", [more.pk])
    assert [undo(first), undo(more, buyer)] == ["undone_denial_is_of_its_charge"] * 2
    # Of ¥3.00 that were denied ¥1.00 is undone.
    assert [undo(more, fen=201), undo(more, fen=0)] == ["undone_denial_within_denied", "undone_denial_of_something"]
    UndoneDenial.objects.create(charge=more, redemption=redemption, provider=provider, amount_fen=200)


def test_beside_a_clawback_a_correction_undoes_the_denial_and_leaves_the_voucher_what_is_demanded_back(
    billed, used, buyer, provider, programme, grant
):
    line = refused(programme)
    cases.upheld(grant, Capture.objects.order_by("pk")[1:], at=JANUARY)
    assert answers.reverse_due(at=line.resubmit_by) == 1
    redemption = scenes.funding(used.order).redemption
    assert (redemption.captured_fen, redemption.refunded_fen, redemption.clawed_back_fen) == (300, 200, 100)
    assert scenes.fen(f"provider-payable/{provider.pk}") == 585 - 200

    scenes.meter(used, CARD_HOUR_MS)
    assert figures(scenes.rate(used)[-1]) == (-200, -100, -100, -195)
    assert scenes.fen(f"provider-payable/{provider.pk}") == 585 - 195 - 100
    scenes.meter(used, 0, 0)
    scenes.rate(used)

    # Of ¥3.00 ¥2.00 were denied and come off the bill; ¥1.00 is demanded back, so the wallet gets its ¥1.00.
    found = [sum(parts) for parts in zip(*(figures(one) for one in scenes.rate(used)), strict=True)]
    assert found == [0, 100, -100, 0]
    assert scenes.fen(f"provider-payable/{provider.pk}") == 0
    assert scenes.fen(f"authority-receivable/{programme.pk}") == -100
    assert (scenes.broken(), reconciliation.discrepancies()) == ([], [])


def test_the_evidence_names_order_usage_bills_and_payment(billed, used, programme):
    redemption = scenes.funding(used.order).redemption

    sections = ports.deliveries().evidence_of([redemption])[redemption.pk]["sections"]

    facts = {section["kind"]: section["facts"] for section in sections}
    assert facts["contract"]["order"] == str(used.order_id)
    assert facts["usage"] == {
        "accelerator_ms": 0,
        "reports": 0,
        "sha256_of_reports": facts["usage"]["sha256_of_reports"],
        "report_sha256": [],
    }
    assert facts["invoice"] == {"bills": [{"number": billed.display_number, "amount_fen": 600}]}
    assert facts["payment"] == {"amount_fen": 600, "wallet_fen": 300, "voucher_fen": 300}


def test_the_pack_of_a_claim_is_kept_for_machines_and_for_people(billed, programme):
    (claim,) = assembled(programme)

    packs = dict(claim.packs.values_list("kind", "file"))

    assert packs.keys() == {"json", "pdf"}
    assert bytes(KeptFile.objects.get(pk=packs["pdf"]).content).startswith(b"%PDF-1.7")
    assert str(claim.lines.get().redemption_id).encode() in bytes(KeptFile.objects.get(pk=packs["json"]).content)


def test_each_voucher_of_an_extended_order_is_claimed_and_proved_for_what_it_paid(buyer, provider, offering, programme):
    voucher = scenes.grant(buyer, programme)
    reservation = scenes.reserve(buyer, offering, voucher=voucher)
    acting = Actor(organization=buyer)
    added = extending.extend(reservation=reservation, hours=2, grant=voucher, actor=acting, at=START)
    cash = extending.extend(reservation=again(reservation), hours=1, grant=None, actor=acting, at=START)
    scenes.meter(reservation, *[FULL] * 6)
    scenes.rate(reservation)
    fundings.close(funding=scenes.funding(reservation.order), at=scenes.serve(again(reservation)))
    invoicing.issue(issuer=provider, buyer=buyer, month_on=OCTOBER, at=CLOSED)
    first = scenes.funding(reservation.order).redemption

    (claim,) = assembled(programme)

    assert dict(claim.lines.values_list("redemption", "amount_fen")) == {first.pk: 600, added.redemption_id: 400}
    found = ports.deliveries().evidence_of([first, added.redemption])
    paid = {pk: {one["kind"]: one["facts"] for one in each["sections"]} for pk, each in found.items()}
    assert paid[first.pk]["payment"] == {"amount_fen": 1_200, "wallet_fen": 600, "voucher_fen": 600}
    assert paid[added.redemption_id]["payment"] == {"amount_fen": 800, "wallet_fen": 400, "voucher_fen": 400}
    assert paid[added.redemption_id]["contract"]["order"] == str(reservation.order_id)
    assert paid[added.redemption_id]["contract"]["estimate_fen"] == 800
    assert cash.redemption is None


def test_one_provider_bears_its_own_part_of_an_order_and_a_correction_of_it_leaves_the_other_whole(
    buyer, provider, offering, card
):
    other = markets.provider("Guiyang Centre")
    markets.listed(other, card, count=2, price_micro=2_000_000)
    programme = scenes.programme([provider, other])
    split = Split(parts=2, cards=2, hours=3, all_or_none=True)
    scenes.place(buyer, offering, voucher=scenes.grant(buyer, programme), count=10, start_max=START, split=split)
    matching.run(at=AT)
    reservations.advance(at=START)
    mine, theirs = Reservation.objects.select_related("order", "provider").order_by("-count")
    for one in (mine, theirs):
        scenes.meter(one, FULL, CARD_HOUR_MS)
        scenes.rate(one)
    fundings.close(funding=scenes.funding(mine.order), at=scenes.serve(mine))
    for issuer in (provider, other):
        invoicing.issue(issuer=issuer, buyer=buyer, month_on=OCTOBER, at=CLOSED)
    found = {claim.claimant: claim for claim in assembled(programme)}
    assert {who.pk: claim.amount_fen for who, claim in found.items()} == {provider.pk: 300, other.pk: 300}
    lines = claims.sampled(claims.submitted(found[provider], at=JANUARY), at=JANUARY)
    line = claims.decided(lines, {1: Refusal(Reason.NO_INVOICE)}, at=JANUARY).lines.get()
    claims.decided(claims.sampled(claims.submitted(found[other], at=JANUARY), at=JANUARY), at=JANUARY)

    scenes.meter(mine, CARD_HOUR_MS)
    scenes.rate(mine)
    assert answers.reverse_due(at=line.resubmit_by) == 1

    # Of ¥3.00 that were claimed ¥1.00 has come back by the correction: ¥2.00 are denied, none of them the other's.
    redemption = scenes.funding(mine.order).redemption
    assert (redemption.captured_fen, redemption.refunded_fen) == (600, 300)
    assert scenes.fen(f"provider-payable/{provider.pk}") == 585 - 195 - 200
    scenes.meter(mine, 0, 0)
    scenes.rate(mine)
    scenes.meter(theirs, CARD_HOUR_MS)
    scenes.rate(theirs)
    redemption.refresh_from_db()
    assert (redemption.captured_fen, redemption.refunded_fen) == (600, 400)
    assert [scenes.fen(f"provider-payable/{one.pk}") for one in (provider, other)] == [0, 390]
    assert scenes.fen(f"authority-receivable/{programme.pk}") == -200
    assert (scenes.broken(), reconciliation.discrepancies()) == ([], [])
