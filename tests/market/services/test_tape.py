"""The trade tape, the history and the index: exact figures from trades that are written down once."""

from datetime import date, timedelta
from itertools import product

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.services import relations
from accounts.services.audit import SYSTEM
from core.periods import HOUR
from market.models import Candle, ExclusionReason, IndexStatus, IndexValue, Span, StandardMeasure, Trade, TradeExclusion
from market.services import candles, indices, orders, tape
from tests.market import scenes
from tests.market.scenes import AT
from tests.owning import as_owner

DAY = timedelta(days=1)
YUAN = 1_000_000
TODAY = date(2026, 10, 1)


@pytest.fixture
def pool(provider, card):
    """Return a way to have an offering at a price, of a provider or of the first one."""

    def at_price(price_micro, owner=None):
        place = scenes.site(owner or provider, hub_name="成渝")
        return scenes.listed(owner or provider, card, site=place, price_micro=price_micro)

    return at_price


def trade(buyer, offering, *, at=AT, cards=2, length=3, status=""):
    return scenes.past_reservation(
        buyer, offering, starts_at=at + HOUR, length=length, cards=cards, status=status or "held"
    )


def refresh(at=AT + 2 * DAY):
    tape.record(at=at)
    candles.close(at=at)
    indices.publish(at=at)


def index(**key):
    (value,) = IndexValue.objects.filter(on=TODAY, **key).latest_versions()
    return value


def test_a_reservation_is_written_down_once(buyer, pool, card):
    StandardMeasure.objects.create(
        accelerator=card, scenario="train-fp16", status="measured", ppm=300_000, version="v", computed_on=TODAY
    )
    reservation = trade(buyer, pool(2 * YUAN))

    assert tape.record(at=AT) == (1, 0)
    assert tape.record(at=AT) == (0, 0)

    written = Trade.objects.get()
    assert (written.reservation, written.at, written.hub_name) == (reservation, AT, "成渝")
    assert (written.count, written.hours, written.price_micro, written.sch_micro) == (2, 3, 2_000_000, 6_666_667)
    assert (written.buyer, written.seller) == (buyer, reservation.provider)


def test_hours_and_days_are_published_once_they_are_over(buyer, pool):
    for price, minute in ((3, 0), (1, 10), (2, 20), (5, 70)):
        trade(buyer, pool(price * YUAN), at=AT + timedelta(minutes=minute), cards=1)
    tape.record(at=AT + HOUR)

    assert candles.close(at=AT + HOUR - timedelta(seconds=1)) == 0
    assert candles.close(at=AT + HOUR) == 1
    assert candles.close(at=AT + 2 * DAY) == 2
    assert candles.close(at=AT + 2 * DAY) == 0

    first = Candle.objects.get(span=Span.HOUR, starts_at=AT)
    assert (first.open_micro, first.high_micro, first.low_micro) == (3 * YUAN, 3 * YUAN, YUAN)
    assert (first.close_micro, first.median_micro) == (2 * YUAN, 2 * YUAN)
    assert (first.trades, first.card_hours) == (3, 9)
    day = Candle.objects.get(span=Span.DAY)
    # The 1st of October in Shanghai began at 16:00 UTC; of four prices the median is the lower middle one.
    assert (day.starts_at, day.trades, day.median_micro) == (AT.replace(day=30, month=9, hour=16), 4, 2 * YUAN)


def test_a_late_trade_makes_a_new_version_and_changes_nothing(buyer, pool):
    trade(buyer, pool(2 * YUAN))
    refresh()
    trade(buyer, pool(4 * YUAN), at=AT + timedelta(minutes=1))

    refresh()

    versions = Candle.objects.filter(span=Span.HOUR).order_by("version").values_list("version", "high_micro")
    assert list(versions) == [(1, 2 * YUAN), (2, 4 * YUAN)]
    (current,) = Candle.objects.filter(span=Span.HOUR).latest_versions()
    assert current.version == 2
    with as_owner(), pytest.raises(IntegrityError, match="UPDATE"), transaction.atomic():
        Candle.objects.update(version=9)


def test_what_is_cancelled_before_its_start_no_longer_counts(buyer, pool):
    reservation = trade(buyer, pool(2 * YUAN), at=AT + DAY)
    refresh(AT + DAY + HOUR)
    orders.cancel(order=reservation.order, at=AT + DAY)

    refresh(AT + DAY + HOUR)

    assert TradeExclusion.objects.get().reason == ExclusionReason.CANCELLED
    (hour,) = Candle.objects.filter(span=Span.HOUR).latest_versions()
    assert (hour.version, hour.trades, hour.card_hours, hour.median_micro) == (2, 0, 0, None)


def test_what_was_cancelled_never_counts_however_late_it_is_written_down(buyer, pool):
    trade(buyer, pool(2 * YUAN), status="released")

    assert tape.record(at=AT + 9 * DAY) == (1, 1)

    assert TradeExclusion.objects.get().reason == ExclusionReason.CANCELLED


