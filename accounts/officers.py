"""Registers of the console whose rows officers add by a service and move by actions."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.services.audit import Actor
from core import clock
from core.admin import ReadOnlyAdmin, RefusalsShown
from core.errors import DomainError
from core.forms import about


class OfficersAdmin(RefusalsShown, ReadOnlyAdmin):
    """A register to which officers add by a service, and whose rows they move by actions."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's
        return bool(request.user.has_perm(f"{self.opts.app_label}.add_{self.opts.model_name}"))

    def has_move_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}"))

    def move(
        self, request: HttpRequest, rows: QuerySet[Any], service: Callable[..., Any], name: str, **told: str
    ) -> None:
        """Call a service for each row as the person who asks, and show each refusal."""
        for row in rows:
            try:
                service(actor=actor_of(request), at=clock.now(), **{name: row}, **told)
            except DomainError as refusal:
                self.message_user(request, about(row, refusal), messages.ERROR)
            else:
                self.message_user(request, about(row, _("Noted.")))


def actor_of(request: HttpRequest) -> Actor:
    """Return the person who asks."""
    return Actor(user=request.user)  # type: ignore[arg-type] # the admin lets in nobody without a user
