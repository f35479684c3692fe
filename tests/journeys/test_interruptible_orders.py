"""Interruptible orders through the API: a bid, a floor, a reclaim with notice, and a bill for what was delivered."""

from datetime import date, timedelta
from typing import Any

import pytest

from billing.selectors import Wallet, wallet
from billing.services import charges, fundings, rfq_awards
from core.periods import HOUR, SHANGHAI, midnight
from market.models import CalendarHour, Match, Offering, Order, Reservation, ReservationEvent
from market.services import auctions, extensions, matching, quoting, reclaims, reservations
from market.services.orders import Demand
from tests.billing import scenes
from tests.billing.conftest import set_clock  # noqa: F401 - a fixture
from tests.billing.scenes import AT, CARD_HOUR_MS, START
from tests.journeys.test_order_to_settlement import Party
from tests.market import rfqs
from tests.market import scenes as markets

LATER = START + timedelta(minutes=30)


class World:
    """A provider with eight cards at ¥2.00, ¥0.80 below firm orders with 90 minutes of notice, and three buyers."""

    def __init__(self) -> None:
        self.card = markets.accelerator("910b")
        self.provider = markets.provider("centre")
        self.offering = markets.listed(self.provider, self.card)
        self.seller = Party(self.provider, ["read", "offerings"])
        self.low, self.high, self.firm = (
            Party(scenes.funded_buyer(100_000), ["read", "orders"]) for _number in range(3)
        )
        self.floor(800_000)

    def floor(self, micro: int | None) -> Any:
        terms = {"floor_micro": micro, "reclaim_minutes": 90}
        return self.seller.post(f"offerings/{self.offering.pk}/floor", terms, key=f"floor-{micro}", expected=200)

    def bid(self, who: Party, micro: int, **terms: Any) -> Reservation:
        placed = who.post("orders", body(kind="interruptible", limit_micro=micro, **terms), key=f"bid-{micro}")
        matching.run_interruptible(at=AT)
        return Reservation.objects.get(order=placed["id"])


def body(**terms: Any) -> dict[str, Any]:
    wanted = {
        "category": "GPU_TRAIN",
        "accelerators": ["910b"],
        "count": 4,
        "hours": 6,
        "start_min": START.isoformat(),
        "start_max": START.isoformat(),
        "limit_micro": 2_000_000,
    }
    return wanted | terms


@pytest.fixture
def world(db: None, set_clock: Any) -> World:
    set_clock(AT)
    return World()


def firm(
    world: World, set_clock: Any, *, count: int, kind: str = "instant", at: Any = LATER, hours: int = 2
) -> Reservation:
    """Let a firm order come while interruptible ones run, and return its reservation."""
    set_clock(at)
    window = {"start_min": START.isoformat(), "start_max": (START + 5 * HOUR).isoformat()}
    placed = world.firm.post("orders", body(count=count, hours=hours, kind=kind, **window), key=f"firm-{count}-{kind}")
    matching.run(at=at) if kind == "instant" else auctions.hold(at=at)
    return Reservation.objects.get(order=placed["id"])


def use(reservation: Reservation, hours: int) -> None:
    scenes.meter(reservation, *[reservation.count * CARD_HOUR_MS] * hours)
    charges.rate_reservation(reservation_id=reservation.pk, at=START + hours * HOUR)


def exact() -> bool:
    """Tell whether every hour to come holds exactly what live reservations hold."""
    for hour, reserved in CalendarHour.objects.filter(hour__gt=LATER).values_list("hour", "reserved"):
        live = Reservation.objects.live().filter(starts_at__lte=hour, ends_at__gt=hour)
        if reserved != sum(live.values_list("count", flat=True)):
            return False
    return True


def test_whoever_buys_from_the_listing_or_a_block_is_given_way_to_or_nothing_happens(world, set_clock):
    low, high = world.bid(world.low, 900_000), world.bid(world.high, 1_500_000)
    reservations.advance(at=START)
    set_clock(LATER - timedelta(minutes=1))
    window = {"start_min": START.isoformat(), "start_max": (START + 5 * HOUR).isoformat()}
    wanted = {"offering": str(world.offering.pk), "count": 4, "hours": 2, **window}
    poor = Party(scenes.funded_buyer(0), ["read", "orders"])
    before = {table: rows for table, rows in scenes.rows().items() if table != "accounts_apikey"}
    assert poor.post("orders/purchases", wanted, key="poor", expected=409)["code"] == "wallet-too-low"
    assert {table: rows for table, rows in scenes.rows().items() if table != "accounts_apikey"} == before

    bought = world.firm.post("orders/purchases", wanted, key="buy")

    low.refresh_from_db()
    assert bought["reservation"]["starts_at"] == (START + 2 * HOUR).astimezone(SHANGHAI).isoformat()
    assert (low.ends_at, low.reclaimed_at is None) == (START + 2 * HOUR, False)
    assert exact()

    # A block from the next day on takes the rest of what was sold to the other for two days.
    long = world.bid(
        world.low,
        1_000_000,
        count=2,
        hours=48,
        start_min=(START + 7 * HOUR).isoformat(),
        start_max=(START + 7 * HOUR).isoformat(),
    )
    scenes.top_up(world.firm.organization, 2_000_000)
    block = {"offering": str(world.offering.pk), "count": 8, "starts_on": "2026-10-02", "months": 1}
    world.firm.post("orders/blocks", block, key="block")
    long.refresh_from_db()
    assert long.ends_at == midnight(date(2026, 10, 2))
    assert exact()
    high.refresh_from_db()
    assert high.reclaimed_at is None


