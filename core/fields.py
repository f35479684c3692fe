"""Model fields that carry their unit in their type."""

from typing import Any

from django.db import models


class FenField(models.BigIntegerField):  # type: ignore[type-arg]
    """An amount of money in integer fen."""


class MicroField(models.BigIntegerField):  # type: ignore[type-arg]
    """A price in micro-yuan per card-hour."""


class StatusField(models.CharField):  # type: ignore[type-arg]
    """The name of a state; only ``Stateful.move_to`` changes it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 16)
        super().__init__(*args, **kwargs)

    @property
    def flatchoices(self) -> list[tuple[str, Any]]:
        """Name the states for the console, as the model's table of moves knows them; forms and API have no choices."""
        return [(str(state), getattr(state, "label", state)) for state in getattr(self.model, "MOVES", {})]
