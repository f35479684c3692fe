"""What many tests begin with is made once a worker, through the services, and put back as rows for every other test.

The rows are those that were made: the same keys, sums and times. To put them back takes some milliseconds, while the
services ask and write a hundred times. Triggers and foreign keys judged the rows when they were made, and are not asked
again; unique indexes are. One beginning may follow another as long as nothing else was written between them; a test
that has written something of its own makes what follows itself, and so does one that really commits.
"""

import io
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import psycopg
from django.db import connection
from psycopg import sql

from tests import servers
from vouchers import judging

Made = TypeVar("Made")
Rows = dict[str, list[bytes]]  # of every table that is not as the migrations left it, as COPY writes them

WHERE = """
SELECT pg_current_xact_id_if_assigned()::text, (
    SELECT sum(pg_stat_get_xact_tuples_inserted(oid) + pg_stat_get_xact_tuples_updated(oid)
        + pg_stat_get_xact_tuples_deleted(oid))
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
)
"""
WRITTEN = """
SELECT class.relname, array_agg(attribute.attname ORDER BY attribute.attnum)
FROM pg_class class JOIN pg_attribute attribute ON attribute.attrelid = class.oid
WHERE class.relnamespace = 'public'::regnamespace AND class.relkind = 'r'
    AND attribute.attnum > 0 AND NOT attribute.attisdropped AND attribute.attgenerated = ''
    AND pg_stat_get_xact_tuples_inserted(class.oid) + pg_stat_get_xact_tuples_updated(class.oid)
        + pg_stat_get_xact_tuples_deleted(class.oid) > 0
GROUP BY class.relname
"""
READ = "COPY public.{table} ({columns}) TO STDOUT"
KEEP = "CREATE TABLE {scene}.{table} AS SELECT {columns} FROM public.{table} WITH NO DATA"
WRITE = "COPY {scene}.{table} FROM STDIN"
EMPTY = "DELETE FROM public.{table};"
PUT = "INSERT INTO public.{table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM {scene}.{table};"
# Its owner, the superuser, may look away from triggers.
FUNCTION = """
CREATE FUNCTION {scene}.put() RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET session_replication_role = replica AS {body};
GRANT USAGE ON SCHEMA {scene} TO PUBLIC
"""


@dataclass(frozen=True)
class Scene:
    """Beginnings that followed each other: a schema that puts the last of them, and what it was in Python."""

    schema: str = ""
    made: bytes = b""
    rows: Rows = field(default_factory=dict)


@dataclass
class Now:
    """Where the test of this moment is: which beginnings it has had, what they returned, and what it has written."""

    names: tuple[str, ...] = ()
    made: list[Any] = field(default_factory=list)
    place: tuple[str | None, int] = (None, 0)


_kept: dict[tuple[str, ...], Scene] = {(): Scene()}
_now = Now()


def of(name: str, make: Callable[[], Made]) -> Made:
    """Return what ``make`` returns, with its rows in the database; whatever has this name begins in the same way."""
    if not connection.in_atomic_block or not _nothing_else_was_written():
        return make()
    names = (*_now.names, name)
    if names in _kept:
        scene = _kept[names]
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {scene.schema}.put()")
        made: Made = _Reading(io.BytesIO(scene.made)).load()
    else:
        made = make()
        _keep(names, made)
    _now.names, _now.place = names, _place()
    _now.made.append(made)
    return made


def _nothing_else_was_written() -> bool:
    place = _place()
    if place[0] is None:
        _now.names, _now.made = (), []
        judging.by.cache_clear()  # another test may have published another version of what has the same key here
        return True
    return place == _now.place


def _place() -> tuple[str | None, int]:
    """Return the transaction, if it has written, and how many rows it has."""
    with connection.cursor() as cursor:
        cursor.execute(WHERE)
        return cursor.fetchone()


class _Writing(pickle.Pickler):
    """What an earlier beginning returned stays the same object in what a later one does."""

    def persistent_id(self, obj: Any) -> int | None:
        return next((number for number, made in enumerate(_now.made) if made is obj), None)


class _Reading(pickle.Unpickler):
    def persistent_load(self, pid: int) -> Any:
        return _now.made[pid]


def _keep(names: tuple[str, ...], made: Any) -> None:
    """Copy what only this transaction sees to where later ones find it."""
    schema, before = f"kept_{len(_kept)}", _kept[names[:-1]].rows
    rows, puts = dict(before), []
    address = servers.postgres().superuser_url(connection.settings_dict["NAME"])
    with psycopg.connect(address) as superuser, superuser.cursor() as outside, connection.cursor() as inside:
        outside.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        inside.execute(WRITTEN)
        for table, columns in inside.fetchall():
            written = _Table(schema, table, columns)
            rows[table] = written.rows(inside)
            old = before[table] if table in before else written.rows(outside)
            puts += written.kept(outside, old, rows[table])
        body = sql.Literal(sql.SQL("BEGIN {} END").format(sql.SQL("").join(puts)).as_string(superuser))
        outside.execute(sql.SQL(FUNCTION).format(scene=sql.Identifier(schema), body=body))
    pickled = io.BytesIO()
    _Writing(pickled).dump(made)
    _kept[names] = Scene(schema, pickled.getvalue(), rows)


class _Table:
    """A table of ours, and the one of a scene that keeps rows of it."""

    def __init__(self, scene: str, name: str, columns: list[str]) -> None:
        listed = sql.SQL(", ").join(map(sql.Identifier, columns))
        self._names = {"scene": sql.Identifier(scene), "table": sql.Identifier(name), "columns": listed}

    def rows(self, reader: Any) -> list[bytes]:
        """Return the rows that a reader sees."""
        with reader.copy(self._told(READ)) as copy:
            return b"".join(copy).splitlines(keepends=True)

    def kept(self, writer: Any, old: list[bytes], new: list[bytes]) -> list[sql.Composed]:
        """Keep what leads from the old rows to the new ones; return the statements that go there."""
        if sorted(old) == sorted(new):
            return []
        goes_on = set(old) <= set(new)
        writer.execute(self._told(KEEP))
        with writer.copy(self._told(WRITE)) as copy:
            copy.write(b"".join(row for row in new if not goes_on or row not in set(old)))
        return [self._told(PUT)] if goes_on else [self._told(EMPTY), self._told(PUT)]

    def _told(self, statement: str) -> sql.Composed:
        return sql.SQL(statement).format(**self._names)
