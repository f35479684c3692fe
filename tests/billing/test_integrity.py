"""The nightly sweep over what the platform knows: it finds each thing once, and nothing where all is well."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Organization
from billing import tasks
from billing.integrity import MarketFacts
from billing.models import MeterChange
from market.models import Offering, PricePlan
from market.services import tape
from tests.billing import scenes
from tests.billing.scenes import AT, CARD_HOUR_MS, START
from vouchers.models import Finding, ForeignClaim
from vouchers.services import evidence_facts, sweeps

FULL = 2 * CARD_HOUR_MS
LATER = START + timedelta(days=2)


def rules():
    return {one.rule: one for one in Finding.objects.all()}


def sweep():
    return sweeps.sweep(market=MarketFacts(), at=LATER)


@pytest.fixture
def spent(buyer, offering, grant):
    """An order of three hours, two cards, paid half by a voucher and charged whole, of a firm known for long."""
    Organization.objects.filter(pk=buyer.pk).update(created_at=AT - timedelta(days=1_000))
    reservation = scenes.reserve(buyer, offering, voucher=grant)
    scenes.meter(reservation, FULL, FULL, FULL)
    scenes.rate(reservation)
    tape.record(at=START)
    return reservation


def test_an_honest_trade_leaves_no_finding(spent):
    assert sweep() == 0
    tasks.sweep_integrity()


def test_a_price_far_above_the_list_is_found_once(spent, offering):
    Offering.objects.filter(pk=offering.pk).update(price_micro=1_000_000)

    assert (sweep(), sweep()) == (1, 0)

    found = rules()["PRICE_OUTLIER"]
    assert found.evidence == {"price_micro": 2_000_000, "limit_bp": 3_000, "list_micro": 1_000_000}
    assert (found.subject, found.amount_fen) == (spent.order.buyer, 600)


def test_a_price_raised_after_the_grant_and_compute_sold_back_are_found(spent, offering, provider, buyer):
    for days, base_micro in ((1, 2_000_000), (2, 2_400_000)):
        starts_at = START + timedelta(days=days)
        PricePlan.objects.create(
            offering=offering, starts_at=starts_at, terms={"base_micro": base_micro}, published_at=AT
        )
    facts = MarketFacts()

    (change,) = facts.price_changes(since=AT)
    assert (change.before_micro, change.after_micro, change.provider_id) == (2_000_000, 2_400_000, provider.pk)
    assert sweep() == 1
    assert rules()["PRICE_RAISED"].subject == provider
    (sale,) = facts.sales(since=AT - timedelta(days=1))
    assert (sale.seller_id, sale.buyer_id, sale.amount_fen) == (provider.pk, buyer.pk, 1_200)
    assert list(facts.jobs(programme_id=offering.pk, since=AT)) == list(facts.paybacks(since=AT)) == []


def test_a_bill_that_is_not_what_was_metered_is_found_and_one_that_waits_for_its_charge_is_not(spent, grant):
    scenes.meter(spent, FULL, FULL, FULL // 2)
    assert sweep() == 0

    MeterChange.objects.all().delete()
    assert sweep() == 1

    assert rules()["METER_MISMATCH"].evidence == {"metered_ms": 18_000_000, "billed_ms": 21_600_000}


def test_the_command_sweeps_one_programme_or_says_that_there_is_none(spent, grant):
    out = StringIO()

    call_command("sweep_integrity", programme=grant.programme.code, stdout=out)

    assert out.getvalue() == "0 new findings\n"
    with pytest.raises(CommandError, match="no programme X"):
        call_command("sweep_integrity", programme="X")


def test_a_number_in_two_lists_of_other_departments_is_nothing_of_ours(spent):
    officer = scenes.person()
    for department in ("tax", "science"):
        ForeignClaim.objects.create(
            department=department, kind="contract", number="BJ-1", imported_at=AT, imported_by=officer
        )

    assert sweep() == 0
    assert [(one.place, one.number) for one in evidence_facts.documents()] == [("tax", "BJ1"), ("science", "BJ1")]
