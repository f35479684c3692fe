"""Related rows in the order in which they were made: without one they come as they happen to lie in the table."""

from typing import Any

from django.db.models import Model, Prefetch


def in_order(model: type[Model], *names: str) -> "list[Prefetch[Any]]":
    """Return prefetches of relations of ``model``, their rows in the order of their keys."""
    related: dict[str, Any] = {name: model._meta.get_field(name).related_model for name in names}
    return [Prefetch(name, kind._default_manager.order_by("pk")) for name, kind in related.items()]
