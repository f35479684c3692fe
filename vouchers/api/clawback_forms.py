"""What a clawback looks like over HTTP: to its debtor, to its authority and to the operator."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from vouchers.models import (
    Clawback,
    ClawbackAnswer,
    ClawbackAppeal,
    ClawbackInstalment,
    ClawbackRecovery,
    ClawbackRestitution,
)


class AnswerOut(serializers.ModelSerializer[ClawbackAnswer]):
    """What the organisation concerned said, and when."""

    class Meta:
        model = ClawbackAnswer
        fields = ["text", "answered_at"]
        read_only_fields = fields


class InstalmentOut(serializers.ModelSerializer[ClawbackInstalment]):
    """A part of what is owed that may be paid by a later day."""

    class Meta:
        model = ClawbackInstalment
        fields = ["number", "due_at", "amount_fen"]
        read_only_fields = fields


class RecoveryOut(serializers.ModelSerializer[ClawbackRecovery]):
    """A part of what was owed that came back."""

    class Meta:
        model = ClawbackRecovery
        fields = ["kind", "reference", "amount_fen", "recovered_at"]
        read_only_fields = fields


class AppealOut(serializers.ModelSerializer[ClawbackAppeal]):
    """What was said against a decision, and what became of it; ``outcome`` is empty while it waits."""

    text = serializers.CharField(source="statement.text")
    appealed_at = serializers.DateTimeField(source="statement.answered_at")

    class Meta:
        model = ClawbackAppeal
        fields = ["text", "appealed_at", "outcome", "reason", "decided_at"]
        read_only_fields = fields


class RestitutionOut(serializers.ModelSerializer[ClawbackRestitution]):
    """A part of what an appeal gives back, paid."""

    class Meta:
        model = ClawbackRestitution
        fields = ["reference", "amount_fen", "paid_at"]
        read_only_fields = fields


class ClawbackOut(serializers.ModelSerializer[Clawback]):
    """A case to take value back; in fen: demand = recovered + offset + remitted - restored + outstanding."""

    programme = serializers.CharField(source="grant.programme.code")
    suspected_fen = serializers.SerializerMethodField()
    demand_fen = serializers.IntegerField()
    outstanding_fen = serializers.IntegerField()
    barred_until = serializers.SerializerMethodField()
    answers = AnswerOut(many=True)
    instalments = InstalmentOut(many=True)
    recoveries = RecoveryOut(many=True)
    appeal = AppealOut(allow_null=True, default=None)
    restitutions = RestitutionOut(many=True)

    class Meta:
        model = Clawback
        fields = [
            "id",
            "status",
            "programme",
            "grant",
            "debtor",
            "notice",
            "notified_at",
            "response_due_at",
            "suspected_fen",
            "decision",
            "decided_at",
            "principal_fen",
            "interest_fen",
            "demand_fen",
            "recovered_fen",
            "offset_fen",
            "remitted_fen",
            "restored_fen",
            "outstanding_fen",
            "pay_by",
            "appeal_until",
            "suspended_at",
            "referred_to",
            "barred_until",
            "answers",
            "instalments",
            "recoveries",
            "appeal",
            "restitutions",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_barred_until(self, clawback: Clawback) -> str | None:
        """Return until when the debtor is barred, unless that was lifted or waits for an appeal."""
        barred = clawback.blacklisting
        if barred is None or barred.lifted_at is not None:
            return None
        return serializers.DateTimeField().to_representation(barred.ends_at)

    def get_suspected_fen(self, clawback: Clawback) -> int:
        """Return what the case is about."""
        return sum(item.amount_fen for item in clawback.items.all())
