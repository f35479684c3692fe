"""Rows that nobody asked an order of come the wrong way round.

As they lie they come in the order in which they were made, until room between them is used again: then a test that
relies on it fails once in a thousand runs, and a page of the product shows its rows mixed up.
"""

from typing import Any

from django.db.models.expressions import OrderBy, RawSQL
from django.db.models.sql.compiler import SQLCompiler

LIES = OrderBy(RawSQL("ctid", ()), descending=True)
_as_asked = SQLCompiler.get_order_by


def _is_plain(compiler: SQLCompiler) -> bool:
    """Tell whether the query returns rows of a table each by itself."""
    query = compiler.query
    gathers = query.group_by is not None or any(one.contains_aggregate for one in query.annotation_select.values())
    merges = query.subquery or query.distinct or query.combinator
    return type(compiler).__name__ == "SQLCompiler" and not (gathers or merges) and bool(query.alias_map)


def _turned_round(compiler: SQLCompiler) -> list[Any]:
    """Return the order that was asked for; the reverse of that in which the rows lie if none was and any is allowed."""
    asked = _as_asked(compiler)
    if asked or not _is_plain(compiler):
        return asked
    alias = compiler.quote_name_unless_alias(compiler.query.get_initial_alias())
    return [(LIES, (f"{alias}.ctid DESC", (), False))]


def turn_round() -> None:
    """Do so from now on."""
    SQLCompiler.get_order_by = _turned_round
