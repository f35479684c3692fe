"""What the interface of claims says and takes."""

from typing import Any

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.serializers import StrictSerializer
from vouchers.api.grants import MOST_FEN
from vouchers.models import Claim, ClaimDocument, ClaimEvent, ClaimInvoice, ClaimLine, ClaimStatus, DocumentKind
from vouchers.services.claims import proofs
from vouchers.services.claims.spending import MOST_SPENDINGS

MOST_INVOICES = 500
MOST_LINE = 32_767


class ClaimOut(serializers.ModelSerializer[Claim]):
    """A claim; amounts in fen. ``approved_fen`` is null until it is decided, and then what is paid exactly."""

    display_number = serializers.CharField()
    programme_code = serializers.CharField(source="programme.code")
    claimant_name = serializers.CharField(source="claimant.name")

    class Meta:
        model = Claim
        fields = [
            "id",
            "display_number",
            "status",
            "programme",
            "programme_code",
            "claimant",
            "claimant_name",
            "claimant_kind",
            "period_starts_on",
            "period_ends_on",
            "sequence",
            "final",
            "amount_fen",
            "approved_fen",
            "digest",
            "note",
            "due_at",
            "assembled_at",
            "submitted_at",
            "decided_at",
            "paid_at",
        ]
        read_only_fields = fields


class ClaimLineOut(serializers.ModelSerializer[ClaimLine]):
    """One redemption of a claim; a refused line says why, and until when it may be handed in again."""

    buyer_name = serializers.CharField(source="buyer.name")
    provider_name = serializers.CharField(source="provider.name", default=None)

    class Meta:
        model = ClaimLine
        fields = [
            "number",
            "status",
            "kind",
            "generation",
            "redemption",
            "buyer",
            "buyer_name",
            "provider",
            "provider_name",
            "contract_no",
            "eligible_fen",
            "amount_fen",
            "accepted_fen",
            "sampled",
            "sample_passed",
            "reason",
            "note",
            "answer",
            "resubmit_by",
        ]
        read_only_fields = fields


class ClaimInvoiceOut(serializers.ModelSerializer[ClaimInvoice]):
    """An invoice that proves lines."""

    class Meta:
        model = ClaimInvoice
        fields = ["number", "amount_fen", "issued_on", "live"]
        read_only_fields = fields


class ClaimEventOut(serializers.ModelSerializer[ClaimEvent]):
    """Something that happened to a claim."""

    class Meta:
        model = ClaimEvent
        fields = ["kind", "amount_fen", "note", "at"]
        read_only_fields = fields


class ClaimDocumentOut(serializers.ModelSerializer[ClaimDocument]):
    """A file that was handed in, by its digest."""

    sha256 = serializers.CharField(source="file_id")

    class Meta:
        model = ClaimDocument
        fields = ["kind", "name", "sha256", "handed_in_at"]
        read_only_fields = fields


class ClaimDetailOut(ClaimOut):
    """A claim with its invoices, files and history; lines are a list of their own."""

    invoices = serializers.SerializerMethodField()
    documents = ClaimDocumentOut(many=True)
    events = ClaimEventOut(many=True)

    class Meta(ClaimOut.Meta):
        fields = [*ClaimOut.Meta.fields, "invoices", "documents", "events"]
        read_only_fields = fields

    @extend_schema_field(ClaimInvoiceOut(many=True))
    def get_invoices(self, claim: Claim) -> Any:
        """Return the invoices that prove its lines."""
        return ClaimInvoiceOut(proofs.of(claim), many=True).data


class AskSpending(StrictSerializer):
    """What was paid under a contract, and the invoice for it."""

    contract_no = serializers.CharField(max_length=120)
    category = serializers.CharField(max_length=16)
    provider = serializers.UUIDField()
    amount_fen = serializers.IntegerField(min_value=1, max_value=MOST_FEN)
    used_until = serializers.DateField()
    invoice_no = serializers.CharField(max_length=40)
    invoice_fen = serializers.IntegerField(min_value=1, max_value=MOST_FEN)
    invoiced_on = serializers.DateField()
    contract_from = serializers.DateField(required=False, allow_null=True, default=None)
    contract_until = serializers.DateField(required=False, allow_null=True, default=None)


class AskClaim(StrictSerializer):
    """A buyer's claim: out of a voucher where the programme grants them first, else without."""

    programme = serializers.UUIDField()
    grant = serializers.UUIDField(required=False, allow_null=True, default=None)
    final = serializers.BooleanField(required=False, default=False)
    spendings = serializers.ListField(child=AskSpending(), allow_empty=False, max_length=MOST_SPENDINGS)


class AskInvoice(StrictSerializer):
    """An invoice and the numbers of the lines that it proves."""

    number = serializers.CharField(max_length=40)
    amount_fen = serializers.IntegerField(min_value=1, max_value=MOST_FEN)
    issued_on = serializers.DateField()
    lines = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=MOST_LINE), allow_empty=False, max_length=2_000
    )


class AskSubmission(StrictSerializer):
    """The invoices not named before, and the letter of commitment."""

    invoices = serializers.ListField(child=AskInvoice(), required=False, default=list, max_length=MOST_INVOICES)
    committed = serializers.BooleanField()


class AskResubmission(StrictSerializer):
    """Which refused lines to hand in again, and what is new."""

    lines = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=MOST_LINE), allow_empty=False, max_length=2_000
    )
    answer = serializers.CharField(max_length=2_000)


class AskDispute(StrictSerializer):
    """Which refused line to contest, and why."""

    line = serializers.IntegerField(min_value=1, max_value=MOST_LINE)
    answer = serializers.CharField(max_length=2_000)


class AskDocument(StrictSerializer):
    """A PDF or a picture, for the claim or for one of its lines."""

    kind = serializers.ChoiceField(choices=DocumentKind.choices)
    file = serializers.FileField()
    line = serializers.IntegerField(min_value=1, max_value=MOST_LINE, required=False, allow_null=True, default=None)


class ClaimFilter(filters.FilterSet):
    """``?status=&programme=``."""

    status = filters.ChoiceFilter(choices=ClaimStatus.choices)
    programme = filters.UUIDFilter("programme")

    class Meta:
        model = Claim
        fields: list[str] = []
