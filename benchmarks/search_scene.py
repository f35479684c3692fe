"""Ten thousand offerings on a market of its own, and the searches that are asked of it, each beside its bare SQL.

Imported only once Django is set up for the benchmark's own server.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from accounts.models import Onboarding, OnboardingStatus, Organization, User
from market.models import (
    Accelerator,
    Category,
    Figure,
    Offering,
    OfferingStatus,
    Site,
    SiteStatus,
)
from market.selectors.search import Wish
from market.services import figures

OFFERINGS, PROVIDERS, SITES, CARDS = 10_000, 60, 150, 48
AT = datetime(2026, 10, 1, tzinfo=UTC)
CITIES = [("北京市", "北京市", "京津冀"), ("上海市", "上海市", "长三角"), ("广东省", "深圳市", "粤港澳大湾区")]
CITIES += [
    ("四川省", "成都市", "成渝"),
    ("贵州省", "贵阳市", "贵州"),
    ("甘肃省", "庆阳市", "甘肃"),
    ("湖北省", "武汉市", ""),
]
VENDORS = ["华为", "NVIDIA", "寒武纪", "海光", "AMD", "壁仞科技"]
USES = {Category.GPU_TRAIN: "训练", Category.GPU_INFER: "推理", Category.HPC: "科学计算"}

COLUMNS = """
SELECT o.id, o.name, o.category, o.count, o.price_micro, o.opens_at, o.closes_at, p.name, s.name, s.province, s.city,
       s.hub_name, a.code, a.vendor, a.name, a.domestic, a.memory_gib, m.status, m.ppm, m.missing,
       (o.price_micro * 2000000 + m.ppm) / (m.ppm * 2) AS sch
FROM market_offering o
JOIN accounts_organization p ON p.id = o.provider_id
JOIN market_site s ON s.id = o.site_id
JOIN market_accelerator a ON a.id = o.accelerator_id
LEFT JOIN market_standardmeasure m ON m.accelerator_id = a.id AND m.scenario =
     CASE o.category WHEN 'GPU_TRAIN' THEN 'train-fp16' WHEN 'GPU_INFER' THEN 'infer-int8' ELSE 'hpc-fp64' END
WHERE o.status = 'listed'
"""
CHEAPEST = " ORDER BY o.price_micro, o.id LIMIT 26"
BEST = " ORDER BY sch NULLS LAST, o.price_micro, o.id LIMIT 26"
FIRST = " ORDER BY o.opens_at, o.price_micro, o.id LIMIT 26"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the service, and the statement that a person would write for it."""

    name: str
    wish: Wish
    sort: str
    statement: str
    parameters: list[Any]


def seed(draw: random.Random) -> None:
    """Write the market."""
    cards = _cards()
    providers = Organization.objects.bulk_create(
        Organization(kind="provider", name=f"{draw.choice(CITIES)[1]}算力 {number}", credit_code=f"{number:018d}")
        for number in range(PROVIDERS)
    )
    maker, checker = (User.objects.create(username=name) for name in ("maker", "checker"))
    Onboarding.objects.bulk_create(_verified(provider, maker, checker) for provider in providers)
    sites = Site.objects.bulk_create(_site(draw, number, draw.choice(providers)) for number in range(SITES))
    Offering.objects.bulk_create(
        [_offering(draw, number, draw.choice(sites), draw.choice(cards)) for number in range(OFFERINGS)],
        batch_size=1_000,
    )
    figures.refresh_measures(on=AT.date())


def _verified(provider: Organization, maker: User, checker: User) -> Onboarding:
    return Onboarding(
        organization=provider,
        status=OnboardingStatus.VERIFIED,
        submitted_by=maker,
        submitted_at=AT,
        decided_by=checker,
        decided_at=AT,
        good_until=date(2030, 1, 1),
    )


def _cards() -> list[Accelerator]:
    """Write cards of every vendor; of each third one no bandwidth is known, so that it cannot be compared."""
    cards = Accelerator.objects.bulk_create(
        Accelerator(
            code=f"card-{number}",
            vendor=VENDORS[number % len(VENDORS)],
            name=f"X{number} {16 * (1 + number % 8)}GB",
            domestic=number % 2 == 0,
            memory_gib=16 * (1 + number % 8),
        )
        for number in range(CARDS)
    )
    Figure.objects.bulk_create(figure for number, card in enumerate(cards) for figure in _figures(number, card))
    return cards


