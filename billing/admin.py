"""Registers of billing, and the confirmation of bank transfers by a second person."""

from collections.abc import Callable

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from billing.models import (
    ApprovalRequest,
    AuthorityPayable,
    AutoExtension,
    AutoExtensionStep,
    Charge,
    CommissionBasis,
    Funding,
    Invoice,
    InvoiceSeries,
    NoticeFee,
    ServiceCredit,
    Settlement,
    SpendingLimit,
    StripeEvent,
    Supplement,
    TakenLine,
    TopUp,
    TopUpMethod,
    UndoneDenial,
)
from billing.services import top_ups
from core import clock
from core.admin import ReadOnlyAdmin, ReadOnlyInline, yuan
from core.errors import DomainError
from core.forms import about


@admin.register(Funding)
class FundingAdmin(ReadOnlyAdmin):
    """What was set aside for each order."""

    list_display = [
        "order",
        "status",
        yuan("estimate_fen", _("estimate")),
        yuan("voucher_fen", _("voucher")),
        yuan("wallet_fen", _("wallet")),
    ]
    list_filter = ["status"]
    list_select_related = ["order"]


@admin.register(Charge)
class ChargeAdmin(ReadOnlyAdmin):
    """Every charge with its split."""

    list_display = [
        "id",
        "buyer",
        "provider",
        "kind",
        "hour",
        "accelerator_ms",
        yuan("amount_fen", _("amount")),
        yuan("voucher_fen", _("voucher")),
        yuan("wallet_fen", _("wallet")),
        yuan("provider_fen", _("provider")),
    ]
    list_select_related = ["buyer", "provider"]
    search_fields = ["reservation__order__id"]


@admin.register(ServiceCredit)
class ServiceCreditAdmin(ReadOnlyAdmin):
    """Why charges gave money back."""

    list_display = [
        "charge_id",
        "availability_ppm",
        "lost_ms",
        "policy",
        "credit_bp",
        yuan("charged_fen", _("charged")),
        yuan("total_fen", _("credited")),
    ]
    ordering = ["-charge"]


@admin.register(NoticeFee)
class NoticeFeeAdmin(ReadOnlyAdmin):
    """Why charges are fees."""

    list_display = [
        "charge_id",
        "starts_at",
        "ends_at",
        "policy",
        yuan("value_fen", _("value")),
        yuan("fee_fen", _("fee")),
    ]
    ordering = ["-charge"]


@admin.register(Supplement)
class SupplementAdmin(ReadOnlyAdmin):
    """What was set aside for hours that were added."""

    list_display = [
        "reservation_id",
        "number",
        "starts_at",
        "ends_at",
        yuan("estimate_fen", _("estimate")),
        yuan("voucher_fen", _("voucher")),
        yuan("wallet_fen", _("wallet")),
    ]


@admin.register(TakenLine)
class TakenLineAdmin(ReadOnlyAdmin):
    """Lines beside the card-hour that buyers took."""

    list_display = [
        "reservation_id",
        "name",
        "kind",
        "unit",
        "quantity",
        "status",
        "starts_at",
        "ends_at",
        yuan("estimate_fen", _("set aside")),
    ]
    list_filter = ["status", "kind", "unit"]
    search_fields = ["name"]


@admin.register(ApprovalRequest)
class ApprovalRequestAdmin(ReadOnlyAdmin):
    """Orders above their buyers' own limits."""

    list_display = ["id", "buyer", "status", yuan("estimate_fen", _("at most")), "requested_by", "decided_by"]
    list_filter = ["status"]
    list_select_related = ["buyer", "requested_by", "decided_by"]


@admin.register(SpendingLimit)
class SpendingLimitAdmin(ReadOnlyAdmin):
    """What one order of a buyer may cost without a second person."""

    list_display = ["organization", yuan("limit_fen", _("limit")), "set_by", "set_at"]
    list_select_related = ["organization", "set_by"]


@admin.register(AutoExtension)
class AutoExtensionAdmin(ReadOnlyAdmin):
    """Standing instructions to extend reservations."""

    list_display = [
        "reservation_id",
        "buyer",
        "status",
        "until",
        yuan("budget_fen", _("budget")),
        yuan("spent_fen", _("set aside")),
        "end_code",
    ]
    list_filter = ["status"]
    list_select_related = ["buyer"]


