"""One order of each kind of condition, at once and in the auction: what it asks for is what runs and what is billed."""

from datetime import date
from typing import Any

import pytest

from accounts.models import Organization
from billing.selectors import Wallet, wallet
from billing.services import charges, fundings
from core.periods import HOUR
from market.measure import RATES, Metric
from market.models import Accelerator, Figure, FigureKind, Offering, Order, Reservation
from market.services import auctions, matching, replays, reservations
from tests.billing import scenes
from tests.billing.conftest import set_clock  # noqa: F401 - a fixture
from tests.billing.scenes import AT, START
from tests.journeys.test_order_to_settlement import Party
from tests.market import scenes as markets
from tests.market.services.test_places import certify, probe

HOME = {"home_province": "江苏省", "home_city": "南京市"}


def figure(card: Accelerator, metric: Metric, value: int) -> None:
    Figure.objects.create(
        accelerator=card,
        metric=metric.value,
        kind=FigureKind.PUBLISHED,
        density="dense" if metric in RATES else "",
        value=value,
        source="paper",
        dated_on=date(2026, 1, 1),
    )


@pytest.fixture
def parties(db: None) -> tuple[Party, Organization, Organization]:
    """Return a buyer, a cheap provider in Shenzhen, and a dearer one with good domestic cards in Shanghai."""
    cheap, good = markets.provider("cheap"), markets.provider("good")
    small, large = markets.accelerator("small", domestic=False), markets.accelerator("large", domestic=True)
    for card, memory, link, rate in ((small, 49_152, 64_000, 100_000), (large, 98_304, 600_000, 400_000)):
        figure(card, Metric.MEMORY_CAPACITY, memory)
        figure(card, Metric.INTERCONNECT, link)
        figure(card, Metric.FP16, rate)
    markets.listed(cheap, small, price_micro=2_000_000)
    shanghai = markets.site(good, province="上海市", city="上海市")
    certify(shanghai, "pue", 1_250)
    certify(shanghai, "green", 8_000)
    probe(shanghai, "苏州市", 1_500)
    known = markets.listed(good, large, price_micro=4_000_000, site=shanghai)
    Offering.objects.filter(pk=known.pk).update(reliability_bp=9_950)
    return Party(scenes.funded_buyer(100_000), ["read", "orders"]), cheap, good


def body(**terms: Any) -> dict[str, Any]:
    wanted = {
        "category": "GPU_TRAIN",
        "accelerators": ["small", "large"],
        "count": 2,
        "hours": 2,
        "start_min": START.isoformat(),
        "start_max": START.isoformat(),
        "limit_micro": 5_000_000,
    }
    return {name: value for name, value in (wanted | terms).items() if value is not None}


BY_PERFORMANCE = {"count": None, "accelerators": None, "precision": "fp16", "limit_micro": 8_000_000}


