"""Orders above a buyer's own limit: asked for by one of its people, approved or rejected by another."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Membership, Organization, Role, User
from accounts.services import audit
from accounts.services.audit import Actor
from billing.models import ApprovalRequest, ApprovalStatus
from billing.services import checkout, spending_limits
from core.constraints import refusing
from core.errors import Conflict, DomainError, Forbidden, NotFound
from core.money import format_yuan
from market.models import Order
from market.services import kept_demands
from market.services.orders import Demand
from vouchers.models import Grant

APPROVERS = (Role.OWNER, Role.REVIEWER)


class ApprovalOver(Conflict):
    """The request was decided or taken back, or its time has passed."""

    code = "approval-over"


class SecondApproverNeeded(Forbidden):
    """Whoever asked for an order does not approve it."""

    code = "second-person-needed"


class ReasonNeeded(DomainError):
    """A rejection says why."""

    code = "reason-needed"


@transaction.atomic
def place_or_ask(
    *, buyer: Organization, demand: Demand, grant: Grant | None, actor: Actor, at: datetime
) -> Order | ApprovalRequest:
    """Place an order, or let it wait for approval if it costs more than one person may order.

    :raises Forbidden: if it would wait, and nobody is known who asks for it.
    """
    try:
        return checkout.place(buyer=buyer, demand=demand, grant=grant, actor=actor, at=at)
    except spending_limits.ApprovalNeeded as needed:
        return _ask(buyer, demand, grant, needed, actor=actor, at=at)


def _ask(
    buyer: Organization,
    demand: Demand,
    grant: Grant | None,
    needed: spending_limits.ApprovalNeeded,
    *,
    actor: Actor,
    at: datetime,
) -> ApprovalRequest:
    if actor.person is None:
        raise Forbidden(_("Nobody is known who asks for this order: use a key that a person made."))
    latest = at + timedelta(hours=settings.APPROVAL_HOURS)
    request = ApprovalRequest.objects.create(
        status=ApprovalStatus.AWAITING,
        buyer=buyer,
        name=demand.name,
        demand=kept_demands.pack(demand),
        grant=grant,
        estimate_fen=needed.extra["estimate_fen"],
        limit_fen=needed.extra["limit_fen"],
        requested_by=actor.person,
        requested_key=actor.key,
        requested_at=at,
        expires_at=min(latest, demand.good_till or demand.start_max, demand.start_max),
    )
    audit.record(
        actor=actor, verb="approval.requested", thing=request, at=at, after={"estimate_fen": request.estimate_fen}
    )
    return request


@transaction.atomic
def approve(*, request: ApprovalRequest, actor: Actor, at: datetime) -> Order:
    """Let a second person approve an order: it is placed now, at the limit that was asked for.

    :raises NotFound, Forbidden, SecondApproverNeeded: if the actor may not.
    :raises ApprovalOver: if it was decided, or is too late.
    :raises DomainError: whatever checkout refuses; the request goes on waiting.
    """
    by, request = _decider(request, actor, at=at)
    demand = kept_demands.unpack(request.demand)
    grant = request.grant
    order, demand = checkout.promise(buyer=request.buyer, demand=demand, grant=grant, at=at)
    with refusing(approval_maker_is_not_checker=_second()):
        request.move_to(ApprovalStatus.APPROVED, decided_by=by, decided_at=at, order=order)
    checkout.fund(order=order, demand=demand, grant=grant, actor=actor, at=at)
    audit.record(actor=actor, verb="approval.approved", thing=request, at=at, after={"order": str(order.pk)})
    return order


@transaction.atomic
def reject(*, request: ApprovalRequest, reason: str, actor: Actor, at: datetime) -> ApprovalRequest:
    """Let a second person reject an order, with a reason.

    :raises ReasonNeeded: if there is none.
    :raises NotFound, Forbidden, SecondApproverNeeded, ApprovalOver: as ``approve`` does.
    """
    if not reason.strip():
        raise ReasonNeeded(_("Say why."), fields={"reason": _("This field may not be blank.")})
    by, request = _decider(request, actor, at=at)
    with refusing(approval_maker_is_not_checker=_second()):
        request.move_to(ApprovalStatus.REJECTED, decided_by=by, decided_at=at, reason=reason.strip())
    audit.record(actor=actor, verb="approval.rejected", thing=request, at=at, after={"reason": reason})
    return request


@transaction.atomic
def withdraw(*, request: ApprovalRequest, actor: Actor, at: datetime) -> ApprovalRequest:
    """Let the buyer take a request back.

    :raises NotFound: if it is another organisation's.
    :raises ApprovalOver: if it was decided, or is too late.
    """
    request = _locked(request, actor, at=at)
    request.move_to(ApprovalStatus.WITHDRAWN)
    audit.record(actor=actor, verb="approval.withdrawn", thing=request, at=at)
    return request


@transaction.atomic
def expire_overdue(*, at: datetime) -> int:
    """Expire the requests whose time has passed; return how many."""
    overdue = ApprovalRequest.objects.overdue(at).select_for_update(skip_locked=True, no_key=True)
    ids = [request.pk for request in overdue.only("pk")]
    return ApprovalRequest.objects.filter(pk__in=ids).move_all(ApprovalStatus.EXPIRED)


def _locked(request: ApprovalRequest, actor: Actor, *, at: datetime) -> ApprovalRequest:
    """Return a waiting request of the actor's organisation, locked."""
    if actor.organization is None or actor.organization.pk != request.buyer_id:
        raise NotFound(_("There is no such request."))
    ApprovalRequest.objects.locked().get(pk=request.pk)
    request = ApprovalRequest.objects.select_related("buyer", "grant__programme").get(pk=request.pk)
    if request.status != ApprovalStatus.AWAITING or request.expires_at <= at:
        raise ApprovalOver(_("This request was decided or taken back, or its time has passed."))
    return request


def _decider(request: ApprovalRequest, actor: Actor, *, at: datetime) -> tuple[User, ApprovalRequest]:
    request = _locked(request, actor, at=at)
    person = actor.person
    mine = Membership.objects.filter(user=person, organization=request.buyer, role__in=APPROVERS)
    if person is None or not mine.exists():
        raise Forbidden(_("An owner or a reviewer of your organisation decides this."))
    if person.pk == request.requested_by_id:
        raise _second()
    return person, request


def _second() -> SecondApproverNeeded:
    return SecondApproverNeeded(_("Another person than the one who asked for it decides this."))


def told(request: ApprovalRequest) -> str:
    """Say in words that an order waits."""
    words = {"total": format_yuan(request.estimate_fen), "limit": format_yuan(request.limit_fen)}
    return _("¥%(total)s is above your limit of ¥%(limit)s: the order waits until another person approves it.") % words
