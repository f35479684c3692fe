"""The register of accounts to which claims are paid: claimants declare theirs, the operator verifies at its desk."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.seats import OfAuthorities
from core.admin import ReadOnlyAdmin
from vouchers.models import PayoutAccount


@admin.register(PayoutAccount)
class PayoutAccountAdmin(OfAuthorities, ReadOnlyAdmin):
    """Accounts that were declared, by their last digits; none is paid to before it was verified. No authority's."""

    list_display = [
        "organization",
        "holder",
        "bank",
        "ending",
        "declared_by",
        "declared_at",
        "verified_at",
        "compared_with",
        "retired_at",
        "refusal",
    ]
    list_filter = [("verified_at", admin.EmptyFieldListFilter), ("retired_at", admin.EmptyFieldListFilter)]
    list_select_related = ["organization", "declared_by"]
    search_fields = ["organization__name", "organization__credit_code"]
    exclude = ["number", "confirmed_number"]
    readonly_fields = ["ending"]

    @admin.display(description=_("account number"))
    def ending(self, row: PayoutAccount) -> str:
        """Return the last digits: the whole number is for whoever compares it, and for the bank."""
        return f"···{row.ends_with}"
