"""The applicant's part before anybody reviews: a draft, what it says, and taking it back."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, TypedDict, Unpack

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization, OrganizationKind
from accounts.services import audit
from accounts.services.audit import Actor
from core.errors import IllegalMove
from vouchers import numbers
from vouchers.models import Application, ApplicationStatus, Round
from vouchers.services.applications import moves, stating
from vouchers.services.applications.refusals import BadApplication, NotEditable, RoundNotOpen
from vouchers.services.grants import NotABuyer

MOST_FEN = 10**13
MOST_LINES = 50
LONGEST_KEY = 80


class Content(TypedDict, total=False):
    """What an applicant writes."""

    provider: Organization | None
    district: str
    purpose: str
    contract_no: str
    contract_signed_on: date | None
    lines: list[dict[str, Any]]
    facts: dict[str, Any]
    asked_fen: int


@transaction.atomic
def draft(
    *, procedure: Round, applicant: Organization, actor: Actor, at: datetime, **content: Unpack[Content]
) -> Application:
    """Begin an application in a round; nobody but the applicant sees it until it is handed in.

    :raises NotABuyer: if the applicant is no buyer.
    :raises RoundNotOpen: if the round takes no applications now.
    :raises BadApplication: if something is out of range.
    """
    if applicant.kind != OrganizationKind.BUYER:
        raise NotABuyer(_("%(name)s is not a buyer.") % {"name": applicant.name})
    if not Round.objects.taking(at).filter(pk=procedure.pk).exists():
        raise RoundNotOpen(_("The round takes no applications now."))
    application = Application.objects.create(
        round=procedure,
        programme_id=procedure.programme_id,
        applicant=applicant,
        status=ApplicationStatus.DRAFT,
        drafted_by=moves.applicants_person(actor),
        **_written(procedure, content),
    )
    audit.record(actor=actor, verb="application.drafted", thing=application, at=at)
    return application


@transaction.atomic
def edit(*, application: Application, actor: Actor, at: datetime, **content: Unpack[Content]) -> Application:
    """Write a draft, or what has to be supplemented, anew.

    :raises NotEditable: if it has been handed in.
    :raises BadApplication: if something is out of range.
    """
    application = moves.locked(application)
    if not application.editable:
        raise NotEditable(_("What was handed in stays as it was."))
    changes = _written(application.round, content)
    Application.objects.filter(pk=application.pk).update(**changes)
    for name, value in changes.items():
        setattr(application, name, value)
    named = {name: str(value)[:200] for name, value in changes.items()}
    audit.record(actor=actor, verb="application.edited", thing=application, at=at, after=named)
    return application


@transaction.atomic
def withdraw(*, application: Application, actor: Actor, at: datetime, reason: str = "") -> Application:
    """Take an application back; what was reserved for it is free again.

    :raises IllegalMove: if it is approved, or over.
    """
    application = moves.locked(application)
    if not application.withdrawable:
        raise IllegalMove(_("The application cannot be withdrawn any more."))
    note = reason.strip()[:1_000]
    moves.move(application, ApplicationStatus.WITHDRAWN, actor=actor, at=at, note=note, by_applicant=True)
    return application


def _written(procedure: Round, content: Mapping[str, Any]) -> dict[str, Any]:
    written = dict(content)
    if "lines" in written:
        written["lines"] = _lines(written["lines"])
    if "facts" in written:
        written["facts"] = stating.checked(written["facts"])
    if "contract_no" in written:
        written["contract_no"] = written["contract_no"].strip()
        written["contract_once"] = procedure.once_per_contract
        written["contract_key"] = _contract_key(written["contract_no"])
    if not 0 <= written.get("asked_fen", 0) <= MOST_FEN:
        raise BadApplication(_("The amount is out of range."), fields={"asked_fen": _("The amount is out of range.")})
    provider = written.get("provider")
    if provider is not None and provider.kind != OrganizationKind.PROVIDER:
        raise BadApplication(
            _("%(name)s is not a provider.") % {"name": provider.name}, fields={"provider": _("Choose a provider.")}
        )
    return written


def _contract_key(number: str) -> str:
    """Return what a contract is compared by; some characters stand for so many letters that nothing is left to keep."""
    key = numbers.key(number)
    if len(key) > LONGEST_KEY:
        text = _("The number says nothing that can be compared.")
        raise BadApplication(text, fields={"contract_no": text})
    return key


def _lines(lines: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    kept: list[Any] = [{"category": str(line["category"]), "amount_fen": int(line["amount_fen"])} for line in lines]
    bad = any(not 0 < line["amount_fen"] <= MOST_FEN or not 0 < len(line["category"]) <= 16 for line in kept)
    if bad or len(kept) > MOST_LINES:
        text = _("Each line has a category and an amount above nothing; at most %(most)d lines.") % {"most": MOST_LINES}
        raise BadApplication(text, fields={"lines": text})
    return kept
