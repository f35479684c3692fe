"""Match the orders that are served at once: freeze the market, ask the price walk, write all, in one transaction."""

from datetime import datetime

from django.db import transaction

from market import matching as engine
from market.matching.digest import RULE
from market.models import MatchBatch, Order
from market.models.order import OrderQuerySet
from market.services import books, decisions
from market.services.books import Product

FLOOR_RULE = "floor-walk/1"
"""The same walk over what firm orders have left, at the floors."""


def run(*, at: datetime) -> MatchBatch | None:
    """Match the open instant orders and return the batch.

    None means that nothing is new since the last batch, or that another clearing is running.
    """
    return _run(RULE, Order.objects.instant(), Product.FIRM, at=at)


def run_interruptible(*, at: datetime) -> MatchBatch | None:
    """Match the open interruptible orders to cards that are free now, at the floors, as ``run`` does."""
    return _run(FLOOR_RULE, Order.objects.interruptible(), Product.INTERRUPTIBLE, at=at)


@transaction.atomic
def _run(rule: str, wanting: OrderQuerySet, product: Product, *, at: datetime) -> MatchBatch | None:
    if not decisions.alone():
        return None
    frozen = books.freeze(wanting=wanting, at=at, product=product)
    if frozen.book is None:
        return None
    digest = engine.input_sha256(frozen.book, frozen.bids)
    # An input that was seen before had no match: what matches does not stay open.
    earlier = MatchBatch.objects.filter(engine=rule).order_by("-pk")
    if earlier.values_list("input_sha256", flat=True).first() == digest:
        return None
    outcome = engine.match(frozen.book, frozen.bids)
    batch = MatchBatch.objects.create(
        at=at,
        engine=rule,
        input_sha256=digest,
        orders=len(frozen.bids),
        matched=len({fill.order_id for fill in outcome.matches}),
    )
    decisions.keep(batch, frozen, frozen.book, outcome.matches, open_still=[one.order_id for one in outcome.unmatched])
    decisions.explain(frozen.book, outcome.unmatched)
    return batch
