"""The scenarios of the rehearsal: the same for the same seed, and inside their month."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from config.demo import generator, replay
from config.demo.scenario import Month, Scenario, last_month
from core.money import MS_PER_HOUR
from market.reference import CardEstimate, estimates

OCTOBER = Month(date(2026, 10, 1))
NODES = "sn,cpu_milli,memory_mib,gpu,model\nnode-0,64000,262144,2,T4\nnode-1,64000,262144,8,G2\n"
TASKS = """name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time
old,1000,1000,1,1000,,LS,Succeeded,0,60,0
cpu,1000,1000,0,0,,LS,Succeeded,3000000,3000060,3000000
ran,1000,1000,2,1000,T4|G2,LS,Failed,3000000,3009000,3001800
never,1000,1000,1,1000,G2,LS,Pending,3100000,,
"""


def judge(scenario: Scenario) -> None:
    """Assert what every scenario must keep so that all its orders can be placed and end within the month."""
    for order in scenario.orders:
        assert 0 <= order.first_hour <= order.last_hour
        assert order.last_hour + order.hours <= scenario.month.hours
        assert order.first_hour >= order.day * 24
        assert 0 <= order.idle_ms + order.run_ms <= order.hours * MS_PER_HOUR
        assert 0 <= order.buyer < scenario.buyers
    codes = {model.code for model in scenario.models}
    assert {pool.accelerator for pool in scenario.pools} <= codes
    assert {code for order in scenario.orders for code in order.accelerators} <= codes


def test_the_same_seed_gives_the_same_month() -> None:
    assert generator.generate(month=OCTOBER, seed=5) == generator.generate(month=OCTOBER, seed=5)
    assert generator.generate(month=OCTOBER, seed=5) != generator.generate(month=OCTOBER, seed=6)


@pytest.mark.parametrize("month", [OCTOBER, Month(date(2024, 2, 1)), Month(date(2023, 2, 1))])
def test_every_generated_order_fits_into_its_month(month: Month) -> None:
    scenario = generator.generate(month=month, seed=1)

    judge(scenario)
    assert len(scenario.orders) == 300
    assert scenario.buyers == 24


def test_the_pools_hold_exactly_the_cards_of_the_published_centres() -> None:
    scenario = generator.generate(month=OCTOBER, seed=1)

    counted = [estimate.cards for _centre, estimate in estimates() if isinstance(estimate, CardEstimate)]
    assert sum(pool.cards for pool in scenario.pools) == sum(counted)
    assert sum(scenario.skipped.values()) + len(counted) == len(estimates())


def test_a_trace_becomes_the_last_month_of_itself(tmp_path: Path) -> None:
    (tmp_path / "node_list.csv").write_text(NODES, encoding="utf-8")
    (tmp_path / "pod_list.csv").write_text(TASKS, encoding="utf-8")

    scenario = replay.scenario(directory=tmp_path, month=OCTOBER, seed=1)

    judge(scenario)
    assert [(pool.name, pool.cards) for pool in scenario.pools] == [("node-0", 2), ("node-1", 8)]
    assert scenario.skipped == {"before the month": 1, "no cards": 1}
    ran, never = scenario.orders
    assert (ran.key, ran.count, ran.failed, ran.accelerators) == ("ran", 2, True, ("trace-g2", "trace-t4"))
    assert ran.run_ms == 7_200_000
    assert (never.key, never.run_ms, never.hours) == ("never", 0, 1)


def test_the_last_month_is_the_one_that_has_ended_in_shanghai() -> None:
    assert last_month(datetime(2026, 10, 31, 15, 59, tzinfo=UTC)).starts_on == date(2026, 9, 1)
    assert last_month(datetime(2026, 10, 31, 16, 0, tzinfo=UTC)).starts_on == date(2026, 10, 1)
    assert last_month(datetime(2026, 1, 5, tzinfo=UTC)).starts_on == date(2025, 12, 1)
