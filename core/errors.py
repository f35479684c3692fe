"""Errors that a user may read. Anything else is a bug and becomes a 500 and an alert."""

from collections.abc import Mapping
from typing import Any, ClassVar


class DomainError(Exception):
    """A refusal with a stable ``code``, an HTTP ``status`` and a ``detail`` in the caller's language.

    ``fields`` names the inputs at fault (RFC 9457 ``errors``), ``extra`` adds members to the problem document.
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 422

    def __init__(self, detail: Any = "", *, fields: Mapping[str, Any] | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.fields = dict(fields or {})
        self.extra = extra

    def __str__(self) -> str:
        return str(self.detail)


class NotFound(DomainError):
    """The thing does not exist, or not for this caller: the two look alike on purpose."""

    code = "not-found"
    status = 404


class Forbidden(DomainError):
    """The caller is known but may not do this."""

    code = "forbidden"
    status = 403


class Conflict(DomainError):
    """The request contradicts the present state."""

    code = "conflict"
    status = 409


class IllegalMove(Conflict):
    """A state machine forbids the move, or another writer was first."""

    code = "illegal-move"
