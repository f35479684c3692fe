"""Orders that are split, through the API: placed, served in parts, used, billed to the fen and over."""

from typing import Any

import pytest

from billing.models import Charge, FundingStatus
from billing.selectors import Wallet, wallet
from billing.services import charges, fundings, invoicing
from core.periods import HOUR
from market.models import CalendarHour, Match, Offering, Order, Reservation
from market.services import auctions, matching, orders, reservations, usage_store
from market.services.splits import Split
from tests.billing import scenes
from tests.billing.conftest import set_clock  # noqa: F401 - a fixture
from tests.billing.scenes import AT, CARD_HOUR_MS, START
from tests.billing.services.test_invoicing import CLOSED, OCTOBER
from tests.journeys.test_order_to_settlement import Party
from tests.market import scenes as markets

WHOLE = Wallet(balance_fen=100_000, held_fen=0, arrears_fen=0)


@pytest.fixture
def world(db: None, set_clock: Any) -> Any:
    """Return a buyer, a provider with four cheap cards, and another that may list eight dear ones."""
    set_clock(AT)
    card = markets.accelerator("910b")
    cheap, dear = markets.provider("cheap"), markets.provider("dear")
    markets.listed(cheap, card, count=4, price_micro=2_000_000)
    return Party(scenes.funded_buyer(100_000), ["read", "orders"]), card, cheap, dear


def body(**terms: Any) -> dict[str, Any]:
    split = {"parts_max": 3, "part_cards": 2} | terms.pop("split", {})
    wanted = {
        "category": "GPU_TRAIN",
        "accelerators": ["910b"],
        "count": 6,
        "hours": 2,
        "start_min": START.isoformat(),
        "start_max": START.isoformat(),
        "limit_micro": 3_000_000,
        "split": split,
    }
    return wanted | terms


def close(at: Any) -> None:
    for due in list(fundings.due(at=at)):
        fundings.close(funding=due, at=at)


def use(reservation: Reservation) -> None:
    """Let a reservation use all it has, be charged, and end."""
    reservations.advance(at=reservation.starts_at)
    scenes.meter(reservation, *[reservation.count * CARD_HOUR_MS] * reservation.hours)
    charges.rate_reservation(reservation_id=reservation.pk, at=reservation.ends_at)
    reservations.advance(at=reservation.ends_at)


@pytest.mark.parametrize(
    ("kind", "clear", "whole"), [("instant", matching.run, False), ("auction", auctions.hold, True)]
)
def test_a_voucher_pays_an_order_in_parts_up_to_the_cap_of_the_whole_order(world, kind, clear, whole):
    buyer, card, cheap, dear = world
    markets.listed(dear, card, price_micro=3_000_000)
    rules = scenes.programme([cheap, dear], order_cap_fen=1_000)
    grant = scenes.grant(buyer.organization, rules)

    placed = buyer.post("orders", body(grant=str(grant.pk), kind=kind, split={"all_or_none": whole}), key="order")
    assert (placed["split"]["parts_max"], placed["parts"]) == (3, [])
    assert wallet(buyer.organization).held_fen == 3_603 - 1_000  # three bills and shares are rounded, not one
    clear(at=AT)

    shown = buyer.get(f"orders/{placed['id']}")
    parts = [(one["count"], one["price_micro"], one["provider"]) for one in shown["parts"]]
    assert (shown["status"], parts) == ("matched", [(4, 2_000_000, str(cheap.pk)), (2, 3_000_000, str(dear.pk))])
    assert shown["reservation"] == shown["parts"][0]
    for reservation in Reservation.objects.order_by("pk"):
        use(reservation)
    close(START + 80 * HOUR)

    fen = [sum(one) for one in zip(*Charge.objects.values_list("amount_fen", "voucher_fen", "wallet_fen"), strict=True)]
    assert fen == [1_600 + 1_200, 1_000, 1_800]
    first, second = (
        invoicing.issue(issuer=one, buyer=buyer.organization, month_on=OCTOBER, at=CLOSED) for one in (cheap, dear)
    )
    assert (first.amount_fen, first.voucher_fen) == (1_600, 800)
    assert (second.amount_fen, second.voucher_fen) == (1_200, 200)
    assert buyer.get(f"orders/{placed['id']}")["status"] == "completed"
    assert scenes.funding(Order.objects.get()).status == FundingStatus.CLOSED
    assert wallet(buyer.organization) == Wallet(balance_fen=98_200, held_fen=0, arrears_fen=0)
    assert scenes.broken() == []


@pytest.mark.parametrize("paid", [False, True])
def test_what_an_order_sets_aside_is_enough_for_parts_of_which_each_is_rounded_by_itself(world, paid):
    _buyer, card, _cheap, _dear = world
    sellers = [markets.provider() for _number in range(4)]
    for one in sellers:
        markets.listed(one, card, count=1, price_micro=1_235_001)
    who = scenes.funded_buyer(1_000)
    grant = scenes.grant(who, scenes.programme(sellers, ratio_bp=4_999)) if paid else None
    split = Split(parts=4, cards=1, hours=1, all_or_none=True)
    wanted = {"count": 4, "hours": 1, "start_min": START, "start_max": START, "limit_micro": 1_235_001}
    scenes.place(who, Offering.objects.last(), voucher=grant, split=split, **wanted)
    free = wallet(who).available_fen
    matching.run(at=AT)

    for reservation in Reservation.objects.order_by("pk"):
        use(reservation)

    assert sum(Charge.objects.values_list("amount_fen", flat=True)) == 4 * 124
    assert wallet(who).available_fen == free
    assert scenes.broken() == []


