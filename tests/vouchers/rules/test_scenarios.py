"""The published programmes, quoted to the fen."""

from datetime import date

import pytest
from msgspec.structs import replace

from tests.vouchers.parameters.samples import published
from vouchers import rules
from vouchers.parameters import Facts, Span
from vouchers.parameters.award import DayCount
from vouchers.parameters.caps import CapBasis
from vouchers.rules import Cap, Case, Limits, Refusal, Spending, Support

TWO_YEARS = Span(first_on=date(2025, 1, 1), last_on=date(2026, 12, 31))


def line(amount_fen, category="GPU_TRAIN", **fields):
    return Spending(category=category, provider_listed=True, amount_fen=amount_fen, **fields)


def quoted(code, *lines, limits=None, terms=None, support=None, contract=None, contract_fen=None, **facts):
    """Quote a published programme; ``terms`` changes some of its terms."""
    case = Case(
        facts=Facts(**facts),
        support=tuple(Support(kind=kind, amount_fen=fen) for kind, fen in (support or {}).items()),
        contract=contract,
        contract_fen=contract_fen,
    )
    of_programme = replace(rules.terms_of(published(code)), **(terms or {}))
    return rules.quote(terms=of_programme, spending=lines, limits=limits or Limits(), case=case)


def test_s01_an_instant_voucher_pays_its_ratio_and_the_provider_invoices_all():
    quote = quoted("QY-2024", line(1_234_567))

    assert (quote.amount_fen, quote.cash_fen, quote.eligible_fen) == (370_370, 864_197, 1_234_567)
    assert published("QY-2024").settlement.invoice_mode == "FULL_TO_BUYER"


def test_s02_lines_that_beijing_excludes_earn_nothing():
    quote = quoted("BJ-2023", line(10_000_000), line(2_000_000, "STORAGE"), line(500_000, "NETWORK"))

    assert quote.amount_fen == 2_000_000
    excluded = [step.params["category"] for step in quote.steps if step.code == "EXCLUDED"]
    assert excluded == ["STORAGE", "NETWORK"]


def test_s05_the_yearly_cap_pays_the_rest_or_nothing():
    almost = Limits(entity_year_left_fen=100_000)

    cut = quoted("QY-2024", line(10_000_000), limits=almost)
    refused = quoted("QY-2024", line(10_000_000), limits=almost, terms={"partial_when_short": False})

    assert (cut.amount_fen, cut.cash_fen, cut.binding_cap) == (100_000, 9_900_000, Cap.ENTITY_YEAR)
    assert (refused.amount_fen, refused.refused, refused.binding_cap) == (0, Refusal.SHORT, Cap.ENTITY_YEAR)


def test_s09_nanning_apportions_by_days_and_truncates():
    quote = quoted("NN-2025", line(20_000_000), contract=TWO_YEARS)

    assert (quote.base_fen, quote.amount_fen) == (8_367_600, 2_510_200)
    (days,) = [step for step in quote.steps if step.code == "DAYS"]
    assert days.params == {"days": 305, "of_days": 729}


def test_s09_counting_both_ends_would_be_another_amount():
    quote = quoted("NN-2025", line(20_000_000), contract=TWO_YEARS, terms={"day_count": DayCount.INCLUSIVE})

    assert (quote.base_fen, quote.amount_fen) == (8_383_500, 2_515_000)


@pytest.mark.parametrize(
    ("contract", "refusal"),
    [
        (None, Refusal.CONTRACT_UNKNOWN),
        (Span(first_on=date(2026, 1, 2), last_on=date(2026, 1, 1)), Refusal.CONTRACT_UNKNOWN),
        (Span(first_on=date(2026, 1, 1), last_on=date(2026, 12, 31)), Refusal.OUTSIDE_BASE_PERIOD),
        (Span(first_on=date(2024, 1, 1), last_on=date(2024, 12, 31)), Refusal.OUTSIDE_BASE_PERIOD),
        (Span(first_on=date(2026, 1, 1), last_on=date(2026, 1, 1)), Refusal.OUTSIDE_BASE_PERIOD),
        (Span(first_on=date(2025, 5, 1), last_on=date(2025, 5, 1)), None),
        (Span(first_on=date(2025, 3, 1), last_on=date(2025, 12, 31)), None),
    ],
)
def test_a_contract_is_paid_for_its_days_in_the_base_period(contract, refusal):
    quote = quoted("NN-2025", line(20_000_000), contract=contract)

    assert quote.refused == refusal
    assert quote.amount_fen == (0 if refusal else 6_000_000)


