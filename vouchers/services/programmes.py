"""Draft, publish, pause and close programmes, and keep their lists of providers."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Required, TypedDict, Unpack

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.duties import Duty
from accounts.models import Organization, OrganizationKind
from accounts.services import audit
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError
from ledger.services import posting
from ledger.services.posting import Leg
from vouchers import chart
from vouchers.chart import Kind
from vouchers.models import Programme, ProgrammeStatus
from vouchers.services import people


class Rules(TypedDict, total=False):
    """The parameters of a programme, as its draft names them."""

    code: Required[str]
    name: Required[str]
    budget_fen: Required[int]
    ratio_bp: Required[int]
    entity_year_cap_fen: int | None
    order_cap_fen: int | None
    min_award_fen: int
    min_grant_fen: int
    round_unit_fen: int
    partial_when_short: bool
    validity_days: Required[int]
    grace_days: int
    eligible_categories: Required[list[str]]
    open_registry: bool
    opens_on: Required[date]
    closes_on: Required[date]
    source: str


class BadRules(DomainError):
    """The parameters of a programme contradict each other or lie out of range."""

    code = "bad-programme-rules"


class CodeTaken(Conflict):
    """Another programme has this code."""

    code = "programme-code-taken"


class NotAnAuthority(DomainError):
    """Only an authority has programmes."""

    code = "not-an-authority"


class NotAProvider(DomainError):
    """Only providers can be listed."""

    code = "not-a-provider"


class NotPaused(Conflict):
    """Only what was paused can be resumed."""

    code = "programme-not-paused"


@transaction.atomic
def draft(*, authority: Organization, actor: Actor, at: datetime, **rules: Unpack[Rules]) -> Programme:
    """Write down a programme that a second person may publish.

    :raises NotAnAuthority: if the organisation is none.
    :raises CodeTaken: if another programme has the code.
    :raises BadRules: if a parameter is out of range.
    """
    if authority.kind != OrganizationKind.AUTHORITY:
        raise NotAnAuthority(_("%(name)s is not an authority.") % {"name": authority.name})
    drafted_by = people.officer(actor, Duty.DRAFT, of=authority)
    with _refusing_bad_rules():
        programme = Programme.objects.create(
            authority=authority, status=ProgrammeStatus.DRAFT, drafted_by=drafted_by, **rules
        )
    audit.record(actor=actor, verb="programme.drafted", thing=programme, at=at, after=_described(programme))
    return programme


@transaction.atomic
def publish(*, programme: Programme, actor: Actor, at: datetime) -> Programme:
    """Fix a draft's rules and appropriate its budget; the publisher is not who drafted it.

    :raises IllegalMove: if it is no draft.
    :raises MakerIsChecker: if the same person drafted it.
    """
    programme = Programme.objects.locked().select_related("authority", "drafted_by").get(pk=programme.pk)
    publisher = people.judge(actor, Duty.PUBLISH, maker=programme.drafted_by, of=programme.authority)
    programme.move_to(ProgrammeStatus.PUBLISHED, published_by=publisher, published_at=at)
    accounts = posting.open_accounts(
        floors={
            chart.appropriation(programme.pk): None,
            chart.budget(programme.pk): 0,
            chart.redeemed(programme.pk): None,
            chart.lapsed(programme.pk): None,
        }
    )
    legs = [
        Leg(accounts[chart.appropriation(programme.pk)], -programme.budget_fen),
        Leg(accounts[chart.budget(programme.pk)], programme.budget_fen),
    ]
    posting.post(key=f"programme/{programme.pk}/appropriate", kind=Kind.APPROPRIATE, legs=legs, at=at)
    audit.record(actor=actor, verb="programme.published", thing=programme, at=at)
    return programme


def pause(*, programme: Programme, actor: Actor, at: datetime) -> Programme:
    """Stop new grants and new holds for a while; what is held already may still be captured.

    :raises IllegalMove: if it is not published.
    """
    return _move(programme, ProgrammeStatus.PAUSED, "programme.paused", actor, at)


def resume(*, programme: Programme, actor: Actor, at: datetime) -> Programme:
    """Open a paused programme again.

    :raises NotPaused: if it is not paused; a draft is published, not resumed.
    """
    if programme.status != ProgrammeStatus.PAUSED:
        raise NotPaused(_("Only a paused programme can be resumed."))
    return _move(programme, ProgrammeStatus.PUBLISHED, "programme.resumed", actor, at)


def close(*, programme: Programme, actor: Actor, at: datetime) -> Programme:
    """Grant nothing more, for good; grants given before stay usable until they expire.

    :raises IllegalMove: if it is closed already.
    """
    return _move(programme, ProgrammeStatus.CLOSED, "programme.closed", actor, at)


@transaction.atomic
def list_providers(*, programme: Programme, providers: Iterable[Organization], actor: Actor, at: datetime) -> None:
    """Add providers to those whose services a programme pays for.

    :raises NotAProvider: if one of them is none.
    """
    listed = list(providers)
    for provider in listed:
        if provider.kind != OrganizationKind.PROVIDER:
            raise NotAProvider(_("%(name)s is not a provider.") % {"name": provider.name})
    programme.providers.add(*listed)
    names = {"providers": [str(provider.pk) for provider in listed]}
    audit.record(actor=actor, verb="programme.providers_listed", thing=programme, at=at, after=names)


@transaction.atomic
def delist_provider(*, programme: Programme, provider: Organization, actor: Actor, at: datetime) -> None:
    """Take a provider off a programme's list; what is held for it already may still be captured."""
    programme.providers.remove(provider)
    before = {"providers": [str(provider.pk)]}
    audit.record(actor=actor, verb="programme.provider_delisted", thing=programme, at=at, before=before)


@transaction.atomic
def _move(programme: Programme, target: ProgrammeStatus, verb: str, actor: Actor, at: datetime) -> Programme:
    before = {"status": programme.status}
    if actor.user is not None:
        people.officer(actor, Duty.PUBLISH, of=programme.authority)
    programme.move_to(target)
    audit.record(actor=actor, verb=verb, thing=programme, at=at, before=before, after={"status": target})
    return programme


def _described(programme: Programme) -> dict[str, Any]:
    return {"code": programme.code, "budget_fen": programme.budget_fen, "ratio_bp": programme.ratio_bp}


def _refusing_bad_rules() -> Any:
    bad = {
        "programme_budget_positive": ("budget_fen", _("The budget is more than nothing.")),
        "programme_ratio_in_range": ("ratio_bp", _("The ratio lies between 0.01 % and 100 %.")),
        "programme_year_cap_positive": ("entity_year_cap_fen", _("A cap is more than nothing, or absent.")),
        "programme_order_cap_positive": ("order_cap_fen", _("A cap is more than nothing, or absent.")),
        "programme_min_award_not_negative": ("min_award_fen", _("The smallest award is not negative.")),
        "programme_min_grant_not_negative": ("min_grant_fen", _("The smallest grant is not negative.")),
        "programme_round_unit_positive": ("round_unit_fen", _("The rounding unit is at least one fen.")),
        "programme_validity_positive": ("validity_days", _("A grant is valid for at least one day.")),
        "programme_closes_after_opening": ("closes_on", _("A programme closes after it opens.")),
        "programme_has_eligible_categories": ("eligible_categories", _("At least one category is eligible.")),
    }
    errors: dict[str, DomainError] = {
        name: BadRules(detail, fields={field: detail}) for name, (field, detail) in bad.items()
    }
    return refusing(programme_code_once=CodeTaken(_("This code is taken.")), **errors)
