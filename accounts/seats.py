"""Registers of the console whose rows belong to authorities: an officer of some has to do with theirs alone."""

from dataclasses import dataclass
from functools import reduce
from operator import attrgetter, or_
from typing import Any
from uuid import UUID

from django.db.models import ForeignKey, Q, QuerySet
from django.http import HttpRequest

from accounts.duties import Duty, may
from accounts.models import Membership, Organization, OrganizationKind
from core.admin import ModelAdmin

KEPT = "_seats"


@dataclass(frozen=True, slots=True)
class Seats:
    """In which authorities a person has a seat, of which of these they read registers, and whether those of all."""

    authorities: frozenset[UUID]
    read: frozenset[UUID]
    everything: bool


def of(request: HttpRequest) -> Seats:
    """Return the seats of who asks, read once a request.

    Superusers and people of the operator see the rows of all; whoever has lost their seat in an authority sees none.
    """
    if not hasattr(request, KEPT):
        setattr(request, KEPT, _read(request.user))
    return getattr(request, KEPT)  # type: ignore[no-any-return]


def _read(user: Any) -> Seats:
    rows = Membership.objects.filter(user=user).select_related("organization")
    seated = {row.organization_id: row for row in rows if row.organization.kind == OrganizationKind.AUTHORITY}
    read = frozenset(key for key, row in seated.items() if may(Duty.READ, kind=row.organization.kind, role=row.role))
    operates = any(row.organization.kind == OrganizationKind.OPERATOR for row in rows)
    return Seats(frozenset(seated), read, user.is_superuser or operates)


class OfAuthorities(ModelAdmin):
    """A register whose rows belong to authorities, as ``authority`` says: by one of several ways, or to none at all."""

    authority: tuple[str, ...] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.within(super().get_queryset(request), request)

    def within(self, rows: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
        """Return those rows that concern who asks."""
        seats = of(request)
        if seats.everything:
            return rows
        ways = [Q(**{f"{way}__in": seats.read}) for way in self.authority]
        return rows.filter(reduce(or_, ways)) if ways else rows.none()

    def authority_of(self, row: Any) -> Organization | None:
        """Return the authority to which a row belongs, if it belongs to one."""
        return attrgetter(self.authority[0].replace("__", "."))(row) if self.authority else None

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        """Offer of other such registers what concerns who asks."""
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        register = self.admin_site._registry.get(db_field.related_model)
        if isinstance(register, OfAuthorities):
            field.queryset = register.within(field.queryset, request)
        return field


def authorities(request: HttpRequest) -> QuerySet[Organization]:
    """Return the authorities for which who asks may write something down."""
    seats = of(request)
    rows = Organization.objects.authorities()
    return rows if seats.everything else rows.filter(pk__in=seats.read)
