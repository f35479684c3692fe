"""The call auction on the platform: who gets what, why, and that an auditor can replay it."""

import io
import json
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from market.models import CalendarHour, MatchBatch, MatchInput, Order, OrderKind, OrderStatus, UnmatchedReason
from market.pricing import Band, Plan, Step
from market.services import auctions, matching, orders, replays
from tests.market import scenes
from tests.market.scenes import AT, hours
from tests.owning import as_owner

YUAN = 1_000_000


def bid(buyer, card, *, limit: int = 3 * YUAN, count: int = 8, length: int = 3, **terms) -> Order:
    """Order most of the pool at one fixed hour, in the auction."""
    window = {"start_min": AT + hours(1), "start_max": AT + hours(1)}
    return scenes.order(
        buyer, card, kind=OrderKind.AUCTION, count=count, hours=length, limit_micro=limit, **(window | terms)
    )


def status(order: Order) -> tuple[str, str]:
    found = Order.objects.get(pk=order.pk)
    return found.status, found.unmatched_reason


def test_the_auction_serves_what_is_worth_most_not_who_came_first(buyer, offering, card):
    early, late = bid(buyer, card, limit=3 * YUAN), bid(buyer, card, limit=5 * YUAN)

    batch = auctions.hold(at=AT)

    assert status(late) == (OrderStatus.MATCHED, "")
    assert status(early) == (OrderStatus.OPEN, UnmatchedReason.OUTRANKED)
    assert (batch.orders, batch.matched) == (2, 1)
    # Eight cards, three hours, 5 yuan bid against 2 asked.
    assert batch.welfare_micro == 8 * 3 * 3 * YUAN
    assert batch.welfare_micro <= batch.bound_micro
    assert batch.gap_bp is not None


def test_everyone_pays_the_posted_price(buyer, offering, card):
    order = bid(buyer, card, limit=5 * YUAN)

    auctions.hold(at=AT)

    order.refresh_from_db()
    assert (order.reservation.price_micro, order.match.reason) == (2 * YUAN, {"auction": True})
    assert set(CalendarHour.objects.values_list("reserved", flat=True)) == {8}


def test_instant_orders_and_the_auction_leave_each_other_alone(buyer, offering, card):
    instant = scenes.order(buyer, card, count=1)
    waiting = bid(buyer, card, count=1)

    auctions.hold(at=AT)
    after_auction = status(instant)
    matching.run(at=AT)

    assert after_auction == (OrderStatus.OPEN, "")
    assert status(waiting) == status(instant) == (OrderStatus.MATCHED, "")


def test_an_order_whose_window_has_begun_can_start_from_now_on(buyer, offering, card):
    order = bid(buyer, card, start_max=AT + hours(9))

    auctions.hold(at=AT + hours(4))

    order.refresh_from_db()
    assert order.status == OrderStatus.MATCHED
    assert AT + hours(4) <= order.reservation.starts_at <= AT + hours(9)


def test_an_offering_at_an_absurd_price_stops_nobody_elses_auction(buyer, offering, card, provider):
    scenes.listed(provider, card, price_micro=10**12)
    order = bid(buyer, card)
    bid(buyer, card, count=100_000, length=100)

    batch = auctions.hold(at=AT)

    assert (status(order), batch.matched) == ((OrderStatus.MATCHED, ""), 1)


def test_orders_that_a_plan_made_too_dear_are_told_so(buyer, offering, card):
    soon = bid(buyer, card)
    late = bid(buyer, card, start_min=AT + hours(24 * 100), start_max=AT + hours(24 * 100), length=1)
    scenes.priced(offering, Plan(4 * YUAN), starts_at=AT + hours(1))

    auctions.hold(at=AT)

    assert status(soon) == (OrderStatus.OPEN, UnmatchedReason.PRICE_GAP)
    assert status(late) == (OrderStatus.OPEN, UnmatchedReason.PRICE_GAP)


def test_too_many_cards_for_any_offering_is_a_matter_of_capacity(buyer, offering, card):
    order = bid(buyer, card, count=9)

    auctions.hold(at=AT)

    found = Order.objects.get(pk=order.pk)
    assert (found.status, found.unmatched_reason) == (OrderStatus.OPEN, UnmatchedReason.CAPACITY)
    assert found.unmatched_detail["free_cards"] == 8


def test_the_hours_of_an_order_are_judged_together(buyer, offering, card):
    peak = Plan(base_micro=2 * YUAN, bands=(Band(from_hour=12, to_hour=13, price_micro=4 * YUAN),))
    scenes.priced(offering, peak, starts_at=AT + hours(1))
    # 11:00 to 15:00 in Shanghai costs 2, 4, 2 and 2 yuan: 2.50 on average, 4 at its dearest.
    enough = bid(buyer, card, limit=2_500_000, length=4)

    auctions.hold(at=AT)

    assert status(enough) == (OrderStatus.MATCHED, "")
    enough.refresh_from_db()
    assert enough.reservation.price_micro == 2_500_000


