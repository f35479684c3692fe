"""Turn a named database constraint into the domain error it stands for."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError, transaction

from core.errors import DomainError


def constraint_name(error: BaseException) -> str:
    """Return the name of the constraint that PostgreSQL refused, or an empty string."""
    diagnostics = getattr(error.__cause__, "diag", None)
    return getattr(diagnostics, "constraint_name", None) or ""


@contextmanager
def refusing(**errors: DomainError) -> Iterator[None]:
    """Run a block in a savepoint and raise ``errors[name]`` if the constraint of that name refuses it.

    >>> with refusing(order_count_positive=BadCount("Ask for at least one card.")): ...
    """
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        refusal = errors.get(constraint_name(error))
        if refusal is None:
            raise
        raise refusal from error
