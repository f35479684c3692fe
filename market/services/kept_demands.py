"""Keep a demand as JSON while somebody decides about it, and read it again as it was."""

from collections.abc import Iterable
from dataclasses import asdict, fields, is_dataclass
from datetime import datetime
from typing import Any

from accounts.models import Organization
from market.models import Accelerator, Reservation
from market.services.conditions import Conditions
from market.services.demands import Demand
from market.services.splits import Split

INSTANTS = ("start_min", "start_max", "good_till")
ROWS: dict[str, Any] = {"accelerators": Accelerator, "providers": Organization, "refused": Organization}
PARTS: dict[str, Any] = {"conditions": Conditions, "split": Split}


def pack(demand: Demand) -> dict[str, Any]:
    """Return a demand as JSON: rows by their ids, instants as text."""
    return {field.name: _packed(field.name, getattr(demand, field.name)) for field in fields(demand)}


def unpack(packed: dict[str, Any]) -> Demand:
    """Return the demand that was packed; what a later version added has its default."""
    values = dict(packed)
    for name in INSTANTS:
        values[name] = datetime.fromisoformat(values[name]) if values[name] else None
    for name, model in ROWS.items():
        values[name] = _rows(model, values[name])
    beside = values.get("beside")
    values["beside"] = Reservation.objects.filter(pk=beside).first() if beside else None
    for name, part in PARTS.items():
        values[name] = part(**values[name]) if values[name] else None
    return Demand(**values)


def _packed(name: str, value: Any) -> Any:
    if name in ROWS:
        return [str(one.pk) for one in value]
    if isinstance(value, Reservation):
        return str(value.pk)
    if isinstance(value, datetime):
        return value.isoformat()
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def _rows(model: Any, ids: Iterable[str]) -> tuple[Any, ...]:
    return tuple(model.objects.filter(pk__in=list(ids)).order_by("pk"))
