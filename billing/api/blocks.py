"""Reserved blocks: cards of one listing for whole months, matched at once."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import actor_of, organization_of
from accounts.api.idempotency import idempotent
from accounts.api.permissions import HasScope
from billing.api.approvals import ApprovalOut
from billing.api.held_quotes import listed, placed
from billing.api.lines import lines_field
from billing.api.orders import grant_of
from billing.api.serializers import MOST_CARDS, MOST_MICRO
from billing.services import asking
from billing.services.held_quotes import Chosen
from core import clock
from core.api.parsers import JSONParser
from core.api.serializers import StrictSerializer
from market.api.orders import OrderOut
from market.models import OrderKind
from market.services import blocks
from market.services.listings import by_line


class BuyBlock(StrictSerializer):
    """Cards of a listing for 1, 3, 6 or 12 months from a day in Shanghai on, at its posted price or a limit."""

    offering = serializers.UUIDField()
    name = serializers.CharField(max_length=120, required=False, default="")
    count = serializers.IntegerField(min_value=1, max_value=MOST_CARDS)
    starts_on = serializers.DateField()
    months = serializers.ChoiceField(choices=blocks.TERMS)
    limit_micro = serializers.IntegerField(
        min_value=1, max_value=MOST_MICRO, required=False, allow_null=True, default=None
    )
    grant = serializers.UUIDField(required=False, allow_null=True, default=None)
    monthly = serializers.BooleanField(
        required=False, default=False, help_text="Set each month aside a week before it begins, instead of all now."
    )
    lines = lines_field()


class Blocks(APIView):
    """Buying reserved blocks."""

    required_scope = "orders"
    parser_classes = [JSONParser]
    permission_classes = [HasScope]

    @extend_schema(request=BuyBlock, responses={201: OrderOut, 202: ApprovalOut})
    @idempotent
    def post(self, request: Request) -> Response:
        """Buy a block, now or not at all; the money for all of it, or for its first month, is set aside."""
        form = BuyBlock(data=request.data)
        form.is_valid(raise_exception=True)
        terms, buyer, at = dict(form.validated_data), organization_of(request), clock.now()
        grant, lines = grant_of(buyer, terms.pop("grant")), by_line(terms.pop("lines"))
        chosen = Chosen(grant, lines, OrderKind.BLOCK, terms.pop("monthly"))
        offering = listed(terms.pop("offering"))
        demand = blocks.demand_of(offering, at=at, **terms)
        actor = actor_of(request)
        return placed(asking.buy(offering=offering, buyer=buyer, demand=demand, chosen=chosen, actor=actor, at=at))
