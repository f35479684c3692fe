"""Inputs are strict: a field that nobody asked for is an error, not a silence."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

PLAIN = re.compile(r"(-?[0-9]+)?")  # nothing at all is judged by the field


class StrictSerializer(serializers.Serializer[Any]):
    """A plain serializer that refuses unknown fields, and numbers that only a programming language reads as such."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = set(data) - set(self.fields)
            if unknown:
                raise serializers.ValidationError({name: [_("Unknown field.")] for name in sorted(unknown)})
            self._check_numbers(data)
        return super().to_internal_value(data)

    def _check_numbers(self, data: Mapping[str, Any]) -> None:
        """Refuse ``"1_000"`` and the like; what comes in an address is text, so that plain digits are a number."""
        numbers = {name: field for name, field in self.fields.items() if isinstance(field, serializers.IntegerField)}
        wrong = [name for name in numbers if isinstance(data.get(name), str) and not PLAIN.fullmatch(data[name])]
        if wrong:
            raise serializers.ValidationError({name: [numbers[name].error_messages["invalid"]] for name in wrong})


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
