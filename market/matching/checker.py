"""Judge an outcome without the code that made it: plain Python, one hour at a time."""

from collections import Counter
from collections.abc import Iterable, Iterator
from uuid import UUID

from market.matching.book import Ask, Bid, Book
from market.matching.outcome import Fill, Outcome
from market.matching.terms import Attribute


def faults(book: Book, bids: Iterable[Bid], outcome: Outcome) -> tuple[str, ...]:
    """Return everything that is wrong with an outcome: nothing for an honest one."""
    wanted = {bid.order_id: bid for bid in bids}
    asks = {ask.offering_id: ask for ask in book.asks}
    found = [*_coverage(wanted, outcome), *_overbooked(book, outcome)]
    for fill in outcome.matches:
        if fill.order_id in wanted and fill.offering_id in asks:
            bid, ask = wanted[fill.order_id], asks[fill.offering_id]
            terms = {**_kept_terms(bid, ask, fill), **_kept_conditions(book, bid, ask)}
            found.extend(f"order {bid.order_id} does not get its {term}" for term, kept in terms.items() if not kept)
    return tuple(found)


def _coverage(wanted: dict[UUID, Bid], outcome: Outcome) -> Iterator[str]:
    answers = Counter(fill.order_id for fill in outcome.matches)
    answers.update(refusal.order_id for refusal in outcome.unmatched)
    for order_id in wanted.keys() | answers.keys():
        if order_id not in wanted or answers[order_id] != 1:
            yield f"order {order_id} is answered {answers[order_id]} times"


def _overbooked(book: Book, outcome: Outcome) -> Iterator[str]:
    row_of = {ask.offering_id: row for row, ask in enumerate(book.asks)}
    taken: Counter[tuple[UUID, int]] = Counter()
    for fill in outcome.matches:
        for hour in range(fill.start_hour, fill.start_hour + fill.hours):
            taken[fill.offering_id, hour] += fill.count
    for (offering_id, hour), cards in taken.items():
        listed = offering_id in row_of and 0 <= hour < book.hours
        free = int(book.capacity[row_of[offering_id], hour]) if listed else 0
        if cards > free:
            yield f"offering {offering_id} gives {cards} cards in hour {hour} but has {free}"


def _kept_terms(bid: Bid, ask: Ask, fill: Fill) -> dict[str, bool]:
    """Return whether each term is kept."""
    cards = bid.count if bid.counts is None else bid.counts.get(ask.accelerator, 0)
    cost = ask.price_micro if bid.counts is None else ask.price_micro * cards
    return {
        "count": fill.count == cards > 0,
        "hours": fill.hours == bid.hours,
        "window": bid.start_min <= fill.start_hour <= bid.start_max,
        "price": fill.price_micro == ask.price_micro and cost <= bid.limit_micro,
        "model": ask.accelerator in bid.accelerators,
        "provider": (bid.providers is None or ask.provider in bid.providers) and ask.provider not in bid.refused,
        "category": bid.categories is None or ask.category in bid.categories,
        "consent": ask.consent is None or ask.consent in bid.agreed,
        "lot": ask.counts is None or cards in ask.counts,
        "longest order": ask.most_hours is None or bid.hours <= ask.most_hours,
    }


def _kept_conditions(book: Book, bid: Bid, ask: Ask) -> dict[str, bool]:
    """Return whether each condition is kept."""
    levels = zip(Attribute, ask.levels, bid.least, strict=True)
    kept = {attribute.name.lower(): level >= least for attribute, level, least in levels}
    return kept | {"ring": book.rings[bid.home][ask.region] <= bid.ring_max}
