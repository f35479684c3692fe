"""The market as registers; an operator can take an offering off sale."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.services.audit import Actor
from core import clock
from core.admin import LeftToService, ReadOnlyAdmin, RefusalsShown, price
from core.errors import DomainError
from core.forms import about
from core.money import format_yuan
from market import auction_registers, listing_registers, registers  # noqa: F401 - they are registered as well
from market.models import (
    Accelerator,
    CalendarHour,
    Hub,
    Match,
    MatchBatch,
    MeteredHour,
    Offering,
    Order,
    PricePlan,
    Reservation,
    Site,
    StandardMeasure,
    Tariff,
    Usage,
    UsageBatch,
    UsageConflict,
)
from market.service_admin import ReservationEventAdmin  # noqa: F401 - the other registers of this app
from market.services import offerings, prices


@admin.register(Accelerator)
class AcceleratorAdmin(ReadOnlyAdmin):
    """Card models as published."""

    list_display = ["code", "vendor", "name", "domestic", "fp16_tflops", "int8_tops", "memory_gib", "released"]
    list_filter = ["domestic", "vendor"]
    search_fields = ["code", "name"]
    ordering = ["code"]


@admin.register(Tariff)
class TariffAdmin(RefusalsShown, ReadOnlyAdmin):
    """Electricity tariffs: an operator publishes what the authority has published; nobody changes one."""

    list_display = ["code", "starts_at", "source"]
    list_filter = ["code"]
    form = LeftToService
    fields = ["code", "starts_at", "hourly_micro", "source"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("market.add_tariff")

    def save_model(self, request: HttpRequest, obj: Tariff, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        terms = {name: form.cleaned_data[name] for name in self.fields}
        obj.pk = prices.publish_tariff(actor=Actor(user=request.user), at=clock.now(), **terms).pk  # type: ignore[arg-type]


@admin.register(PricePlan)
class PricePlanAdmin(ReadOnlyAdmin):
    """How offerings are priced, from when."""

    list_display = ["offering", "starts_at", "published_at"]
    list_select_related = ["offering"]
    search_fields = ["offering__name"]


@admin.register(StandardMeasure)
class StandardMeasureAdmin(ReadOnlyAdmin):
    """What card models are worth in each scenario."""

    list_display = ["accelerator", "scenario", "status", "ppm", "version", "computed_on"]
    list_filter = ["scenario", "status"]
    list_select_related = ["accelerator"]
    search_fields = ["accelerator__code", "accelerator__name"]
    ordering = ["scenario", "-ppm", "accelerator__code"]


@admin.register(Hub)
class HubAdmin(ReadOnlyAdmin):
    """National hubs and their clusters."""

    list_display = ["name", "side", "cluster"]
    list_filter = ["side"]
    ordering = ["name", "cluster"]


@admin.register(Site)
class SiteAdmin(ReadOnlyAdmin):
    """Computing centres."""

    list_display = ["name", "provider", "province", "city", "hub_name", "capacity_pflops", "status"]
    list_filter = ["status", "hub_name"]
    list_select_related = ["provider"]
    search_fields = ["name", "city", "provider__name"]
    ordering = ["name"]


@admin.register(Offering)
class OfferingAdmin(ReadOnlyAdmin):
    """Offerings; pausing and archiving go through the services and into the audit trail."""

    list_display = [
        "name",
        "provider",
        "site",
        "accelerator",
        "category",
        "count",
        price("price_micro", _("yuan per card-hour")),
        "status",
    ]
    list_filter = ["status", "category", "accelerator"]
    list_select_related = ["provider", "site", "accelerator"]
    search_fields = ["name", "provider__name", "site__name"]
    ordering = ["-created_at"]
    actions = ["pause", "archive"]

    def has_move_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("market.change_offering")

    @admin.action(description=_("Pause: nothing more is sold for now"), permissions=["move"])
    def pause(self, request: HttpRequest, rows: QuerySet[Offering]) -> None:
        self._move(request, rows, offerings.pause)

    @admin.action(description=_("Archive: nothing more is ever sold"), permissions=["move"])
    def archive(self, request: HttpRequest, rows: QuerySet[Offering]) -> None:
        self._move(request, rows, offerings.archive)

    def _move(self, request: HttpRequest, rows: QuerySet[Offering], service: Callable[..., Offering]) -> None:
        actor = Actor(user=request.user)  # type: ignore[arg-type] # the admin lets in nobody without a user
        for offering in rows:
            try:
                service(offering=offering, actor=actor, at=clock.now())
            except DomainError as refusal:
                self.message_user(request, about(offering, refusal), messages.ERROR)
            else:
                self.message_user(request, about(offering, _("Noted.")))


@admin.register(CalendarHour)
class CalendarHourAdmin(ReadOnlyAdmin):
    """Hours with reservations or maintenance."""

    list_display = ["offering", "hour", "capacity", "reserved"]
    list_select_related = ["offering"]
    search_fields = ["offering__name"]
    ordering = ["-hour", "offering"]


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    """Orders and why they wait."""

    list_display = [
        "sequence",
        "name",
        "buyer",
        "category",
        "count",
        "hours",
        "start_min",
        "start_max",
        price("limit_micro", _("limit in yuan")),
        "status",
        "unmatched_reason",
    ]
    list_filter = ["status", "category", "unmatched_reason"]
    list_select_related = ["buyer"]
    search_fields = ["name", "buyer__name"]
    ordering = ["-sequence"]


@admin.register(MatchBatch)
class MatchBatchAdmin(ReadOnlyAdmin):
    """Clearings: the digest names their input, so that each can be replayed."""

    list_display = ["at", "engine", "rules_from", "orders", "matched", "gap", "input_sha256"]
    list_select_related = ["rules"]
    ordering = ["-id"]

    @admin.display(description=_("rules from"))
    def rules_from(self, batch: MatchBatch) -> Any:
        return batch.rules and batch.rules.starts_at

    @admin.display(description=_("gap"))
    def gap(self, batch: MatchBatch) -> str:
        return "" if batch.gap_bp is None else f"{format_yuan(batch.gap_bp)} %"


@admin.register(Match)
class MatchAdmin(ReadOnlyAdmin):
    """Decisions."""

    list_display = ["order", "offering", "starts_at", price("price_micro", _("yuan per card-hour")), "batch_at"]
    list_select_related = ["order", "offering", "batch"]
    search_fields = ["order__name", "offering__name"]
    ordering = ["-id"]

    @admin.display(description=_("at"))
    def batch_at(self, match: Match) -> Any:
        return match.batch.at


@admin.register(Reservation)
class ReservationAdmin(ReadOnlyAdmin):
    """Cards held for orders."""

    list_display = [
        "order",
        "offering",
        "provider",
        "count",
        "starts_at",
        "ends_at",
        price("price_micro", _("yuan per card-hour")),
        "status",
    ]
    list_filter = ["status"]
    list_select_related = ["order", "offering", "provider"]
    search_fields = ["order__name", "offering__name", "provider__name"]
    ordering = ["-starts_at"]


@admin.register(UsageBatch)
class UsageBatchAdmin(ReadOnlyAdmin):
    """Signed reports."""

    list_display = [
        "id",
        "provider",
        "idempotency_key",
        "received_at",
        "accepted",
        "duplicates",
        "conflicts",
        "rejected",
    ]
    list_select_related = ["provider"]
    search_fields = ["provider__name", "idempotency_key"]
    ordering = ["-id"]
    exclude = ["not_accepted", "signature", "body_sha256"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("not_accepted")


@admin.register(Usage)
class UsageAdmin(ReadOnlyAdmin):
    """What was used."""

    list_display = ["event_id", "provider", "reservation_id", "starts_at", "ends_at", "accelerators", "accelerator_ms"]
    list_select_related = ["provider"]
    search_fields = ["event_id"]
    ordering = ["-id"]
    exclude = ["body_sha256"]


@admin.register(UsageConflict)
class UsageConflictAdmin(ReadOnlyAdmin):
    """Events under an id that says something else already, for people to look at."""

    list_display = ["event_id", "provider", "batch_id"]
    list_select_related = ["provider"]
    search_fields = ["event_id", "provider__name"]
    ordering = ["-id"]


@admin.register(MeteredHour)
class MeteredHourAdmin(ReadOnlyAdmin):
    """Hours as metered."""

    list_display = ["reservation_id", "hour", "accelerator_ms", "version", "dirty", "metered_at"]
    list_filter = ["dirty"]
    ordering = ["-hour", "reservation_id"]


listing_registers.enter(admin.site)
