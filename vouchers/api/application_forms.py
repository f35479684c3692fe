"""What is sent and answered about applications."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.serializers import StrictSerializer
from vouchers import hints
from vouchers.models import Application, ApplicationDocument, ApplicationStatus, Evidence, Step

MOST_FEN = 10**13


class PreCheckOut(serializers.Serializer[Any]):
    """What a check found; ``bars`` says that nothing can be handed in like this."""

    code = serializers.CharField()
    bars = serializers.BooleanField()
    params = serializers.JSONField()
    detail = serializers.SerializerMethodField()

    def get_detail(self, finding: dict[str, Any]) -> str:
        """Return it in the language of the request."""
        return hints.sentence(finding)


class LineIn(StrictSerializer):
    """A line of the contract."""

    category = serializers.CharField(max_length=16)
    amount_fen = serializers.IntegerField(min_value=1, max_value=MOST_FEN)


class WriteApplication(StrictSerializer):
    """What an application says; what is left out stays as it is."""

    provider = serializers.UUIDField(required=False, allow_null=True)
    district = serializers.CharField(max_length=40, required=False, allow_blank=True)
    purpose = serializers.CharField(max_length=2_000, required=False, allow_blank=True)
    contract_no = serializers.CharField(max_length=80, required=False, allow_blank=True)
    contract_signed_on = serializers.DateField(required=False, allow_null=True)
    lines = serializers.ListField(child=LineIn(), required=False, max_length=50)
    facts = serializers.JSONField(required=False)
    asked_fen = serializers.IntegerField(min_value=0, max_value=MOST_FEN, required=False)


class BeginApplication(WriteApplication):
    """In which round, and what the application says."""

    round = serializers.UUIDField()


class SayOnApplication(StrictSerializer):
    """A note, a reason or an appeal."""

    text = serializers.CharField(max_length=2_000, required=False, allow_blank=True, default="")


class UploadEvidence(StrictSerializer):
    """A file, and what it is."""

    kind = serializers.ChoiceField(choices=Evidence.choices)
    file = serializers.FileField(max_length=200)


class DocumentOut(serializers.ModelSerializer[ApplicationDocument]):
    """A file that was handed in, with the commitment to it."""

    class Meta:
        model = ApplicationDocument
        fields = ["id", "kind", "name", "media_type", "size", "sha256", "commitment", "uploaded_at"]
        read_only_fields = fields


class ApplicationStepOut(serializers.ModelSerializer[Step]):
    """One step of the way."""

    status = serializers.ChoiceField(choices=ApplicationStatus.choices)

    class Meta:
        model = Step
        fields = ["status", "note", "by_applicant", "at"]
        read_only_fields = fields


class ApplicationOut(serializers.ModelSerializer[Application]):
    """An application and where it stands; amounts in fen."""

    status = serializers.ChoiceField(choices=ApplicationStatus.choices)
    findings = PreCheckOut(many=True)
    documents = serializers.SerializerMethodField()
    missing_evidence = serializers.SerializerMethodField()
    steps = serializers.SerializerMethodField()

    class Meta:
        model = Application
        fields = [
            "id",
            "status",
            "round",
            "programme",
            "applicant",
            "provider",
            "district",
            "purpose",
            "contract_no",
            "contract_signed_on",
            "lines",
            "facts",
            "asked_fen",
            "entitled_fen",
            "reserved_fen",
            "findings",
            "explanation",
            "submitted_at",
            "decide_by",
            "decided_at",
            "supplement_until",
            "publicity_until",
            "approved_at",
            "grant",
            "reason_code",
            "reason",
            "appeal_until",
            "documents",
            "missing_evidence",
            "steps",
        ]
        read_only_fields = fields

    @extend_schema_field(DocumentOut(many=True))
    def get_documents(self, application: Application) -> Any:
        """Return the files that were not taken back."""
        kept = [one for one in application.documents.all() if one.withdrawn_at is None]
        return DocumentOut(sorted(kept, key=lambda one: one.pk), many=True).data

    @extend_schema_field(serializers.ListField(child=serializers.ChoiceField(choices=Evidence.choices)))
    def get_missing_evidence(self, application: Application) -> list[str]:
        """Return what the round requires and is not there."""
        there = {one.kind for one in application.documents.all() if one.withdrawn_at is None}
        return [kind for kind in application.round.required_evidence if kind not in there]

    @extend_schema_field(ApplicationStepOut(many=True))
    def get_steps(self, application: Application) -> Any:
        """Return the way so far, the first step first."""
        return ApplicationStepOut(sorted(application.steps.all(), key=lambda one: one.pk), many=True).data
