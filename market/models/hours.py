"""Clock hours and durations as PostgreSQL computes them, for constraints."""

from datetime import UTC, datetime

from django.db import models
from django.db.models import ExpressionWrapper, F, Func, Value
from django.db.models.expressions import Combinable

from core.periods import HOUR

FIRST_HOUR = datetime(2000, 1, 1, tzinfo=UTC)


def hour_holding(field: str) -> Func:
    """Return the start of the clock hour that holds a column's instant; cheaper than ``date_trunc``."""
    return Func(Value(HOUR), F(field), Value(FIRST_HOUR), function="date_bin", output_field=models.DateTimeField())


def hour_after(field: str) -> ExpressionWrapper:
    """Return the end of the clock hour that holds a column's instant."""
    return ExpressionWrapper(hour_holding(field) + Value(HOUR), output_field=models.DateTimeField())


def duration(product: Combinable) -> ExpressionWrapper:
    """Tell Django that a product of a number and a duration is a duration."""
    return ExpressionWrapper(product, output_field=models.DurationField())