@admin.register(AutoExtensionStep)
class AutoExtensionStepAdmin(ReadOnlyAdmin):
    """What standing instructions extended."""

    list_display = ["supplement_id", "instruction_id", "number", yuan("estimate_fen", _("set aside")), "at"]


@admin.register(Invoice)
class InvoiceAdmin(ReadOnlyAdmin):
    """Invoices by number."""

    list_display = [
        "number_in_full",
        "issuer",
        "buyer",
        "month_on",
        yuan("amount_fen", _("amount")),
    ]
    list_select_related = ["issuer", "buyer"]
    list_filter = ["month_on"]

    @admin.display(description=_("number"), ordering="number")
    def number_in_full(self, invoice: Invoice) -> str:
        return invoice.display_number


@admin.register(InvoiceSeries)
class InvoiceSeriesAdmin(ReadOnlyAdmin):
    """The last number of each issuer and year."""

    list_display = ["issuer", "year", "last_number"]
    list_select_related = ["issuer"]


class AuthorityPayableInline(ReadOnlyInline):
    """What each programme's authority owes of a settlement."""

    model = AuthorityPayable


class CommissionBasisInline(ReadOnlyInline):
    """On which parts of a settlement the platform took which commission."""

    model = CommissionBasis


@admin.register(Settlement)
class SettlementAdmin(ReadOnlyAdmin):
    """Settlements and what the authorities owe of them."""

    list_display = [
        "provider",
        "month_on",
        yuan("gross_fen", _("gross")),
        yuan("commission_fen", _("commission")),
        yuan("vat_fen", _("VAT")),
        yuan("net_fen", _("net")),
    ]
    list_select_related = ["provider"]
    inlines = [CommissionBasisInline, AuthorityPayableInline]


@admin.register(UndoneDenial)
class UndoneDenialAdmin(ReadOnlyAdmin):
    """What corrections took off denials."""

    list_display = ["charge_id", "provider", "redemption_id", yuan("amount_fen", _("amount"))]
    list_select_related = ["provider"]


@admin.register(TopUp)
class TopUpAdmin(ReadOnlyAdmin):
    """Top-ups; bank transfers are registered by one person and confirmed by another."""

    list_display = [
        "organization",
        "method",
        yuan("amount_fen", _("amount")),
        "status",
        "bank_reference",
        "registered_by",
        "confirmed_by",
    ]
    list_filter = ["status", "method"]
    list_select_related = ["organization", "registered_by", "confirmed_by"]
    search_fields = ["bank_reference", "organization__name"]
    actions = ["register_transfers", "confirm_transfers"]

    @admin.action(
        description=_("Register: the bank statement shows these transfers"),
        permissions=["confirm"],
    )
    def register_transfers(self, request: HttpRequest, queryset: QuerySet[TopUp]) -> None:
        self._each(request, queryset, top_ups.register_transfer)

    @admin.action(
        description=_("Confirm these transfers as the second person"),
        permissions=["confirm"],
    )
    def confirm_transfers(self, request: HttpRequest, queryset: QuerySet[TopUp]) -> None:
        self._each(request, queryset, top_ups.confirm_transfer)

    def has_confirm_permission(self, request: HttpRequest) -> bool:
        """Registering and confirming needs the change permission, though the register itself is read-only."""
        return request.user.has_perm("billing.change_topup")

    def _each(self, request: HttpRequest, queryset: QuerySet[TopUp], act: Callable[..., None]) -> None:
        for top_up in queryset.filter(method=TopUpMethod.BANK_TRANSFER):
            try:
                act(top_up=top_up, by=request.user, at=clock.now())
            except DomainError as error:
                self.message_user(request, about(top_up.bank_reference, error), messages.ERROR)


@admin.register(StripeEvent)
class StripeEventAdmin(ReadOnlyAdmin):
    """Webhook events as they came in."""

    list_display = ["id", "kind", "received_at", "processed_at"]
    list_filter = ["kind"]
