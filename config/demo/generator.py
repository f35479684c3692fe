"""Make the default scenario: centres of the reference tables, and a month of orders from a seeded generator."""

import random
from collections import Counter

from config.demo.scenario import Model, Month, PlannedOrder, Pool, Scenario
from core.money import MS_PER_HOUR
from market.models import Category, OrderKind
from market.reference import CardEstimate, CentreFact, Skipped, accelerators, estimates

ORDERS = 300
BUYERS = 24
CENT_MICRO = 10_000
BASE_PRICE_MICRO = {"huawei-ascend-910b": 7_200_000, "huawei-ascend-910": 5_800_000, "cambricon-mlu370-x4": 2_400_000}
CATEGORIES = [Category.GPU_TRAIN, Category.GPU_INFER]
CHINESE = {Category.GPU_TRAIN: "训练", Category.GPU_INFER: "推理"}
COUNTS = [16, 32, 64, 64, 128, 128, 256, 512]
IN_AUCTION = 0.7
HOURS = [2, 4, 6, 8, 12, 24, 24, 36, 48, 72]


def generate(*, month: Month, seed: int) -> Scenario:
    """Return the default scenario for a month."""
    draw = random.Random(seed)  # noqa: S311 - a rehearsal must be repeatable, not secret
    skipped = Counter(str(estimate.reason) for _centre, estimate in estimates() if isinstance(estimate, Skipped))
    pools = tuple(
        pool
        for centre, estimate in estimates()
        if isinstance(estimate, CardEstimate)
        for pool in _pools(draw, centre, estimate)
    )
    orders = tuple(_order(draw, index, month, pools) for index in range(ORDERS))
    models = tuple(Model(fact.code, fact.vendor, fact.model) for fact in accelerators())
    return Scenario("centres", seed, month, models, pools, BUYERS, orders, dict(skipped))


def _pools(draw: random.Random, centre: CentreFact, estimate: CardEstimate) -> list[Pool]:
    """List a centre's cards: a quarter of them for inference, the others for training."""
    base = BASE_PRICE_MICRO[estimate.accelerator]
    inference = estimate.cards // 4
    blocks = [(Category.GPU_TRAIN, estimate.cards - inference), (Category.GPU_INFER, inference)]
    return [
        Pool(
            provider=f"{centre.name}（演示）",
            site=centre.name,
            province=centre.province,
            city=centre.city,
            hub=centre.hub or "",
            capacity_pflops=estimate.capacity_pflops,
            accelerator=estimate.accelerator,
            name=f"{centre.name} {CHINESE[category]}",
            category=category,
            cards=cards,
            price_micro=base * draw.randint(85, 118) // 100 // CENT_MICRO * CENT_MICRO,
        )
        for category, cards in blocks
        if cards > 0
    ]


def _order(draw: random.Random, index: int, month: Month, pools: tuple[Pool, ...]) -> PlannedOrder:
    day = index * (month.days - 1) // ORDERS
    first = day * 24 + 9 + draw.randint(0, 10)
    hours = min(draw.choice(HOURS), month.hours - first)
    last_start = month.hours - hours
    category = draw.choice(CATEGORIES)
    models = tuple(sorted(draw.sample(sorted({pool.accelerator for pool in pools}), draw.randint(1, 2))))
    full_ms = hours * MS_PER_HOUR
    runs_short = draw.random() < 0.35
    return PlannedOrder(
        key=f"demo-{index:04d}",
        buyer=index % BUYERS,
        day=day,
        category=category,
        accelerators=models,
        count=draw.choice(COUNTS),
        hours=hours,
        first_hour=first,
        last_hour=min(first + draw.choice([0, 6, 24]), last_start),
        limit_micro=_limit(draw, models, category, pools),
        kind=OrderKind.AUCTION if draw.random() < IN_AUCTION else OrderKind.INSTANT,
        with_voucher=draw.random() < 0.85,
        run_ms=draw.randint(1, full_ms) if runs_short else full_ms,
        idle_ms=0,
        cancelled=draw.random() < 0.03,
        failed=runs_short and draw.random() < 0.3,
    )


def _limit(draw: random.Random, models: tuple[str, ...], category: str, pools: tuple[Pool, ...]) -> int:
    """Return a limit around the cheapest fitting ask; some are below it, or find it taken."""
    asks = [pool.price_micro for pool in pools if pool.accelerator in models and pool.category == category]
    lowest = min(asks, default=min(pool.price_micro for pool in pools))
    return lowest * draw.choice([97, 100, 100, 102, 104, 110, 125, 140]) // 100