def test_discounts_only_lower_what_was_accepted(buyer, offering, card):
    steps = (Step(at_least=3, discount_bp=5_000),)
    scenes.priced(offering, Plan(2 * YUAN, terms=steps), starts_at=AT + hours(1))
    order = bid(buyer, card, limit=2 * YUAN)

    auctions.hold(at=AT)

    order.refresh_from_db()
    assert order.reservation.price_micro == YUAN


def test_orders_are_served_by_the_providers_and_categories_they_accept(buyer, offering, card):
    other = scenes.listed(scenes.provider(), card, price_micro=1 * YUAN)
    picky = bid(buyer, card, providers=[offering.provider])
    open_to_all = bid(buyer, card)

    auctions.hold(at=AT)

    picky.refresh_from_db()
    open_to_all.refresh_from_db()
    assert (picky.reservation.offering, open_to_all.reservation.offering) == (offering, other)


def test_nothing_to_clear_is_no_batch(buyer, offering, card):
    scenes.order(buyer, card)

    assert auctions.hold(at=AT) is None
    assert not MatchBatch.objects.exists()


def test_a_limit_below_the_cheapest_hour_is_refused(buyer, offering, card):
    peak = Plan(base_micro=2 * YUAN, bands=(Band(from_hour=12, to_hour=13, price_micro=4 * YUAN),))
    scenes.priced(offering, peak, starts_at=AT + hours(1))

    with pytest.raises(orders.NoPriceInReach) as refusal:
        bid(buyer, card, limit=2 * YUAN - 1)

    assert refusal.value.extra == {"lowest_ask_micro": 2 * YUAN}


@pytest.fixture
def batch(buyer, offering, card) -> MatchBatch:
    for number in range(12):
        bid(buyer, card, limit=(3 + number % 4) * YUAN, count=1 + number % 5, start_max=AT + hours(6))
    made = auctions.hold(at=AT)
    assert made is not None
    return made


def test_a_batch_replays_to_the_same_answer(batch):
    found = replays.replay(batch)

    assert found.same
    assert (found.welfare_micro, found.bound_micro) == (batch.welfare_micro, batch.bound_micro)


def test_a_replay_notices_another_input(batch):
    with np.load(io.BytesIO(bytes(batch.input.instance))) as file:
        arrays = {name: file[name] for name in file.files}
    claimed = {name: getattr(batch, name) for name in ("engine", "input_sha256", "orders", "matched", "seed")}
    figures = {name: getattr(batch, name) for name in ("iterations", "welfare_micro", "bound_micro")}
    forged = MatchBatch.objects.create(at=AT, **claimed, **figures)
    dearer = auctions.packed(arrays | {"req_value": arrays["req_value"] + 1})
    MatchInput.objects.create(batch=forged, instance=dearer, outcome=batch.input.outcome)

    found = replays.replay(forged)

    assert (found.same_input, found.same_matches, found.same) == (False, False, False)
    with pytest.raises(CommandError, match="differs"):
        call_command("replay_batch", str(forged.pk), stdout=io.StringIO())


def test_the_kept_input_is_never_changed(batch):
    with as_owner(), pytest.raises(IntegrityError), transaction.atomic():
        MatchInput.objects.update(instance=b"")


def test_an_auditor_replays_a_batch_outside_the_platform(batch, tmp_path: Path):
    told, file, result = io.StringIO(), tmp_path / "batch.npz", tmp_path / "result.npz"

    call_command("replay_batch", str(batch.pk), export=file, stdout=told)
    words = told.getvalue().replace("RESULT.npz", str(result)).split()[1:]
    run = subprocess.run(
        [sys.executable, *words], cwd=settings.BASE_DIR, check=True, capture_output=True, text=True, env={}
    )

    line = json.loads(run.stdout)
    assert (line["welfare"], line["bound"]) == (batch.welfare_micro, batch.bound_micro)
    assert line["input_sha256"] == batch.input_sha256
    with np.load(io.BytesIO(bytes(batch.input.outcome))) as recorded, np.load(result) as again:
        assert np.array_equal(recorded["offer"], again["offer"])
        assert np.array_equal(recorded["start"], again["start"])


def test_what_cannot_be_replayed_is_said(buyer, offering, card):
    scenes.reserved(buyer, offering)
    instant = MatchBatch.objects.get()

    with pytest.raises(replays.NotKept):
        replays.replay(instant)
    with pytest.raises(CommandError):
        call_command("replay_batch", str(instant.pk))
    with pytest.raises(CommandError, match="There is no such batch"):
        call_command("replay_batch", str(uuid4()))
