"""Let grants end later: one person proposes with a reason, another approves, before the grant's present end."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.duties import Duty
from accounts.services import audit
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError
from core.periods import date_of, midnight
from vouchers.models import Extension, ExtensionStatus, Grant, Programme, ProgrammeVersion
from vouchers.models.grant import LIVING
from vouchers.services import grants, people

FURTHEST = timedelta(days=3_653)
MOST_AT_ONCE = 500
DAY = timedelta(days=1)


class NotExtendable(Conflict):
    """The version under which the grant was approved lets no grant end later."""

    code = "extension-not-allowed"


class GrantOver(Conflict):
    """The grant is not approved yet, or over: it expired, or was revoked, given up or issued anew."""

    code = "grant-over"


class BadLastDay(DomainError):
    """The new last day is not after the present one, beyond the programme's last day, or years away."""

    code = "bad-last-day"


class ExtensionProposed(Conflict):
    """Another extension of the grant waits for its decision."""

    code = "extension-proposed"


class ReasonMissing(DomainError):
    """Who proposes an extension says why."""

    code = "reason-missing"


class NothingToExtend(Conflict):
    """No grant of the programme lives, ends earlier and may be extended to that day."""

    code = "nothing-to-extend"


@transaction.atomic
def propose(*, grant: Grant, last_on: date, reason: str, actor: Actor, at: datetime) -> Extension:
    """Propose that a grant can be used up to and including ``last_on``; nothing changes until a second person approves.

    :raises NotExtendable: if the grant's version does not allow it.
    :raises GrantOver: if the grant is not approved, or over.
    :raises BadLastDay: if the day is not later than the present one, beyond the programme's last day, or years away.
    :raises ExtensionProposed: if another one waits.
    :raises ReasonMissing: if no reason is given.
    """
    found = _locked(grant.pk)
    person = people.officer(actor, Duty.PROPOSE, of=found.programme.authority)
    ends_at = _ends_at(found, at)
    _require_later(found, ends_at, last_on, at)
    with _refused():
        made = Extension.objects.create(
            grant=found,
            status=ExtensionStatus.PROPOSED,
            was_at=ends_at,
            until_at=midnight(last_on + DAY),
            reason=_said(reason),
            proposed_by=person,
            proposed_at=at,
        )
    after = {"grant": str(found.pk), "last_on": last_on.isoformat(), "reason": made.reason}
    audit.record(actor=actor, verb="extension.proposed", thing=made, at=at, after=after)
    return made


@transaction.atomic
def propose_all(*, programme: Programme, last_on: date, reason: str, actor: Actor, at: datetime) -> list[Extension]:
    """Propose the same last day for grants of a programme that live and would end earlier, at most 500 at once.

    Grants whose version does not allow that day, or that wait for another extension, are left out.

    :raises NothingToExtend: if there is no other.
    """
    people.officer(actor, Duty.PROPOSE, of=programme.authority)
    rows = Grant.objects.filter(programme=programme, status__in=LIVING, version__in=_allowing(programme, last_on))
    rows = rows.filter(expires_at__gt=at, expires_at__lt=_instant(last_on, at))
    rows = rows.exclude(extensions__status=ExtensionStatus.PROPOSED).select_related("owner").order_by("pk")
    terms = {"last_on": last_on, "reason": _said(reason), "actor": actor, "at": at}
    made = [propose(grant=one, **terms) for one in rows[:MOST_AT_ONCE]]  # type: ignore[arg-type]
    if not made:
        raise NothingToExtend(_("No voucher of this programme can be extended to that day."))
    return made


@transaction.atomic
def approve(*, extension: Extension, actor: Actor, at: datetime) -> Grant:
    """Let a grant end later, as proposed, before it ends; the grant's row is locked, as by whoever ends it.

    :raises MakerIsChecker: if the same person proposed it.
    :raises IllegalMove: if it is decided already.
    :raises GrantOver: if the grant is over by now.
    :raises Barred: if the firm is barred from vouchers.
    """
    grant = _locked(extension.grant_id)
    made = Extension.objects.select_related("proposed_by").get(pk=extension.pk)
    authority = grant.programme.authority
    person = people.judge(actor, Duty.APPROVE, maker=made.proposed_by, of=authority, concerning=grant.owner)
    if made.status == ExtensionStatus.PROPOSED:
        _ends_at(grant, at)
    grants.require_trusted(grant.owner, at)
    with _refused():
        made.move_to(ExtensionStatus.APPROVED, decided_by=person, decided_at=at)
    ends = {"before": {"expires_at": made.was_at.isoformat()}, "after": {"expires_at": made.until_at.isoformat()}}
    audit.record(actor=actor, verb="grant.extended", thing=grant, at=at, **ends)
    grant.refresh_from_db()
    return grant


