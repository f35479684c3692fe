"""Notices and findings as those concerned see and answer them, and tips from everyone."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.api.authentication import actor_of, organization_of
from accounts.api.idempotency import idempotent
from accounts.api.permissions import HasScope
from accounts.models import Organization, OrganizationKind
from core import clock
from core.api.pagination import KeysetPagination
from core.api.rates import AddressRate
from core.api.serializers import StrictSerializer
from core.errors import NotFound
from core.prefetching import in_order
from vouchers.api.clawback_forms import ClawbackOut
from vouchers.models import (
    Clawback,
    ClawbackStatus,
    Finding,
    FindingStatus,
)
from vouchers.services import clawback_appeals, clawbacks, findings, tips

MOST_TEXT = 5_000
# What a debtor reads of a case besides its figures.
TOLD = ("items", "answers", "instalments", "recoveries", "restitutions")


class FindingOut(serializers.ModelSerializer[Finding]):
    """What an organisation is asked to explain."""

    class Meta:
        model = Finding
        fields = [
            "id",
            "rule",
            "severity",
            "status",
            "programme",
            "grant",
            "amount_fen",
            "evidence",
            "found_at",
            "asked_at",
            "answer_due_at",
            "answer",
            "answered_at",
            "reason",
        ]
        read_only_fields = fields


class AnswerNotice(StrictSerializer):
    """An answer to a notice, an appeal against a decision, or to a question about a finding."""

    text = serializers.CharField(max_length=MOST_TEXT)


class SendTip(StrictSerializer):
    """What happened, which firm it was, and how to reach whoever says so; only the first is needed."""

    text = serializers.CharField(max_length=MOST_TEXT)
    about = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    contact = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class TipOut(serializers.Serializer[Any]):
    """The number of a tip, to come back with."""

    id = serializers.UUIDField()


class ClawbackFilter(filters.FilterSet):
    """``?status=``."""

    status = filters.ChoiceFilter(choices=ClawbackStatus.choices)

    class Meta:
        model = Clawback
        fields: list[str] = []


class FindingFilter(filters.FilterSet):
    """``?status=``."""

    status = filters.ChoiceFilter(choices=FindingStatus.choices)

    class Meta:
        model = Finding
        fields: list[str] = []


def clawbacks_seen_by(organization: Organization) -> QuerySet[Clawback]:
    """Return the cases that an organisation sees: its programmes' as an authority, those it was told of otherwise."""
    if organization.kind == OrganizationKind.OPERATOR:
        return Clawback.objects.all()
    if organization.kind == OrganizationKind.AUTHORITY:
        return Clawback.objects.of_authority(organization)
    return Clawback.objects.told_to(organization)


class ClawbackViewSet(ReadOnlyModelViewSet[Clawback]):
    """Notices to the key's organisation, or the cases of its programmes, the latest first."""

    permission_classes = [HasScope]
    pagination_class = KeysetPagination
    ordering = ("-created_at", "-pk")
    filterset_class = ClawbackFilter
    serializer_class = ClawbackOut
    queryset = Clawback.objects.none()
    lookup_value_converter = "uuid"
    required_scope = "orders"

    def get_queryset(self) -> QuerySet[Clawback]:
        rows = clawbacks_seen_by(self.request.auth.organization).select_related("grant__programme", "blacklisting")
        rows = rows.select_related("appeal__statement")
        return rows.prefetch_related(*in_order(Clawback, *TOLD))

    @extend_schema(request=AnswerNotice, responses={201: ClawbackOut})
    @action(detail=True, methods=["post"])
    @idempotent
    def answer(self, request: Request, pk: UUID) -> Response:
        """Answer a notice; until the time to answer is over this may be done again."""
        found = _one(self.get_queryset(), pk, _("There is no such notice."))
        clawbacks.respond(clawback=found, text=_text(request), actor=actor_of(request), at=clock.now())
        return Response(ClawbackOut(self.get_queryset().get(pk=pk)).data, status=201)

    @extend_schema(request=AnswerNotice, responses={201: ClawbackOut})
    @action(detail=True, methods=["post"])
    @idempotent
    def appeal(self, request: Request, pk: UUID) -> Response:
        """Appeal against a decision, once and in time; while the appeal waits the decision is not enforced."""
        found = _one(self.get_queryset(), pk, _("There is no such notice."))
        clawback_appeals.lodge(clawback=found, text=_text(request), actor=actor_of(request), at=clock.now())
        return Response(ClawbackOut(self.get_queryset().get(pk=pk)).data, status=201)


class FindingViewSet(ReadOnlyModelViewSet[Finding]):
    """Findings that the key's organisation was asked to explain, the latest first."""

    permission_classes = [HasScope]
    pagination_class = KeysetPagination
    ordering = ("-created_at", "-pk")
    filterset_class = FindingFilter
    serializer_class = FindingOut
    queryset = Finding.objects.none()
    lookup_value_converter = "uuid"
    required_scope = "orders"

    def get_queryset(self) -> QuerySet[Finding]:
        return Finding.objects.asked_of(organization_of(self.request))

    @extend_schema(request=AnswerNotice, responses={201: FindingOut})
    @action(detail=True, methods=["post"])
    @idempotent
    def answer(self, request: Request, pk: UUID) -> Response:
        """Explain a finding, once and in time."""
        found = _one(self.get_queryset(), pk, _("There is no such finding."))
        answered = findings.answer(finding=found, text=_text(request), actor=actor_of(request), at=clock.now())
        return Response(FindingOut(answered).data, status=201)


class TipRate(AddressRate):
    """A few tips an hour from one address and web process: enough for a person, too few for a flood."""

    scope = "tips"


class TipView(APIView):
    """Where everyone may report misuse."""

    authentication_classes: Sequence[Any] = ()
    permission_classes = (AllowAny,)
    throttle_classes = (TipRate,)

    @extend_schema(request=SendTip, responses={201: TipOut})
    def post(self, request: Request) -> Response:
        """Report misuse of vouchers; nobody is asked who they are."""
        form = SendTip(data=request.data)
        form.is_valid(raise_exception=True)
        return Response({"id": tips.receive(at=clock.now(), **form.validated_data).pk}, status=201)


def _text(request: Request) -> str:
    form = AnswerNotice(data=request.data)
    form.is_valid(raise_exception=True)
    return str(form.validated_data["text"])


def _one(rows: QuerySet[Any], pk: UUID, missing: str) -> Any:
    found = rows.filter(pk=pk).first()
    if found is None:
        raise NotFound(missing)
    return found
