"""Rounds, firms that apply in them, and the people who decide."""

from datetime import timedelta
from typing import Any

from accounts.models import Membership, Organization, Role, User
from accounts.services.audit import Actor
from tests.vouchers import scenes
from tests.vouchers.scenes import AT, numbers, officer
from vouchers.models import Application, ApplicationStatus, Programme, Round
from vouchers.services.applications import documents, drafting, reviewing, rounds, submitting

PDF = b"%PDF-1.7 "
OPENS, CLOSES = AT - timedelta(days=1), AT + timedelta(days=10)
ASKED_FEN = 3_000_000
SIMPLE: dict[str, Any] = {"reviewers": 0, "publicity_days": 0, "required_evidence": []}


def opened(programme: Programme, **procedure: Any) -> Round:
    """Open a round that officer 1 drafted and officer 2 opens."""
    named = {
        "name": f"R{next(numbers)}",
        "opens_at": OPENS,
        "closes_at": CLOSES,
        "method": "first_come",
        "once_per_contract": True,
    } | procedure
    drafted = rounds.draft(programme=programme, actor=officer(1), at=AT, **named)
    return rounds.open_(procedure=drafted, actor=officer(2), at=AT)


def person(organization: Organization, role: str = Role.OWNER) -> Actor:
    """Return a person of an organisation."""
    user = User.objects.create(username=f"person{next(numbers)}")
    Membership.objects.create(user=user, organization=organization, role=role)
    return Actor(user=user, organization=organization)


def drafted(procedure: Round, applicant: Organization | None = None, **content: Any) -> Application:
    applicant = applicant or scenes.buyer()
    actor = content.pop("actor", None) or person(applicant)
    return drafting.draft(
        procedure=procedure, applicant=applicant, actor=actor, at=AT, **({"asked_fen": ASKED_FEN} | content)
    )


def upload(application: Application, kind: str, content: bytes = PDF, **terms: Any) -> Any:
    named = {"name": f"{kind}.pdf", "at": AT} | terms
    return documents.upload(application=application, kind=kind, content=content, actor=applicant(application), **named)


def applicant(application: Application) -> Actor:
    """Return the person who drafted it."""
    return Actor(user=application.drafted_by, organization=application.applicant)


def submitted(procedure: Round, applicant_: Organization | None = None, at: Any = AT, **content: Any) -> Application:
    """Draft an application with whatever evidence its round requires, and hand it in."""
    application = drafted(procedure, applicant_, **content)
    for kind in procedure.required_evidence:
        upload(application, kind, PDF + kind.encode() + str(application.pk).encode())
    return submitting.submit(application=application, actor=applicant(application), at=at)


def passed(application: Application, number: int = 3, **opinion: Any) -> Application:
    """Let officer ``number`` pass the stage at which it stands."""
    terms = {"stage": application.status, "no_interest": True, "at": AT} | opinion
    return reviewing.approve(application=application, actor=officer(number), **terms)


def status(application: Application) -> str:
    """Return its state, read anew."""
    return ApplicationStatus(Application.objects.values_list("status", flat=True).get(pk=application.pk)).value
