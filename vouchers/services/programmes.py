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
from vouchers import chart, complaints
from vouchers.chart import Kind
from vouchers.models import Programme, ProgrammeStatus, ProgrammeVersion, VersionStatus
from vouchers.models.parameters import columns
from vouchers.models.version import limits
from vouchers.parameters import Mode, Parameters, codec
from vouchers.services import people

PATHS = {
    "code": "identity.code",
    "mode": "identity.mode",
    "name": "identity.name",
    "opens_on": "identity.opens_on",
    "closes_on": "identity.closes_on",
    "source": "identity.source",
    "budget_fen": "money.budget_fen",
    "min_award_fen": "money.min_award_fen",
    "min_grant_fen": "money.min_grant_fen",
    "round_unit_fen": "money.round_unit_fen",
    "eligible_categories": "award.eligible_categories",
    "entity_year_cap_fen": "caps.entity_annual_cap_fen",
    "order_cap_fen": "caps.order_cap_fen",
    "partial_when_short": "redemption.partial_when_short",
    "validity_days": "validity.days",
    "grace_days": "validity.grace_days",
}
RATIO = "award.tiers[0].bp"


class Rules(TypedDict, total=False):
    """The parameters of a plain programme: one ratio for everyone, deducted at checkout."""

    code: Required[str]
    mode: str
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


def draft(*, authority: Organization, actor: Actor, at: datetime, **rules: Unpack[Rules]) -> Programme:
    """Write down a plain programme that a second person may publish; ``draft_of`` takes every parameter.

    Where buyers pay in full and claim, they are the claimants.

    :raises NotAnAuthority, CodeTaken, BadRules: as ``draft_of`` does.
    """
    names = {path: name for name, path in PATHS.items()} | {RATIO: "ratio_bp"}
    with complaints.refusing_bad(BadRules, names=names):
        parameters = codec.load(_document(rules))
    return draft_of(authority=authority, parameters=parameters, actor=actor, at=at)


@transaction.atomic
def draft_of(*, authority: Organization, parameters: Parameters, actor: Actor, at: datetime) -> Programme:
    """Write down a programme that a second person may publish.

    :raises NotAnAuthority: if the organisation is none.
    :raises CodeTaken: if another programme has the code.
    :raises BadRules: if its parameters contradict each other.
    """
    if authority.kind != OrganizationKind.AUTHORITY:
        raise NotAnAuthority(_("%(name)s is not an authority.") % {"name": authority.name})
    drafted_by = people.officer(actor, Duty.DRAFT, of=authority)
    with complaints.refusing_bad(BadRules):
        codec.require_coherent(parameters)
    with refusing(programme_code_once=CodeTaken(_("This code is taken."))):
        programme = Programme.objects.create(
            authority=authority,
            status=ProgrammeStatus.DRAFT,
            drafted_by=drafted_by,
            parameters=parameters,
            **columns(parameters),
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
    _first_version(programme, at)
    audit.record(actor=actor, verb="programme.published", thing=programme, at=at)
    return programme


def _first_version(programme: Programme, at: datetime) -> None:
    """Keep what a programme is published with as its version 1, by the same two people."""
    ProgrammeVersion.objects.create(
        programme=programme,
        number=programme.version,
        status=VersionStatus.PUBLISHED,
        parameters=programme.parameters,
        drafted_by=programme.drafted_by,
        drafted_at=programme.created_at,
        published_by=programme.published_by,
        published_at=at,
        **limits(programme.parameters),
    )


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


def _document(rules: Rules) -> dict[str, Any]:
    document: dict[str, dict[str, Any]] = {"award": {"tiers": [{"code": "BASE", "bp": rules["ratio_bp"]}]}}
    for name, path in PATHS.items():
        if name in rules:
            group, key = path.split(".")
            document.setdefault(group, {})[key] = rules[name]  # type: ignore[literal-required]
    if rules.get("mode", Mode.INSTANT_DEDUCT) != Mode.INSTANT_DEDUCT:
        document["settlement"] = {"claimant": "BUYER"}  # who pays in full is owed what the voucher pays
    if rules.get("open_registry"):
        document["providers"] = {"registry": "OPEN"}
    return document
