"""Awarding bids commits money, so it is ours; all else about requests for quotations is the market's."""

from uuid import UUID

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authentication import actor_of, organization_of
from accounts.api.idempotency import idempotent
from billing.api.approvals import ApprovalOut, waits
from billing.models import ApprovalRequest
from billing.services import asking
from core import clock
from core.api.serializers import StrictSerializer
from core.errors import NotFound
from core.prefetching import in_order
from market.api.orders import OrderOut
from market.api.rfqs import RfqViewSet
from market.models import Bid, Order, Rfq
from vouchers.models import Grant


class AwardBids(StrictSerializer):
    """The bids that win; a reason if a cheaper one does not; a grant that should pay a part."""

    bids = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=50)
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    grant = serializers.UUIDField(required=False, allow_null=True, default=None)


class Rfqs(RfqViewSet):
    """Requests for quotations, and the verb that commits money."""

    @extend_schema(request=AwardBids, responses={201: OrderOut(many=True), 202: ApprovalOut})
    @action(detail=True, methods=["post"])
    @idempotent
    def award(self, request: Request, pk: UUID) -> Response:
        """Award bids: each becomes an order that is matched at once, at the price of the bid.

        Where one of them is above the buyer's own limit, the award waits for approval while its bids are valid.
        """
        form = AwardBids(data=request.data)
        form.is_valid(raise_exception=True)
        buyer = organization_of(request)
        rfq = Rfq.objects.of_buyer(buyer).filter(pk=pk).first()
        if rfq is None:
            raise NotFound(_("There is no such request."))
        wanted = set(form.validated_data["bids"])
        bids = list(Bid.objects.filter(rfq=rfq, pk__in=wanted))
        if len(bids) != len(wanted):
            raise NotFound(_("There is no such bid."), fields={"bids": _("Not found.")})
        placed = asking.award(
            rfq=rfq,
            buyer=buyer,
            bids=bids,
            grant=_grant(request, form.validated_data["grant"]),
            reason=form.validated_data["reason"],
            actor=actor_of(request),
            at=clock.now(),
        )
        if isinstance(placed, ApprovalRequest):
            return waits(placed)
        orders = Order.objects.filter(pk__in=[order.pk for order in placed]).order_by("pk")
        rows = orders.prefetch_related(*in_order(Order, "accelerators", "providers", "reservations"))
        return Response(OrderOut(rows, many=True).data, status=201)


def _grant(request: Request, grant_id: UUID | None) -> Grant | None:
    if grant_id is None:
        return None
    owned = Grant.objects.of_owner(organization_of(request)).select_related("programme")
    grant = owned.filter(pk=grant_id).first()
    if grant is None:
        raise NotFound(_("There is no such voucher."), fields={"grant": _("Not found.")})
    return grant
