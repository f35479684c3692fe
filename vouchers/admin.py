"""Where voucher officers draft, publish and grant by four eyes, and everyone reads the facts."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts import seats
from accounts.models import Organization
from accounts.officers import OfficersAdmin, actor_of
from accounts.seats import OfAuthorities
from core import clock
from core.admin import LeftToService, ReadOnlyAdmin, yuan
from core.periods import date_of
from vouchers import explanations, integrity_registers, payment_registers  # noqa: F401 - registered as well
from vouchers.models import Capture, Checkpoint, EntityYear, Grant, LogEntry, Programme, Redemption, Refund, Witness
from vouchers.services import grants, programmes, witnesses

OF_PROGRAMMES = ("programme", admin.RelatedOnlyFieldListFilter)  # offers the programmes of rows that are seen


@admin.register(Programme)
class ProgrammeAdmin(OfAuthorities, OfficersAdmin):
    """Programmes: one officer drafts, another publishes."""

    form = LeftToService
    authority = ("authority",)
    list_display = [
        "code",
        "name",
        "authority",
        "status",
        yuan("budget_fen", _("budget")),
        "drafted_by",
        "published_by",
    ]
    list_filter = ["status"]
    list_select_related = ["authority", "drafted_by", "published_by"]
    actions = ["publish", "pause", "resume", "close"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        asked = [field.name for field in Programme._meta.fields if field.editable and field.name not in SET_BY_SERVICES]
        return [*asked, "providers"] if obj is None else [*asked, "providers", *SET_BY_SERVICES]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_foreignkey(db_field, request, **kwargs, queryset=seats.authorities(request))

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs |= {"queryset": Organization.objects.providers(), "widget": UnfoldAdminCheckboxSelectMultipleWidget}
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001
        rules = {name: value for name, value in form.cleaned_data.items() if name != "providers"}
        actor = actor_of(request, rules["authority"])
        drafted = programmes.draft(actor=actor, at=clock.now(), **rules)
        obj.pk, obj._state.adding = drafted.pk, False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001
        drafted, listed = form.instance, form.cleaned_data["providers"]
        actor = actor_of(request, drafted.authority)
        programmes.list_providers(programme=drafted, providers=listed, actor=actor, at=clock.now())

    @admin.action(description=_("Publish what another officer drafted"), permissions=["move"])
    def publish(self, request: HttpRequest, rows: QuerySet[Programme]) -> None:
        self.move(request, rows, programmes.publish, "programme")

    @admin.action(description=_("Pause"), permissions=["move"])
    def pause(self, request: HttpRequest, rows: QuerySet[Programme]) -> None:
        self.move(request, rows, programmes.pause, "programme")

    @admin.action(description=_("Resume"), permissions=["move"])
    def resume(self, request: HttpRequest, rows: QuerySet[Programme]) -> None:
        self.move(request, rows, programmes.resume, "programme")

    @admin.action(description=_("Close for new grants, for good"), permissions=["move"])
    def close(self, request: HttpRequest, rows: QuerySet[Programme]) -> None:
        self.move(request, rows, programmes.close, "programme")


SET_BY_SERVICES = ["status", "drafted_by", "published_by", "published_at"]


@admin.register(Grant)
class GrantAdmin(OfAuthorities, OfficersAdmin):
    """Grants: one officer proposes, another approves."""

    form = LeftToService
    authority = ("programme__authority",)
    list_display = [
        "id",
        "programme",
        "owner",
        yuan("face_fen", _("face value")),
        "status",
        "expires_at",
        "proposed_by",
        "approved_by",
    ]
    list_filter = ["status", OF_PROGRAMMES]
    list_select_related = ["programme__authority", "owner", "proposed_by", "approved_by"]
    search_fields = ["owner__name", "owner__credit_code"]
    actions = ["approve", "reject", "revoke"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        asked = ["programme", "owner", "face_fen"]
        shown = ["status", "proposed_by", "approved_by", "approved_at", "expires_at", "days_from_first_use"]
        return asked if obj is None else [*asked, *shown]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        choices: dict[str, QuerySet[Any]] = {
            "programme": Programme.objects.granting(date_of(clock.now())),
            "owner": Organization.objects.buyers(),
        }
        return super().formfield_for_foreignkey(db_field, request, **kwargs, queryset=choices[db_field.name])

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001
        actor = actor_of(request, form.cleaned_data["programme"].authority)
        proposed = grants.propose(actor=actor, at=clock.now(), **form.cleaned_data)
        obj.pk, obj._state.adding = proposed.pk, False

    @admin.action(description=_("Approve what another officer proposed"), permissions=["move"])
    def approve(self, request: HttpRequest, rows: QuerySet[Grant]) -> None:
        self.move(request, rows, grants.approve, "grant")

    @admin.action(description=_("Reject"), permissions=["move"])
    def reject(self, request: HttpRequest, rows: QuerySet[Grant]) -> None:
        self.move(request, rows, grants.reject, "grant")

    @admin.action(description=_("Revoke: take back what is not used"), permissions=["move"])
    def revoke(self, request: HttpRequest, rows: QuerySet[Grant]) -> None:
        self.move(request, rows, grants.revoke, "grant")


@admin.register(Redemption)
class RedemptionAdmin(OfAuthorities, ReadOnlyAdmin):
    """What was set aside from grants, and how each award was calculated."""

    authority = ("grant__programme__authority",)
    list_display = [
        "reference",
        "grant",
        "status",
        yuan("eligible_fen", _("eligible")),
        yuan("amount_fen", _("held")),
        yuan("captured_fen", _("captured")),
        yuan("refunded_fen", _("refunded")),
        "held_at",
    ]
    list_filter = ["status"]
    list_select_related = ["grant__programme"]
    search_fields = ["reference"]
    exclude = ["explanation", "hold"]
    readonly_fields = ["explained"]

    @admin.display(description=_("explanation"))
    def explained(self, row: Redemption) -> str:
        return format_html_join("", "<p>{}</p>", ([line] for line in explanations.sentences(row.explanation)))


@admin.register(Capture)
class CaptureAdmin(OfAuthorities, ReadOnlyAdmin):
    """What vouchers paid for."""

    authority = ("redemption__grant__programme__authority",)
    list_display = ["reference", "redemption", yuan("amount_fen", _("amount")), "used_at", "captured_at"]
    list_select_related = ["redemption"]
    search_fields = ["reference"]


@admin.register(Refund)
class RefundAdmin(OfAuthorities, ReadOnlyAdmin):
    """What came back."""

    authority = ("redemption__grant__programme__authority",)
    list_display = ["reference", "redemption", yuan("amount_fen", _("amount")), "lapsed", "refunded_at"]
    list_select_related = ["redemption"]
    search_fields = ["reference"]


@admin.register(EntityYear)
class EntityYearAdmin(OfAuthorities, ReadOnlyAdmin):
    """What each entity used of its yearly caps."""

    authority = ("programme__authority",)
    list_display = ["programme", "entity", "year", yuan("cap_fen", _("cap")), yuan("used_fen", _("held and used"))]
    list_select_related = ["programme", "entity"]
    list_filter = ["year", OF_PROGRAMMES]


@admin.register(Checkpoint)
class CheckpointAdmin(ReadOnlyAdmin):
    """What was signed about the transparency log."""

    list_display = ["log", "size", "signed_at"]
    list_select_related = ["log"]
    exclude = ["root"]


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    """The transparency log itself."""

    list_display = ["seq", "log", "kind", "text", "logged_at"]
    list_select_related = ["log"]
    list_filter = ["log", "kind"]
    search_fields = ["=grant_id", "=redemption_id"]
    fields = ["log", "seq", "kind", "text", "logged_at"]
    readonly_fields = ["text"]

    @admin.display(description=_("payload"))
    def text(self, entry: LogEntry) -> str:
        return bytes(entry.payload).decode()


@admin.register(Witness)
class WitnessAdmin(OfficersAdmin):
    """Who watches the log from outside."""

    form = LeftToService
    list_display = ["name", "public_key", "retired_at"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["name", "public_key"] if obj is None else ["name", "public_key", "retired_at"]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001
        registered = witnesses.register(**form.cleaned_data, actor=actor_of(request), at=clock.now())
        obj.pk, obj._state.adding = registered.pk, False


# At the end, for its classes build on those above.
from vouchers import application_admin  # noqa: E402, F401