def test_an_extension_is_given_way_to_as_far_as_the_notice_allows(world, set_clock):
    taken = firm(world, set_clock, count=4, at=AT, hours=1)
    low = world.bid(world.low, 900_000)
    high = world.bid(world.high, 1_500_000, start_min=(START + HOUR).isoformat(), start_max=(START + HOUR).isoformat())
    reservations.advance(at=START)
    path, before = f"reservations/{taken.pk}/extend", CalendarHour.objects.order_by("hour").values("hour", "reserved")
    held = list(before)

    set_clock(LATER)  # two interruptible orders have the next hour, and 90 minutes of notice
    assert world.firm.post(path, {"hours": 2}, key="late", expected=409)["code"] == "overbooked"
    assert list(before) == held
    set_clock(START - HOUR)
    world.firm.post(path, {"hours": 2}, key="longer", expected=200)

    for one in (taken, low, high):
        one.refresh_from_db()
    assert (taken.ends_at, low.ends_at, low.reclaimed_at) == (START + 3 * HOUR, START + HOUR, START - HOUR)
    assert (high.ends_at, high.reclaimed_at, exact()) == (START + 7 * HOUR, None, True)


def test_an_award_is_given_way_to_or_nothing_happens(world, set_clock):
    low, high = world.bid(world.low, 900_000, hours=48), world.bid(world.high, 1_500_000, hours=48)
    scenes.top_up(world.firm.organization, 1_000_000)
    asked = rfqs.publish(world.firm.organization, world.offering)
    rfqs.bid(asked, world.offering, count=5)
    (bid,) = rfqs.opened(asked)
    by = {"buyer": world.firm.organization, "actor": scenes.Actor(organization=world.firm.organization)}

    with pytest.raises(reservations.Overbooked):
        rfq_awards.award(rfq=asked, bids=[bid], at=rfqs.START - timedelta(minutes=30), **by)
    assert Order.objects.count() == 2
    rfq_awards.award(rfq=asked, bids=[bid], at=rfqs.UNTIL, **by)

    low.refresh_from_db()
    high.refresh_from_db()
    assert (low.ends_at, high.ends_at) == (rfqs.START, rfqs.START)
    assert exact()


@pytest.mark.parametrize("kind", ["instant", "auction"])
def test_the_lowest_bid_gives_way_with_notice_and_pays_the_floor_for_what_it_used(world, set_clock, kind):
    low, high = world.bid(world.low, 900_000), world.bid(world.high, 1_500_000)
    assert (low.price_micro, low.reclaim_minutes, wallet(world.low.organization).held_fen) == (800_000, 90, 2_160)
    reservations.advance(at=START)

    taken = firm(world, set_clock, count=4, kind=kind)

    low.refresh_from_db()
    high.refresh_from_db()
    assert (taken.starts_at, taken.ends_at) == (START + 2 * HOUR, START + 4 * HOUR)
    assert (low.ends_at, low.reclaimed_at, low.status) == (START + 2 * HOUR, LATER, "active")
    assert (high.ends_at, high.reclaimed_at) == (START + 6 * HOUR, None)
    assert exact()
    told = ReservationEvent.objects.get(kind="reclaimed")
    assert (told.reservation, told.code, told.detail) == (low, "reclaimed", (START + 2 * HOUR).isoformat())

    use(low, 2)
    reservations.advance(at=START + 2 * HOUR)
    charges.rate_reservation(reservation_id=low.pk, at=START + 2 * HOUR)
    shown = world.low.get(f"reservations/{low.pk}")
    assert (shown["status"], shown["stop_code"]) == ("interrupted", "reclaimed")
    assert world.low.get(f"orders/{low.order_id}")["status"] == "completed"
    for due in list(fundings.due(at=START + 80 * HOUR)):
        fundings.close(funding=due, at=START + 80 * HOUR)
    assert wallet(world.low.organization) == Wallet(balance_fen=100_000 - 640, held_fen=0, arrears_fen=0)
    assert scenes.broken() == []


