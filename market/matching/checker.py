"""Judge an outcome without the code that made it: plain Python, one hour at a time."""

from collections import Counter
from collections.abc import Iterable, Iterator
from uuid import UUID

from market.matching.book import Ask, Bid, Book
from market.matching.outcome import Fill, Outcome
from market.matching.terms import Attribute, Split


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
    fills = Counter(fill.order_id for fill in outcome.matches)
    refusals = Counter(refusal.order_id for refusal in outcome.unmatched)
    for order_id in wanted.keys() | fills.keys() | refusals.keys():
        bid, answers = wanted.get(order_id), fills[order_id] + refusals[order_id]
        once = answers == 1 if bid is None or bid.split is None else answers > 0 and refusals[order_id] < 2
        if bid is None or not once:
            yield f"order {order_id} is answered {answers} times"
        if bid is not None and bid.split is not None:
            parts = [fill for fill in outcome.matches if fill.order_id == order_id]
            yield from _misdivided(bid, bid.split, parts, is_refused=refusals[order_id] > 0)


def _misdivided(bid: Bid, split: Split, parts: list[Fill], *, is_refused: bool) -> Iterator[str]:
    """Yield what is wrong with the parts of an order taken together."""
    card_hours = sum(part.count * part.hours for part in parts)
    spans = [*split.taken, *((part.start_hour, part.start_hour + part.hours, part.count) for part in parts)]
    busiest = max(
        sum(cards for begin, end, cards in spans if begin <= at < end) for at, _end, _cards in spans or [(0, 0, 0)]
    )
    kept = {
        "number of parts": len(parts) <= split.parts,
        "card-hours": card_hours <= split.card_hours,
        "cards at once": not parts or busiest <= bid.count,
        "all or none": not split.all_or_none or card_hours == (0 if is_refused else split.card_hours),
    }
    yield from (f"order {bid.order_id} does not get its {term}" for term, is_kept in kept.items() if not is_kept)


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
        **_kept_size(bid, cards, fill),
        "window": bid.start_min <= fill.start_hour <= bid.start_max,
        "price": fill.price_micro == ask.price_micro and cost <= bid.limit_micro,
        "model": ask.accelerator in bid.accelerators,
        "provider": (bid.providers is None or ask.provider in bid.providers) and ask.provider not in bid.refused,
        "site": bid.sites is None or ask.site in bid.sites,
        "category": bid.categories is None or ask.category in bid.categories,
        "consent": ask.consent is None or ask.consent in bid.agreed,
        "lot": ask.counts is None or fill.count in ask.counts,
        "longest order": ask.most_hours is None or fill.hours <= ask.most_hours,
    }


def _kept_size(bid: Bid, cards: int, fill: Fill) -> dict[str, bool]:
    if bid.split is None:
        return {"count": fill.count == cards > 0, "hours": fill.hours == bid.hours}
    in_time = fill.start_hour + fill.hours <= bid.start_max + bid.hours
    return {"count": fill.count >= bid.split.cards, "hours": fill.hours >= bid.split.hours, "last hour": in_time}


def _kept_conditions(book: Book, bid: Bid, ask: Ask) -> dict[str, bool]:
    """Return whether each condition is kept."""
    levels = zip(Attribute, ask.levels, bid.least, strict=True)
    kept = {attribute.name.lower(): level >= least for attribute, level, least in levels}
    return kept | {"ring": book.rings[bid.home][ask.region] <= bid.ring_max}
