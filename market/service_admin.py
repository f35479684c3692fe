"""Registers of how reservations came and went: quotes, steps, downtimes, reputations, reviews."""

from django.contrib import admin

from core.admin import ReadOnlyAdmin
from market.models import Downtime, Quote, Reputation, ReservationEvent, Review


@admin.register(ReservationEvent)
class ReservationEventAdmin(ReadOnlyAdmin):
    """Every step of every reservation."""

    list_display = ["at", "reservation_id", "kind", "old_status", "new_status", "code", "detail", "organization"]
    list_filter = ["kind", "code"]
    list_select_related = ["organization"]
    search_fields = ["reservation__id"]
    ordering = ["-id"]


@admin.register(Downtime)
class DowntimeAdmin(ReadOnlyAdmin):
    """Times in which cards could not be used, as the parties say."""

    list_display = [
        "reservation_id",
        "starts_at",
        "ends_at",
        "code",
        "status",
        "reported_by",
        "reported_at",
        "decided_by",
    ]
    list_filter = ["status", "code"]
    list_select_related = ["reported_by"]
    search_fields = ["reservation__id", "reported_by__name"]
    ordering = ["-reported_at"]


@admin.register(Reputation)
class ReputationAdmin(ReadOnlyAdmin):
    """How providers kept their word, day by day."""

    list_display = [
        "provider",
        "offering",
        "as_of",
        "observations",
        "promised_ms",
        "delivered_ms",
        "interruptions",
        "failures",
        "disputes_upheld",
    ]
    list_select_related = ["provider", "offering"]
    search_fields = ["provider__name", "offering__name"]
    ordering = ["-as_of", "provider"]


@admin.register(Review)
class ReviewAdmin(ReadOnlyAdmin):
    """What buyers said."""

    list_display = ["offering", "author", "stars", "text", "written_at", "answered_at", "hidden_at", "hidden_reason"]
    list_filter = ["stars"]
    list_select_related = ["offering", "author"]
    search_fields = ["offering__name", "author__name"]
    ordering = ["-written_at"]


@admin.register(Quote)
class QuoteAdmin(ReadOnlyAdmin):
    """Quotes, the cards that they hold and until when."""

    list_display = ["quoted_at", "buyer", "offering", "count", "starts_at", "ends_at", "status", "expires_at"]
    list_filter = ["status"]
    list_select_related = ["buyer", "offering"]
    search_fields = ["id", "buyer__name", "offering__name"]
    ordering = ["-quoted_at"]