def test_who_bids_the_same_gives_way_the_latest_first_and_whoever_is_not_needed_stays(world, set_clock):
    first = world.bid(world.low, 900_000, count=2)
    world.high.post("orders", body(kind="interruptible", limit_micro=900_000, count=2), key="same")
    second = _matched(world.high)
    third = world.bid(world.high, 1_900_000, count=4)
    reservations.advance(at=START)

    firm(world, set_clock, count=1)

    ends = [Reservation.objects.get(pk=one.pk).reclaimed_at for one in (first, second, third)]
    assert ends == [None, LATER, None]
    firm(world, set_clock, count=7)
    assert Reservation.objects.reclaimable().filter(reclaimed_at=None).count() == 0
    assert exact()


def _matched(who: Party) -> Reservation:
    matching.run_interruptible(at=AT)
    return Reservation.objects.of_buyer(who.organization).get()


def test_what_has_not_begun_when_it_is_reclaimed_is_released_and_costs_nothing(world, set_clock):
    low = world.bid(
        world.low, 900_000, start_min=(START + 4 * HOUR).isoformat(), start_max=(START + 4 * HOUR).isoformat()
    )

    firm(world, set_clock, count=8, hours=6)

    low.refresh_from_db()
    order = world.low.get(f"orders/{low.order_id}")
    assert (low.status, low.stop_code, order["status"]) == ("released", "reclaimed", "cancelled")
    fundings.close(funding=fundings.due(at=LATER).get(), at=LATER)
    assert wallet(world.low.organization) == Wallet(balance_fen=100_000, held_fen=0, arrears_fen=0)
    assert exact()


def test_a_floor_above_the_bid_gives_notice_and_a_lower_one_changes_no_price(world, set_clock):
    low, high = world.bid(world.low, 900_000), world.bid(world.high, 1_500_000)
    reservations.advance(at=START)
    set_clock(LATER)
    shown = world.floor(1_000_000)
    assert (shown["floor_micro"], shown["reclaim_minutes"]) == (1_000_000, 90)

    assert [reclaims.outbid(at=LATER), reclaims.outbid(at=LATER)] == [1, 0]
    low.refresh_from_db()
    assert (low.ends_at, high.price_micro) == (START + 2 * HOUR, 800_000)

    world.floor(None)
    assert reclaims.outbid(at=START + 3 * HOUR) == 1
    assert (Offering.objects.get().floor_micro, exact()) == (None, True)


def test_a_bid_below_the_floor_is_refused_and_nothing_but_free_cards_is_sold(world):
    refused = world.low.post("orders", body(kind="interruptible", limit_micro=799_999), key="a", expected=422)
    assert (refused["code"], refused["lowest_ask_micro"]) == ("limit-below-every-price", 800_000)

    world.bid(world.high, 900_000, count=6)
    waits = world.low.post("orders", body(kind="interruptible", limit_micro=1_900_000), key="b")
    batch = matching.run_interruptible(at=AT)

    shown = world.low.get(f"orders/{waits['id']}")
    assert (shown["status"], shown["unmatched_reason"], shown["unmatched_detail"]["free_cards"]) == (
        "open",
        "capacity",
        2,
    )
    assert (batch.engine, Match.objects.count()) == ("floor-walk/1", 1)


def test_nobody_gives_way_for_a_quote_and_nobody_extends_what_is_interruptible(world, set_clock):
    low = world.bid(world.low, 900_000, count=8)
    wanted = Demand(
        category="GPU_TRAIN",
        accelerators=(world.card,),
        count=1,
        hours=1,
        start_min=START + 3 * HOUR,
        start_max=START + 3 * HOUR,
        limit_micro=2_000_000,
    )

    with pytest.raises(quoting.NothingToQuote):
        quoting.give(buyer=world.firm.organization, demand=wanted, actor=scenes.Actor(), at=AT)
    with pytest.raises(extensions.NotExtendable):
        extensions.extend(reservation=low, hours=1, at=AT)
    assert Order.objects.count() == 1


def test_what_is_being_reclaimed_may_be_given_back_even_sooner(world, set_clock):
    low = world.bid(world.low, 900_000)
    reservations.advance(at=START)
    firm(world, set_clock, count=8)
    low.refresh_from_db()
    assert low.ends_at == START + 2 * HOUR

    world.low.post(f"reservations/{low.pk}/shorten", {"hours": 1}, key="shorter", expected=200)

    low.refresh_from_db()
    assert (low.ends_at, low.reclaimed_at, wallet(world.low.organization).held_fen) == (START + HOUR, None, 320)
    reservations.advance(at=START + HOUR)
    low.refresh_from_db()
    assert (low.status, low.stop_code, exact()) == ("ended", "completed", True)


@pytest.mark.parametrize("terms", [{"floor_micro": 0}, {"floor_micro": 1, "reclaim_minutes": 1_441}])
def test_a_floor_that_makes_no_sense_is_refused(world, terms):
    world.seller.post(f"offerings/{world.offering.pk}/floor", terms, key="bad", expected=400)
    stranger = Party(markets.provider("other"), ["read", "offerings"])
    stranger.post(f"offerings/{world.offering.pk}/floor", {"floor_micro": 1}, key="theirs", expected=404)
