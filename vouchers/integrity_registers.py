"""Registers of integrity: what is frozen, who is barred, what was found, and what is taken back. Nobody writes here."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.seats import OfAuthorities
from core.admin import ReadOnlyAdmin, yuan
from vouchers.models import Blacklisting, Clawback, ClawbackRecovery, Finding, ForeignClaim, Freeze, Tip


@admin.register(Freeze)
class FreezeAdmin(OfAuthorities, ReadOnlyAdmin):
    """Grants that are or were frozen."""

    authority = ("grant__programme__authority",)
    list_display = ["grant", "reason", "frozen_by", "frozen_at", "lifted_by", "lifted_at"]
    list_select_related = ["grant__programme", "frozen_by", "lifted_by"]
    search_fields = ["grant__owner__name", "reason"]


@admin.register(Blacklisting)
class BlacklistingAdmin(ReadOnlyAdmin):
    """Who gets no vouchers, and until when."""

    list_display = ["organization", "reason", "starts_at", "ends_at", "decided_by", "lifted_at"]
    list_select_related = ["organization", "decided_by"]
    search_fields = ["organization__name", "organization__credit_code"]


@admin.register(Finding)
class FindingAdmin(OfAuthorities, ReadOnlyAdmin):
    """Everything that was ever found, with its evidence; the queue is at the desk."""

    authority = ("programme__authority", "grant__programme__authority")
    list_display = [
        "found_at",
        "rule",
        "severity",
        "status",
        "subject",
        "counterparty",
        yuan("amount_fen", _("amount")),
        "assigned_to",
    ]
    list_select_related = ["subject", "counterparty", "assigned_to"]
    list_filter = ["status", "rule", "severity"]
    search_fields = ["subject__name", "subject__credit_code"]


@admin.register(Clawback)
class ClawbackAdmin(OfAuthorities, ReadOnlyAdmin):
    """Cases to take value back, and where their money is."""

    authority = ("grant__programme__authority",)
    list_display = [
        "debtor",
        "status",
        yuan("principal_fen", _("principal")),
        yuan("interest_fen", _("interest")),
        yuan("recovered_fen", _("repaid")),
        yuan("offset_fen", _("set off")),
        "response_due_at",
        "pay_by",
        "raised_by",
        "decided_by",
    ]
    list_select_related = ["debtor", "raised_by", "decided_by"]
    list_filter = ["status"]
    search_fields = ["debtor__name", "debtor__credit_code"]
    exclude = ["account"]


@admin.register(ClawbackRecovery)
class ClawbackRecoveryAdmin(OfAuthorities, ReadOnlyAdmin):
    """What came back."""

    authority = ("clawback__grant__programme__authority",)
    list_display = ["clawback", "kind", "reference", yuan("amount_fen", _("amount")), "recorded_by", "recovered_at"]
    list_select_related = ["clawback__debtor", "recorded_by"]
    list_filter = ["kind"]
    search_fields = ["reference"]


@admin.register(Tip)
class TipAdmin(OfAuthorities, ReadOnlyAdmin):
    """What people reported; how to reach them is read at the desk, by those who look into it."""

    authority = ("finding__programme__authority", "finding__grant__programme__authority")
    list_display = ["received_at", "about", "finding"]
    exclude = ["contact"]
    list_select_related = ["finding"]
    search_fields = ["text", "about"]


@admin.register(ForeignClaim)
class ForeignClaimAdmin(ReadOnlyAdmin):
    """What other departments have paid for."""

    list_display = [
        "department",
        "kind",
        "number",
        "entity_code",
        yuan("amount_fen", _("amount")),
        "imported_at",
        "imported_by",
    ]
    list_select_related = ["imported_by"]
    list_filter = ["department", "kind"]
    search_fields = ["number", "entity_code"]
