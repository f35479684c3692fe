"""Quotes: what an order would get, with the cards held until someone accepts, gives back, or waits too long."""

from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.models import AuditEntry
from core.errors import Forbidden, NotFound
from market.models import CalendarHour, MatchBatch, Order, Quote, QuoteStatus
from market.pricing import Band, Plan
from market.services import matching, offerings, orders, quotes, quoting
from tests.gathering import FEW, look_instead_of_locking
from tests.market import scenes
from tests.market.races import THREADS, race, without_constraint
from tests.market.scenes import AT, SYSTEM, hours

TTL = timedelta(minutes=15)


def demand(card, **terms):
    asked = {
        "category": "GPU_TRAIN",
        "accelerators": (card,),
        "count": 2,
        "hours": 3,
        "start_min": AT,
        "start_max": AT + hours(5),
        "limit_micro": 3_000_000,
    }
    return orders.Demand(**(asked | terms))


def quote(who, card, *, at=AT, **terms):
    return quoting.give(buyer=who, demand=demand(card, **terms), actor=SYSTEM, at=at)


def calendar():
    return list(CalendarHour.objects.order_by("hour").values_list("reserved", flat=True))


def test_a_quote_names_offering_start_and_price_and_holds_the_cards(buyer, offering, card):
    scenes.listed(scenes.provider(), card, price_micro=2_500_000)

    given = quote(buyer, card)

    assert (given.offering, given.count, given.starts_at, given.ends_at) == (offering, 2, AT + hours(1), AT + hours(4))
    assert (given.hourly_micro, given.price_micro) == ([2_000_000] * 3, 2_000_000)
    assert (given.status, given.expires_at) == (QuoteStatus.OPEN, AT + TTL)
    assert calendar() == [2, 2, 2]
    assert not Order.objects.exists()
    assert not MatchBatch.objects.exists()
    assert AuditEntry.objects.get(verb="quote.given").object_id == str(given.pk)


def test_a_quote_has_the_price_of_each_hour(buyer, offering, card):
    plan = Plan(base_micro=1_000_000, bands=[Band(from_hour=12, to_hour=13, price_micro=3_000_000)])
    scenes.priced(offering, plan, starts_at=AT + hours(1))

    given = quote(buyer, card, start_max=AT + hours(1))  # 11:00 to 14:00 in Shanghai

    assert (given.hourly_micro, given.price_micro) == ([1_000_000, 3_000_000, 1_000_000], 1_666_667)


def test_what_is_held_is_not_sold_to_others(buyer, offering, card):
    quote(buyer, card, count=7, hours=8)

    order = scenes.order(scenes.buyer(), card, count=2)
    matching.run(at=AT)

    order.refresh_from_db()
    assert (order.status, order.unmatched_reason, order.unmatched_detail["free_cards"]) == ("open", "capacity", 1)


def test_a_quote_expires_before_its_cards_start(buyer, offering, card):
    given = quote(buyer, card, at=AT + timedelta(minutes=50))

    assert given.starts_at == given.expires_at == AT + hours(1)


@pytest.mark.parametrize(
    ("terms", "error"),
    [
        ({"count": 9}, quoting.NothingToQuote),
        ({"limit_micro": 1_000_000}, orders.NoPriceInReach),
        ({"hours": 0}, orders.BadCount),
        ({"start_min": AT - hours(9), "start_max": AT - hours(8)}, orders.BadWindow),
        ({"start_max": AT}, quoting.NothingToQuote),
    ],
    ids=["cards", "price", "nothing", "past", "now"],
)
def test_what_an_order_would_not_get_is_not_quoted(buyer, offering, card, terms, error):
    with pytest.raises(error):
        quote(buyer, card, **terms)

    assert not Quote.objects.exists()
    assert calendar() == []


def test_only_buyers_are_quoted(provider, offering, card):
    with pytest.raises(Forbidden):
        quote(provider, card)


def test_a_buyer_holds_three_quotes_at_most(buyer, offering, card):
    first, *_others = [quote(buyer, card) for _number in range(3)]
    with pytest.raises(quoting.TooManyQuotes):
        quote(buyer, card)
    quote(scenes.buyer(), card)

    quotes.withdraw(quote_id=first.pk, buyer=buyer, actor=SYSTEM, at=AT)

    assert quote(buyer, card).status == QuoteStatus.OPEN


