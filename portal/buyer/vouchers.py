"""The organisation's compute vouchers and what each of them paid."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core import clock
from core.errors import DomainError
from ledger.models import Posting
from market.models import Order
from portal import access, explanations, grants, paging
from portal.access import PortalRequest, buyer_owner_required, buyer_required
from portal.forms import typed
from vouchers.models import Grant, Redemption
from vouchers.services import idle, reissues

ORDER_PREFIX = "order/"
REDEMPTIONS = 20


@buyer_required
def index(request: PortalRequest) -> HttpResponse:
    """List the vouchers granted to the organisation, the newest first."""
    rows = Grant.objects.of_owner(request.organization).select_related("programme__authority")
    page = paging.page(request, rows)
    at = clock.now()
    unused = idle.taken_back(page.rows)
    standings = [(one, one.near_expiry(at), unused.get(one.grant.pk)) for one in grants.standings(page.rows)]
    return render(request, "portal/buyer/vouchers.html", {"page": page, "standings": standings})


@buyer_required
def detail(request: PortalRequest, grant_id: UUID) -> HttpResponse:
    """Show a voucher: its rules, the orders for which it was set aside, and every movement of its value."""
    rows = Grant.objects.of_owner(request.organization).select_related("programme__authority")
    grant = get_object_or_404(rows, pk=grant_id)
    movements = Posting.objects.filter(account=grant.account_id).select_related("transfer")
    context = {
        "standing": grants.standings([grant])[0],
        "grant": grant,
        "taken_back_at": idle.taken_back([grant]).get(grant.pk),
        "extensions": list(grant.extensions.approved().order_by("was_at")),
        "first_use": grant.first_uses.first(),
        "redemptions": _redemptions(grant),
        "page": paging.page(request, movements, ordering=("-transfer_id",)),
    }
    return render(request, "portal/buyer/voucher.html", context)


@require_POST
@buyer_owner_required
def surrender(request: PortalRequest, grant_id: UUID) -> HttpResponse:
    """Give up what is left of a voucher, for good."""
    grant = get_object_or_404(Grant.objects.of_owner(request.organization), pk=grant_id)
    try:
        reissues.surrender(grant=grant, reason=typed(request, "reason"), actor=access.actor(request), at=clock.now())
    except DomainError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, _("The voucher has been given up."))
    return redirect("portal:voucher", grant.pk)


def _redemptions(grant: Grant) -> list[tuple[Redemption, Order | None, list[str]]]:
    found = list(Redemption.objects.filter(grant=grant).order_by("-pk")[:REDEMPTIONS])
    ids = [one.reference.removeprefix(ORDER_PREFIX) for one in found if one.reference.startswith(ORDER_PREFIX)]
    orders = {f"{ORDER_PREFIX}{order.pk}": order for order in Order.objects.filter(pk__in=ids)}
    return [(one, orders.get(one.reference), explanations.voucher_steps(one.explanation)) for one in found]
