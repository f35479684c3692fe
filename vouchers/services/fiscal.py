"""Let what nobody was granted lapse once the year of a budget is over, where the programme does not carry it over."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import IntegerField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from accounts.services import audit
from accounts.services.audit import SYSTEM
from core.ids import uuid7
from core.periods import date_of
from ledger.models import Balance
from ledger.services import posting
from ledger.services.posting import Leg
from vouchers import chart
from vouchers.chart import Kind
from vouchers.models import Programme
from vouchers.parameters.money import Carryover


def lapse_due(*, at: datetime) -> int:
    """Let the rest of every budget lapse whose year is over, and return of how many; what comes back later follows.

    What is reserved for applications stays theirs.
    """
    year = Cast(KT("parameters__money__fiscal_year"), IntegerField())
    lapsing = Programme.objects.annotate(fiscal=year, carryover=KT("parameters__money__carryover"))
    over = lapsing.filter(published_at__isnull=False, fiscal__lt=date_of(at).year, carryover=Carryover.LAPSE.value)
    return sum(_lapse(programme_id, at) for programme_id in over.order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def _lapse(programme_id: UUID, at: datetime) -> bool:
    """Look again behind the locks: a version that carries the rest over, or a grant, comes before or finds nothing."""
    programme = Programme.objects.locked().get(pk=programme_id)
    money = programme.parameters.money
    if money.carryover is not Carryover.LAPSE or not (money.fiscal_year and money.fiscal_year < date_of(at).year):
        return False
    left_fen = _left_fen(programme_id)
    if not left_fen:
        return False
    accounts = posting.open_accounts(floors={chart.budget(programme_id): 0, chart.lapsed(programme_id): None})
    budget, lapsed = accounts[chart.budget(programme_id)], accounts[chart.lapsed(programme_id)]
    key = f"programme/{programme_id}/forgo/{uuid7()}"
    posting.post(key=key, kind=Kind.FORGO, legs=[Leg(budget, -left_fen), Leg(lapsed, left_fen)], at=at)
    after = {"amount_fen": left_fen, "fiscal_year": money.fiscal_year}
    audit.record(actor=SYSTEM, verb="programme.budget_lapsed", thing=programme, at=at, after=after)
    return True


def _left_fen(programme_id: UUID) -> int:
    """Return what may still be granted, with the balance of the budget locked as whoever grants locks it."""
    rows = Balance.objects.select_for_update(no_key=True, of=("self",))
    return rows.get(account__code=chart.budget(programme_id)).available_fen