def test_what_is_missing_stays_open_until_it_is_found(world):
    buyer, card, _cheap, dear = world
    placed = buyer.post("orders", body(), key="order")
    matching.run(at=AT)
    waiting = buyer.get(f"orders/{placed['id']}")
    assert (waiting["status"], [one["count"] for one in waiting["parts"]]) == ("open", [4])
    assert (waiting["unmatched_reason"], waiting["unmatched_detail"]) == ("capacity", {"free_cards": 0})

    markets.listed(dear, card, price_micro=3_000_000)
    matching.run(at=AT)

    found = buyer.get(f"orders/{placed['id']}")
    assert (found["status"], [one["count"] for one in found["parts"]]) == ("matched", [4, 2])
    assert list(Match.objects.order_by("part").values_list("part", "card_hours")) == [(1, 8), (2, 4)]
    assert sorted(CalendarHour.objects.values_list("reserved", flat=True)) == [2, 2, 4, 4]


def test_what_is_never_found_is_given_up_and_its_money_comes_back(world):
    buyer, *_others = world
    placed = buyer.post("orders", body(), key="order")
    matching.run(at=AT)

    orders.expire_overdue(at=START + HOUR / 2)
    use(Reservation.objects.get())
    close(START + 80 * HOUR)

    shown = buyer.get(f"orders/{placed['id']}")
    assert (shown["status"], shown["unmatched_reason"]) == ("completed", "capacity")
    assert wallet(buyer.organization) == Wallet(balance_fen=98_400, held_fen=0, arrears_fen=0)
    assert scenes.broken() == []


@pytest.mark.parametrize(
    ("terms", "status", "counts"),
    [
        ({"time_in_force": "immediate-or-cancel"}, "matched", [4]),
        ({"time_in_force": "immediate-or-cancel", "split": {"all_or_none": True}}, "expired", []),
        ({"time_in_force": "immediate-or-cancel", "split": {"part_cards": 5}}, "expired", []),
        ({"split": {"all_or_none": True}}, "open", []),
        ({"split": {"part_cards": 3}, "count": 5}, "matched", [4]),
    ],
)
def test_all_or_none_and_at_once(world, terms, status, counts):
    buyer, *_others = world
    placed = buyer.post("orders", body(**terms), key="order")
    matching.run(at=AT)
    close(AT)

    shown = buyer.get(f"orders/{placed['id']}")
    assert (shown["status"], [one["count"] for one in shown["parts"]]) == (status, counts)
    if terms == {"split": {"all_or_none": True}}:
        assert (shown["unmatched_reason"], shown["unmatched_detail"]) == ("parts", {"card_hours": 8})
    if not counts:
        assert not CalendarHour.objects.exists()
    assert (wallet(buyer.organization) == WHOLE) is (status == "expired")


def test_cancelling_gives_back_what_has_not_started(world):
    buyer, card, _cheap, dear = world
    markets.listed(dear, card, price_micro=3_000_000, opens_at=START + HOUR)
    placed = buyer.post("orders", body(count=8, start_max=(START + HOUR).isoformat()), key="order")
    matching.run(at=AT)
    first, second = Reservation.objects.order_by("starts_at")
    reservations.advance(at=first.starts_at)

    cancelled = buyer.post(f"orders/{placed['id']}/cancel", {}, key="cancel", expected=200)
    second.refresh_from_db()

    assert (cancelled["status"], second.status) == ("matched", "released")
    use(first)
    close(START + 80 * HOUR)
    assert buyer.get(f"orders/{placed['id']}")["status"] == "completed"
    assert wallet(buyer.organization).held_fen == 0
    assert scenes.broken() == []


def test_an_order_of_which_no_part_has_started_is_cancelled_whole(world):
    buyer, *_others = world
    placed = buyer.post("orders", body(), key="order")
    matching.run(at=AT)

    assert buyer.post(f"orders/{placed['id']}/cancel", {}, key="cancel", expected=200)["status"] == "cancelled"

    assert set(CalendarHour.objects.values_list("reserved", flat=True)) == {0}
    assert wallet(buyer.organization) == WHOLE


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"split": {"part_cards": 7}}, "part_cards"),
        ({"split": {"part_hours": 3}}, "part_hours"),
        ({"kind": "interruptible"}, "kind"),
        ({"kind": "auction", "split": {"part_cards": 4}}, "part_cards"),
        ({"count": None, "tflops": 5, "precision": "fp16"}, "kind"),
    ],
)
def test_a_split_that_makes_no_sense_is_refused(world, terms, field):
    buyer, *_others = world
    wanted = {name: value for name, value in body(**terms).items() if value is not None}

    refused = buyer.post("orders", wanted, key="order", expected=422)

    assert field in str(refused["errors"]), refused
    assert not Order.objects.exists()


def test_usage_of_parts_of_one_provider_is_reported_by_reservation(world):
    buyer, card, cheap, _dear = world
    markets.listed(cheap, card, price_micro=3_000_000)
    placed = buyer.post("orders", body(), key="order")
    matching.run(at=AT)
    reservations.advance(at=START)
    subjects = [f"order/{placed['id']}", *(f"reservation/{one.pk}" for one in Reservation.objects.all())]

    known = usage_store.promises(provider=cheap, subjects=subjects, at=START)

    assert sorted(known) == sorted(subjects[1:])
