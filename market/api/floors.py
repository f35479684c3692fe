"""What a provider sells below firm orders: its floor, and the notice of a reclaim."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import actor_of
from accounts.api.idempotency import idempotent
from accounts.api.permissions import HasScope
from core import clock
from core.api.serializers import StrictSerializer
from market.api.offerings import OfferingOut, own_offering
from market.models.offering import MOST_RECLAIM_MINUTES
from market.pricing import MOST_MICRO
from market.services import floors


class Floor(StrictSerializer):
    """The floor in micro-yuan per card-hour, null to sell none, and how long before a reclaim the buyer is told."""

    floor_micro = serializers.IntegerField(min_value=1, max_value=MOST_MICRO, allow_null=True)
    reclaim_minutes = serializers.IntegerField(min_value=0, max_value=MOST_RECLAIM_MINUTES, required=False, default=60)


class OfferingFloor(APIView):
    """The interruptible side of an offering."""

    permission_classes = [HasScope]
    required_scope = "offerings"

    @extend_schema(request=Floor, responses=OfferingOut)
    @idempotent
    def post(self, request: Request, offering_id: UUID) -> Response:
        """Set or withdraw the floor; who runs below a new one gets notice."""
        form = Floor(data=request.data)
        form.is_valid(raise_exception=True)
        offering, actor, at = own_offering(request, offering_id), actor_of(request), clock.now()
        if form.validated_data["floor_micro"] is None:
            floors.withdraw(offering=offering, actor=actor, at=at)
        else:
            floors.offer(offering=offering, actor=actor, at=at, **form.validated_data)
        return Response(OfferingOut(own_offering(request, offering.pk)).data)
