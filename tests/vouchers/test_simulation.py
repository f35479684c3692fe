"""Past spending played through a programme: cost, reach, caps, and who drops out and why."""

from datetime import date

from tests.vouchers.parameters.samples import plain, published
from vouchers import simulation
from vouchers.parameters import Facts, codec
from vouchers.simulation import PastSpending

OPEN = {"providers__registry": "OPEN"}


def spent(entity, amount_fen, *, on=date(2025, 3, 1), category="GPU_TRAIN", provider="p", group="", **facts):
    return PastSpending(
        entity=entity,
        on=on,
        category=category,
        provider=provider,
        amount_fen=amount_fen,
        group=group,
        facts=Facts(**facts),
    )


def test_cost_reach_and_leverage_add_up_by_month_and_group():
    outcome = simulation.simulate(
        parameters=plain(**OPEN),
        spendings=[
            spent("a", 1_000, group="庆阳"),
            spent("a", 2_000, group="庆阳", on=date(2025, 4, 1)),
            spent("b", 10_000, group="西安"),
        ],
    )

    assert (outcome["orders"], outcome["paid_orders"], outcome["spending_fen"]) == (3, 3, 13_000)
    assert (outcome["cost_fen"], outcome["leverage_bp"], outcome["exhausted_on"]) == (3_900, 33_333, None)
    assert (outcome["firms"], outcome["reached"], outcome["dropped"]) == (2, 2, [])
    assert outcome["months"] == [
        {"month": "2025-03", "orders": 2, "cost_fen": 3_300},
        {"month": "2025-04", "orders": 1, "cost_fen": 600},
    ]
    assert outcome["groups"] == [
        {"group": "庆阳", "firms": 1, "reached": 1, "cost_fen": 900},
        {"group": "西安", "firms": 1, "reached": 1, "cost_fen": 3_000},
    ]


def test_who_comes_first_is_paid_first_and_the_budget_runs_out():
    outcome = simulation.simulate(
        parameters=plain(money__budget_fen=1_000, **OPEN),
        spendings=[spent("late", 10_000, on=date(2025, 5, 2)), spent("first", 3_000, on=date(2025, 5, 1))],
    )

    assert (outcome["cost_fen"], outcome["exhausted_on"]) == (1_000, "2025-05-02")
    assert outcome["caps"] == [{"cap": "BUDGET", "orders": 1, "cut_fen": 2_900}]


def test_a_yearly_cap_binds_within_a_year_and_not_over_it():
    outcome = simulation.simulate(
        parameters=plain(caps__entity_annual_cap_fen=1_000, **OPEN),
        spendings=[spent("a", 3_000), spent("a", 3_000), spent("a", 3_000), spent("a", 3_000, on=date(2026, 1, 1))],
    )

    assert outcome["cost_fen"] == 1_900
    assert outcome["caps"] == [{"cap": "ENTITY_YEAR", "orders": 2, "cut_fen": 1_700}]
    assert outcome["refusals"] == [{"reason": "SHORT", "orders": 1, "spending_fen": 3_000}]


def test_who_drops_out_is_named_with_the_reason():
    parameters = plain(eligibility__sizes=["SMALL", "MICRO"], eligibility__industries=["6"])

    outcome = simulation.simulate(
        parameters=parameters,
        spendings=[
            spent("large", 5_000, size="LARGE"),
            spent("unlisted", 9_000, size="SMALL", provider="other"),
            spent("storage", 1_000, size="SMALL", category="STORAGE"),
            spent("fine", 1_000, size="SMALL"),
        ],
        listed={"p"},
    )

    assert [(one["entity"], one["reasons"]) for one in outcome["dropped"]] == [
        ("unlisted", [{"reason": "PROVIDER_NOT_LISTED", "orders": 1}]),
        ("large", [{"reason": "SIZE", "orders": 1}]),
        ("storage", [{"reason": "CATEGORY_NOT_ELIGIBLE", "orders": 1}]),
    ]
    assert outcome["not_known"] == [{"code": "INDUSTRY", "firms": 3}]
    assert outcome["reached"] == 1


def test_a_years_spending_and_funders_are_known_to_the_run():
    shenzhen = codec.changed(published("SZ-2026"), {"providers.registry": "OPEN", "providers.by_service_item": False})
    henan = codec.changed(published("HN-2025"), {"providers.registry": "OPEN"})
    halves = [spent("a", 30_000_000, on=date(2025, month, 1)) for month in (1, 2)]

    assert simulation.simulate(parameters=shenzhen, spendings=halves)["cost_fen"] == 30_000_000
    assert simulation.simulate(parameters=shenzhen, spendings=halves[:1])["cost_fen"] == 0
    assert simulation.simulate(parameters=henan, spendings=[spent("a", 15)])["funders"] == {"PROVINCE": 2, "CITY": 1}


def test_only_the_first_purchase_of_a_firm_is_paid_where_a_programme_says_so():
    parameters = plain(caps__first_purchase_only=True, **OPEN)

    outcome = simulation.simulate(parameters=parameters, spendings=[spent("a", 100), spent("b", 100), spent("a", 900)])

    assert outcome["cost_fen"] == 2 * 30
    assert outcome["refusals"] == [{"reason": "FIRST_PURCHASE", "orders": 1, "spending_fen": 900}]


def test_a_change_is_compared_firm_by_firm():
    before = plain(**OPEN)
    after = plain(award__tiers=[{"code": "BASE", "bp": 4_000}], award__eligible_categories=["GPU_TRAIN", "HPC"], **OPEN)
    after = codec.changed(after, {"eligibility.sizes": ["SMALL"]})

    outcome = simulation.compare(
        before=before,
        after=after,
        spendings=[
            spent("large", 1_000, size="LARGE"),
            spent("small", 1_000, size="SMALL"),
            spent("hpc", 500, category="HPC", size="SMALL"),
        ],
    )

    assert outcome["cost_change_fen"] == 400 + 200 - 600
    assert [(one["entity"], one["reasons"]) for one in outcome["lost"]] == [("large", ["SIZE"])]
    assert [(one["entity"], one["after_fen"]) for one in outcome["gained"]] == [("hpc", 200)]
    assert [(one["entity"], one["before_fen"], one["after_fen"]) for one in outcome["changed"]] == [("small", 300, 400)]


def test_nothing_spent_costs_nothing():
    outcome = simulation.simulate(parameters=plain(), spendings=[])

    assert (outcome["cost_fen"], outcome["leverage_bp"], outcome["firms"]) == (0, None, 0)
