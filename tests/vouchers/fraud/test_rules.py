"""Each rule finds what it looks for from its threshold on, and nothing just below it."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from vouchers.fraud import document_rules, price_rules, trade_rules, usage_rules
from vouchers.fraud.facts import (
    Claimed,
    Document,
    Granted,
    Job,
    Metered,
    Paid,
    Payback,
    PriceChange,
    Sale,
    Subsidised,
)
from vouchers.fraud.suspicions import Rule
from vouchers.fraud.thresholds import Thresholds
from vouchers.models import FindingRule, Severity

DAY = date(2025, 6, 30)
EXPIRY = datetime(2025, 6, 30, 16, tzinfo=UTC)
GRANT, PROGRAMME, BUYER, PROVIDER, SISTER, STRANGER, REDEMPTION = (UUID(int=number) for number in range(1, 8))
LIMITS = Thresholds()


def days(number):
    return timedelta(days=number)


def spent(**fields):
    named = {
        "redemption_id": REDEMPTION,
        "grant_id": GRANT,
        "programme_id": PROGRAMME,
        "buyer_id": BUYER,
        "provider_id": PROVIDER,
        "on": DAY,
        "voucher_fen": 300,
    }
    return Subsidised(**(named | fields))


def granted(**fields):
    named = {
        "grant_id": GRANT,
        "programme_id": PROGRAMME,
        "owner_id": BUYER,
        "face_fen": 9_000,
        "on": DAY,
        "founded_on": DAY - days(90),
        "most_fen": 10_000,
        "expires_at": EXPIRY,
    }
    return Granted(**(named | fields))


def metered(**fields):
    named = {"reserved_ms": 10_000, "metered_ms": 10_000, "billed_ms": 10_000, "busy_bp": 499, "voucher_fen": 5}
    parties = {
        "redemption_id": REDEMPTION,
        "grant_id": GRANT,
        "programme_id": PROGRAMME,
        "buyer_id": BUYER,
        "provider_id": PROVIDER,
    }
    return Metered(**(named | parties | fields))


def family(one):
    return frozenset({PROVIDER, SISTER}) if one in (PROVIDER, SISTER) else frozenset({one})


def circular(sale):
    return list(trade_rules.circular_trade([spent()], [sale], related_to=family, limits=LIMITS))


def test_compute_sold_back_to_the_provider_or_its_sister_within_90_days_is_a_circle():
    def sale(to, on):
        return Sale(seller_id=BUYER, buyer_id=to, on=on, amount_fen=100)

    assert [len(circular(sale(to, DAY + days(90)))) for to in (PROVIDER, SISTER, STRANGER)] == [1, 1, 0]
    assert circular(sale(PROVIDER, DAY - days(91))) == circular(sale(PROVIDER, DAY + days(91))) == []
    (found,) = circular(sale(SISTER, DAY - days(90)))
    assert found.evidence["sold_back"] == [{"to": str(SISTER), "on": "2025-04-01", "amount_fen": 100}]
    assert (found.subject_id, found.counterparty_id, found.amount_fen) == (BUYER, PROVIDER, 300)


def test_three_new_firms_under_one_controller_are_a_split():
    def firms(number, age):
        return [
            granted(owner_id=UUID(int=100 + n), controllers=frozenset({"zhang"}), founded_on=DAY - days(age))
            for n in range(number)
        ]

    assert list(trade_rules.splitting(firms(2, 365), limits=LIMITS)) == []
    assert list(trade_rules.splitting(firms(3, 366), limits=LIMITS)) == []
    (found,) = trade_rules.splitting(firms(3, 365), limits=LIMITS)
    assert (found.amount_fen, len(found.evidence["firms"])) == (27_000, 3)
    assert "zhang" not in str(found.evidence)


@pytest.mark.parametrize(
    ("fields", "providers", "found"),
    [
        ({}, 1, 1),
        ({"founded_on": DAY - days(91)}, 1, 0),
        ({"face_fen": 8_999}, 1, 0),
        ({"most_fen": None}, 1, 0),
        ({}, 2, 0),
        ({}, 0, 0),
    ],
)
def test_a_new_firm_with_the_largest_grant_and_one_provider(fields, providers, found):
    spending = [spent(provider_id=UUID(int=50 + number)) for number in range(providers)]

    assert len(list(trade_rules.fresh_entity([granted(**fields)], spending, limits=LIMITS))) == found


def test_both_sides_of_a_trade_claim():
    def claim(side, trade="T1"):
        return Claimed(trade=trade, side=side, claimant_id=BUYER, programme_id=PROGRAMME, amount_fen=7)

    assert list(trade_rules.both_sides([claim("buyer"), claim("buyer"), claim("provider", "T2")])) == []
    (found,) = trade_rules.both_sides([claim("buyer"), claim("provider")])
    assert found.evidence == {"trade": "T1", "sides": {"buyer": 7, "provider": 7}}


def test_money_from_the_providers_family_within_90_days_is_a_kickback():
    def kickback(payer, on):
        one = Payback(buyer_id=BUYER, payer_id=payer, on=on, amount_fen=50, reference="bank/1")
        return list(trade_rules.kickback([spent()], [one], related_to=family, limits=LIMITS))

    assert [len(kickback(payer, DAY + days(90))) for payer in (PROVIDER, SISTER, STRANGER)] == [1, 1, 0]
    assert kickback(PROVIDER, DAY + days(91)) == kickback(PROVIDER, DAY - days(1)) == []


@pytest.mark.parametrize(
    ("prices", "found"),
    [
        ({"price_micro": 13_000, "list_micro": 10_000}, 0),
        ({"price_micro": 13_001, "list_micro": 10_000}, 1),
        ({"price_micro": 13_010, "list_micro": 13_010, "median_micro": 10_000}, 1),
        ({"price_micro": None, "list_micro": 10_000}, 0),
        ({"price_micro": 99_999}, 0),
        ({"price_micro": 99_999, "list_micro": 0}, 0),
    ],
)
def test_a_price_more_than_30_per_cent_above_list_or_median(prices, found):
    assert len(list(price_rules.price_outlier([spent(**prices)], limits=LIMITS))) == found


@pytest.mark.parametrize(
    ("after", "late", "found"), [(10_500, 0, 1), (10_499, 0, 0), (10_500, 30, 1), (10_500, 31, 0), (10_500, -1, 0)]
)
def test_a_price_raised_by_5_per_cent_within_30_days_of_a_grant_that_was_spent_there(after, late, found):
    change = PriceChange(provider_id=PROVIDER, product="P", on=DAY + days(late), before_micro=10_000, after_micro=after)

    raised = list(price_rules.price_raised([change], [granted()], [spent()], limits=LIMITS))

    assert len(raised) == found
    assert list(price_rules.price_raised([change], [granted()], [], limits=LIMITS)) == []
    assert list(price_rules.price_raised([change], [], [spent()], limits=LIMITS)) == []


@pytest.mark.parametrize(
    ("fields", "found"),
    [({}, 1), ({"busy_bp": 500}, 0), ({"billed_ms": 9_999}, 0), ({"busy_bp": None}, 0), ({"reserved_ms": 0}, 0)],
)
def test_idle_cards_that_were_billed_whole(fields, found):
    assert len(list(usage_rules.idle_usage([metered(**fields)], limits=LIMITS))) == found


@pytest.mark.parametrize(("billed", "found"), [(10_100, 0), (10_101, 1), (9_899, 1), (9_900, 0)])
def test_a_bill_that_differs_from_the_meter_by_more_than_one_per_cent(billed, found):
    assert len(list(usage_rules.meter_mismatch([metered(billed_ms=billed)], limits=LIMITS))) == found


def test_the_same_job_twenty_times():
    jobs = [Job(redemption_id=REDEMPTION, grant_id=GRANT, buyer_id=BUYER, digest="d")] * 20

    (found,) = usage_rules.same_job(jobs, limits=LIMITS)

    assert found.evidence == {"digest": "d", "times": 20}
    assert list(usage_rules.same_job(jobs[:19], limits=LIMITS)) == []


def test_more_than_half_of_a_grant_used_in_its_last_72_hours():
    def used(hours, fen):
        return Paid(grant_id=GRANT, used_at=EXPIRY - timedelta(hours=hours), amount_fen=fen)

    def found(*paid, **fields):
        return list(usage_rules.last_hours([granted(**fields)], paid, limits=LIMITS))

    assert found(used(72, 4_500)) == found(used(73, 9_000)) == found(used(0, 9_000)) == []
    assert found(used(1, 9_000), expires_at=None) == []
    assert found(used(72, 4_000), used(1, 501))[0].amount_fen == 4_501


def test_a_number_that_proves_two_claims_or_stands_in_another_departments_list():
    def one(place, *, ours=True, kind="contract"):
        return Document(
            kind=kind, number="BJ2026001", place=place, programme_id=PROGRAMME if ours else None, amount_fen=9
        )

    assert list(document_rules.duplicates([one("a"), one("a"), one("b", kind="invoice")])) == []
    assert list(document_rules.duplicates([one("a", ours=False), one("b", ours=False)])) == []
    (found,) = document_rules.duplicates([one("a", kind="invoice"), one("b", ours=False, kind="invoice")])
    assert (found.rule, found.evidence) == (Rule.DUPLICATE_INVOICE, {"number": "BJ2026001", "places": ["a", "b"]})


def test_every_rule_has_a_name_for_people():
    assert {rule.value for rule in Rule} | {"MANUAL"} == set(FindingRule.values)
    assert set(Severity.values) == {"low", "medium", "high"}