def test_a_quote_that_is_given_back_frees_its_cards_once(buyer, offering, card):
    given = quote(buyer, card)
    with pytest.raises(NotFound):
        quotes.withdraw(quote_id=given.pk, buyer=scenes.buyer(), actor=SYSTEM, at=AT)

    quotes.withdraw(quote_id=given.pk, buyer=buyer, actor=SYSTEM, at=AT)

    with pytest.raises(quotes.QuoteOver):
        quotes.withdraw(quote_id=given.pk, buyer=buyer, actor=SYSTEM, at=AT)
    assert calendar() == [0, 0, 0]


def test_the_sweep_frees_what_is_overdue_and_nothing_else(buyer, offering, card):
    given = quote(buyer, card)

    assert quotes.expire_overdue(at=AT + TTL - timedelta(seconds=1)) == 0
    assert calendar() == [2, 2, 2]
    assert quotes.expire_overdue(at=AT + TTL) == 1
    assert quotes.expire_overdue(at=AT + TTL) == 0
    assert calendar() == [0, 0, 0]
    assert Quote.objects.get(pk=given.pk).status == QuoteStatus.EXPIRED


def test_a_clearing_or_the_next_quote_finds_the_cards_of_an_overdue_quote_free_without_the_sweep(buyer, offering, card):
    quote(buyer, card, count=8)
    another = quote(buyer, card, count=8, start_min=AT + hours(8), start_max=AT + hours(8), at=AT + TTL)
    order = scenes.order(scenes.buyer(), card, count=8, start_min=AT + hours(8), start_max=AT + hours(8))

    matching.run(at=AT + 2 * TTL)

    order.refresh_from_db()
    assert order.status == "matched"
    assert list(Quote.objects.values_list("status", flat=True)) == [QuoteStatus.EXPIRED] * 2
    assert another.starts_at == AT + hours(8)
    assert calendar() == [0, 0, 0, 8, 8, 8]


def test_a_quote_stands_though_its_offering_is_paused(buyer, offering, card):
    given = quote(buyer, card)
    offerings.pause(offering=offering, actor=SYSTEM, at=AT)

    order = quotes.take_up(quote=given, at=AT)

    assert (order.status, order.match.quote, order.reservation.price_micro) == ("matched", given, 2_000_000)
    assert calendar() == [2, 2, 2]


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"count": 0}, "quote_count_positive"),
        ({"ends_at": AT}, "quote_not_empty"),
        ({"price_micro": 0}, "quote_price_positive"),
        ({"hourly_micro": []}, "quote_has_hourly_prices"),
        ({"expires_at": AT}, "quote_expires_before_its_start"),
        ({"expires_at": AT + hours(2)}, "quote_expires_before_its_start"),
    ],
)
def test_the_database_refuses_a_quote_that_makes_no_sense(buyer, offering, card, change, constraint):
    given = quote(buyer, card)

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Quote.objects.filter(pk=given.pk).update(**change)


# Races


def test_the_last_card_goes_into_one_quote(transactional_db):
    offering = scenes.listed(scenes.provider(), scenes.accelerator(), count=1)
    buyers = [scenes.buyer() for _number in range(THREADS)]

    outcomes = race(lambda number: quote(buyers[number], offering.accelerator, count=1, start_max=AT + hours(1)))

    assert outcomes == {"ok": 1, "nothing-to-quote": THREADS - 1}
    assert calendar() == [1, 1, 1]


def test_without_its_guards_the_last_card_goes_into_several_quotes(transactional_db, monkeypatch):
    offering = scenes.listed(scenes.provider(), scenes.accelerator(), count=1)
    buyers = [scenes.buyer() for _number in range(FEW)]
    look_instead_of_locking(monkeypatch, parties=FEW)

    def act(number):
        with suppress(ValueError):  # who looks late finds fewer cards than none
            quote(buyers[number], offering.accelerator, count=1, start_max=AT + hours(1))

    with without_constraint("market_calendarhour", "calendar_hour_not_overbooked"):
        race(act, threads=FEW)

        assert calendar()[0] > 1


def test_a_buyers_last_quote_is_given_once(transactional_db):
    who, card = scenes.buyer(), scenes.accelerator()
    scenes.listed(scenes.provider(), card, count=THREADS)

    outcomes = race(lambda _number: quote(who, card, count=1))

    assert outcomes == {"ok": 3, "too-many-quotes": THREADS - 3}
