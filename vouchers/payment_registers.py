"""The register of accounts to which claims are paid: claimants declare theirs, a person of the operator verifies it."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.officers import OfficersAdmin
from accounts.seats import OfAuthorities
from vouchers.models import PayoutAccount
from vouchers.services.claims import payouts


@admin.register(PayoutAccount)
class PayoutAccountAdmin(OfAuthorities, OfficersAdmin):
    """Accounts that were declared; none is paid to before another person has verified it. They are no authority's."""

    list_display = [
        "organization",
        "holder",
        "bank",
        "number",
        "declared_by",
        "declared_at",
        "verified_at",
        "retired_at",
        "refusal",
    ]
    list_filter = [("verified_at", admin.EmptyFieldListFilter), ("retired_at", admin.EmptyFieldListFilter)]
    list_select_related = ["organization", "declared_by"]
    search_fields = ["organization__name", "organization__credit_code"]
    actions = ["verify"]

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002 - Django's
        return False

    @admin.action(description=_("Verify what its claimant declared"), permissions=["move"])
    def verify(self, request: HttpRequest, rows: QuerySet[PayoutAccount]) -> None:
        self.move(request, rows, payouts.verify, "account")