def _figures(number: int, card: Accelerator) -> Iterator[Figure]:
    known = {"fp64": 9_000, "fp16": 300_000, "int8": 600_000, "memory-capacity": 16_384, "interconnect": 400_000}
    if number % 3:
        known["memory-bandwidth"] = 1_200_000
    for metric, value in known.items():
        yield Figure(
            accelerator=card,
            metric=metric,
            kind="published",
            density="dense" if metric[-1].isdigit() else "",
            value=value * (number + 10) // 10,
            source="benchmark",
            dated_on=date(2026, 1, 1),
        )


def _site(draw: random.Random, number: int, provider: Organization) -> Site:
    province, city, hub = draw.choice(CITIES)
    name = f"{city}智算中心 {number}"
    status = SiteStatus.OPERATING
    return Site(provider=provider, name=name, province=province, city=city, hub_name=hub, status=status)


def _offering(draw: random.Random, number: int, site: Site, card: Accelerator) -> Offering:
    category = draw.choice(list(USES))
    return Offering(
        status=OfferingStatus.LISTED,
        reviewed_at=AT,
        provider_id=site.provider_id,
        site=site,
        accelerator=card,
        name=f"{site.name} {card.name} {USES[category]}池 {number}",
        category=category,
        count=2 ** draw.randrange(10),
        price_micro=draw.randrange(50, 2_000) * 10_000,
        opens_at=AT - timedelta(hours=draw.randrange(10_000)),
    )


@dataclass(frozen=True, slots=True)
class Values:
    """What one round asks about."""

    city: str
    vendor: str
    card: int
    cent: int
    cards: int
    word: str

    @property
    def micro(self) -> int:
        """Return the price in micro-yuan."""
        return self.cent * 10_000

    @property
    def yuan(self) -> str:
        """Return the price as people type it."""
        return f"{self.cent // 100}.{self.cent % 100:02d}"


def questions(draw: random.Random) -> Iterator[Question]:
    """Yield one question of every kind, each with values of its own."""
    values = Values(
        city=draw.choice(CITIES)[1],
        vendor=draw.choice(VENDORS),
        card=draw.randrange(CARDS),
        cent=draw.randrange(200, 2_000),
        cards=2 ** draw.randrange(8),
        word=draw.choice(list(USES.values())),
    )
    yield Question("cheapest of all", Wish(), "price", COLUMNS + CHEAPEST, [])
    yield Question("best value of all", Wish(), "sch", COLUMNS + BEST, [])
    yield from _narrowed(values)
    yield from _named(values)
    yield from _sorted(values)


def _narrowed(values: Values) -> Iterator[Question]:
    yield Question(
        "filters",
        Wish(city=values.city, vendor=values.vendor, category="GPU_TRAIN", max_price_micro=values.micro),
        "price",
        f"{COLUMNS} AND s.city = %s AND a.vendor = %s AND o.category = 'GPU_TRAIN' AND o.price_micro <= %s{CHEAPEST}",
        [values.city, values.vendor, values.micro],
    )
    models = f"gpu_name in [X{values.card},X{values.card + 1}] city in [{values.city[:-1]},上海]"
    yield Question(
        "query language",
        Wish(query=f"{models} num_gpus>={values.cards} price<{values.yuan}"),
        "price",
        f"{COLUMNS} AND a.name ~* %s AND s.city = ANY(%s) AND o.count >= %s AND o.price_micro < %s{CHEAPEST}",
        [
            rf"(^|[^a-z0-9])X({values.card}|{values.card + 1})($|[^a-z0-9])",
            [values.city, "上海市"],
            values.cards,
            values.micro,
        ],
    )


def _named(values: Values) -> Iterator[Question]:
    for name, words in {
        "words": [values.word, values.city[:-1]],
        "rare words": ["智算中心", str(values.card), f"X{values.card}"],
    }.items():
        named = " AND (o.name ILIKE %s OR s.name ILIKE %s OR p.name ILIKE %s OR a.name ILIKE %s)" * len(words)
        parameters = [f"%{word}%" for word in words for _column in range(4)]
        yield Question(name, Wish(text=" ".join(words)), "price", COLUMNS + named + CHEAPEST, parameters)


def _sorted(values: Values) -> Iterator[Question]:
    yield Question(
        "best value of some",
        Wish(query=f"category=train num_gpus>={values.cards} sch_price<{values.yuan} domestic=true"),
        "sch",
        f"""SELECT * FROM ({COLUMNS} AND o.category = 'GPU_TRAIN' AND o.count >= %s AND a.domestic) AS o
        WHERE sch < %s ORDER BY sch, o.price_micro, o.id LIMIT 26""",
        [values.cards, values.micro],
    )
    yield Question(
        "first to open",
        Wish(query=f"vendor={values.vendor} price<={values.yuan}"),
        "start",
        f"{COLUMNS} AND a.vendor = %s AND o.price_micro <= %s{FIRST}",
        [values.vendor, values.micro],
    )
