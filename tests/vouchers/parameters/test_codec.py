"""Parameters read and written: nothing is lost, and what cannot be meant is named."""

import json

import pytest
from django.utils import translation

from tests.vouchers.parameters.samples import FACTS, PLAIN, changed, plain, published
from vouchers import complaints
from vouchers.parameters import checks, codec

TIER = {"code": "BASE", "bp": 3_000}


def windows(*days):
    return [
        {"code": f"B{number}", "window": {"opens_on": first, "closes_on": last}}
        for number, (first, last) in enumerate(days)
    ]


def never(depth):
    condition = {"op": "is", "fact": "is_sme"}
    for _ in range(depth):
        condition = {"op": "not", "of": condition}
    return condition


WRONG = [
    ({"money__budget_fen": 0}, "money.budget_fen", "OUT_OF_RANGE"),
    ({"money__budget_fen": 1.5}, "money.budget_fen", "WRONG_TYPE"),
    ({"money__budget_fen": "1"}, "money.budget_fen", "WRONG_TYPE"),
    ({"money__nonsense": 1}, "money.nonsense", "UNKNOWN"),
    ({"money": {}}, "money.budget_fen", "MISSING"),
    ({"identity__code": "a b"}, "identity.code", "WRONG_FORM"),
    ({"identity__code": "A" * 41}, "identity.code", "WRONG_LENGTH"),
    ({"identity__mode": "GIFT"}, "identity.mode", "NOT_A_CHOICE"),
    ({"identity__opens_on": "2025-13-01"}, "identity.opens_on", "NOT_A_DATE"),
    ({"identity__name": "a\0b"}, "identity.name", "NOT_TEXT"),
    ({"award__regions": ["\ud800"]}, "award.regions[0]", "NOT_TEXT"),
    ({"identity__opens_on": "1999-01-01"}, "identity.opens_on", "DATE_OUT_OF_RANGE"),
    ({"identity__closes_on": "2025-01-01"}, "identity.closes_on", "CLOSES_BEFORE_OPENING"),
    (
        {"allocation__window": {"opens_on": "2025-03-01", "closes_on": "2025-02-01"}},
        "allocation.window.closes_on",
        "CLOSES_BEFORE_OPENING",
    ),
    (
        {"allocation__window": {"opens_on": "2025-12-01", "closes_on": "2026-02-01"}},
        "allocation.window",
        "WINDOW_OUTSIDE_PROGRAMME",
    ),
    ({"allocation__method": "LOTTERY"}, "allocation.window", "WINDOW_NEEDED"),
    ({"settlement__cycle": "ANNUAL_WINDOW"}, "settlement.claim_window", "WINDOW_NEEDED"),
    (
        {"identity__mode": "REIMBURSE", "validity__usage_cutoff_basis": "CAPTURE_TIME"},
        "validity.usage_cutoff_basis",
        "CLAIMS_COME_LATER",
    ),
    (
        {"identity__mode": "GRANT_THEN_CLAIM", "validity__valid_from": "FIRST_USE"},
        "validity.valid_from",
        "CLAIMS_FOLLOW_THE_USE",
    ),
    ({"validity__fixed_last_on": "2000-01-01"}, "validity.fixed_last_on", "FIXED_DAY_BEFORE_CLOSING"),
    ({"validity__fixed_last_on": "9999-12-31"}, "validity.fixed_last_on", "DATE_OUT_OF_RANGE"),
    (
        {"providers__batches": windows(("2025-01-01", "2025-03-01"), ("2025-02-28", "2025-04-01"))},
        "providers.batches[1].window",
        "WINDOWS_OVERLAP",
    ),
    ({"money__pools": [{"code": "A", "amount_fen": 10_000_001}]}, "money.pools", "PARTS_ABOVE_BUDGET"),
    (
        {"allocation__district_quotas": [{"district": "A", "amount_fen": 10_000_001}]},
        "allocation.district_quotas",
        "PARTS_ABOVE_BUDGET",
    ),
    (
        {"money__pools": [{"code": "A", "amount_fen": 1}, {"code": "B", "amount_fen": 1}]},
        "money.pools",
        "ONE_POOL_FOR_THE_REST",
    ),
    (
        {
            "money__pools": [{"code": "A", "amount_fen": 1}],
            "allocation__district_quotas": [{"district": "A", "amount_fen": 1}],
        },
        "allocation.district_quotas",
        "POOLS_OR_QUOTAS",
    ),
    (
        {"caps__provider_share_bp": 1, "providers__registry": "OPEN"},
        "caps.provider_share_bp",
        "SHARE_NEEDS_A_LIST",
    ),
    ({"money__min_award_fen": 2, "caps__order_cap_fen": 1}, "caps.order_cap_fen", "FLOOR_ABOVE_CAP"),
    ({"money__min_grant_fen": 10_000_001}, "money.min_grant_fen", "FLOOR_ABOVE_CAP"),
    (
        {"caps__entity_annual_cap_fen": 2, "caps__entity_lifetime_cap_fen": 1},
        "caps.entity_lifetime_cap_fen",
        "LIFETIME_BELOW_YEAR",
    ),
    ({"money__funders": [{"code": "CITY"}, {"code": "CITY"}]}, "money.funders", "NAMED_TWICE"),
    ({"money__funders": [{"code": "CITY", "weight": 0}]}, "money.funders[0].weight", "OUT_OF_RANGE"),
    ({"award__tiers": []}, "award.tiers", "EMPTY"),
    ({"award__eligible_categories": []}, "award.eligible_categories", "EMPTY"),
    ({"award__excluded_categories": ["GPU_TRAIN"]}, "award.excluded_categories", "BOTH_IN_AND_OUT"),
    ({"award__select": "SUM_CAPPED"}, "award.sum_cap_bp", "SUM_CAP_NEEDS_SUM"),
    (
        {"award__apportion": "CONTRACT_DAYS", "identity__mode": "REIMBURSE"},
        "award.base_period",
        "BASE_PERIOD_NEEDED",
    ),
    (
        {"award__base_period": {"first_on": "2025-02-01", "last_on": "2025-01-01"}},
        "award.base_period.last_on",
        "ENDS_BEFORE_START",
    ),
    (
        {"award__select": "FIRST_MATCH", "award__tiers": [TIER, {"code": "LATE", "bp": 1}]},
        "award.tiers",
        "TIER_NEVER_REACHED",
    ),
    (
        {"award__tiers": [TIER | {"when": {"op": "is", "fact": "is_rich"}}]},
        "award.tiers[0].when",
        "UNKNOWN_FACT",
    ),
    (
        {"eligibility__when": {"op": "lt", "fact": "industry", "value": 1}},
        "eligibility.when",
        "FACT_OF_ANOTHER_KIND",
    ),
    ({"eligibility__when": never(8)}, "eligibility.when", "PREDICATE_TOO_DEEP"),
    ({"eligibility__when": never(100)}, "eligibility.when", "PREDICATE_TOO_LARGE"),
    ({"eligibility__when": never(100_000)}, "", "TOO_DEEP"),
    ({"redemption__stacking": {"rule": "AGGREGATE_CAP"}}, "redemption.stacking.ceilings", "CEILING_NEEDS_RULE"),
    ({"redemption__stacking": {"partners": ["x"]}}, "redemption.stacking.partners", "PARTNERS_NEED_RULE"),
    ({"caps__cap_waiver": {"when": {"op": "is", "fact": "is_sme"}}}, "caps.cap_waiver", "WAIVER_WITHOUT_CAP"),
    ({"caps__group_counts_together": True}, "caps.group_counts_together", "GROUP_WITHOUT_CAP"),
    ({"caps__cap_basis": []}, "caps.cap_basis", "EMPTY"),
    (
        {"caps__entity_annual_cap_fen": 1, "caps__cap_basis": ["GRANT"]},
        "caps.cap_basis",
        "INSTANT_COUNTS_REDEMPTIONS",
    ),
    (
        {"caps__entity_annual_cap_fen": 1, "caps__cap_year": "ROLLING"},
        "caps.cap_year",
        "CALENDAR_YEARS_COUNT",
    ),
    (
        {"identity__mode": "REIMBURSE", "settlement__claimant": "BUYER", "caps__first_purchase_only": True},
        "caps.first_purchase_only",
        "FIRST_PURCHASE_NEEDS_A_GRANT",
    ),
    ({"identity__denomination": "CARD_HOUR"}, "identity.denomination", "ONLY_MONEY"),
    ({"redemption__hold_ttl_minutes": 9}, "redemption.hold_ttl_minutes", "HOLD_TOO_SHORT"),
    ({"eligibility__blacklist_scope": "AUTHORITY"}, "eligibility.blacklist_scope", "BARS_COUNT_EVERYWHERE"),
    ({"settlement__dual_review": False}, "settlement.dual_review", "PAYMENTS_TAKE_TWO"),
    ({"settlement__verify_payout_account": False}, "settlement.verify_payout_account", "ACCOUNTS_ARE_VERIFIED"),
    ({"settlement__partial_funding": "PAY_IN_PART"}, "settlement.partial_funding", "CLAIMS_ARE_PAID_WHOLE"),
    ({"settlement__invoice_mode": "NET_TO_BUYER"}, "settlement.invoice_mode", "INVOICES_ARE_WHOLE"),
    ({"money__oversubscription": "PRO_RATA"}, "money.oversubscription", "SHARED_BY_ITS_METHOD"),
    ({"money__oversubscription": "RANK_CUT"}, "money.oversubscription", "SHARED_BY_ITS_METHOD"),
    ({"identity__doc_url": "javascript:alert(1)"}, "identity.doc_url", "NOT_AN_ADDRESS"),
    ({"redemption__running_order_hold": False}, "redemption.running_order_hold", "RUNNING_ORDERS_ARE_HELD"),
    ({"redemption__fallback_payment_required": False}, "redemption.fallback_payment_required", "BUYERS_PAY_THE_REST"),
    ({"validity__valid_from": "FIRST_USE"}, "validity.fixed_last_on", "FIRST_USE_NEEDS_A_LAST_DAY"),
    (
        {"providers__registry": "OPEN", "providers__price_filing_required": True},
        "providers.price_filing_required",
        "PRICES_NEED_A_LIST",
    ),
    (
        {"integrity__fixed_price_reference_bp": 2_000},
        "integrity.fixed_price_reference_bp",
        "REFERENCE_NEEDS_FILED_PRICES",
    ),
    ({"money__fiscal_year": 2024}, "money.fiscal_year", "BUDGET_YEAR_IS_OVER"),
    ({"money__admin_cost_in_budget": True}, "money.admin_cost_in_budget", "BUDGETS_ARE_FOR_VOUCHERS"),
    ({"validity__refund_after_expiry": "GRACE"}, "validity.refund_after_expiry", "REFUNDS_LAPSE"),
    ({"award__tax_mode": "EXCL_VAT"}, "award.tax_mode", "INSTANT_NEEDS_PLAIN_BASE"),
    ({"settlement__claimant": "BUYER"}, "settlement.claimant", "INSTANT_OWES_THE_PROVIDER"),
    ({"providers__registry": "CRITERIA"}, "providers.criteria", "CRITERIA_NEEDED"),
    (
        {"providers__registry": "OPEN", "providers__by_service_item": True},
        "providers.by_service_item",
        "OPEN_HAS_NO_LIST",
    ),
    (
        {"eligibility__established_min_days": 2, "eligibility__established_max_days": 1},
        "eligibility.established_max_days",
        "FLOOR_ABOVE_CAP",
    ),
    (
        {"allocation__score_sheet": [{"code": "A", "name": "a", "points": 5}], "allocation__pass_mark": 6},
        "allocation.pass_mark",
        "FLOOR_ABOVE_CAP",
    ),
    ({"allocation__method": "EXEMPT"}, "allocation.exempt_entities", "EMPTY"),
    (
        {
            "allocation__method": "RANK",
            "allocation__window": {"opens_on": "2025-03-01", "closes_on": "2025-04-01"},
        },
        "allocation.score_sheet",
        "EMPTY",
    ),
]


