"""Lines beside the card-hour as buyers take them and both parties see them."""

from typing import Any

from rest_framework import serializers

from billing.models import TakenLine
from core.api.serializers import StrictSerializer
from market.api.listings import LineIn
from market.services.listings import MOST_LINES


class TakeLines(StrictSerializer):
    """Which lines to take with a reservation."""

    lines = serializers.ListField(child=LineIn(), allow_empty=False, max_length=MOST_LINES)


class GiveUpLine(StrictSerializer):
    """Which line to give up."""

    id = serializers.UUIDField()


def lines_field() -> serializers.ListField:
    """Return the field of a purchase that takes lines along."""
    return serializers.ListField(child=LineIn(), required=False, default=list, max_length=MOST_LINES)


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
