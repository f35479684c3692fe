"""Change a published programme: a new version that one person drafts and another publishes.

What was granted under an earlier version keeps its terms. The budget may grow, and shrink down to what is committed.
"""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.duties import Duty
from accounts.services import audit
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError
from ledger.services import posting
from ledger.services.posting import Leg, Overdrawn
from vouchers import chart, complaints
from vouchers.chart import Kind
from vouchers.models import Programme, ProgrammeStatus, ProgrammeVersion, VersionStatus
from vouchers.models.parameters import columns
from vouchers.models.version import limits
from vouchers.parameters import Parameters, codec
from vouchers.parameters.differences import differences
from vouchers.services import people
from vouchers.services.programmes import BadRules

LIVE = (ProgrammeStatus.PUBLISHED, ProgrammeStatus.PAUSED)
FIXED = ("identity.code", "identity.mode", "identity.denomination", "caps.cap_year")


class NotLive(Conflict):
    """Only a programme that is published, and not closed, gets new versions."""

    code = "programme-not-live"


class NothingChanged(DomainError):
    """The version says what the present one says."""

    code = "nothing-changed"


class AnotherDraft(Conflict):
    """Another version is being drafted: publish it or drop it first."""

    code = "another-version-drafted"


class BudgetBelowCommitted(Conflict):
    """The budget would be below what is granted, held and paid already."""

    code = "budget-below-committed"


@transaction.atomic
def draft(*, programme: Programme, parameters: Parameters, reason: str, actor: Actor, at: datetime) -> ProgrammeVersion:
    """Write down the next version of a published programme for a second person to publish.

    :raises NotLive: if the programme is a draft or closed.
    :raises BadRules: if the parameters contradict each other, or change what identifies the programme.
    :raises NothingChanged: if they are the present ones.
    :raises AnotherDraft: if a version is being drafted already.
    """
    programme = Programme.objects.locked().select_related("authority").get(pk=programme.pk)
    drafted_by = people.officer(actor, Duty.DRAFT, of=programme.authority)
    _require_live(programme)
    _require_sound(programme, parameters)
    present = ProgrammeVersion.objects.published().get(programme=programme, number=programme.version)
    busy = AnotherDraft(_("Another version is being drafted; publish or drop it first."))
    with refusing(version_one_draft_at_a_time=busy, version_number_once=busy):
        version = ProgrammeVersion.objects.create(
            programme=programme,
            number=present.number + 1,
            supersedes=present,
            status=VersionStatus.DRAFT,
            parameters=parameters,
            reason=reason,
            drafted_by=drafted_by,
            drafted_at=at,
            **limits(parameters),
        )
    after = {"version": version.number, "changes": described(present.parameters, parameters)}
    audit.record(actor=actor, verb="programme.version_drafted", thing=programme, at=at, after=after)
    return version


@transaction.atomic
def publish(*, version: ProgrammeVersion, actor: Actor, at: datetime) -> Programme:
    """Let a drafted version hold from now on, and raise or cut the budget to what it says.

    :raises MakerIsChecker: if the same person drafted it.
    :raises IllegalMove: if it is no draft.
    :raises NotLive: if the programme was closed.
    :raises BudgetBelowCommitted: if the budget would be less than is committed.
    """
    programme = Programme.objects.locked().select_related("authority").get(pk=version.programme_id)
    version = ProgrammeVersion.objects.locked().select_related("drafted_by").get(pk=version.pk)
    publisher = people.judge(actor, Duty.PUBLISH, maker=version.drafted_by, of=programme.authority)
    _require_live(programme)
    version.move_to(VersionStatus.PUBLISHED, published_by=publisher, published_at=at)
    before, budget_fen = programme.parameters, programme.budget_fen
    changed: dict[str, Any] = {**columns(version.parameters), "parameters": version.parameters}
    Programme.objects.filter(pk=programme.pk).update(version=version.number, **changed)
    programme.refresh_from_db()
    _appropriate(programme, version, programme.budget_fen - budget_fen, at)
    after = {"version": version.number, "changes": described(before, version.parameters)}
    audit.record(actor=actor, verb="programme.version_published", thing=programme, at=at, after=after)
    return programme


@transaction.atomic
def drop(*, version: ProgrammeVersion, actor: Actor, at: datetime) -> ProgrammeVersion:
    """Give up a drafted version.

    :raises IllegalMove: if it is no draft.
    """
    version = ProgrammeVersion.objects.locked().select_related("programme__authority").get(pk=version.pk)
    people.officer(actor, Duty.DRAFT, of=version.programme.authority)
    version.move_to(VersionStatus.DROPPED)
    after = {"version": version.number}
    audit.record(actor=actor, verb="programme.version_dropped", thing=version.programme, at=at, after=after)
    return version


def described(before: Parameters, after: Parameters) -> list[dict[str, Any]]:
    """Return what changes between two sets of parameters, as JSON."""
    return [difference._asdict() for difference in differences(before, after)]


def _require_live(programme: Programme) -> None:
    if programme.status not in LIVE:
        raise NotLive(_("Only a published programme gets new versions."))


def _require_sound(programme: Programme, parameters: Parameters) -> None:
    with complaints.refusing_bad(BadRules):
        codec.require_coherent(parameters)
    changes = differences(programme.parameters, parameters)
    if not changes:
        raise NothingChanged(_("This is what the present version says."))
    fixed = {one.path: _("This cannot change once a programme is published.") for one in changes if one.path in FIXED}
    if fixed:
        raise BadRules(next(iter(fixed.values())), fields=fixed)


def _appropriate(programme: Programme, version: ProgrammeVersion, more_fen: int, at: datetime) -> None:
    """Move the difference of two budgets; what is granted already cannot be taken back by it."""
    if not more_fen:
        return
    source = posting.open_account(code=chart.appropriation(programme.pk), floor_fen=None)
    budget = posting.open_account(code=chart.budget(programme.pk), floor_fen=0)
    kind = Kind.RAISE if more_fen > 0 else Kind.CUT
    try:
        posting.post(
            key=f"programme/{programme.pk}/version/{version.number}",
            kind=kind,
            legs=[Leg(source, -more_fen), Leg(budget, more_fen)],
            at=at,
        )
    except Overdrawn as error:
        raise BudgetBelowCommitted(_("The budget would be below what is committed already.")) from error