def market_of(pool, prices, *, sellers=3, buyers=3, at=AT):
    """Let pairs of parties trade at prices, so that everybody is in as many trades as others."""
    who = [scenes.buyer() for _ in range(buyers)]
    owners = [scenes.provider() for _ in range(sellers)]
    pairs = sorted(product(range(buyers), range(sellers)), key=lambda pair: (pair[1] - pair[0]) % sellers)
    for price, (one, other) in zip(prices, pairs, strict=False):
        trade(who[one], pool(price, owners[other]), at=at)
    return who, owners


def test_the_index_is_the_median_of_screened_trades(pool, card):
    market_of(pool, [2_000_000, 2_100_000, 2_050_000, 2_200_000, 2_150_000, 9_000_000])
    refresh()

    for hub in ("成渝", None):
        value = index(accelerator=card, hub_name=hub)
        assert (value.status, value.price_micro, value.sch_micro) == (IndexStatus.PUBLISHED, 2_100_000, None)
        assert (value.trades, value.sellers, value.buyers, value.screened_out) == (5, 3, 3, 1)


def test_where_everyone_pays_the_same_a_small_difference_is_no_outlier(pool, card):
    market_of(pool, [2_000_000] * 5 + [2_200_000])
    refresh()

    assert index(accelerator=card, hub_name=None).screened_out == 0


@pytest.mark.parametrize(
    ("prices", "parties", "status"),
    [
        (4, {}, IndexStatus.FEW_TRADES),
        (6, {"sellers": 2}, IndexStatus.FEW_SELLERS),
        (6, {"buyers": 2}, IndexStatus.FEW_BUYERS),
    ],
)
def test_a_thin_index_is_suppressed_and_says_why(pool, card, prices, parties, status):
    market_of(pool, [2_000_000] * prices, **parties)
    refresh()

    value = index(accelerator=card, hub_name=None)

    assert (value.status, value.price_micro, value.sch_micro) == (status, None, None)


def test_one_pair_cannot_make_an_index_by_trading_often(pool, card):
    who, owners = market_of(pool, [2_000_000] * 6)
    for _ in range(8):
        trade(who[0], pool(9_000_000, owners[0]), cards=1)
    refresh()

    value = index(accelerator=card, hub_name=None)

    # The pair counts once a day, and its usual price is no longer that of the others.
    assert (value.trades, value.price_micro, value.screened_out) == (5, 2_000_000, 1)


def test_related_parties_never_count_however_late_it_is_found_out(pool, card):
    who, owners = market_of(pool, [2_000_000] * 6)
    refresh()
    relations.declare(
        first=who[0], second=owners[0], ground="representative", source="register", actor=SYSTEM, at=AT + DAY
    )

    refresh()

    assert {one.reason for one in TradeExclusion.objects.all()} == {ExclusionReason.RELATED}
    value = index(accelerator=card, hub_name=None)
    assert (value.version, value.trades, value.price_micro) == (2, 5, 2_000_000)
    (day,) = Candle.objects.filter(span=Span.DAY).latest_versions()
    assert day.trades == 5


def test_the_index_of_standard_card_hours_compares_unlike_cards(provider, card):
    StandardMeasure.objects.create(
        accelerator=card, scenario="train-fp16", status="measured", ppm=500_000, version="v", computed_on=TODAY
    )
    other = scenes.accelerator("other")
    StandardMeasure.objects.create(
        accelerator=other, scenario="train-fp16", status="measured", ppm=2_000_000, version="v", computed_on=TODAY
    )
    pairs = [(scenes.buyer(), scenes.provider()) for _ in range(6)]
    for number, (who, owner) in enumerate(pairs):
        model, price = ((card, 1_000_000), (other, 4_000_000))[number % 2]
        trade(who, scenes.listed(owner, model, price_micro=price))
    refresh()

    value = index(accelerator=None, hub_name=None)

    assert (value.status, value.price_micro, value.sch_micro) == (IndexStatus.PUBLISHED, None, 2_000_000)
    assert index(accelerator=card, hub_name=None).status == IndexStatus.FEW_TRADES


def test_an_index_follows_its_window_and_ends_with_its_trades(pool, card):
    market_of(pool, [2_000_000] * 6)
    refresh(AT + 12 * DAY)

    values = IndexValue.objects.filter(accelerator=card, hub_name=None).order_by("on")

    assert [(one.on.day, one.version) for one in values] == [(day, 1) for day in range(1, 8)]
    assert indices.publish(at=AT + 12 * DAY) == 0


def test_days_without_a_run_are_made_up_for(pool, card):
    market_of(pool, [2_000_000] * 6)
    refresh(AT + DAY)

    indices.publish(at=AT + 4 * DAY)

    assert IndexValue.objects.filter(accelerator=card, hub_name=None).count() == 4


@pytest.mark.parametrize("table", ["market_trade", "market_tradeexclusion", "market_candle", "market_indexvalue"])
def test_market_data_is_never_changed_or_deleted(buyer, pool, table):
    orders.cancel(order=trade(buyer, pool(YUAN), at=AT + DAY).order, at=AT)
    trade(buyer, pool(YUAN))
    refresh()

    for statement in (f"UPDATE {table} SET at = at", f"DELETE FROM {table}"):
        column = {"market_candle": "version", "market_indexvalue": "version"}.get(table, "at")
        with as_owner(), pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement.replace("at = at", f"{column} = {column}"))
