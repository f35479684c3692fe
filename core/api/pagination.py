"""Keyset pages: a signed cursor names the last row seen, so pages stay put while rows are added."""

from typing import Any, ClassVar

from django.core import signing
from django.db.models import Model, Q
from django.utils.translation import gettext as _
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.errors import DomainError

SALT = "core.api.pagination"


class BadCursor(DomainError):
    """The cursor was not made by this list."""

    code = "bad-cursor"
    status = 400


class BadLimit(DomainError):
    """The page size is not a number between 1 and the most."""

    code = "bad-limit"
    status = 400


def after(values: list[Any], ordering: tuple[str, ...]) -> Q:
    """Return the condition that a row comes after ``values`` in ``ordering`` (names, ``-`` for descending)."""
    condition = Q(pk__in=[])
    equal = Q()
    for name, value in zip(ordering, values, strict=True):
        field = name.removeprefix("-")
        step = Q(**{f"{field}__lt" if name.startswith("-") else f"{field}__gt": value})
        condition |= equal & step
        equal &= Q(**{field: value})
    return condition


class KeysetPagination(BasePagination):
    """``?limit=&cursor=`` → ``{data, next_cursor, has_more}``; the view's ``ordering`` ends with a unique column."""

    default_limit: ClassVar[int] = 50
    max_limit: ClassVar[int] = 200

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any]:
        self.ordering: tuple[str, ...] = getattr(view, "ordering", ("-pk",))
        # What is signed is a place in one list: among other rows, or in another order, it is none.
        self.salt = f"{SALT}/{queryset.model._meta.label}/{','.join(self.ordering)}"
        limit = self._limit(request)
        cursor = request.query_params.get("cursor")
        rows = queryset.order_by(*self.ordering)
        if cursor:
            rows = rows.filter(after(self._read(cursor), self.ordering))
        page = list(rows[: limit + 1])
        self.next_cursor = self._write(page[limit - 1]) if len(page) > limit else None
        return page[:limit]

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"data": data, "next_cursor": self.next_cursor, "has_more": self.next_cursor is not None})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        cursor = {"type": "string", "nullable": True}
        properties = {"data": schema, "next_cursor": cursor, "has_more": {"type": "boolean"}}
        return {"type": "object", "required": list(properties), "properties": properties}

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        limit = {"type": "integer", "minimum": 1, "maximum": self.max_limit, "default": self.default_limit}
        return [
            {"name": "limit", "in": "query", "required": False, "schema": limit},
            {"name": "cursor", "in": "query", "required": False, "schema": {"type": "string"}},
        ]

    def _limit(self, request: Request) -> int:
        text = request.query_params.get("limit", str(self.default_limit))
        if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= self.max_limit):
            raise BadLimit(_("limit must be a whole number from 1 to %(most)d.") % {"most": self.max_limit})
        return int(text)

    def _write(self, row: Model) -> str:
        values = [str(getattr(row, name.removeprefix("-"))) for name in self.ordering]
        return signing.dumps(values, salt=self.salt)

    def _read(self, cursor: str) -> list[Any]:
        try:
            return list(signing.loads(cursor, salt=self.salt))
        except signing.BadSignature as error:
            raise BadCursor(_("This cursor is not one of ours, or belongs to another list.")) from error