@pytest.mark.parametrize("kind", ["instant", "auction"])
@pytest.mark.parametrize(
    ("terms", "served_by", "cards", "fen"),
    [
        ({}, "cheap", 2, 800),
        ({"conditions": {"domestic": True}}, "good", 2, 1_600),
        ({"conditions": {"memory_gib": 64}}, "good", 2, 1_600),
        ({"conditions": {"interconnect_gb_s": 600}}, "good", 2, 1_600),
        ({"conditions": {"ring_max": 1} | HOME}, "good", 2, 1_600),
        ({"conditions": {"ring_max": 0, "home_province": "江苏省", "home_city": "苏州市"}}, "good", 2, 1_600),
        ({"conditions": {"pue_max_milli": 1_250}}, "good", 2, 1_600),
        ({"conditions": {"green_min_bp": 8_000}}, "good", 2, 1_600),
        ({"conditions": {"reliability_min_bp": 9_950}}, "good", 2, 1_600),
        ({"refused": "cheap"}, "good", 2, 1_600),
        (BY_PERFORMANCE | {"tflops": 100}, "cheap", 1, 400),
        (BY_PERFORMANCE | {"tflops": 401}, "good", 2, 1_600),
    ],
)
def test_an_order_runs_where_its_conditions_are_met(parties, set_clock, kind, terms, served_by, cards, fen):
    buyer, cheap, _good = parties
    set_clock(AT)
    if "refused" in terms:
        terms = {"refused": [str(cheap.pk)]}

    placed = buyer.post("orders", body(kind=kind, **terms), key="order")
    matching.run(at=AT)
    auction = auctions.hold(at=AT)
    reservation = Reservation.objects.select_related("provider", "order__funding").get(order=placed["id"])
    reservations.advance(at=START)
    scenes.meter(reservation, cards * scenes.CARD_HOUR_MS, cards * scenes.CARD_HOUR_MS)
    charges.rate_reservation(reservation_id=reservation.pk, at=START + 2 * HOUR)

    assert (reservation.provider.name, reservation.count) == (served_by, cards)
    assert auction is None or replays.replay(auction).same
    charged = buyer.get("charges")["data"]
    assert sum(one["amount_fen"] for one in charged) == fen <= reservation.order.funding.estimate_fen
    reservations.advance(at=START + 2 * HOUR)
    fundings.close(funding=fundings.due(at=START + 80 * HOUR).get(), at=START + 80 * HOUR)
    assert buyer.get(f"orders/{placed['id']}")["status"] == "completed"
    assert wallet(buyer.organization) == Wallet(balance_fen=100_000 - fen, held_fen=0, arrears_fen=0)


@pytest.mark.parametrize("kind", ["instant", "auction"])
@pytest.mark.parametrize(
    ("terms", "reason", "detail"),
    [
        ({"conditions": {"memory_gib": 97}}, "memory", {"without": 2, "nearest": 98_304}),
        ({"conditions": {"interconnect_gb_s": 601}}, "interconnect", {"without": 2, "nearest": 600_000}),
        ({"conditions": {"ring_max": 0} | HOME}, "ring", {"without": 2, "nearest": 1}),
        ({"conditions": {"pue_max_milli": 1_249}}, "pue", {"without": 2, "nearest": 1_250}),
        ({"conditions": {"green_min_bp": 8_001}}, "green", {"without": 2, "nearest": 8_000}),
        ({"conditions": {"reliability_min_bp": 9_951}}, "reliability", {"without": 2, "nearest": 9_950}),
        ({"accelerators": ["small"], "conditions": {"pue_max_milli": 2_000}}, "pue", {"without": 1}),
        ({"accelerators": ["small"], "conditions": {"domestic": True}}, "no-domestic", {"without": 1}),
    ],
)
def test_an_order_that_waits_says_which_condition_is_in_the_way(parties, set_clock, kind, terms, reason, detail):
    buyer, _cheap, _good = parties
    set_clock(AT)

    placed = buyer.post("orders", body(kind=kind, **terms), key="order")
    matching.run(at=AT)
    auctions.hold(at=AT)

    shown = buyer.get(f"orders/{placed['id']}")
    assert (shown["status"], shown["unmatched_reason"], shown["unmatched_detail"]) == ("open", reason, detail)


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"tflops": 5, "precision": "fp16"}, "bad-count"),
        ({"count": None}, "bad-count"),
        (BY_PERFORMANCE | {"tflops": 5, "precision": None}, "bad-count"),
        (BY_PERFORMANCE | {"tflops": 5, "precision": "fp64"}, "unknown-model"),
        (BY_PERFORMANCE | {"tflops": 401, "limit_micro": 7_999_999}, "limit-below-every-price"),
        ({"conditions": {"ring_max": 1}}, "bad-conditions"),
        ({"conditions": {"ring_max": 1, "home_province": "Atlantis", "home_city": "x"}}, "bad-conditions"),
        ({"conditions": HOME}, "bad-conditions"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(parties, set_clock, terms, code):
    buyer, _cheap, _good = parties
    set_clock(AT)

    refused = buyer.post("orders", body(**terms), key="order", expected=422)

    assert refused["code"] == code
    assert not Order.objects.exists()
