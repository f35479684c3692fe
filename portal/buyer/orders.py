"""Place, follow and cancel orders."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import OuterRef, Prefetch, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from billing import selectors
from billing.models import ApprovalRequest, Charge
from billing.services import asking, checkout, early_ends, taken_lines
from billing.services.checkout import CheckoutQuote
from billing.services.held_quotes import Chosen
from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from core.prefetching import in_order
from market.models import Match, MeteredHour, Offering, Order, OrderKind, OrderStatus, Quote, Reservation
from market.models.reservation import WAITING
from market.services import quoting
from portal import access, explanations, paging, timeline
from portal.access import PortalRequest, buyer_required, buyer_trader_required
from portal.buyer import lines, waiting
from portal.buyer.order_form import OrderForm, initial, named
from portal.forms import FilterForm

LATEST_FIRST = ("-placed_at", "-pk")
FILTERS = {"status": "status", "name": "name__icontains"}
FIELD_OF = {"limit_micro": "limit"}


class OrderFilter(FilterForm):
    """Which of the orders to show."""

    status = forms.ChoiceField(
        label=gettext_lazy("State"), required=False, choices=[("", gettext_lazy("Any")), *OrderStatus.choices]
    )
    name = forms.CharField(label=gettext_lazy("Name"), required=False, max_length=120)


def _mine(request: PortalRequest) -> QuerySet[Order]:
    mine = Order.objects.of_buyer(request.organization)
    reservations = Reservation.objects.select_related("offering__site", "provider", "match__batch")
    matches = Match.objects.select_related("batch")
    served = (Prefetch("reservations", reservations), Prefetch("matches", matches))
    return mine.select_related("funding", "conditions", "beside__offering__site").prefetch_related(*served)


@buyer_required
def index(request: PortalRequest) -> HttpResponse:
    """List the organisation's orders, the latest first."""
    form = OrderFilter(request.GET)
    chosen = {FILTERS[name]: value for name, value in form.chosen().items()}
    rows = _mine(request).filter(**chosen)
    page = paging.page(request, rows, ordering=LATEST_FIRST)
    held = Quote.objects.open().of_buyer(request.organization).filter(expires_at__gt=clock.now())
    context = {"form": form, "page": page, "quotes": held.select_related("offering").order_by("expires_at", "pk")}
    return render(request, "portal/buyer/orders.html", context)


PLACED = {
    OrderKind.INSTANT: gettext_lazy("The order has been placed. It is matched within seconds."),
    OrderKind.AUCTION: gettext_lazy("The order has been placed. It takes part in the next call auction."),
    OrderKind.INTERRUPTIBLE: gettext_lazy("The order has been placed. It runs on free cards until they are reclaimed."),
}


@buyer_trader_required
def new(request: PortalRequest) -> HttpResponse:
    """Quote an order or place it."""
    at = clock.now()
    sent = request.POST if request.method == "POST" else None
    offering = named(request)
    form = OrderForm(sent, buyer=request.organization, at=at, initial=initial(offering, at=at))
    if offering:
        lines.offer_lines(form, offering_id=offering.pk)
    quote, consents = None, []
    if sent is not None and form.is_valid() and _keeps_lines(form, sent):
        try:
            if "quote" not in sent:
                return _order(request, form, offering, sent)
            quote = checkout.quote(
                buyer=request.organization, demand=form.demand(), grant=form.cleaned_data["grant"], at=at
            )
        except DomainError as error:
            show_refusal(form, error, FIELD_OF)
            consents = error.extra.get("offerings", [])
    told = _explained(quote, _lines_fen(form, offering) if quote and offering else 0)
    context = {"form": form, "offering": offering, "consents": consents, "lines": lines.fields(form), **told}
    return render(request, "portal/buyer/order_new.html", context)


def _keeps_lines(form: OrderForm, sent: QueryDict) -> bool:
    """Refuse lines with what does not take them along, rather than forget them."""
    if not lines.taken(form) or "buy" in sent or "quote" in sent:
        return True
    form.add_error(None, _("Storage and network come with what is bought from this listing now, or with a quote."))
    return False


def _lines_fen(form: OrderForm, offering: Offering) -> int:
    return taken_lines.total_fen(offering_id=offering.pk, wanted=lines.taken(form), hours=form.cleaned_data["hours"])


