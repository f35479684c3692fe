"""More registers: the trade tape and what is computed from it; requests for quotations and their bids."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from core.admin import ReadOnlyAdmin
from core.money import format_micro
from market.models import Candle, IndexValue, Trade


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
        "price",
        "excluded",
    ]
    list_filter = ["category", "exclusion__reason"]
    list_select_related = ["accelerator", "seller", "buyer", "exclusion"]
    search_fields = ["accelerator__code", "seller__name", "buyer__name"]
    ordering = ["-at", "-id"]

    @admin.display(description=_("yuan per card-hour"), ordering="price_micro")
    def price(self, trade: Trade) -> str:
        return format_micro(trade.price_micro)

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
