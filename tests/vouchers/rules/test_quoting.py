"""Every stage of a quote that no published programme of ours needs, and what holds of all quotes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.money import BP_WHOLE
from vouchers import rules
from vouchers.parameters import Facts, Funder, Tier
from vouchers.parameters.award import Apportion, Discount, Select
from vouchers.parameters.formulas import parse
from vouchers.parameters.redemption import AggregateScope, Ceiling, OverCeiling, Stacking, StackRule
from vouchers.rules import BadSpending, Cap, Case, DiscountGiven, Limits, Refusal, Spending, Support, Terms

PLAIN = Terms(programme="P", ratio_bp=3_000, eligible_categories=("A", "B"))


def line(amount_fen, category="A", **fields):
    return Spending(category=category, provider_listed=True, amount_fen=amount_fen, **fields)


def quoted(terms, *lines, limits=None, **case):
    return rules.quote(terms=terms, spending=lines, limits=limits or Limits(), case=Case(**case))


def off(amount_fen, kind=Discount.PROVIDER_DISCOUNT):
    return DiscountGiven(kind=kind, amount_fen=amount_fen)


def test_discounts_are_shared_over_all_lines_and_only_eligible_ones_count():
    quote = quoted(PLAIN, line(100), line(100, "B"), line(100, "C"), discounts=(off(100),))

    assert quote.eligible_fen == 133  # the odd fen of the discount goes to the first line
    assert [(step.amount_fen, step.params["discount_fen"]) for step in quote.steps if step.code == "DISCOUNTED"] == [
        (66, 34),
        (67, 33),
    ]


def test_a_discount_that_does_not_lower_the_base_still_lowers_what_the_buyer_pays():
    terms = replace(PLAIN, ratio_bp=10_000, net_of=(Discount.PROVIDER_DISCOUNT,))

    quote = quoted(terms, line(1_000), discounts=(off(100), off(300, Discount.POINTS)))

    assert (quote.eligible_fen, quote.amount_fen, quote.binding_cap) == (900, 600, Cap.CASH_SHARE)


def test_discounts_above_the_price_are_an_error():
    with pytest.raises(BadSpending):
        quoted(PLAIN, line(100), discounts=(off(101),))


@pytest.mark.parametrize(
    "made", [lambda: off(-1), lambda: Support(kind="x", amount_fen=-1), lambda: line(1, untaxed_fen=-1)]
)
def test_no_amount_is_negative(made):
    with pytest.raises(BadSpending):
        made()


def test_tax_is_taken_out_by_the_invoice_or_half_up_by_its_rate():
    terms = replace(PLAIN, vat_bp=600)

    quote = quoted(terms, line(1_060), line(1_130, vat_bp=1_300), line(106, untaxed_fen=99), line(53))

    assert quote.base_fen == 1_000 + 1_000 + 99 + 50
    assert quote.amount_fen == 644
    assert quote.eligible_fen == 2_349


@pytest.mark.parametrize(
    ("terms", "fields", "reason"),
    [
        ({"excluded_categories": ("A",)}, {}, Refusal.CATEGORY_NOT_ELIGIBLE),
        ({"compute_kinds": ("INTELLIGENT",)}, {"compute_kind": "SUPER"}, Refusal.KIND_NOT_ELIGIBLE),
        ({"purposes": ("TRAIN",)}, {"purpose": "INFER"}, Refusal.PURPOSE_NOT_ELIGIBLE),
        ({"regions": ("3502",)}, {"region": "3501"}, Refusal.REGION_NOT_ELIGIBLE),
        ({}, {"self_built": True}, Refusal.SELF_BUILT),
        ({"related_denied": True}, {"related": True}, Refusal.RELATED_PARTY),
    ],
)
def test_a_line_that_does_not_count_says_why(terms, fields, reason):
    quote = quoted(replace(PLAIN, **terms), line(1_000, **fields))

    assert (quote.amount_fen, quote.refused) == (0, reason)
    assert quoted(
        PLAIN,
        line(
            1_000,
            **fields,
        ),
    ).amount_fen == (0 if reason is Refusal.SELF_BUILT else 300)


def test_a_first_purchase_is_known_to_be_one_and_an_order_uses_so_many_vouchers():
    first = replace(PLAIN, first_purchase_only=True)
    for known, reason in ((True, None), (False, Refusal.NOT_FIRST_PURCHASE), (None, Refusal.NOT_FIRST_PURCHASE)):
        assert quoted(first, line(1_000), facts=Facts(first_purchase=known)).refused == reason
    two = replace(PLAIN, vouchers_per_order_max=2)
    assert quoted(two, line(1_000), limits=Limits(vouchers_beside=1)).amount_fen == 300
    third = quoted(two, line(1_000), limits=Limits(vouchers_beside=2))
    assert (third.refused, third.steps[-1].params["most"]) == (Refusal.TOO_MANY_VOUCHERS, 2)
    assert rules.replay(json.loads(json.dumps(third.explanation()))) == third


def test_a_line_that_fits_every_condition_counts():
    terms = replace(PLAIN, compute_kinds=("SUPER",), purposes=("TRAIN",), regions=("3502",), self_built_counts=True)

    assert (
        quoted(terms, line(1_000, compute_kind="SUPER", purpose="TRAIN", region="3502", self_built=True)).amount_fen
        == 300
    )


YOUNG = Tier(code="YOUNG", bp=2_000, when=parse("established_days < 365"))
SMALL = Tier(code="SMALL", bp=3_000, when=parse("is_sme"))
EVERYONE = Tier(code="BASE", bp=1_000)


@pytest.mark.parametrize(
    ("select", "sum_cap_bp", "facts", "award"),
    [
        (Select.HIGHEST, None, {"established_days": 1, "is_sme": True}, 3_000),
        (Select.HIGHEST, None, {"established_days": 1}, 2_000),
        (Select.HIGHEST, None, {}, 1_000),
        (Select.FIRST_MATCH, None, {"established_days": 1, "is_sme": True}, 2_000),
        (Select.SUM_CAPPED, 10_000, {"established_days": 1, "is_sme": True}, 6_000),
        (Select.SUM_CAPPED, 5_500, {"established_days": 1, "is_sme": True}, 5_500),
    ],
)
def test_tiers_are_chosen_as_the_programme_says(select, sum_cap_bp, facts, award):
    terms = replace(PLAIN, ratio_bp=6_000, tiers=(YOUNG, SMALL, EVERYONE), select=select, sum_cap_bp=sum_cap_bp)

    assert quoted(terms, line(10_000), facts=Facts(**facts)).amount_fen == award


def test_whom_no_tier_is_for_gets_nothing():
    for select in Select:
        assert quoted(replace(PLAIN, tiers=(SMALL,), select=select), line(10_000)).refused == Refusal.NO_TIER


def supported(rule, other_fen, **stacking):
    terms = replace(PLAIN, ratio_bp=6_000, stacking=Stacking(rule=rule, **stacking))
    return quoted(terms, line(10_000), support=(Support(kind="district", amount_fen=other_fen),))


def test_other_support_lowers_the_base_is_topped_up_or_shares_a_ceiling():
    assert supported(StackRule.ALLOW, 4_000).amount_fen == 6_000
    assert supported(StackRule.REDUCE_BASE, 4_000).amount_fen == 3_600
    assert supported(StackRule.REDUCE_BASE, 10_001).refused == Refusal.BELOW_MINIMUM
    assert supported(StackRule.HIGHER_OF, 4_000).amount_fen == 2_000
    assert supported(StackRule.HIGHER_OF, 6_000).refused == Refusal.HIGHER_SUPPORT
    assert supported(StackRule.AGGREGATE_CAP, 4_000, ceilings=(Ceiling(bp=7_000),)).amount_fen == 3_000
    assert supported(StackRule.AGGREGATE_CAP, 7_001, ceilings=(Ceiling(bp=7_000),)).refused == Refusal.SHORT
    refusing = {"ceilings": (Ceiling(bp=7_000),), "over": OverCeiling.REFUSE}
    assert supported(StackRule.AGGREGATE_CAP, 4_000, **refusing).refused == Refusal.SUPPORT_CEILING
    assert supported(StackRule.AGGREGATE_CAP, 1_000, **refusing).amount_fen == 6_000


def test_the_base_may_be_what_was_metered_in_the_period():
    terms = replace(PLAIN, apportion=Apportion.METERED)

    assert quoted(terms, line(10_000), metered_in_period=1, metered_in_all=3).amount_fen == 999
    for part, whole in ((None, 3), (1, None), (4, 3), (0, 0)):
        quote = quoted(terms, line(10_000), metered_in_period=part, metered_in_all=whole)
        assert quote.refused == Refusal.CONTRACT_UNKNOWN


@pytest.mark.parametrize(
    ("limits", "cap"),
    [
        ({"contract_left_fen": 7}, Cap.CONTRACT),
        ({"entity_lifetime_left_fen": 7}, Cap.ENTITY_LIFETIME),
        ({"group_left_fen": 7}, Cap.GROUP),
        ({"combined_left_fen": 7}, Cap.COMBINED),
        ({"provider_left_fen": 7}, Cap.PROVIDER_SHARE),
        ({"grant_available_fen": 7}, Cap.GRANT),
        ({"pool_left_fen": 7}, Cap.POOL),
        ({"budget_left_fen": 7}, Cap.BUDGET),
        ({"entity_year_left_fen": 9, "left_by_basis": {"GRANT": 7}}, Cap.ENTITY_YEAR),
    ],
)
def test_every_axis_cuts_and_is_named(limits, cap):
    quote = quoted(PLAIN, line(10_000), limits=Limits(**limits))

    assert (quote.amount_fen, quote.binding_cap) == (7, cap)


@pytest.mark.parametrize(
    ("terms", "cap"),
    [
        ({"max_award_fen": 7}, Cap.MAX_AWARD),
        ({"contract_cap_fen": 7}, Cap.CONTRACT),
        ({"entity_year_cap_fen": 7}, Cap.ENTITY_YEAR),
        ({"entity_lifetime_cap_fen": 7}, Cap.ENTITY_LIFETIME),
    ],
)
def test_a_cap_of_which_nothing_was_used_is_whole(terms, cap):
    quote = quoted(replace(PLAIN, **terms), line(10_000))

    assert (quote.amount_fen, quote.binding_cap) == (7, cap)


def test_the_buyer_pays_at_least_their_share_rounded_up():
    quote = quoted(replace(PLAIN, ratio_bp=10_000, min_cash_share_bp=3_333), line(1_000))

    assert (quote.amount_fen, quote.cash_fen, quote.binding_cap) == (666, 334, Cap.CASH_SHARE)


def test_an_old_explanation_computes_to_what_it_said():
    kept = {
        "terms": {
            "programme": "QY",
            "ratio_bp": 3_000,
            "eligible_categories": ["GPU_TRAIN"],
            "order_cap_fen": None,
            "min_award_fen": 0,
            "round_unit_fen": 1,
            "partial_when_short": True,
        },
        "spending": [{"category": "GPU_TRAIN", "provider_listed": True, "amount_fen": 1_000}],
        "limits": {
            "grant_available_fen": 100,
            "entity_year_left_fen": None,
            "programme_open": True,
            "grant_usable": True,
        },
    }

    quote = rules.replay(kept)

    assert (quote.amount_fen, quote.binding_cap) == (100, Cap.GRANT)
    assert [str(step.code) for step in quote.steps] == ["INCLUDED", "ELIGIBLE", "RATIO", "CAP", "AWARD"]


money = st.integers(0, 10**12)
ratios = st.integers(1, BP_WHOLE)
conditions = st.sampled_from([None, parse("is_sme"), parse("established_days < 365")])
stackings = st.one_of(
    st.builds(
        Stacking, rule=st.sampled_from([StackRule.ALLOW, StackRule.DENY, StackRule.REDUCE_BASE, StackRule.HIGHER_OF])
    ),
    st.builds(
        Stacking,
        rule=st.just(StackRule.AGGREGATE_CAP),
        ceilings=st.builds(Ceiling, bp=ratios, when=conditions).map(lambda one: (one,)),
        scope=st.sampled_from(AggregateScope),
        over=st.sampled_from(OverCeiling),
    ),
)
all_terms = st.builds(
    Terms,
    programme=st.just("P"),
    ratio_bp=ratios,
    eligible_categories=st.just(("A", "B")),
    net_of=st.sets(st.sampled_from(Discount)).map(lambda kinds: tuple(sorted(kinds))),
    vat_bp=st.none() | st.sampled_from([600, 1_300]),
    stacking=stackings,
    round_base_first=st.booleans(),
    tiers=st.lists(st.builds(Tier, code=st.just("T"), bp=ratios, when=conditions), max_size=3).map(tuple),
    select=st.sampled_from([Select.HIGHEST, Select.FIRST_MATCH]),
    round_unit_fen=st.sampled_from([1, 100, 10_000]),
    order_cap_fen=st.none() | st.integers(1, 10**10),
    entity_year_cap_fen=st.none() | st.integers(1, 10**11),
    min_award_fen=st.integers(0, 10**5),
    min_cash_share_bp=st.integers(0, BP_WHOLE),
    partial_when_short=st.booleans(),
    funders=st.lists(st.integers(1, 9), max_size=3).map(
        lambda weights: tuple(Funder(code=f"F{number}", weight=weight) for number, weight in enumerate(weights))
    ),
)
lines_strategy = st.lists(
    st.builds(Spending, category=st.sampled_from("ABC"), provider_listed=st.booleans(), amount_fen=money),
    min_size=1,
    max_size=4,
)


@st.composite
def cases(draw):
    lines = draw(lines_strategy)
    gross = sum(one.amount_fen for one in lines)
    kinds = draw(st.lists(st.sampled_from(Discount), max_size=2))
    discounts = []
    for kind in kinds:
        discounts.append(off(draw(st.integers(0, gross)), kind))
        gross -= discounts[-1].amount_fen
    support = draw(st.lists(st.builds(Support, kind=st.just("district"), amount_fen=money), max_size=2))
    known = draw(st.builds(Facts, is_sme=st.none() | st.booleans(), established_days=st.none() | st.integers(0, 999)))
    return lines, Case(facts=known, discounts=tuple(discounts), support=tuple(support))


limits_strategy = st.builds(
    Limits,
    grant_available_fen=st.none() | money,
    entity_year_left_fen=st.none() | money,
    group_left_fen=st.none() | money,
    budget_left_fen=st.none() | money,
)


@given(terms=all_terms, asked=cases(), limits=limits_strategy)
def test_whatever_the_rules_public_money_stays_within_them(terms, asked, limits):
    lines, case = asked

    quote = rules.quote(terms=terms, spending=lines, limits=limits, case=case)

    counted = [one for one in lines if one.category in "AB" and one.provider_listed]
    assert 0 <= quote.amount_fen <= quote.base_fen * quote.ratio_bp // BP_WHOLE or quote.refused
    assert quote.base_fen <= quote.eligible_fen <= sum(one.amount_fen for one in counted)
    assert quote.ratio_bp <= max([terms.ratio_bp, *(tier.bp for tier in terms.tiers)])
    for left in (
        limits.grant_available_fen,
        limits.entity_year_left_fen,
        limits.group_left_fen,
        limits.budget_left_fen,
    ):
        assert left is None or quote.amount_fen <= left
    assert quote.amount_fen % terms.round_unit_fen == 0
    assert quote.amount_fen == 0 or quote.amount_fen >= terms.min_award_fen
    assert (quote.amount_fen == 0) == (quote.refused is not None)
    assert sum(quote.shares.values()) == (quote.amount_fen if terms.funders and not quote.refused else 0)
    if quote.ceiling_fen is not None and quote.amount_fen:
        assert quote.amount_fen + quote.other_support_fen <= quote.ceiling_fen
    assert quote.steps[-1].amount_fen == quote.amount_fen


@given(terms=all_terms, asked=cases(), limits=limits_strategy)
def test_every_explanation_is_integers_and_computes_to_itself(terms, asked, limits):
    lines, case = asked
    quote = rules.quote(terms=terms, spending=lines, limits=limits, case=case)

    def no_floats(text):
        raise AssertionError(text)

    stored = json.loads(json.dumps(quote.explanation()), parse_float=no_floats)

    assert rules.replay(stored).explanation() == quote.explanation() == stored


@given(terms=all_terms, asked=cases(), limits=limits_strategy, more=st.integers(0, 10**9))
def test_more_left_never_pays_less(terms, asked, limits, more):
    lines, case = asked
    wider = replace(
        limits,
        grant_available_fen=None if limits.grant_available_fen is None else limits.grant_available_fen + more,
        group_left_fen=None,
    )

    less = rules.quote(terms=terms, spending=lines, limits=limits, case=case).amount_fen
    assert rules.quote(terms=terms, spending=lines, limits=wider, case=case).amount_fen >= less


@given(terms=all_terms, amount=money, more=money, limits=limits_strategy)
def test_more_spending_never_earns_less(terms, amount, more, limits):
    terms = replace(terms, partial_when_short=True)

    less, greater = (
        rules.quote(terms=terms, spending=[line(fen)], limits=limits).amount_fen for fen in (amount, amount + more)
    )

    assert greater >= less


def test_what_came_due_in_the_base_period_is_not_apportioned_again():
    terms = replace(PLAIN, apportion=Apportion.CONTRACT_DAYS)

    assert quoted(terms, line(10_000)).refused == Refusal.CONTRACT_UNKNOWN
    assert quoted(terms, line(10_000), in_base_period=True).amount_fen == 3_000
