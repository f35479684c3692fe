"""Offerings as files: bring them in after a look, and send them out."""

from dataclasses import asdict
from typing import IO, Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import actor_of, organization_of
from accounts.api.idempotency import idempotent
from accounts.api.permissions import HasScope
from accounts.models import OrganizationKind
from core import clock, sheets
from core.api.serializers import StrictSerializer
from core.sheets.writing import MEDIA_TYPES
from market.services import imports
from market.services.offering_columns import COLUMNS

UPLOADED = ("text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "application/octet-stream")


class FileParser(BaseParser):
    """The body is the file, whatever it says it is."""

    media_type = "*/*"

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> Any:
        return stream.read()


class ImportOptions(StrictSerializer):
    """Whether to bring in or only to look."""

    dry_run = serializers.BooleanField(required=False, default=True)


class ExportOptions(StrictSerializer):
    """Which kind of file."""

    kind = serializers.ChoiceField(choices=[sheets.CSV, sheets.XLSX], default=sheets.CSV)


class CellErrorOut(serializers.Serializer[Any]):
    """What is wrong in a row; the column is empty where it is the row as a whole."""

    column = serializers.CharField()
    detail = serializers.CharField()


class ChangeOut(serializers.Serializer[Any]):
    """A cell that changes something."""

    column = serializers.CharField()
    old = serializers.CharField()
    new = serializers.CharField()


class ImportRowOut(serializers.Serializer[Any]):
    """What becomes of a row; ``reviewed`` says that the offering goes back to the operator."""

    line = serializers.IntegerField()
    reference = serializers.CharField()
    action = serializers.ChoiceField(choices=[action.value for action in imports.Action])
    changes = ChangeOut(many=True)
    errors = CellErrorOut(many=True)  # type: ignore[assignment]
    reviewed = serializers.BooleanField()


class ReportOut(serializers.Serializer[Any]):
    """What the file does, or did where ``applied``."""

    applied = serializers.BooleanField()
    encoding = serializers.CharField()
    counts = serializers.DictField(child=serializers.IntegerField())
    rows = ImportRowOut(many=True)


class ColumnOut(serializers.Serializer[Any]):
    """A column of the file."""

    name = serializers.CharField()
    title = serializers.CharField()
    meaning = serializers.CharField()
    needed = serializers.BooleanField()


class OfferingFile(APIView):
    """The provider's offerings as one file: POST brings it in, all rows or none; GET sends it out."""

    permission_classes = [HasScope]
    required_scope = "offerings"
    required_kinds = (OrganizationKind.PROVIDER,)
    parser_classes = [FileParser]

    @extend_schema(
        operation_id="offerings_file_bring_in",
        request=dict.fromkeys(UPLOADED, OpenApiTypes.BINARY),
        parameters=[
            ImportOptions,
            OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, required=True),
        ],
        responses={200: ReportOut},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Bring a CSV or xlsx file in; with ``dry_run``, which is the default, only tell what would happen."""
        options = ImportOptions(data=request.query_params.dict())
        options.is_valid(raise_exception=True)
        dry = options.validated_data["dry_run"]
        act = imports.preview if dry else imports.bring_in
        report = act(provider=organization_of(request), content=request.body, actor=actor_of(request), at=clock.now())
        told = {"applied": not dry, "encoding": report.encoding, "counts": report.counts}
        return Response(ReportOut(told | {"rows": [asdict(line) for line in report.lines]}).data)

    @extend_schema(
        operation_id="offerings_file_send_out",
        parameters=[ExportOptions],
        responses={(200, media_type.partition(";")[0]): OpenApiTypes.BINARY for media_type in MEDIA_TYPES.values()},
    )
    def get(self, request: Request) -> HttpResponse:
        """Send out the offerings that are not archived; bringing the file back in changes nothing."""
        options = ExportOptions(data=request.query_params.dict())
        options.is_valid(raise_exception=True)
        kind = options.validated_data["kind"]
        content = imports.export(provider=organization_of(request), kind=kind)
        return HttpResponse(content, content_type=MEDIA_TYPES[kind])


class OfferingColumns(APIView):
    """The columns of the file."""

    permission_classes = [HasScope]

    @extend_schema(operation_id="offerings_file_columns", responses=ColumnOut(many=True))
    def get(self, request: Request) -> Response:
        """List the columns with what they mean; titles in every language are taken as headers, too."""
        return Response(ColumnOut(COLUMNS, many=True).data)
