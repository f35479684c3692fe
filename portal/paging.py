"""Keyset pages: the address names the last row seen, so a page stays put while rows are added."""

from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from core.api.pagination import after

SALT = "portal.paging"
PARAMETER = "after"
SIZE = 25


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list, and the query strings of the first and the next page; empty where there is none."""

    rows: list[Any]
    first: str
    next: str

    def __bool__(self) -> bool:
        return bool(self.rows)


def page(
    request: HttpRequest, queryset: QuerySet[Any], *, ordering: tuple[str, ...] = ("-pk",), size: int = SIZE
) -> Page:
    """Return the page of ``queryset`` that the address asks for; a cursor that is not this list's means the first."""
    salt = f"{SALT}/{queryset.model._meta.label}/{','.join(ordering)}"
    rows = queryset.order_by(*ordering)
    seen = _read(request.GET.get(PARAMETER, ""), salt)
    if seen:
        rows = rows.filter(after(seen, ordering))
    found = list(rows[: size + 1])
    cursor = _write(found[size - 1], ordering, salt) if len(found) > size else ""
    return Page(found[:size], _query(request, "") if seen else "", _query(request, cursor) if cursor else "")


def _write(row: Model | dict[str, Any], ordering: tuple[str, ...], salt: str) -> str:
    names = [name.removeprefix("-") for name in ordering]
    values = [str(row[name] if isinstance(row, dict) else getattr(row, name)) for name in names]
    return signing.dumps(values, salt=salt, compress=True)


def _read(cursor: str, salt: str) -> list[str]:
    try:
        return list(signing.loads(cursor, salt=salt))
    except signing.BadSignature:
        return []


def _query(request: HttpRequest, cursor: str) -> str:
    query = request.GET.copy()
    query.pop(PARAMETER, None)
    if cursor:
        query[PARAMETER] = cursor
    return "?" + query.urlencode()
