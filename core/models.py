"""Bases of our models: what they are called, an identity, row locks in one order, and guarded moves between states."""

from typing import Any, ClassVar, Self, TypeVar

from django.db import models
from django.utils.translation import gettext as _

from core.errors import IllegalMove
from core.fields import StatusField
from core.ids import uuid7

M = TypeVar("M", bound=models.Model)
DIGITS_CALLED = 12


class EntityQuerySet(models.QuerySet[M]):
    """Rows that can be locked, always in the order of their keys so that two writers cannot deadlock."""

    def locked(self) -> Self:
        """Lock the rows until the transaction ends, leaving foreign keys to them free (FOR NO KEY UPDATE)."""
        return self.order_by("pk").select_for_update(no_key=True, of=("self",))


class Row(models.Model):
    """A row that has no name of its own: people call it by its kind and the end of its number."""

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {str(self.pk)[-DIGITS_CALLED:]}"


class Entity(Row):
    """Something with an identity of its own that may appear in a URL."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True


class Stateful(Row):
    """A model whose ``status`` changes only along ``MOVES``."""

    MOVES: ClassVar[dict[Any, set[Any]]]

    status = StatusField()

    class Meta:
        abstract = True

    def move_to(self, target: str, **stamps: Any) -> None:
        """Change the status and set ``stamps`` in one conditional UPDATE.

        :raises IllegalMove: if the table of moves or another writer forbids it.
        """
        rows = type(self)._default_manager.filter(pk=self.pk, status=self.status)
        allowed = target in self.MOVES[self.status]
        if not (allowed and rows.update(status=target, **stamps)):
            raise IllegalMove(
                _("%(thing)s cannot go from %(old)s to %(new)s.")
                % {"thing": self._meta.verbose_name, "old": self._called(self.status), "new": self._called(target)}
            )
        self.status = target
        for field, value in stamps.items():
            setattr(self, field, value)

    def _called(self, status: str) -> Any:
        """Name a state as people read it."""
        return next((getattr(known, "label", known) for known in self.MOVES if known == status), status)
