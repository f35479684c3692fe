"""Import what other departments have paid for, to find contracts and invoices that are claimed twice (查重)."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.services import audit
from accounts.services.audit import Actor
from core.errors import DomainError
from vouchers import numbers
from vouchers.models import ForeignClaim
from vouchers.services import people

KINDS = ("contract", "invoice")
MOST_ROWS = 20_000
MOST_FEN = 10**15


class Row(NamedTuple):
    """A line of a department's list."""

    kind: str
    number: str
    entity_code: str = ""
    amount_fen: int = 0


class BadList(DomainError):
    """A list has a line that cannot be read; ``rows`` names the lines and what is wrong with them."""

    code = "bad-list"


@transaction.atomic
def take(*, department: str, rows: Iterable[Row], actor: Actor, at: datetime) -> int:
    """Keep a department's list whole or not at all; what is known of it stays, and return how many lines are new.

    :raises BadList: if there is nothing in it, too much, or a line says nothing that can be compared.
    """
    officer = people.person(actor)
    lines = list(rows)
    wrong = {number: detail for number, line in enumerate(lines, start=1) if (detail := _wrong(line))}
    if wrong or not lines or len(lines) > MOST_ROWS or not department.strip():
        detail = _("The list has no lines, too many, or lines that cannot be read.")
        raise BadList(detail, rows=[{"row": number, "detail": text} for number, text in list(wrong.items())[:100]])
    known = ForeignClaim.objects.count()
    ForeignClaim.objects.bulk_create(
        [
            ForeignClaim(
                department=department.strip()[:120],
                kind=line.kind,
                number=line.number.strip(),
                entity_code=line.entity_code.strip().upper()[:18],
                amount_fen=line.amount_fen,
                imported_at=at,
                imported_by=officer,
            )
            for line in lines
        ],
        ignore_conflicts=True,
    )
    new = ForeignClaim.objects.count() - known
    audit.record(
        actor=actor,
        verb="foreign-claims.imported",
        thing=officer,
        at=at,
        after={"department": department, "lines": len(lines), "new": new},
    )
    return new


def _wrong(line: Row) -> str:
    if line.kind not in KINDS:
        return _("Say whether it is a contract or an invoice.")
    if not numbers.key(line.number) or len(line.number.strip()) > 80:
        return _("The number says nothing that can be compared.")
    return "" if 0 <= line.amount_fen <= MOST_FEN else _("The amount is not between nothing and the most.")
