"""Usage reports: a provider's agent sends signed CloudEvents batches."""

from typing import Any

import msgspec
from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.generics import ListAPIView
from rest_framework.request import Request

from accounts.api.idempotency import key_of
from accounts.api.permissions import HasScope
from accounts.models import OrganizationKind
from accounts.services import keys
from core import clock
from core.api.pagination import KeysetPagination
from core.errors import DomainError
from market.models import UsageBatch
from market.services import metering
from market.services.usage_answers import Reply
from market.services.usage_events import Event

MOST_BYTES = 1_048_576
MOST_BYTES_DRAINED = 16 * MOST_BYTES
CHUNK = 65_536
MEDIA_TYPES = ("application/cloudevents-batch+json", "application/json")


class ReportTooLarge(DomainError):
    """The body is larger than 1 MiB."""

    code = "report-too-large"
    status = 413


class UsageBatchOut(serializers.ModelSerializer[UsageBatch]):
    """A report and how many of its events were taken."""

    class Meta:
        model = UsageBatch
        fields = [
            "id",
            "idempotency_key",
            "signed_at",
            "received_at",
            "accepted",
            "duplicates",
            "conflicts",
            "rejected",
        ]
        read_only_fields = fields


def inlined(kind: Any) -> dict[str, Any]:
    """Return the JSON schema of a type with its parts in place, as OpenAPI wants it inside a document."""
    whole = msgspec.json.schema(kind)
    parts = whole.pop("$defs", {})

    def inline(node: Any) -> Any:
        if isinstance(node, list):
            return [inline(inner) for inner in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return inline(parts[node["$ref"].rsplit("/", 1)[-1]])
        return {name: inline(inner) for name, inner in node.items()}

    schema: dict[str, Any] = inline(whole)
    return schema


class UsageBatches(ListAPIView[UsageBatch]):
    """Reports of the key's organisation, the latest first; POST sends one."""

    permission_classes = [HasScope]
    required_scope = "usage"
    required_kinds = (OrganizationKind.PROVIDER,)
    pagination_class = KeysetPagination
    ordering = ("-pk",)
    filter_backends: list[Any] = []
    serializer_class = UsageBatchOut
    queryset = UsageBatch.objects.none()

    def get_queryset(self) -> QuerySet[UsageBatch]:
        return UsageBatch.objects.filter(provider=self.request.auth.organization).defer("not_accepted")

    @extend_schema(
        request={media_type: inlined(list[Event]) for media_type in MEDIA_TYPES},
        responses={(200, "application/json"): inlined(Reply)},
        parameters=[
            OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, required=True),
            OpenApiParameter(
                "Suanyi-Signature",
                str,
                OpenApiParameter.HEADER,
                required=True,
                description="t=<unix>,kid=<uuid>,v1=<base64 Ed25519 of 't.idempotency_key.body'>",
            ),
        ],
    )
    def post(self, request: Request) -> HttpResponse:
        """Report usage: at most 1,000 events and 1 MiB, answered event by event.

        A report that is sent again under its key gets the first answer.
        """
        body, at = _read(request), clock.now()
        provider, idempotency_key = request.auth.organization, key_of(request)
        signature = keys.verify_signature(
            organization=provider,
            header=request.headers.get("Suanyi-Signature", ""),
            idempotency_key=idempotency_key,
            body=body,
            at=at,
        )
        receipt = metering.ingest(
            provider=provider,
            key=signature.key,
            signature=signature.value,
            signed_at=signature.signed_at,
            idempotency_key=idempotency_key,
            body=body,
            at=at,
        )
        replayed = {"Idempotency-Replayed": "true"} if receipt.replayed else {}
        return HttpResponse(receipt.answer, content_type="application/json", headers=replayed)


def _read(request: Request) -> bytes:
    """Return the raw body: the array is too long for parsers and serializers."""
    media_type = request.content_type.partition(";")[0].strip().lower()
    if media_type not in MEDIA_TYPES:
        raise UnsupportedMediaType(request.content_type)
    if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_BYTES:
        _drain(request)
        raise ReportTooLarge(_("A report has at most %(most)d bytes.") % {"most": MOST_BYTES})
    return request.body


def _drain(request: Request) -> None:
    """Read what the client is still sending, within reason: else it may never see the answer."""
    left = MOST_BYTES_DRAINED
    while left > 0 and (chunk := request._request.read(CHUNK)):
        left -= len(chunk)
