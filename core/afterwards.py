"""Notes that outlive the transaction in which they came up.

A refusal undoes everything that its request has done, the note that it was refused included. Whoever opens a request
keeps the notes of it and writes them once nothing can undo them any more. A note is written twice when nothing is
undone, so it has to be one that can be.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

Note = Callable[[], object]

_notes: ContextVar[list[Note] | None] = ContextVar("notes", default=None)


def note(write: Note) -> None:
    """Write now, and once more after whatever is open has ended."""
    write()
    kept = _notes.get()
    if kept is not None:
        kept.append(write)


@contextmanager
def keeping() -> Iterator[None]:
    """Keep the notes of a block and write them at its end, however it ends."""
    token = _notes.set([])
    try:
        yield
    finally:
        kept = _notes.get() or []
        _notes.reset(token)
        for write in kept:
            write()


def middleware(respond: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Keep the notes of every request."""

    def responding(request: HttpRequest) -> HttpResponse:
        with keeping():
            return respond(request)

    return responding