@pytest.mark.parametrize(
    ("days", "award", "tier"),
    [
        (300, 120_000_000, "NEW_LT_1Y"),
        (364, 120_000_000, "NEW_LT_1Y"),
        (365, 100_000_000, "BASE"),
        (366, 100_000_000, "BASE"),
    ],
)
def test_s10_shenzhen_pays_more_to_firms_younger_than_a_year(days, award, tier):
    quote = quoted("SZ-2026", line(200_000_000), established_days=days)

    assert quote.amount_fen == award
    assert [step.params["tier"] for step in quote.steps if step.code == "TIER"] == [tier]


def test_s10_an_unproven_age_earns_the_ordinary_ratio():
    assert quoted("SZ-2026", line(200_000_000)).amount_fen == 100_000_000


@pytest.mark.parametrize(
    ("spent", "award", "refusal"),
    [(49_999_999, 0, Refusal.BELOW_ANNUAL_SPEND), (50_000_000, 25_000_000, None)],
)
def test_s12_shenzhen_asks_for_half_a_million_a_year_inclusive(spent, award, refusal):
    shown, told = quoted("SZ-2026", line(spent)), quoted("SZ-2026", line(50_000_000), annual_spend_fen=spent)

    assert (shown.amount_fen, shown.refused) == (told.amount_fen, told.refused) == (award, refusal)


def test_shenzhen_counts_all_public_support_against_half_of_the_contract():
    alone = quoted("SZ-2026", line(200_000_000), established_days=1)
    beside = quoted("SZ-2026", line(200_000_000), established_days=1, support={"区级": 30_000_000})
    in_a_larger = quoted("SZ-2026", line(200_000_000), support={"区级": 30_000_000}, contract_fen=220_000_000)

    assert alone.amount_fen == 120_000_000  # the ceiling applies only where other support exists
    assert (beside.amount_fen, beside.binding_cap) == (70_000_000, Cap.AGGREGATE)
    assert (in_a_larger.amount_fen, in_a_larger.ceiling_fen) == (80_000_000, 110_000_000)


def test_shenzhen_read_the_other_way_limits_only_what_others_pay():
    stacking = rules.terms_of(published("SZ-2026")).stacking
    others_only = {"stacking": replace(stacking, scope=type(stacking.scope).OTHERS_ONLY)}

    within = quoted("SZ-2026", line(200_000_000), terms=others_only, support={"区级": 100_000_000})
    beyond = quoted("SZ-2026", line(200_000_000), terms=others_only, support={"区级": 100_000_001})

    assert (within.amount_fen, within.binding_cap) == (100_000_000, None)
    assert (beyond.amount_fen, beyond.refused) == (0, Refusal.SUPPORT_CEILING)


@pytest.mark.parametrize(
    ("facts", "other", "award"),
    [
        ({"facility_type": "DOMESTIC"}, 30_000_000, 30_000_000),
        ({"facility_type": "OTHER", "filed_model_service": False}, 10_000_000, 20_000_000),
        ({"facility_type": "DOMESTIC", "fast_matched": True}, 30_000_000, 15_000_000),
        ({"facility_type": "OTHER", "filed_model_service": False, "fast_matched": True}, 10_000_000, 10_000_000),
        ({"facility_type": "OTHER", "filed_model_service": True}, 30_000_000, 30_000_000),
    ],
)
def test_s14_hangzhou_adds_to_the_other_voucher_up_to_its_ceiling(facts, other, award):
    quote = quoted("HZ-2025", line(100_000_000), support={"智能券": other}, **facts)

    assert (quote.refused, quote.amount_fen) == (None, award)
    assert quote.amount_fen + other <= quote.ceiling_fen


