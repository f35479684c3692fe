"""Where officers draft rounds and open them by four eyes, keep the registry of providers, and read applications."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.officers import OfficersAdmin, actor_of
from accounts.seats import OfAuthorities
from core import clock
from core.admin import LeftToService, ReadOnlyAdmin, yuan
from vouchers.models import Application, ProviderListing, Round
from vouchers.services import registry
from vouchers.services.applications import rounds

SET_BY_SERVICES = ["status", "committed_fen", "seed", "drafted_by", "opened_by", "opened_at", "allocated_at"]


@admin.register(Round)
class RoundAdmin(OfAuthorities, OfficersAdmin):
    """Rounds of applications: one officer drafts, another opens."""

    authority = ("programme__authority",)
    form = LeftToService
    list_display = [
        "name",
        "programme",
        "status",
        "method",
        "opens_at",
        "closes_at",
        yuan("committed_fen", _("committed")),
    ]
    list_filter = ["status", "method"]
    list_select_related = ["programme__authority"]
    search_fields = ["name", "programme__name"]
    actions = ["open_rounds"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        asked = [field.name for field in Round._meta.fields if field.editable and field.name not in SET_BY_SERVICES]
        return asked if obj is None else [*asked, *SET_BY_SERVICES]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001
        actor = actor_of(request, form.cleaned_data["programme"].authority)
        drafted = rounds.draft(actor=actor, at=clock.now(), **form.cleaned_data)
        obj.pk, obj._state.adding = drafted.pk, False

    @admin.action(description=_("Open what another officer drafted"), permissions=["move"])
    def open_rounds(self, request: HttpRequest, rows: QuerySet[Round]) -> None:
        self.move(request, rows, rounds.open_, "procedure")


@admin.register(ProviderListing)
class ProviderListingAdmin(OfAuthorities, OfficersAdmin):
    """The registry of providers: one officer applies for a provider, or it does so itself; another lists it."""

    authority = ("programme__authority",)
    form = LeftToService
    list_display = ["provider", "programme", "item", "batch", "status", "valid_from", "valid_until"]
    list_filter = ["status", "batch"]
    list_select_related = ["provider", "programme__authority"]
    search_fields = ["provider__name", "provider__credit_code", "item"]
    actions = ["take_up", "list_providers", "resume"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        asked = ["programme", "provider", "item", "batch", "valid_from", "valid_until"]
        return asked if obj is None else [*asked, "status", "applied_by", "decided_by", "decided_at", "reason"]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001
        actor = actor_of(request, form.cleaned_data["programme"].authority)
        applied = registry.apply(actor=actor, at=clock.now(), **form.cleaned_data)
        obj.pk, obj._state.adding = applied.pk, False

    @admin.action(description=_("Take up for review"), permissions=["move"])
    def take_up(self, request: HttpRequest, rows: QuerySet[ProviderListing]) -> None:
        self.move(request, rows, registry.review, "listing")

    @admin.action(description=_("List what another person applied for"), permissions=["move"])
    def list_providers(self, request: HttpRequest, rows: QuerySet[ProviderListing]) -> None:
        self.move(request, rows, registry.list_, "listing")

    @admin.action(description=_("Resume after a suspension"), permissions=["move"])
    def resume(self, request: HttpRequest, rows: QuerySet[ProviderListing]) -> None:
        self.move(request, rows, registry.resume, "listing")


@admin.register(Application)
class ApplicationAdmin(OfAuthorities, ReadOnlyAdmin):
    """Applications as they stand; they are worked on at the desk."""

    authority = ("round__programme__authority",)
    list_display = ["applicant", "round", "status", yuan("asked_fen", _("asked")), yuan("reserved_fen", _("proposed"))]
    list_filter = ["status"]
    list_select_related = ["applicant", "round"]
    search_fields = ["applicant__name", "applicant__credit_code", "contract_no"]
    exclude = ["hold"]
