"""Accepting a quote: the order, its money and its cards, exactly as quoted, once."""

from datetime import timedelta

import pytest

from accounts.models import AuditEntry
from accounts.services.audit import Actor
from billing import selectors
from billing.services import checkout, held_quotes
from billing.services.checkout import WalletTooLow
from billing.services.held_quotes import Chosen
from core.errors import DomainError, IllegalMove, NotFound
from market.models import AgreedPrice, CalendarHour, Order, OrderStatus, Quote, QuoteStatus, Reservation
from market.pricing import Band, Plan
from market.services import offerings, prices, quotes, quoting
from tests.billing import scenes
from tests.billing.scenes import AT, HOUR
from tests.market import scenes as markets
from tests.market.races import THREADS, race

TTL = timedelta(minutes=15)


def give(who, offering, **terms):
    by = Actor(organization=who)
    return quoting.give(buyer=who, demand=scenes.demand(offering, **terms), actor=by, at=AT)


def accept(quote, *, grant=None, at=AT, who=None):
    who = who or quote.buyer
    by = Actor(organization=who)
    return held_quotes.accept(quote_id=quote.pk, buyer=who, chosen=Chosen(grant), actor=by, at=at)


def reserved():
    return list(CalendarHour.objects.order_by("hour").values_list("reserved", flat=True))


def test_an_accepted_quote_is_a_matched_order_at_its_price(buyer, offering, grant):
    quote = give(buyer, offering, limit_micro=9_000_000, name="Model A")
    offering.price_micro = 5_000_000
    offering.save()

    order = accept(quote, grant=grant)

    reservation = Reservation.objects.get(order=order)
    assert (order.status, order.name, order.limit_micro) == (OrderStatus.MATCHED, "Model A", 2_000_000)
    assert (reservation.starts_at, reservation.ends_at) == (quote.starts_at, quote.ends_at)
    assert (reservation.count, reservation.price_micro, order.match.quote) == (2, 2_000_000, quote)
    # Two cards, three hours, ¥2.00: half from the voucher.
    assert held_quotes.total_fen(quote) == 1200
    assert (order.funding.estimate_fen, order.funding.voucher_fen, order.funding.wallet_fen) == (1200, 600, 600)
    assert Quote.objects.get().status == QuoteStatus.ACCEPTED
    assert reserved() == [2, 2, 2]
    assert AuditEntry.objects.get(verb="quote.accepted").after == {"order": str(order.pk)}


def test_hours_of_different_prices_are_agreed_as_quoted(buyer, offering):
    plan = Plan(base_micro=1_000_000, bands=[Band(from_hour=12, to_hour=13, price_micro=3_000_000)])
    markets.priced(offering, plan, starts_at=AT + HOUR)
    quote = give(buyer, offering, limit_micro=9_000_000)

    order = accept(quote)

    price_at = prices.agreed(order.reservation)
    assert [price_at(quote.starts_at + number * HOUR) for number in range(3)] == quote.hourly_micro
    assert AgreedPrice.objects.exists()
    assert held_quotes.total_fen(quote) == 2 * sum(quote.hourly_micro) // 10_000


def test_a_wallet_that_is_too_low_leaves_the_quote_as_it_was(offering):
    poor = markets.buyer()
    quote = give(poor, offering)

    with pytest.raises(WalletTooLow):
        accept(quote)

    assert not Order.objects.exists()
    assert Quote.objects.get().status == QuoteStatus.OPEN
    assert reserved() == [2, 2, 2]
    scenes.top_up(poor, 1200)
    assert accept(quote).status == OrderStatus.MATCHED


def test_a_quote_is_accepted_once_in_time_and_by_its_buyer(buyer, offering):
    quote = give(buyer, offering)
    with pytest.raises(NotFound):
        accept(quote, who=scenes.funded_buyer())
    with pytest.raises(quotes.QuoteOver):
        accept(quote, at=AT + TTL)
    accept(quote)
    with pytest.raises(quotes.QuoteOver):
        accept(quote)

    assert Order.objects.count() == 1


def test_cancelling_what_was_quoted_frees_cards_and_money(buyer, offering):
    order = accept(give(buyer, offering))

    checkout.cancel(order=order, actor=Actor(organization=buyer), at=AT)

    assert reserved() == [0, 0, 0]
    assert selectors.wallet(buyer).held_fen == 0
    assert quotes.expire_overdue(at=AT + TTL) == 0


# Buying from a listing


