"""Reserved blocks of months, and orders at the site of a reservation, through the API and to the fen."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from accounts.services.audit import SYSTEM
from billing import tasks
from billing.models import Charge, Supplement
from billing.selectors import Wallet, wallet
from billing.services import charges, fundings, instalments
from core.periods import HOUR, SHANGHAI, midnight
from market.matching.book import Ask, Bid
from market.models import CalendarHour, Order, Reservation
from market.pricing import Plan, Step
from market.services import auctions, blocks, matching, prices, reservations
from tests.billing import scenes
from tests.billing.conftest import set_clock  # noqa: F401 - a fixture
from tests.billing.scenes import AT, CARD_HOUR_MS, START
from tests.journeys.test_order_to_settlement import Party
from tests.market import scenes as markets
from tests.market.matching.scenes import key

DAY = 24 * HOUR
BEGINS = datetime(2027, 2, 28, 16, tzinfo=UTC)  # midnight of March in Shanghai, 151 days ahead


@pytest.fixture
def world(db: None, set_clock: Any) -> Any:
    """Return a buyer and a listing at ¥2.00, a tenth less from 700 hours on."""
    set_clock(AT)
    card = markets.accelerator("910b")
    offering = markets.listed(markets.provider(), card)
    plan = Plan(base_micro=2_000_000, terms=(Step(at_least=700, discount_bp=1_000),))
    prices.publish(offering=offering, plan=plan, starts_at=AT + HOUR, actor=SYSTEM, at=AT)
    return Party(scenes.funded_buyer(500_000), ["read", "orders"]), offering


def block(offering: Any, **terms: Any) -> dict[str, Any]:
    return {"offering": str(offering.pk), "count": 2, "starts_on": "2027-03-01", "months": 1} | terms


def test_a_block_is_bought_ahead_used_and_billed_at_the_price_of_its_term(world):
    buyer, offering = world

    bought = buyer.post("orders/blocks", block(offering), key="block")

    held = Reservation.objects.get()
    assert (bought["kind"], bought["status"], bought["hours"]) == ("block", "matched", 744)
    assert (held.starts_at, held.ends_at, held.price_micro) == (BEGINS, BEGINS + 744 * HOUR, 1_800_000)
    assert wallet(buyer.organization).held_fen == 2 * 744 * 180
    reservations.advance(at=BEGINS)
    scenes.meter(held, *[2 * CARD_HOUR_MS] * 3)
    charges.rate_reservation(reservation_id=held.pk, at=BEGINS + 3 * HOUR)
    reservations.advance(at=held.ends_at)
    fundings.close(funding=fundings.due(at=held.ends_at + 80 * HOUR).get(), at=held.ends_at + 80 * HOUR)

    assert buyer.get(f"orders/{bought['id']}")["status"] == "completed"
    assert wallet(buyer.organization) == Wallet(balance_fen=500_000 - 3 * 2 * 180, held_fen=0, arrears_fen=0)
    assert scenes.broken() == []


@pytest.mark.parametrize(
    ("terms", "status", "code"),
    [
        ({"months": 2}, 400, "invalid"),
        ({"starts_on": "2026-10-01"}, 422, "bad-block"),
        ({"starts_on": "2027-03-31"}, 422, "bad-block"),
        ({"count": 9}, 409, "nothing-to-quote"),
        ({"limit_micro": 1_000}, 422, "limit-below-every-price"),
        ({"count": 8, "months": 12}, 409, "wallet-too-low"),
    ],
)
def test_a_block_that_cannot_be_is_refused_and_holds_nothing(world, terms, status, code):
    buyer, offering = world

    refused = buyer.post("orders/blocks", block(offering, **terms), key="block", expected=status)

    assert (refused["code"], Order.objects.count(), wallet(buyer.organization).held_fen) == (code, 0, 0)


def test_there_is_no_other_term_and_a_block_is_not_placed_as_an_order(world):
    buyer, offering = world
    with pytest.raises(blocks.BadBlock):
        blocks.demand_of(offering, count=1, starts_on=date(2027, 3, 1), months=2, at=AT)
    wanted = {"category": "GPU_TRAIN", "accelerators": ["910b"], "count": 1, "hours": 1, "limit_micro": 2_000_000}
    window = {"start_min": START.isoformat(), "start_max": START.isoformat(), "kind": "block"}

    assert buyer.post("orders", wanted | window, key="order", expected=400)["code"] == "invalid"
    assert blocks.months_later(date(2027, 8, 31), 6) == date(2028, 2, 29)


@pytest.mark.parametrize("kind", ["instant", "auction"])
def test_an_order_beside_a_reservation_runs_at_its_site_or_says_why_not(world, kind):
    buyer, offering = world
    held = Reservation.objects.get(order=buyer.post("orders/blocks", block(offering), key="block")["id"])
    markets.listed(markets.provider(), offering.accelerator, price_micro=1_000_000)
    dear = markets.listed(offering.provider, offering.accelerator, price_micro=3_000_000, site=offering.site)
    wanted = {"category": "GPU_TRAIN", "accelerators": ["910b"], "hours": 1, "limit_micro": 3_000_000, "kind": kind}
    wanted |= {"start_min": START.isoformat(), "start_max": START.isoformat(), "beside": str(held.pk)}

    near = buyer.post("orders", wanted | {"count": 2}, key="near")
    matching.run(at=AT)
    auctions.hold(at=AT)
    beside = Reservation.objects.get(order=near["id"])
    assert (near["beside"], beside.offering.site) == (str(held.pk), offering.site)
    type(offering).objects.filter(pk__in=[offering.pk, dear.pk]).update(status="paused")
    far = buyer.post("orders", wanted | {"count": 1}, key="far")
    matching.run(at=AT + timedelta(minutes=1))
    auctions.hold(at=AT + timedelta(minutes=1))

    shown = buyer.get(f"orders/{far['id']}")
    assert (shown["status"], shown["unmatched_reason"], shown["unmatched_detail"]) == ("open", "site", {"without": 1})
    stranger = Party(scenes.funded_buyer(1_000), ["read", "orders"])
    assert stranger.post("orders", wanted | {"count": 1}, key="x", expected=404)["errors"]

    reservations.advance(at=START)
    scenes.meter(beside, 2 * scenes.CARD_HOUR_MS)
    reservations.advance(at=beside.ends_at)
    scenes.rate(beside, at=beside.ends_at)
    charged = [one["amount_fen"] for one in buyer.get("charges")["data"]]
    assert (charged, buyer.get(f"orders/{near['id']}")["status"]) == ([beside.price_micro * 2 // 10_000], "completed")


def test_nothing_stands_at_a_site_that_nobody_asks_for():
    here = Ask(key(1), "m", "p", 1, site="here")
    wants = {"count": 1, "hours": 1, "start_min": 0, "start_max": 0, "limit_micro": 1, "accelerators": frozenset("m")}

    assert here.may_serve(Bid(key(2), 1, **wants))
    assert not here.may_serve(Bid(key(2), 1, sites=frozenset(["there"]), **wants))


# Month by month


def monthly(world, **terms):
    """Buy two cards for three months from March on, month by month: 744, 720 and 744 hours at ¥1.80 a card."""
    buyer, offering = world
    bought = buyer.post("orders/blocks", block(offering, months=3, monthly=True) | terms, key="monthly")
    return Reservation.objects.get(order=bought["id"])


def pay(at):
    for plan_id in instalments.due(at=at, limit=9):
        tasks.pay_instalment(plan_id=str(plan_id))


APRIL, MAY, JUNE = (midnight(date(2027, month, 1)) for month in (4, 5, 6))
MARCH_FEN, APRIL_FEN = 2 * 744 * 180, 2 * 720 * 180


def test_a_block_is_paid_month_by_month_used_billed_and_over(world, set_clock):
    buyer, _offering = world
    scenes.top_up(buyer.organization, 200_000)
    held = monthly(world)
    path = f"reservations/{held.pk}"
    assert wallet(buyer.organization).held_fen == MARCH_FEN
    (told,) = buyer.get(f"{path}/instalments")
    assert (told["status"], told["periods"], told["next"]["estimate_fen"]) == ("active", 1, APRIL_FEN)
    assert told["next"]["tried_from"] == (APRIL - 7 * DAY).astimezone(SHANGHAI).isoformat()
    assert told["next"]["missed_at"] == (APRIL - 3 * DAY).astimezone(SHANGHAI).isoformat()
    refused = buyer.post(f"{path}/extend", {"hours": 1}, key="extend", expected=409)
    assert refused["code"] == "not-extendable"

    # April is set aside a week ahead, once; a card is given back in April, and May is of the other one.
    set_clock(APRIL - 8 * DAY)
    pay(APRIL - 8 * DAY)
    assert wallet(buyer.organization).held_fen == MARCH_FEN
    reservations.advance(at=BEGINS)
    set_clock(APRIL - 7 * DAY)
    pay(APRIL - 7 * DAY)
    pay(APRIL - 7 * DAY)
    assert wallet(buyer.organization).held_fen == MARCH_FEN + APRIL_FEN
    set_clock(APRIL + DAY)
    buyer.post(f"{path}/return-cards", {"cards": 1}, key="fewer", expected=200)
    pay(APRIL + DAY)
    set_clock(MAY - 6 * DAY)
    pay(MAY - 6 * DAY)
    (told,) = buyer.get(f"{path}/instalments")
    assert (told["status"], told["periods"], told["next"]) == ("done", 3, None)
    assert Supplement.objects.order_by("number").last().estimate_fen == 744 * 180

    scenes.meter(held, *[2 * CARD_HOUR_MS] * 2)
    scenes.meter(held, CARD_HOUR_MS, CARD_HOUR_MS, first=(MAY - BEGINS) // HOUR)
    charges.rate_reservation(reservation_id=held.pk, at=MAY + 3 * HOUR)
    reservations.advance(at=JUNE)
    fundings.close(funding=fundings.due(at=JUNE + 80 * HOUR).get(), at=JUNE + 80 * HOUR)
    fees = sum(Charge.objects.fees().values_list("amount_fen", flat=True))
    assert wallet(buyer.organization) == Wallet(700_000 - fees - 6 * 180, 0, 0)
    assert scenes.broken() == []


def test_a_missed_month_ends_the_block_where_it_would_begin_and_costs_no_fee(world, set_clock):
    buyer, _offering = world
    held = monthly(world, count=3)  # ¥4,017.60 for March: what is left is too little for April
    path = f"reservations/{held.pk}"
    reservations.advance(at=BEGINS)
    for at, problem in ((APRIL - 7 * DAY, "wallet-too-low"), (APRIL - 3 * DAY - HOUR, "wallet-too-low")):
        set_clock(at)
        pay(at)
        (told,) = buyer.get(f"{path}/instalments")
        assert (told["status"], told["problem"]) == ("active", problem)
        assert Reservation.objects.get().ends_at == JUNE

    set_clock(APRIL - 3 * DAY)
    pay(APRIL - 3 * DAY)

    (told,) = buyer.get(f"{path}/instalments")
    assert (told["status"], told["next"], Reservation.objects.get().ends_at) == ("missed", None, APRIL)
    assert not CalendarHour.objects.filter(hour__gte=APRIL, reserved__gt=0).exists()
    reservations.advance(at=APRIL)
    fundings.close(funding=fundings.due(at=APRIL + 80 * HOUR).get(), at=APRIL + 80 * HOUR)
    assert buyer.get(f"orders/{held.order_id}")["status"] == "completed"
    assert wallet(buyer.organization) == Wallet(500_000, 0, 0)
    assert scenes.broken() == []
