"""Inputs are strict: a field that nobody asked for is an error, not a silence."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers


class StrictSerializer(serializers.Serializer[Any]):
    """A plain serializer that refuses unknown fields."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = set(data) - set(self.fields)
            if unknown:
                raise serializers.ValidationError({name: [_("Unknown field.")] for name in sorted(unknown)})
        return super().to_internal_value(data)


class InstantField(serializers.DateTimeField):
    """An instant of this century or the next: no calculation with it leaves the calendar."""

    EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
    LATEST = datetime(2200, 1, 1, tzinfo=UTC)

    def to_internal_value(self, value: Any) -> datetime:
        try:
            instant = super().to_internal_value(value)
            is_ours = self.EARLIEST <= instant < self.LATEST
        except OverflowError:  # the first day of the calendar begins before it in some time zone
            is_ours = False
        if not is_ours:
            raise serializers.ValidationError(_("This is not an instant of our time."), code="out-of-range")
        return instant
