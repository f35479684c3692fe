"""A meeting between look and write, for negative controls: without the lock everyone looks before anyone writes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from django.db import OperationalError, connection, connections

from core.errors import DomainError
from core.models import EntityQuerySet

FEW = 4  # threads that show what goes wrong
PATIENCE = 3  # seconds; who is kept from coming by what another has written is not waited for again
LONG = 60  # seconds; more than a busy machine takes


class Gathering:
    """Let threads wait for each other where they have looked, until one does not come.

    Where nothing keeps anybody from coming, ``patience`` is for a busy machine only; where that holds only while nobody
    has written, ``first`` is, the patience of the first meeting.
    """

    def __init__(self, parties: int, *, patience: int = PATIENCE, first: int | None = None) -> None:
        self._barrier, self._patience = Barrier(parties, self._met), first or patience
        self._later = patience

    def _met(self) -> None:
        self._patience = self._later

    def wait(self) -> None:
        """Wait for the others, or for nobody once somebody did not come."""
        with suppress(BrokenBarrierError):
            self._barrier.wait(timeout=self._patience)

    def after(self, look: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``look`` followed by the meeting."""

        def looked(*args: Any, **terms: Any) -> Any:
            found = look(*args, **terms)
            self.wait()
            return found

        return looked

    def before(self, write: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``write`` with the meeting ahead of it."""

        def met(*args: Any, **terms: Any) -> Any:
            self.wait()
            return write(*args, **terms)

        return met


def look_instead_of_locking(patch: pytest.MonkeyPatch, *, parties: int, first: int = LONG) -> None:
    """Take every row lock of ours away: ``locked`` rows are read only, and who has read them waits for the others."""
    gathering = Gathering(parties, first=first)
    kinds: dict[type, type] = {}

    def met(kind: type) -> type:
        class Met(kind):
            def _fetch_all(self) -> None:
                fresh = self._result_cache is None
                super()._fetch_all()
                if fresh:
                    gathering.wait()

        return Met

    def locked(rows: Any) -> Any:
        kind = type(rows)
        looked = rows.order_by("pk")
        looked.__class__ = kinds.setdefault(kind, met(kind))
        return looked

    patch.setattr(EntityQuerySet, "locked", locked)


def meanwhile(act: Callable[[], Any]) -> str:
    """Let somebody else act now, and return ``ok``, the code of a refusal, or that a lock keeps them waiting."""

    def alone() -> str:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '1s'")
            act()
        except DomainError as refusal:
            return refusal.code
        except OperationalError:
            return "waits"
        finally:
            connections.close_all()
        return "ok"

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(alone).result()