def _order(request: PortalRequest, form: OrderForm, offering: Offering | None, sent: QueryDict) -> HttpResponse:
    if "hold" in sent:
        return _hold(request, form)
    return _buy(request, form, offering) if "buy" in sent and offering else _place(request, form)


def _place(request: PortalRequest, form: OrderForm) -> HttpResponse:
    order = asking.place(
        buyer=request.organization,
        demand=form.demand(),
        grant=form.cleaned_data["grant"],
        actor=access.actor(request),
        at=clock.now(),
    )
    if isinstance(order, ApprovalRequest):
        return waiting.shown(request, order)
    messages.success(request, PLACED[OrderKind(order.kind)])
    return redirect("portal:order", order.pk)


def _buy(request: PortalRequest, form: OrderForm, offering: Offering) -> HttpResponse:
    """Buy from the listing that the buyer comes from."""
    order = asking.buy(
        offering=offering,
        buyer=request.organization,
        demand=form.demand(),
        chosen=Chosen(form.cleaned_data["grant"], lines.taken(form)),
        actor=access.actor(request),
        at=clock.now(),
    )
    if isinstance(order, ApprovalRequest):
        return waiting.shown(request, order)
    messages.success(request, _("Bought: the cards are reserved and the money is set aside."))
    return redirect("portal:order", order.pk)


def _hold(request: PortalRequest, form: OrderForm) -> HttpResponse:
    """Ask for a quote that holds its cards, instead of placing the order."""
    quote = quoting.give(buyer=request.organization, demand=form.demand(), actor=access.actor(request), at=clock.now())
    return redirect("portal:quote", quote.pk)


def _explained(quote: CheckoutQuote | None, lines_fen: int) -> dict[str, Any]:
    if quote is None:
        return {"quote": None}
    voucher = quote.voucher_quote
    steps = explanations.voucher_steps(voucher.explanation()) if voucher else []
    short_fen = max(quote.wallet_fen + lines_fen - quote.wallet_available_fen, 0)
    return {"quote": quote, "steps": steps, "short_fen": short_fen, "lines_fen": lines_fen}


@buyer_required
def detail(request: PortalRequest, order_id: UUID) -> HttpResponse:
    """Show an order: where it stands, why, what was set aside, what was used and charged."""
    named = in_order(Order, "accelerators", "providers", "refused")
    rows = _mine(request).prefetch_related(*named).annotate(metered_ms=_metered_ms())
    order = get_object_or_404(rows, pk=order_id)
    account = selectors.order_account(order)
    charges = Charge.objects.filter(reservation__order=order)
    redemption = account.funding.redemption
    can_cancel = _can_cancel(order)
    context = {
        "order": order,
        "account": account,
        "left_fen": account.estimate_fen - account.spent.amount_fen,
        "events": timeline.of(order),
        "reasons": explanations.unmatched(order),
        "conditions": explanations.conditions(order),
        "parts": [(one, explanations.match_reason(one.match.reason)) for one in order.parts_in_order],
        "steps": explanations.voucher_steps(redemption.explanation) if redemption else [],
        "charges": paging.page(request, charges, ordering=("-hour", "-pk")),
        "live": order.status in (OrderStatus.OPEN, OrderStatus.MATCHED),
        "can_cancel": can_cancel,
        "cancel_fee_fen": sum(one.fee_fen for one in early_ends.cancelling(order=order, at=clock.now()))
        if can_cancel
        else 0,
    }
    return render(request, "portal/buyer/order.html", context)


def _metered_ms() -> Coalesce:
    """Return the expression of what was metered of an order."""
    hours = MeteredHour.objects.filter(reservation__order=OuterRef("pk")).order_by().values("reservation__order")
    return Coalesce(Subquery(hours.annotate(total=Sum("accelerator_ms")).values("total")), 0)


def _can_cancel(order: Order) -> bool:
    if order.status == OrderStatus.OPEN:
        return True
    now = clock.now()
    return any(one.status in WAITING and one.starts_at > now for one in order.parts_in_order)


@require_POST
@buyer_trader_required
def cancel(request: PortalRequest, order_id: UUID) -> HttpResponse:
    """Cancel an order that has not started."""
    order = get_object_or_404(Order.objects.of_buyer(request.organization), pk=order_id)
    try:
        checkout.cancel(order=order, actor=access.actor(request), at=clock.now())
    except DomainError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, _("The order is cancelled; what was set aside for it is free again."))
    return redirect("portal:order", order.pk)
