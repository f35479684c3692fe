"""Placing and cancelling orders: reading them is the market's, paying for them is ours."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authentication import actor_of, organization_of
from accounts.api.idempotency import idempotent
from accounts.models import Organization
from billing.api.approvals import ApprovalOut, waits
from billing.api.serializers import CancellingOut, PlaceOrder, QuoteOut
from billing.models import ApprovalRequest
from billing.services import asking, checkout, early_ends
from core import clock
from core.api.parsers import JSONParser
from core.errors import NotFound
from market.api.orders import OrderOut, OrderViewSet
from market.models import Accelerator, Order, Reservation
from market.services.conditions import Conditions
from market.services.orders import Demand, UnknownModel
from market.services.splits import Split
from vouchers.models import Grant


class Orders(OrderViewSet):
    """Orders of the key's organisation, and the verbs that commit money."""

    required_scope = "orders"
    parser_classes = [JSONParser]

    @extend_schema(request=PlaceOrder, responses={201: OrderOut, 202: ApprovalOut})
    @idempotent
    def create(self, request: Request) -> Response:
        """Place an order and set aside the most it can cost; above the buyer's own limit it waits for approval."""
        demand, grant = read(request, PlaceOrder)
        order = asking.place(
            buyer=organization_of(request), demand=demand, grant=grant, actor=actor_of(request), at=clock.now()
        )
        if isinstance(order, ApprovalRequest):
            return waits(order)
        return Response(OrderOut(order).data, status=201)

    @extend_schema(request=PlaceOrder, responses=QuoteOut)
    @action(detail=False, methods=["post"])
    def quote(self, request: Request) -> Response:
        """Tell what an order would set aside, without any effect."""
        demand, grant = read(request, PlaceOrder)
        quote = checkout.quote(buyer=organization_of(request), demand=demand, grant=grant, at=clock.now())
        return Response(QuoteOut(quote).data)

    @extend_schema(request=None, responses=OrderOut)
    @action(detail=True, methods=["post"])
    @idempotent
    def cancel(self, request: Request, pk: UUID) -> Response:
        """Cancel an order that has not started, for the fee that ``cancel/quote`` tells; what was set aside is free."""
        order = Order.objects.of_buyer(organization_of(request)).filter(pk=pk).first()
        if order is None:
            raise NotFound(_("There is no such order."))
        checkout.cancel(order=order, actor=actor_of(request), at=clock.now())
        return Response(OrderOut(self.get_queryset().get(pk=pk)).data)

    @extend_schema(responses=CancellingOut)
    @action(detail=True, methods=["get"], url_path="cancel/quote", pagination_class=None, filter_backends=[])
    def cancel_quote(self, request: Request, pk: UUID) -> Response:
        """Tell what cancelling an order now would cost, without any effect."""
        order = Order.objects.of_buyer(organization_of(request)).filter(pk=pk).first()
        if order is None:
            raise NotFound(_("There is no such order."))
        parts = early_ends.cancelling(order=order, at=clock.now())
        return Response({name: sum(getattr(one, name) for one in parts) for name in ("value_fen", "fee_fen")})


def read(request: Request, command: type[PlaceOrder]) -> tuple[Demand, Grant | None]:
    """Return what a command wants, and the grant that it names."""
    form = command(data=request.data)
    form.is_valid(raise_exception=True)
    fields = dict(form.validated_data)
    grant_id = fields.pop("grant", None)
    fields["accelerators"] = _accelerators(fields["accelerators"])
    fields["providers"] = _providers(fields["providers"], "providers")
    fields["refused"] = _providers(fields["refused"], "refused")
    fields["conditions"] = Conditions(**fields.get("conditions", {}))
    fields["beside"] = _beside(organization_of(request), fields.get("beside"))
    fields["split"] = _split(fields.get("split"))
    return Demand(**fields), grant_of(organization_of(request), grant_id)


def _beside(buyer: Organization, reservation_id: UUID | None) -> Reservation | None:
    if reservation_id is None:
        return None
    found = Reservation.objects.of_buyer(buyer).select_related("order").filter(pk=reservation_id).first()
    if found is None:
        raise NotFound(_("There is no such reservation."), fields={"beside": _("Not found.")})
    return found


def _split(given: Mapping[str, Any] | None) -> Split | None:
    if given is None:
        return None
    return Split(
        parts=given["parts_max"],
        cards=given["part_cards"],
        hours=given["part_hours"],
        all_or_none=given["all_or_none"],
    )


def _accelerators(codes: Sequence[str]) -> tuple[Accelerator, ...]:
    known = {accelerator.code: accelerator for accelerator in Accelerator.objects.filter(code__in=codes)}
    unknown = sorted(set(codes) - known.keys())
    if unknown:
        detail = _("No such model: %(codes)s.") % {"codes": ", ".join(unknown)}
        raise UnknownModel(detail, fields={"accelerators": detail})
    return tuple(known[code] for code in sorted(known))


def _providers(ids: Sequence[UUID], field: str) -> tuple[Organization, ...]:
    providers = tuple(Organization.objects.providers().filter(pk__in=ids).order_by("pk"))
    if len(providers) != len(set(ids)):
        raise NotFound(_("There is no such provider."), fields={field: _("Not found.")})
    return providers


def grant_of(owner: Organization, grant_id: UUID | None) -> Grant | None:
    """Return an organisation's grant by its id; None for none."""
    if grant_id is None:
        return None
    grant = Grant.objects.of_owner(owner).select_related("programme").filter(pk=grant_id).first()
    if grant is None:
        raise NotFound(_("There is no such voucher."), fields={"grant": _("Not found.")})
    return grant