@pytest.mark.parametrize(
    ("facts", "support", "refusal"),
    [
        ({"facility_type": "DOMESTIC"}, {"智能券": 30_000_001}, Refusal.SUPPORT_CEILING),
        ({"facility_type": "OTHER", "filed_model_service": False}, {"智能券": 10_000_001}, Refusal.SUPPORT_CEILING),
        ({}, {"智能券": 30_000_000}, Refusal.SUPPORT_CEILING),
        (
            {"facility_type": "DOMESTIC", "is_sme": True, "annual_contract_sum_fen": 1},
            {"智能券": 30_000_000},
            Refusal.SUPPORT_CEILING,
        ),
        ({"facility_type": "DOMESTIC"}, {"房租补贴": 1}, Refusal.OTHER_SUPPORT),
    ],
)
def test_s14_any_attempt_to_exceed_the_ceiling_is_refused(facts, support, refusal):
    quote = quoted("HZ-2025", line(100_000_000), support=support, **facts)

    assert (quote.amount_fen, quote.refused) == (0, refusal)


def test_hangzhou_pays_half_to_small_contracts_of_small_firms():
    assert quoted("HZ-2025", line(40_000_000), is_sme=True, annual_contract_sum_fen=50_000_000).amount_fen == 20_000_000
    assert quoted("HZ-2025", line(40_000_000), is_sme=True, annual_contract_sum_fen=50_000_001).amount_fen == 8_000_000


def test_hangzhou_waives_its_cap_for_makers_of_base_models_once_approved():
    firm = {"qualifications": ("生成式多模态基础大模型企业",), "facility_type": "DOMESTIC"}

    asked = quoted("HZ-2025", line(4_000_000_000), **firm)
    waived = quoted("HZ-2025", line(4_000_000_000), limits=Limits(waiver_approved=True), **firm)
    other = quoted("HZ-2025", line(4_000_000_000), limits=Limits(waiver_approved=True), facility_type="DOMESTIC")

    assert (asked.amount_fen, asked.binding_cap) == (800_000_000, Cap.ENTITY_YEAR)
    assert (waived.amount_fen, waived.binding_cap) == (1_200_000_000, None)
    assert (other.amount_fen, other.binding_cap) == (800_000_000, Cap.ENTITY_YEAR)


def test_s16_what_was_really_invoiced_is_paid_and_the_rest_of_the_grant_is_not():
    granted = quoted("BJ-2023", line(300_000_000))
    claimed = quoted("BJ-2023", line(240_000_000), limits=Limits(grant_available_fen=granted.amount_fen))

    assert (granted.amount_fen, claimed.amount_fen) == (60_000_000, 48_000_000)
    assert granted.amount_fen - claimed.amount_fen == 12_000_000


def test_beijing_counts_grants_and_payments_towards_the_same_cap():
    assert published("BJ-2023").caps.cap_basis == (CapBasis.GRANT, CapBasis.CLAIM_PAID)
    bases = {CapBasis.GRANT: 50_000_000, CapBasis.CLAIM_PAID: 9_000_000}

    quote = quoted("BJ-2023", line(300_000_000), limits=Limits(left_by_basis=bases))

    assert (quote.amount_fen, quote.binding_cap) == (9_000_000, Cap.ENTITY_YEAR)


def test_s18_wuhan_captures_what_was_metered():
    held = quoted("WH-OPC-2026", line(1_000_000))
    captured = rules.capture_total_fen(
        ratio_bp=held.ratio_bp, round_unit_fen=1, held_fen=held.amount_fen, eligible_used_fen=765_432
    )

    assert (held.amount_fen, captured, held.amount_fen - captured) == (500_000, 382_716, 117_284)


def test_henan_splits_every_award_between_province_and_city():
    quote = quoted("HN-2025", line(5_000_015))

    assert quote.amount_fen == 1_000_003
    assert quote.shares == {"PROVINCE": 500_002, "CITY": 500_001}


@pytest.mark.parametrize("code", ["CD-2025", "BJ-2023", "QY-2024", "NN-2025"])
def test_programmes_that_deny_other_support_pay_nothing_beside_it(code):
    quote = quoted(code, line(10_000_000), support={"市级补贴": 1}, contract=TWO_YEARS)
    beside_none = quoted(code, line(10_000_000), support={"市级补贴": 0}, contract=TWO_YEARS)

    assert (quote.amount_fen, quote.refused) == (0, Refusal.OTHER_SUPPORT)
    assert beside_none.amount_fen > 0
