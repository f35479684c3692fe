"""Replay an auction from its kept input, and compare what comes out with what was decided."""

import io
from dataclasses import dataclass

import numpy as np
from django.utils.translation import gettext as _

from core.errors import DomainError
from market.matching.auction.reading import Arrays
from market.models import Match, MatchBatch, MatchInput
from market.services import auctions
from market.services.auction_arrays import RULE


class NotKept(DomainError):
    """The batch has no kept input: only auctions do."""

    code = "batch-not-kept"
    status = 404


class HeldByAnother(DomainError):
    """The batch was held by another version of the engine, which alone gives its answer."""

    code = "held-by-another-engine"
    status = 409


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay found, and whether each part is what the batch says."""

    welfare_micro: int
    bound_micro: int
    same_input: bool
    same_answer: bool
    same_matches: bool

    @property
    def same(self) -> bool:
        """Whether the replay came out as the batch was recorded."""
        return self.same_input and self.same_answer and self.same_matches


def kept(batch: MatchBatch) -> MatchInput:
    """Return the kept input of an auction.

    :raises NotKept: if the batch was none.
    """
    found = MatchInput.objects.filter(batch=batch).first()
    if found is None:
        raise NotKept(_("Only auctions keep their input."))
    return found


def is_warm(batch: MatchBatch) -> bool:
    """Whether an auction began with the prices of the one before it, which are kept with its input."""
    return "price" in arrays(kept(batch).instance)


def replay(batch: MatchBatch) -> Replay:
    """Clear the kept input again and compare digest, answer, figures and the matches that were written.

    :raises NotKept: if the batch has no kept input.
    :raises HeldByAnother: if another version of the engine held it.
    """
    files = kept(batch)
    if batch.engine != RULE:
        words = {"engine": batch.engine, "here": RULE}
        raise HeldByAnother(_("%(engine)s held this auction: replay it with that version; this is %(here)s.") % words)
    given, recorded = arrays(files.instance), arrays(files.outcome)
    assert batch.seed is not None
    assert batch.iterations is not None
    cleared = auctions.clear(given, batch.rules, seed=batch.seed, iterations=batch.iterations)
    outcome = cleared.outcome
    again = auctions.answer(outcome)
    figures = (outcome.welfare, outcome.bound) == (batch.welfare_micro, batch.bound_micro)
    return Replay(
        welfare_micro=outcome.welfare,
        bound_micro=outcome.bound,
        same_input=cleared.input_sha256 == batch.input_sha256,
        same_answer=figures and all(np.array_equal(again[name], recorded[name]) for name in again),
        same_matches=_decided(given, again) == _written(batch),
    )


def arrays(file: bytes | memoryview) -> Arrays:
    """Return the arrays of a kept file."""
    with np.load(io.BytesIO(bytes(file)), allow_pickle=False) as given:
        return {name: given[name] for name in given.files}


def _decided(given: Arrays, answer: Arrays) -> set[tuple[str, str]]:
    pairs = zip(given["req_id"], answer["offer"], strict=True)
    return {(str(order), str(given["offer_id"][offer])) for order, offer in pairs if offer >= 0}


def _written(batch: MatchBatch) -> set[tuple[str, str]]:
    pairs = Match.objects.filter(batch=batch).values_list("order_id", "offering_id")
    return {(str(order), str(offering)) for order, offering in pairs}
