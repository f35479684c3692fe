"""Make a scenario from a cluster's trace: nodes become pools, tasks become orders and usage, failures included."""

from collections import Counter
from pathlib import Path
from zlib import crc32

from config.demo.scenario import Model, Month, PlannedOrder, Pool, Scenario
from core.money import MS_PER_HOUR
from market.models import Category, OrderKind
from market.reference import trace
from market.reference.trace import NodeFact, Phase, TaskFact, Trace

BUYERS = 40
MOST_ORDERS = 1_600
"""So many tasks at most become orders, spread evenly over the month: a rehearsal of minutes, not of hours."""
SECONDS_PER_HOUR = 3_600
PROVIDERS = {
    "G2": "某云算力一部（演示）",
    "G3": "某云算力一部（演示）",
    "T4": "某云算力二部（演示）",
    "P100": "某云算力三部（演示）",
    "A10": "某云算力三部（演示）",
}
OTHER_PROVIDER = "某云算力四部（演示）"
PRICE_MICRO = {"T4": 1_600_000, "P100": 1_900_000, "V100M16": 3_200_000, "V100M32": 3_900_000, "A10": 2_600_000}
OTHER_PRICE_MICRO = 4_800_000


def scenario(*, directory: Path, month: Month, seed: int, most_orders: int = MOST_ORDERS) -> Scenario:
    """Return the last days of a trace as a month; what does not become an order is counted by reason.

    :raises TraceError: if the directory is not a readable trace.
    """
    facts = trace.read(directory)
    names = sorted({node.model for node in facts.nodes})
    origin_s = _origin_s(facts, month)
    skipped: Counter[str] = Counter()
    orders = []
    for task in facts.tasks:
        reason = _unfit(task, origin_s, month)
        if reason:
            skipped[reason] += 1
        else:
            orders.append(_order(task, origin_s, month, names))
    models = tuple(Model(_code(name), "trace", name) for name in names)
    pools = tuple(_pool(node) for node in facts.nodes)
    ordered = sorted(orders, key=lambda order: (order.day, order.first_hour, order.key))
    chosen = _spread(ordered, most_orders)
    skipped["not in the sample"] = len(ordered) - len(chosen)
    return Scenario("trace", seed, month, models, pools, BUYERS, tuple(chosen), dict(+skipped))


def _spread(orders: list[PlannedOrder], most: int) -> list[PlannedOrder]:
    """Return at most so many orders, evenly spread."""
    if len(orders) <= most:
        return orders
    return [orders[index * len(orders) // most] for index in range(most)]


def _origin_s(facts: Trace, month: Month) -> int:
    """Return the second of the trace that becomes the month's beginning: the month ends with the trace."""
    last_s = max(task.created_s for task in facts.tasks)
    return last_s - month.hours * SECONDS_PER_HOUR + 1


def _unfit(task: TaskFact, origin_s: int, month: Month) -> str:
    if task.cpu_only:
        return "no cards"
    if (task.scheduled_s or task.created_s) < origin_s:
        return "before the month"
    return "" if _first_hour(task, origin_s) < month.hours else "after the month"


def _first_hour(task: TaskFact, origin_s: int) -> int:
    return ((task.scheduled_s or task.created_s) - origin_s) // SECONDS_PER_HOUR


def _order(task: TaskFact, origin_s: int, month: Month, names: list[str]) -> PlannedOrder:
    first = _first_hour(task, origin_s)
    idle_ms = ((task.scheduled_s or task.created_s) - origin_s) % SECONDS_PER_HOUR * 1_000
    left_ms = (month.hours - first) * MS_PER_HOUR - idle_ms
    run_ms = min(_run_s(task) * 1_000, left_ms)
    hours = max(1, -(-(idle_ms + run_ms) // MS_PER_HOUR))
    return PlannedOrder(
        key=task.name,
        buyer=crc32(task.name.encode()) % BUYERS,
        day=first // 24,
        category=Category.GPU_TRAIN,
        accelerators=tuple(sorted(_code(name) for name in task.models or names)),
        count=task.cards,
        hours=hours,
        first_hour=first,
        last_hour=min(first + 24, month.hours - hours),
        limit_micro=OTHER_PRICE_MICRO,
        kind=OrderKind.INSTANT if crc32(task.name.encode()) % 10 < 3 else OrderKind.AUCTION,
        with_voucher=crc32(task.name.encode()) % 4 != 0,
        run_ms=run_ms,
        idle_ms=idle_ms,
        failed=task.phase is Phase.FAILED,
    )


def _run_s(task: TaskFact) -> int:
    """Return for how many seconds a task ran; one that was never scheduled did not."""
    if task.scheduled_s is None or task.deleted_s is None:
        return 0
    return task.deleted_s - task.scheduled_s


def _pool(node: NodeFact) -> Pool:
    return Pool(
        provider=PROVIDERS.get(node.model, OTHER_PROVIDER),
        site="生产集群（演示）",
        province="浙江省",
        city="杭州市",
        hub="",
        capacity_pflops=None,
        accelerator=_code(node.model),
        name=node.sn,
        category=Category.GPU_TRAIN,
        cards=node.cards,
        price_micro=PRICE_MICRO.get(node.model, OTHER_PRICE_MICRO),
    )


def _code(model: str) -> str:
    return f"trace-{model.lower()}"
