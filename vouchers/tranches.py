"""Instalments of a budget: what may be granted is what has been released so far.

The database refuses an award beyond it (``voucher_keep_released``), whoever makes it, behind the lock of the budget's
balance; here is what is left, for whoever asks before. What is in no instalment may be granted from the start.
"""

from datetime import date, datetime
from typing import NamedTuple

from django.utils.translation import gettext as _
from msgspec.structs import replace

from core.periods import date_of
from ledger.models import Balance
from vouchers import chart
from vouchers.models import Programme
from vouchers.rules import Limits


class Instalment(NamedTuple):
    """A part of a budget, and whether it may be granted by now."""

    released_on: date
    amount_fen: int
    released: bool


def of(programme: Programme, *, at: datetime) -> list[Instalment]:
    """Return the instalments of a budget by their days; none, if all of it may be granted at once."""
    named = sorted(programme.parameters.money.tranches, key=lambda one: one.released_on)
    return [Instalment(one.released_on, one.amount_fen, one.released_on <= date_of(at)) for one in named]


def unreleased_fen(programme: Programme, *, at: datetime) -> int:
    """Return what of a budget may not be granted yet."""
    return int(programme.parameters.money.unreleased_fen(date_of(at)))


def left_fen(programme: Programme, *, at: datetime) -> int:
    """Return what of a budget may be granted now: it is released, and neither granted nor proposed to anybody."""
    balance = Balance.objects.filter(account__code=chart.budget(programme.pk)).first()
    return max((balance.available_fen if balance else 0) - unreleased_fen(programme, at=at), 0)


def within(limits: Limits, *, programme: Programme, at: datetime) -> Limits:
    """Return limits with what is left of the released instalments, unless they say so themselves."""
    if limits.released_left_fen is not None or not programme.parameters.money.tranches:
        return limits
    return replace(limits, released_left_fen=left_fen(programme, at=at))


def sentence() -> str:
    """Return why an award is refused that passes what was released."""
    return _("The instalments of the budget released so far have less left than this.")
