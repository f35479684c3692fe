"""Lines beside the card-hour as buyers take them and both parties see them."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from billing.models import TakenLine
from core.api.serializers import StrictSerializer
from market.line_pricing import MOST_QUANTITY
from market.services.listings import MOST_LINES, BadChoice


class LineIn(StrictSerializer):
    """A line of the offering by its id, and how much of it."""

    line = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    quantity = serializers.IntegerField(min_value=1, max_value=MOST_QUANTITY)


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


def wanted(lines: Sequence[Mapping[str, int]]) -> dict[int, int]:
    """Return quantities by the ids of lines.

    :raises BadChoice: if one is named twice.
    """
    found = {one["line"]: one["quantity"] for one in lines}
    if len(found) < len(lines):
        raise BadChoice(_("Name every line once."), fields={"lines": _("Name every line once.")})
    return found
