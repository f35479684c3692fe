"""More registers: what orders ask for; the trade tape and what is computed from it; requests for quotations."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from core.admin import ReadOnlyAdmin, price
from market.models import (
    Award,
    Bid,
    Candle,
    IndexValue,
    OrderConditions,
    Rfq,
    RfqQuestion,
    SealedBid,
    Trade,
    UnreadableBid,
)


@admin.register(Trade)
class TradeAdmin(ReadOnlyAdmin):
    """The tape with its parties, for supervision; everyone else sees it without them."""

    list_display = [
        "at",
        "accelerator",
        "category",
        "hub_name",
        "seller",
        "buyer",
        "count",
        "hours",
        price("price_micro", _("yuan per card-hour")),
        "excluded",
    ]
    list_filter = ["category", "exclusion__reason"]
    list_select_related = ["accelerator", "seller", "buyer", "exclusion"]
    search_fields = ["accelerator__code", "seller__name", "buyer__name"]
    ordering = ["-at", "-id"]

    @admin.display(description=_("does not count because"))
    def excluded(self, trade: Trade) -> str:
        exclusion = getattr(trade, "exclusion", None)
        return str(exclusion.get_reason_display()) if exclusion else ""


@admin.register(Candle)
class CandleAdmin(ReadOnlyAdmin):
    """The price history with all its versions."""

    list_display = ["span", "starts_at", "version", "accelerator", "category", "hub_name", "trades", "card_hours"]
    list_filter = ["span", "category"]
    list_select_related = ["accelerator"]
    search_fields = ["accelerator__code"]
    ordering = ["-starts_at", "-id"]


@admin.register(IndexValue)
class IndexValueAdmin(ReadOnlyAdmin):
    """The index with all its versions."""

    list_display = ["on", "version", "accelerator", "category", "hub_name", "status", "trades", "screened_out"]
    list_filter = ["status", "category"]
    list_select_related = ["accelerator"]
    search_fields = ["accelerator__code"]
    ordering = ["-on", "-id"]


@admin.register(Rfq)
class RfqAdmin(ReadOnlyAdmin):
    """Requests for quotations; the budget stays with the buyer."""

    list_display = ["title", "buyer", "category", "count", "hours", "bids_until", "status"]
    list_filter = ["status", "category"]
    list_select_related = ["buyer"]
    search_fields = ["title", "buyer__name"]
    ordering = ["-published_at"]
    exclude = ["budget_fen"]


@admin.register(SealedBid)
class SealedBidAdmin(ReadOnlyAdmin):
    """Envelopes: that they came and what they commit to; neither what is inside nor whose they are."""

    list_display = ["rfq", "version", "sha256", "submitted_at"]
    list_select_related = ["rfq"]
    search_fields = ["rfq__title", "sha256"]
    ordering = ["-submitted_at"]
    exclude = ["sealed", "provider"]


@admin.register(Bid)
class BidAdmin(ReadOnlyAdmin):
    """Bids that were opened."""

    list_display = [
        "rfq",
        "provider",
        "offering",
        price("price_micro", _("yuan per card-hour")),
        "count",
        "starts_at",
        "valid_until",
    ]
    list_select_related = ["rfq", "provider", "offering"]
    search_fields = ["rfq__title", "provider__name"]
    ordering = ["-id"]


@admin.register(UnreadableBid)
class UnreadableBidAdmin(ReadOnlyAdmin):
    """Envelopes that became no bid, and why."""

    list_display = ["rfq", "provider", "why", "found_at"]
    list_filter = ["why"]
    list_select_related = ["envelope__rfq", "envelope__provider"]
    search_fields = ["envelope__rfq__title", "envelope__provider__name"]
    ordering = ["-found_at"]
    readonly_fields = ["provider"]

    @admin.display(description=_("request for quotations"))
    def rfq(self, found: UnreadableBid) -> str:
        return str(found.envelope.rfq)

    @admin.display(description=_("provider"))
    def provider(self, found: UnreadableBid) -> str:
        return str(found.envelope.provider)


@admin.register(Award)
class AwardAdmin(ReadOnlyAdmin):
    """Which bids became which orders."""

    list_display = ["bid_id", "order", "awarded_at"]
    list_select_related = ["order"]
    ordering = ["-awarded_at"]


@admin.register(RfqQuestion)
class RfqQuestionAdmin(ReadOnlyAdmin):
    """Questions of bidders and their answers."""

    list_display = ["rfq", "text", "asked_at", "answer"]
    list_select_related = ["rfq"]
    search_fields = ["rfq__title", "text"]
    ordering = ["-asked_at"]


@admin.register(OrderConditions)
class OrderConditionsAdmin(ReadOnlyAdmin):
    """What orders ask of cards and places."""

    list_display = [
        "order",
        "domestic",
        "memory_gib",
        "interconnect_gb_s",
        "pue_max_milli",
        "green_min_bp",
        "reliability_min_bp",
    ]
    list_display += ["ring_max", "home_province", "home_city"]
    list_filter = ["domestic", "ring_max"]
    list_select_related = ["order"]
    search_fields = ["order__name", "order__buyer__name"]
    ordering = ["-order_id"]