@pytest.mark.parametrize(("values", "path", "code"), WRONG, ids=[f"{case[1]}-{case[2]}" for case in WRONG])
def test_what_cannot_be_meant_is_named_where_it_stands(values, path, code):
    with pytest.raises(codec.BadParameters) as refusal:
        codec.load(changed(**values))

    found = {(problem.path, problem.code): problem for problem in refusal.value.problems}
    assert (path, code) in found
    assert complaints.sentence(found[path, code]) not in {"", code}
    with translation.override("zh-hans"):
        assert not complaints.sentence(found[path, code]).isascii()


def test_what_is_no_object_or_no_json_is_refused():
    for text in (b"{", b"\xff", b"3", b"[" * 100_000, b" " * 200_001):
        with pytest.raises(codec.BadParameters):
            codec.loads(text)


@pytest.mark.parametrize("code", FACTS)
def test_published_programmes_come_back_from_json_as_they_were(code):
    parameters = published(code)

    assert codec.loads(codec.dumps(parameters)) == parameters
    assert codec.load(json.loads(json.dumps(codec.dump(parameters)))) == parameters


def test_every_parameter_is_in_the_json_and_in_the_schema():
    document = codec.dump(plain())
    schema = codec.schema()

    assert codec.load(document) == plain() == codec.load(PLAIN)
    assert set(schema["$defs"]["Parameters"]["properties"]) == set(document)
    assert schema["$defs"]["Money"]["required"] == ["budget_fen"]
    assert schema["$defs"]["Tier"]["properties"]["bp"]["maximum"] == 10_000


def test_a_path_names_what_to_change():
    raised = codec.changed(plain(), {"money.budget_fen": 20_000_000})

    assert raised.money.budget_fen == 20_000_000
    assert codec.changed(raised, {"money.budget_fen": 10_000_000}) == plain()


def test_every_contradiction_has_a_sentence():
    assert {case[2] for case in WRONG} | {"NOT_JSON", "TOO_LONG", "UNREADABLE"} == set(complaints.WORDS)
    assert checks.contradictions(plain()) == []
