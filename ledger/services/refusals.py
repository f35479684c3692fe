"""What the ledger refuses, and the constraints and triggers that say so."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext_lazy as _

from core.constraints import constraint_name
from core.errors import DomainError


class Overdrawn(DomainError):
    """An account would fall below its floor, or a hold would be captured beyond its amount."""

    code = "overdrawn"
    status = 409


class KeyReused(DomainError):
    """The same key asks for something else than the first time."""

    code = "key-reused"
    status = 409


class HoldClosed(DomainError):
    """The hold was posted, voided or expired before."""

    code = "hold-closed"
    status = 409


class AlreadyReversed(DomainError):
    """The transfer was reversed before under another key, or is a reversal itself."""

    code = "already-reversed"
    status = 409


class NotBalanced(DomainError):
    """The legs do not add up to nothing, move nothing, or do not debit the hold that they capture."""

    code = "not-balanced"
    status = 422


class BadHold(DomainError):
    """A hold of nothing, or one that would grow or fall below what was captured."""

    code = "bad-hold"
    status = 422


REFUSALS = {
    "ledger_balance_floor": (Overdrawn, _("There is not enough value left for this.")),
    "ledger_hold_captured_within": (Overdrawn, _("That is more than the hold has left.")),
    "ledger_hold_closed": (HoldClosed, _("The hold is closed.")),
    "ledger_hold_only_shrinks": (BadHold, _("A hold does not grow.")),
    "ledger_hold_amount_positive": (BadHold, _("A hold reserves more than nothing.")),
    "ledger_transfer_capture_debits": (NotBalanced, _("A capture debits the account of its hold.")),
    "ledger_transfer_reversed_once": (AlreadyReversed, _("The transfer was reversed before.")),
    "ledger_transfer_reversal_exact": (AlreadyReversed, _("A reversal cannot be reversed.")),
}


@contextmanager
def refusing_moves() -> Iterator[None]:
    """Run one statement and raise the domain error of the constraint that refuses it.

    Inside a transaction the statement gets a savepoint, so that the caller may catch the refusal and go on. Outside it
    stands alone: a single statement is atomic, and locks a balance only until its own commit.
    """
    try:
        with transaction.atomic() if connection.in_atomic_block else nullcontext():
            yield
    except IntegrityError as error:
        name = constraint_name(error)
        if name not in REFUSALS:
            raise
        refusal, detail = REFUSALS[name]
        raise refusal(detail) from error
