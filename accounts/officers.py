"""Registers of the console whose rows officers add by a service and move by actions."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts import seats
from accounts.models import Organization
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

    def authority_of(self, row: Any) -> Organization | None:  # noqa: ARG002 - of registers that belong to authorities
        """Return the authority to which a row belongs, if it belongs to one."""
        return None

    def move(
        self, request: HttpRequest, rows: QuerySet[Any], service: Callable[..., Any], name: str, **told: str
    ) -> None:
        """Call a service for each row as the person who asks, and show each refusal."""
        for row in rows:
            try:
                service(actor=actor_of(request, self.authority_of(row)), at=clock.now(), **{name: row}, **told)
            except DomainError as refusal:
                self.message_user(request, about(row, refusal), messages.ERROR)
            else:
                self.message_user(request, about(row, _("Noted.")))


def actor_of(request: HttpRequest, authority: Organization | None = None) -> Actor:
    """Return the person who asks, for the authority concerned if they have a seat in it: there their role decides."""
    seated = authority is not None and authority.pk in seats.of(request).authorities
    return Actor(user=request.user, organization=authority if seated else None)  # type: ignore[arg-type] # has signed in