def buy(who, offering, *, grant=None, **terms):
    by, demand = Actor(organization=who), scenes.demand(offering, **terms)
    return held_quotes.buy(offering=offering, buyer=who, demand=demand, chosen=Chosen(grant), actor=by, at=AT)


def test_a_listing_is_bought_at_its_posted_price_though_another_is_cheaper(buyer, offering, card, grant):
    cheaper = markets.listed(offering.provider, card, price_micro=1_000_000)

    order = buy(buyer, offering, grant=grant, limit_micro=9_000_000, accelerators=(), providers=())

    reservation = Reservation.objects.get(order=order)
    assert (order.status, reservation.offering, reservation.price_micro) == ("matched", offering, 2_000_000)
    assert (order.funding.voucher_fen, order.funding.wallet_fen) == (600, 600)
    assert not CalendarHour.objects.filter(offering=cheaper).exists()


@pytest.mark.parametrize(
    ("terms", "error"),
    [
        ({"count": 9}, DomainError),
        ({"limit_micro": 1_500_000}, quoting.NothingToQuote),
        ({"start_min": AT - HOUR, "start_max": AT}, quoting.NothingToQuote),
    ],
    ids=["cards", "price", "window"],
)
def test_a_listing_without_room_sells_nothing_though_another_has_some(buyer, offering, card, terms, error):
    markets.listed(offering.provider, card, count=16, price_micro=1_000_000)
    before = scenes.rows()

    with pytest.raises(error):
        buy(buyer, offering, **terms)

    assert scenes.rows() == before


def test_a_listing_off_sale_and_a_wallet_too_low_buy_nothing(buyer, offering):
    with pytest.raises(WalletTooLow):
        buy(markets.buyer(), offering)
    offerings.pause(offering=offering, actor=Actor(), at=AT)
    before = scenes.rows()
    with pytest.raises(quoting.NotOnSale):
        buy(buyer, offering)

    assert scenes.rows() == before
    assert reserved() == []


def test_who_holds_as_many_quotes_as_one_may_still_buys(buyer, offering):
    for _number in range(3):
        give(buyer, offering)

    assert buy(buyer, offering).status == OrderStatus.MATCHED


# Races


def whole():
    """Tell whether the only quote is accepted and holds its cards once, or is over and holds none."""
    status, orders, held = Quote.objects.get().status, Order.objects.count(), reserved()
    return (status, orders, held) in ((QuoteStatus.ACCEPTED, 1, [2, 2, 2]), (QuoteStatus.EXPIRED, 0, [0, 0, 0]))


def accept_or_expire(quote):
    def act(number):
        if number % 2:
            accept(quote)
        else:
            quotes.expire_overdue(at=AT + TTL)

    return act


def test_a_quote_is_accepted_or_expires(transactional_db, buyer, offering):
    quote = give(buyer, offering)

    outcomes = race(accept_or_expire(quote), threads=8)

    assert outcomes["ok"] + outcomes["quote-over"] == 8
    assert whole()
    assert scenes.broken() == []


def test_the_last_cards_of_a_listing_are_bought_once(transactional_db, buyer, offering):
    outcomes = race(lambda _number: buy(buyer, offering, count=5, start_max=AT + HOUR), threads=8)

    assert outcomes == {"ok": 1, "nothing-to-quote": 7}
    assert reserved() == [5, 5, 5]
    assert scenes.broken() == []


def test_a_quote_is_accepted_once(transactional_db, buyer, offering):
    quote = give(buyer, offering)

    outcomes = race(lambda _number: accept(quote))

    assert outcomes == {"ok": 1, "quote-over": THREADS - 1}
    assert whole()


def test_without_its_guards_a_quote_expires_under_the_order_that_accepts_it(
    transactional_db, buyer, offering, monkeypatch
):
    quote = give(buyer, offering)
    standing = quotes.standing

    def looked(**terms):
        found = standing(**terms)
        race(lambda _number: quotes.expire_overdue(at=AT + TTL), threads=1)  # nobody keeps it away
        return found

    monkeypatch.setattr(quotes, "standing", looked)
    monkeypatch.setattr(type(Quote.objects.all()), "locked", lambda rows: rows.order_by("pk"))
    with pytest.raises(IllegalMove):  # the guarded move is the belt
        accept(quote)
    monkeypatch.setattr(Quote, "move_to", lambda *_args, **_stamps: None)
    monkeypatch.setattr(Quote, "stands", lambda _quote, _at: True)

    accept(quote)

    assert not whole()
