"""Placing, cancelling and expiring orders."""

import pytest

from core.errors import IllegalMove
from market.models import CalendarHour, Category, Order, OrderStatus, Reservation, ReservationStatus
from market.services import matching, orders, reservations
from tests.market import scenes
from tests.market.scenes import AT, hours


def test_an_order_waits_with_what_it_accepts(buyer, offering, card, provider):
    order = scenes.order(buyer, card, providers=[provider], name="Fine-tuning")

    kept = Order.objects.get(pk=order.pk)
    assert (kept.status, kept.count, kept.hours, kept.name) == (OrderStatus.OPEN, 2, 3, "Fine-tuning")
    assert list(kept.accelerators.all()) == [card]
    assert list(kept.providers.all()) == [provider]


def test_orders_are_numbered_in_the_order_in_which_they_are_placed(buyer, offering, card):
    first, second = scenes.order(buyer, card), scenes.order(buyer, card)

    numbers = list(Order.objects.order_by("sequence").values_list("pk", flat=True))
    assert numbers == [first.pk, second.pk]


def test_a_window_shrinks_to_full_hours(buyer, offering, card):
    half = hours(1) / 2

    order = scenes.order(buyer, card, start_min=AT + half, start_max=AT + hours(2) + half)

    assert (order.start_min, order.start_max) == (AT + hours(1), AT + hours(2))


@pytest.mark.parametrize("wrong", [{"count": 0}, {"count": -1}, {"hours": 0}, {"hours": -3}])
def test_an_order_of_nothing_is_refused(buyer, offering, card, wrong):
    with pytest.raises(orders.BadCount) as refusal:
        scenes.order(buyer, card, **wrong)

    assert list(refusal.value.fields) == list(wrong)
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    "window",
    [
        {"start_min": AT + hours(3), "start_max": AT + hours(2)},
        {"start_min": AT - hours(5), "start_max": AT - hours(4)},
        {"start_min": AT + hours(1) / 4, "start_max": AT + hours(1) / 2},
        {"start_min": AT - hours(1), "start_max": AT + hours(1) / 2, "at": AT + hours(1) / 4},
        {"start_max": AT + hours(24 * 120)},
        {"hours": 24 * 120 + 1},
        {"hours": 2_000_000_000},
    ],
    ids=["reversed", "past", "within an hour", "no full hour to come", "too far", "too long", "absurdly long"],
)
def test_a_window_that_cannot_be_served_is_refused(buyer, offering, card, window):
    with pytest.raises(orders.BadWindow):
        scenes.order(buyer, card, **window)

    assert not Order.objects.exists()


def test_a_window_that_has_begun_is_still_a_window(buyer, offering, card):
    order = scenes.order(buyer, card, start_min=AT - hours(2), start_max=AT)

    assert order.status == OrderStatus.OPEN


def test_an_order_must_accept_a_model(buyer):
    with pytest.raises(orders.UnknownModel):
        orders.place(
            buyer=buyer,
            demand=orders.Demand(
                category=Category.HPC,
                accelerators=(),
                count=1,
                hours=1,
                start_min=AT,
                start_max=AT,
                limit_micro=1,
            ),
            at=AT,
        )

    assert not Order.objects.exists()


def test_a_limit_below_every_price_is_refused_with_the_lowest_price(buyer, offering, card):
    scenes.listed(scenes.provider(), card, price_micro=1_500_000)

    with pytest.raises(orders.NoPriceInReach) as refusal:
        scenes.order(buyer, card, limit_micro=1_499_999)

    assert refusal.value.extra == {"lowest_ask_micro": 1_500_000}
    assert not Order.objects.exists()


def test_the_lowest_price_is_that_of_the_accepted_providers_and_kind_of_work(buyer, offering, card, provider):
    scenes.listed(scenes.provider(), card, price_micro=1_000_000)
    scenes.listed(provider, card, price_micro=1_000_000, category=Category.GPU_INFER)
    scenes.draft(provider, card, price_micro=1_000_000)

    with pytest.raises(orders.NoPriceInReach) as refusal:
        scenes.order(buyer, card, providers=[provider], limit_micro=1_999_999)

    assert refusal.value.extra == {"lowest_ask_micro": 2_000_000}


def test_an_order_for_what_nobody_sells_is_refused(buyer, card):
    with pytest.raises(orders.NoPriceInReach) as refusal:
        scenes.order(buyer, card)

    assert refusal.value.extra == {"lowest_ask_micro": None}
    assert not Order.objects.exists()


def test_a_waiting_order_can_be_cancelled_once(buyer, offering, card):
    order = scenes.order(buyer, card)

    orders.cancel(order=order, at=AT)

    assert Order.objects.get().cancelled_at == AT
    with pytest.raises(IllegalMove):
        orders.cancel(order=order, at=AT)


def test_cancelling_a_matched_order_frees_its_cards(buyer, offering):
    reservation = scenes.reserved(buyer, offering)

    orders.cancel(order=reservation.order, at=AT)

    assert Order.objects.get().status == OrderStatus.CANCELLED
    assert Reservation.objects.get().status == ReservationStatus.RELEASED
    assert set(CalendarHour.objects.values_list("reserved", flat=True)) == {0}


def test_a_started_order_cannot_be_cancelled(buyer, offering):
    reservation = scenes.reserved(buyer, offering)

    with pytest.raises(reservations.AlreadyStarted):
        orders.cancel(order=reservation.order, at=reservation.starts_at)

    assert Order.objects.get().status == OrderStatus.MATCHED
    assert set(CalendarHour.objects.values_list("reserved", flat=True)) == {2}


def test_an_order_expires_when_its_last_start_has_passed(buyer, offering, card):
    missed = scenes.order(buyer, card, start_max=AT + hours(2))
    waiting = scenes.order(buyer, card, start_max=AT + hours(3))

    expired = orders.expire_overdue(at=AT + hours(2.5))

    assert expired == 1
    assert Order.objects.get(pk=missed.pk).status == OrderStatus.EXPIRED
    assert Order.objects.get(pk=waiting.pk).status == OrderStatus.OPEN


def test_a_matched_order_does_not_expire(buyer, offering):
    scenes.reserved(buyer, offering)

    assert orders.expire_overdue(at=AT + hours(100)) == 0


def test_a_cancelled_order_is_not_matched(buyer, offering, card):
    orders.cancel(order=scenes.order(buyer, card), at=AT)

    assert matching.run(at=AT) is None
