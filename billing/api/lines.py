"""Lines beside the card-hour as buyers take them and both parties see them."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import HasScope
from billing.api.serializers import MOST_HOURS
from billing.models import TakenLine
from core.api.parsers import JSONParser
from core.api.serializers import StrictSerializer
from market.api.listings import LineWanted
from market.api.offerings import visible_offering
from market.services import listings
from market.services.listings import MOST_LINES


class TakeLines(StrictSerializer):
    """Which lines to take with a reservation."""

    lines = serializers.ListField(child=LineWanted(), allow_empty=False, max_length=MOST_LINES)


class GiveUpLine(StrictSerializer):
    """Which line to give up."""

    id = serializers.UUIDField()


def lines_field() -> serializers.ListField:
    """Return the field of a purchase that takes lines along."""
    return serializers.ListField(child=LineWanted(), required=False, default=list, max_length=MOST_LINES)


class QuoteLines(StrictSerializer):
    """Which lines of an offering, for how many hours."""

    offering = serializers.UUIDField()
    hours = serializers.IntegerField(min_value=1, max_value=MOST_HOURS)
    lines = serializers.ListField(child=LineWanted(), allow_empty=False, max_length=MOST_LINES)


class LineCostOut(serializers.Serializer[Any]):
    """What a quantity of a line costs over those hours, in cash."""

    line = serializers.IntegerField()
    quantity = serializers.IntegerField()
    estimate_fen = serializers.IntegerField()


class LineQuoteOut(serializers.Serializer[Any]):
    """What a line would set aside, in cash: exactly what it costs if the reservation is kept to its end."""

    line = serializers.IntegerField()
    name = serializers.CharField()
    unit = serializers.CharField()
    quantity = serializers.IntegerField()
    price_micro = serializers.IntegerField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    estimate_fen = serializers.IntegerField()


class TakenLineOut(serializers.ModelSerializer[TakenLine]):
    """A line that runs, or ran, with a reservation; extending takes it again for the hours that are added."""

    class Meta:
        model = TakenLine
        fields = [
            "id",
            "status",
            "kind",
            "name",
            "unit",
            "quantity",
            "price_micro",
            "starts_at",
            "ends_at",
            "stopped_at",
            "estimate_fen",
            "charged_until",
        ]
        read_only_fields = fields


class LineCosts(APIView):
    """What lines cost that are taken along with a purchase."""

    required_scope = "orders"
    parser_classes = [JSONParser]
    permission_classes = [HasScope]

    @extend_schema(request=QuoteLines, responses=LineCostOut(many=True))
    def post(self, request: Request) -> Response:
        """Tell what lines of an offering would cost over so many hours, without any effect."""
        form = QuoteLines(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        offering, wanted = visible_offering(request, given["offering"]), listings.by_line(given["lines"])
        costs = [
            {"line": line.pk, "quantity": count, "estimate_fen": listings.cost_fen(line, count, hours=given["hours"])}
            for line, count in listings.chosen(offering_id=offering.pk, wanted=wanted)
        ]
        return Response(LineCostOut(costs, many=True).data)