@transaction.atomic
def reject(*, extension: Extension, actor: Actor, at: datetime) -> Extension:
    """Turn an extension down; the grant ends when it did.

    :raises MakerIsChecker: if the same person proposed it.
    :raises IllegalMove: if it is decided already.
    """
    grant = _locked(extension.grant_id)
    made = Extension.objects.select_related("proposed_by").get(pk=extension.pk)
    person = people.judge(actor, Duty.APPROVE, maker=made.proposed_by, of=grant.programme.authority)
    made.move_to(ExtensionStatus.REJECTED, decided_by=person, decided_at=at)
    audit.record(actor=actor, verb="extension.rejected", thing=made, at=at)
    return made


def extendable(rows: Iterable[Grant], at: datetime) -> set[UUID]:
    """Return those of some grants that live, and may be extended under the versions that they were approved under."""
    living = [grant for grant in rows if grant.is_living(at)]
    versions = ProgrammeVersion.objects.published().filter(programme__in={one.programme_id for one in living})
    allowing = {(one.programme_id, one.number) for one in versions if one.parameters.validity.extension_allowed}
    return {one.pk for one in living if (one.programme_id, one.version) in allowing}


def _locked(grant_id: UUID) -> Grant:
    return Grant.objects.locked().select_related("programme__authority", "owner").get(pk=grant_id)


def _version(grant: Grant) -> ProgrammeVersion:
    return ProgrammeVersion.objects.published().get(programme=grant.programme_id, number=grant.version)


def _allowing(programme: Programme, last_on: date) -> list[int]:
    """Return the versions of a programme under which a grant may be extended to a day."""
    rows = ProgrammeVersion.objects.published().filter(programme=programme)
    terms = [(one.number, one.parameters.validity) for one in rows]
    return [
        number for number, valid in terms if valid.extension_allowed and last_on <= (valid.fixed_last_on or last_on)
    ]


def _ends_at(grant: Grant, at: datetime) -> datetime:
    if not grant.is_living(at) or grant.expires_at is None:
        raise GrantOver(_("This voucher cannot be used any more, or not yet."))
    return grant.expires_at


def _require_later(grant: Grant, ends_at: datetime, last_on: date, at: datetime) -> None:
    valid = _version(grant).parameters.validity
    if not valid.extension_allowed:
        raise NotExtendable(_("The rules under which this voucher was approved let it end no later."))
    if valid.fixed_last_on is not None and last_on > valid.fixed_last_on:
        raise _bad_day(_("The last day of every voucher of this programme is %(day)s.") % {"day": valid.fixed_last_on})
    if _instant(last_on, at) <= ends_at:
        raise _bad_day(_("Choose a day after the present last day, %(day)s.") % {"day": date_of(ends_at - DAY)})


def _instant(last_on: date, at: datetime) -> datetime:
    """Return the end of a last day, which is not years away."""
    if last_on > date_of(at) + FURTHEST:
        raise _bad_day(_("Choose a day within the next ten years."))
    return midnight(last_on + DAY)


def _bad_day(text: str) -> BadLastDay:
    return BadLastDay(text, fields={"last_on": text})


def _said(reason: str) -> str:
    if not reason.strip():
        raise ReasonMissing(_("Say why."), fields={"reason": _("Say why.")})
    return reason.strip()[:500]


@contextmanager
def _refused() -> Iterator[None]:
    """Say in the domain's words what the database refuses, for whom the look before was too early."""
    with refusing(
        extension_once_at_a_time=ExtensionProposed(_("An extension of this voucher waits for its decision already.")),
        extension_of_a_living_grant=GrantOver(_("This voucher cannot be used any more, or not yet.")),
        extension_decided_in_time=GrantOver(_("This voucher cannot be used any more, or not yet.")),
    ):
        yield
