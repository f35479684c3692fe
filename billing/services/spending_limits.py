"""What one order of a buyer may cost without a second person: set by an owner, asked at every checkout."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from accounts.models import Organization, OrganizationKind, Role
from accounts.services import audit, organizations
from accounts.services.audit import Actor
from billing.models import ApprovalKind, ApprovalRequest, ApprovalStatus, Funding, InstalmentPlan, SpendingLimit
from core.errors import Conflict, DomainError, Forbidden
from core.money import format_yuan
from market.models import Order

MOST_FEN = 10**13


class ApprovalNeeded(Conflict):
    """The order costs more than its organisation lets one person order."""

    code = "approval-needed"


class BadLimit(DomainError):
    """A limit is an amount of nothing or more."""

    code = "bad-limit"


def of(organization: Organization) -> int | None:
    """Return an organisation's limit for one order, in fen; None for none."""
    return SpendingLimit.objects.filter(organization=organization).values_list("limit_fen", flat=True).first()


@transaction.atomic
def set_limit(*, organization: Organization, limit_fen: int | None, actor: Actor, at: datetime) -> SpendingLimit:
    """Let an owner say what one order may cost without a second person; None lifts the limit.

    :raises Forbidden: if no owner of this buyer acts.
    :raises BadLimit: if it is below nothing, or beyond reason.
    """
    owner = actor.person
    if owner is None or actor.organization != organization or organization.kind != OrganizationKind.BUYER:
        raise Forbidden(_("Only an owner of the organisation sets this."))
    organizations.require_role(user=owner, organization=organization, roles={Role.OWNER})
    if limit_fen is not None and not 0 <= limit_fen <= MOST_FEN:
        raise BadLimit(_("Enter an amount of nothing or more."), fields={"limit_fen": _("Out of range.")})
    before = {"limit_fen": of(organization)}
    values = {"limit_fen": limit_fen, "set_by": owner, "set_at": at}
    limit, _made = SpendingLimit.objects.update_or_create(organization=organization, defaults=values)
    audit.record(
        actor=actor, verb="spending-limit.set", thing=limit, at=at, before=before, after={"limit_fen": limit_fen}
    )
    return limit


def committed_fen(funding: Funding) -> int:
    """Return what an order may cost as it stands: at checkout, with its extensions and the lines taken beside.

    So it does with the months to come of a block that is paid one by one. The database adds the same
    (``billing_committed``).
    """
    plans = InstalmentPlan.objects.active().filter(reservation__order=funding.order_id)
    added = _sum_fen(funding.supplements.all(), "estimate_fen") + _sum_fen(funding.lines.all(), "estimate_fen")
    return int(funding.estimate_fen) + added + _sum_fen(plans, "to_come_fen")


def check(*, order: Order, total_fen: int) -> None:
    """Let an order cost what its buyer's limit allows, or what a second person approved.

    :raises ApprovalNeeded: if it costs more.
    """
    limit_fen = of(order.buyer)
    if limit_fen is None or total_fen <= limit_fen:
        return
    mine = Q(order=order) | Q(kind=ApprovalKind.AWARD, rfq__bids__award__order=order) | Q(reservation__order=order)
    found = ApprovalRequest.objects.filter(mine, status=ApprovalStatus.APPROVED)
    approved = found.order_by("-estimate_fen").first()
    if approved is None or total_fen > approved.estimate_fen:
        words = {"total": format_yuan(total_fen), "limit": format_yuan(limit_fen)}
        text = _("¥%(total)s is above the limit of ¥%(limit)s for one order: another person has to approve it.")
        raise ApprovalNeeded(text % words, estimate_fen=total_fen, limit_fen=limit_fen)


def _sum_fen(rows: QuerySet[Any], name: str) -> int:
    return int(rows.aggregate(total=Coalesce(Sum(name), 0))["total"])
