"""Orders above a buyer's own limit: asked for by one of its people, approved or rejected by another."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import Membership, Role, User
from accounts.services import audit
from accounts.services.audit import Actor
from billing.models import ApprovalEnd, ApprovalKind, ApprovalRequest, ApprovalStatus, AutoExtension
from billing.services import auto_extensions, checkout, extending, held_quotes, rfq_awards
from core.constraints import refusing
from core.errors import Conflict, DomainError, Forbidden, NotFound
from market.models import Bid, Order
from market.services import kept_demands, quotes

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
def approve(*, request: ApprovalRequest, actor: Actor, at: datetime) -> list[Order]:
    """Let a second person approve an order: it is placed now, at the limit that was asked for; return what was placed.

    A quote is accepted, an award is made, a reservation is extended, exactly as they were asked for.

    :raises NotFound, Forbidden, SecondApproverNeeded: if the actor may not.
    :raises ApprovalOver: if it was decided, or is too late.
    :raises DomainError: whatever checkout refuses; the request goes on waiting.
    """
    by, request = _decider(request, actor, at=at)
    act = {
        ApprovalKind.ORDER: _place,
        ApprovalKind.QUOTE: _accept,
        ApprovalKind.AWARD: _award,
        ApprovalKind.EXTENSION: _extend,
    }
    with refusing(approval_maker_is_not_checker=_second()):
        orders = act[ApprovalKind(request.kind)](request, by, actor, at)
    after = {"orders": [str(order.pk) for order in orders]}
    audit.record(actor=actor, verb="approval.approved", thing=request, at=at, after=after)
    return orders


def _place(request: ApprovalRequest, by: User, actor: Actor, at: datetime) -> list[Order]:
    demand, grant = kept_demands.unpack(request.demand), request.grant
    order, demand = checkout.promise(buyer=request.buyer, demand=demand, grant=grant, at=at)
    request.move_to(ApprovalStatus.APPROVED, decided_by=by, decided_at=at, order=order)
    checkout.fund(order=order, demand=demand, grant=grant, actor=actor, at=at)
    return [order]


def _accept(request: ApprovalRequest, by: User, actor: Actor, at: datetime) -> list[Order]:
    if request.quote_id is None:
        raise AssertionError("a quote that waits is named")
    quote = quotes.standing(quote_id=request.quote_id, buyer=request.buyer, at=at)
    chosen = held_quotes.Chosen.unpack(request.choice, grant=request.grant)
    order = held_quotes.take_up(quote=quote, chosen=chosen, at=at)
    request.move_to(ApprovalStatus.APPROVED, decided_by=by, decided_at=at, order=order)
    held_quotes.pay(quote=quote, order=order, chosen=chosen, actor=actor, at=at)
    return [order]


def _award(request: ApprovalRequest, by: User, actor: Actor, at: datetime) -> list[Order]:
    if request.rfq is None:
        raise AssertionError("an award that waits names its request")
    request.move_to(ApprovalStatus.APPROVED, decided_by=by, decided_at=at)
    return rfq_awards.award(
        rfq=request.rfq,
        buyer=request.buyer,
        bids=list(Bid.objects.filter(rfq=request.rfq_id, pk__in=request.choice["bids"])),
        grant=request.grant,
        reason=request.choice["reason"],
        actor=actor,
        at=at,
    )


def _extend(request: ApprovalRequest, by: User, actor: Actor, at: datetime) -> list[Order]:
    if request.reservation is None:
        raise AssertionError("an extension that waits names its reservation")
    asked, reservation = kept_demands.unpack(request.demand), request.reservation
    instruction = auto_extensions.waiting(request)
    request.move_to(ApprovalStatus.APPROVED, decided_by=by, decided_at=at)
    extended = extending.extend(
        reservation=reservation,
        hours=asked.hours,
        grant=request.grant,
        most_micro=asked.limit_micro,
        begins_at=asked.start_min,
        actor=actor,
        at=at,
    )
    if instruction is not None:
        auto_extensions.keep_step(instruction, extended, at=at)
    return [reservation.order]


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
    """Expire the requests whose time has passed or whose reservation is over, however it ended; return how many."""
    expired = _expire(ApprovalRequest.objects.without_reservation(), end_code=ApprovalEnd.OVER)
    return expired + _expire(ApprovalRequest.objects.overdue(at))


def _expire(rows: QuerySet[ApprovalRequest], **stamps: Any) -> int:
    free = rows.select_for_update(skip_locked=True, no_key=True, of=("self",))
    ids = [request.pk for request in free.only("pk")]
    return ApprovalRequest.objects.filter(pk__in=ids).move_all(ApprovalStatus.EXPIRED, **stamps)


def _locked(request: ApprovalRequest, actor: Actor, *, at: datetime) -> ApprovalRequest:
    """Return a waiting request of the actor's organisation, locked, behind the instruction whose step it is."""
    if actor.organization is None or actor.organization.pk != request.buyer_id:
        raise NotFound(_("There is no such request."))
    if "instruction" in request.choice:
        AutoExtension.objects.locked().get(pk=request.choice["instruction"])
    ApprovalRequest.objects.locked().get(pk=request.pk)
    request = ApprovalRequest.objects.select_related(
        "buyer", "grant__programme", "rfq", "reservation__order__buyer", "reservation__provider"
    ).get(pk=request.pk)
    if not request.waits(at):
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
