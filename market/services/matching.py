"""Match the instant orders: freeze the market, ask the price walk, write every decision, all in one transaction."""

from datetime import datetime

from django.db import transaction

from market import matching as engine
from market.matching.digest import RULE
from market.models import MatchBatch, Order
from market.services import books, decisions


@transaction.atomic
def run(*, at: datetime) -> MatchBatch | None:
    """Match the open instant orders and return the batch.

    None means that nothing is new since the last batch, or that another clearing is running.
    """
    if not decisions.alone():
        return None
    frozen = books.freeze(wanting=Order.objects.instant(), at=at)
    if frozen.book is None:
        return None
    digest = engine.input_sha256(frozen.book, frozen.bids)
    # An input that was seen before had no match: what matches does not stay open.
    earlier = MatchBatch.objects.filter(engine=RULE).order_by("-pk")
    if earlier.values_list("input_sha256", flat=True).first() == digest:
        return None
    outcome = engine.match(frozen.book, frozen.bids)
    batch = MatchBatch.objects.create(
        at=at,
        engine=RULE,
        input_sha256=digest,
        orders=len(frozen.bids),
        matched=len({fill.order_id for fill in outcome.matches}),
    )
    decisions.keep(batch, frozen, frozen.book, outcome.matches, open_still=[one.order_id for one in outcome.unmatched])
    decisions.explain(frozen.book, outcome.unmatched)
    return batch
