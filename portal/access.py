"""Who sits in front of the page: the organisation acted for, the role in it, and what that role may do."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.duties import WITH_A_SECOND_FACTOR, Duty, may
from accounts.models import Membership, Organization, OrganizationKind, Role, User
from accounts.services.audit import Actor
from core.errors import DomainError, Forbidden

View = Callable[..., HttpResponseBase]

SESSION_KEY = "organization"
EVERYONE = frozenset(Role)
TRADING = frozenset({Role.OWNER, Role.TRADER})
PAYING = frozenset({Role.OWNER, Role.FINANCE})
REVIEWING = frozenset({Role.OWNER, Role.REVIEWER})
OWNING = frozenset({Role.OWNER})


@dataclass(frozen=True, slots=True)
class Rights:
    """What the page may offer; the views ask again before they act."""

    trade: bool
    order: bool
    pay: bool
    review: bool
    own: bool
    duties: frozenset[str]


class PortalRequest(HttpRequest):
    """A request whose seat is known."""

    user: User
    memberships: list[Membership]
    membership: Membership | None
    organization: Organization
    rights: Rights
    unkept: str  # the name of a filter that was not kept


def take_seat(request: Any) -> None:
    """Find the user's organisations and the current one: the one in the session, or the oldest."""
    rows = Membership.objects.none()
    if request.user.is_authenticated:
        rows = Membership.objects.filter(user=request.user)
    request.memberships = list(rows.select_related("organization").order_by("created_at", "pk"))
    wanted = request.session.get(SESSION_KEY)
    chosen = [one for one in request.memberships if str(one.organization_id) == wanted]
    request.membership = next(iter(chosen + request.memberships), None)
    request.organization = request.membership.organization if request.membership else None
    role = request.membership.role if request.membership else None
    kind = request.organization.kind if request.membership else ""
    duties = frozenset(duty for duty in Duty if role and may(duty, kind=kind, role=role))
    # A visitor is offered to order as well, and signs in on the way.
    order = not request.user.is_authenticated or (kind == OrganizationKind.BUYER and role in TRADING)
    request.rights = Rights(role in TRADING, order, role in PAYING, role in REVIEWING, role in OWNING, duties)


def switch(request: HttpRequest, organization_id: UUID) -> None:
    """Remember which organisation the user acts for from now on."""
    request.session[SESSION_KEY] = str(organization_id)


def actor(request: PortalRequest) -> Actor:
    """Return who acts, for services to write down."""
    return Actor(user=request.user, organization=request.organization)


def refusal(request: HttpRequest, error: DomainError) -> HttpResponse:
    """Show a refusal that no form could show."""
    template = "404.html" if error.status == 404 else "portal/refused.html"
    return render(request, template, {"error": error}, status=error.status)


def public(view: View) -> View:
    """Let everyone in, signed in or not."""

    @wraps(view)
    def wrapper(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        take_seat(request)
        try:
            return view(request, *args, **kwargs)
        except DomainError as error:
            return refusal(request, error)

    return wrapper


def signed_in(view: View) -> View:
    """Let in whoever has signed in; people of authorities and of the operator, and staff, with a second factor."""

    @wraps(view)
    def checked(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        kinds = {membership.organization.kind for membership in request.memberships}
        needed = request.user.is_staff or kinds & WITH_A_SECOND_FACTOR
        if needed and not request.user.is_verified():
            return redirect_to_login(request.get_full_path(), reverse("portal:second-factor"))
        return view(request, *args, **kwargs)

    return login_required(public(checked))


def member_required(*kinds: str, roles: Collection[str] = EVERYONE) -> Callable[[View], View]:
    """Let in the members of organisations of some kinds, in some roles."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
            membership = request.membership
            if membership is None or membership.organization.kind not in kinds:
                raise Forbidden(_("This page belongs to another kind of organisation. Switch the organisation above."))
            if membership.role not in roles:
                raise Forbidden(_("Your role in this organisation does not allow this."))
            return view(request, *args, **kwargs)

        return signed_in(guarded)

    return decorate


def duty_required(*duties: Duty) -> Callable[[View], View]:
    """Let in whoever has one of these duties in the organisation for which they act."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.membership is None:
                raise Forbidden(_("This page belongs to another kind of organisation. Switch the organisation above."))
            require_duty(request, *duties)
            return view(request, *args, **kwargs)

        return signed_in(guarded)

    return decorate


def require_duty(request: PortalRequest, *duties: Duty) -> None:
    """Ask within a view for a duty that only some of its acts need.

    :raises Forbidden: if the person has none of them.
    """
    if not request.rights.duties & set(duties):
        raise Forbidden(_("Your role in this organisation does not allow this."))


buyer_required = member_required(OrganizationKind.BUYER)
buyer_trader_required = member_required(OrganizationKind.BUYER, roles=TRADING)
buyer_owner_required = member_required(OrganizationKind.BUYER, roles=OWNING)
buyer_finance_required = member_required(OrganizationKind.BUYER, roles=PAYING)
seller_required = member_required(OrganizationKind.PROVIDER)
seller_trader_required = member_required(OrganizationKind.PROVIDER, roles=TRADING)
party_required = member_required(OrganizationKind.BUYER, OrganizationKind.PROVIDER)
owner_required = member_required(OrganizationKind.BUYER, OrganizationKind.PROVIDER, roles=OWNING)
seller_owner_required = member_required(OrganizationKind.PROVIDER, roles=OWNING)
authority_required = member_required(OrganizationKind.AUTHORITY)
reader_required = duty_required(Duty.READ)
operator_required = member_required(OrganizationKind.OPERATOR)
operator_trader_required = member_required(OrganizationKind.OPERATOR, roles=TRADING)
operator_reviewer_required = member_required(OrganizationKind.OPERATOR, roles=REVIEWING | PAYING)
operator_finance_required = member_required(OrganizationKind.OPERATOR, roles=PAYING)
