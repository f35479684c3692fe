"""Rounds that take applications, and whether a firm may apply in them."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.api.authentication import organization_of
from accounts.api.permissions import HasScope
from core import clock
from core.api.pagination import KeysetPagination
from core.api.serializers import StrictSerializer
from core.errors import NotFound
from vouchers.api.application_forms import PreCheckOut
from vouchers.models import Round, RoundStatus
from vouchers.models.application_round import METHODS
from vouchers.services.applications import prechecks, stating


class RoundOut(serializers.ModelSerializer[Round]):
    """A window of a programme and the procedure of its applications; amounts in fen."""

    programme_code = serializers.CharField(source="programme.code")
    programme_name = serializers.CharField(source="programme.name")
    authority_name = serializers.CharField(source="programme.authority.name")
    method = serializers.ChoiceField(choices=METHODS)

    class Meta:
        model = Round
        fields = [
            "id",
            "name",
            "status",
            "programme",
            "programme_code",
            "programme_name",
            "authority_name",
            "opens_at",
            "closes_at",
            "method",
            "budget_fen",
            "most_fen",
            "per_applicant",
            "once_per_contract",
            "required_evidence",
            "district_review",
            "reviewers",
            "panel_size",
            "supplement_days",
            "publicity_days",
            "appeal_days",
            "seed_commitment",
            "seed",
        ]
        read_only_fields = fields


class RoundEligibilityOut(serializers.Serializer[Any]):
    """Whether a firm may apply, and everything that speaks against it."""

    eligible = serializers.BooleanField()
    findings = PreCheckOut(many=True)


class AskRound(StrictSerializer):
    """What the firm states of itself."""

    facts = serializers.DictField(required=False, default=dict)


class RoundFilter(filters.FilterSet):
    """``?status=&programme=&open=true``."""

    status = filters.ChoiceFilter(choices=RoundStatus.choices)
    programme = filters.UUIDFilter("programme")
    open = filters.ChoiceFilter(choices=[("true", "true"), ("false", "false")], method="taking")

    class Meta:
        model = Round
        fields: list[str] = []

    @extend_schema_field(OpenApiTypes.BOOL)
    def taking(self, rows: Any, _name: str, value: str) -> Any:
        """Keep those that take applications now, or the others."""
        taking = Round.objects.taking(clock.now()).values("pk")
        return rows.filter(pk__in=taking) if value == "true" else rows.exclude(pk__in=taking)


class RoundViewSet(ReadOnlyModelViewSet[Round]):
    """Rounds in which programmes take applications, the latest first."""

    permission_classes = [HasScope]
    pagination_class = KeysetPagination
    ordering = ("-opens_at", "-pk")
    filterset_class = RoundFilter
    serializer_class = RoundOut
    queryset = Round.objects.none()
    lookup_value_converter = "uuid"
    required_scope = "orders"

    def get_queryset(self) -> QuerySet[Round]:
        return Round.objects.visible_to(organization_of(self.request)).select_related("programme__authority")

    @extend_schema(request=AskRound, responses=RoundEligibilityOut)
    @action(detail=True, methods=["post"])
    def eligibility(self, request: Request, pk: UUID) -> Response:
        """Tell whether the key's firm may apply by what it states, and what speaks against it; nothing is kept."""
        form = AskRound(data=request.data)
        form.is_valid(raise_exception=True)
        procedure = self.get_queryset().filter(pk=pk).first()
        if procedure is None:
            raise NotFound(_("There is no such round."))
        facts = stating.checked(form.validated_data["facts"])
        found = prechecks.of_applicant(
            procedure=procedure, applicant=organization_of(request), stated=facts, at=clock.now()
        )
        told = {"eligible": not any(one.bars for one in found), "findings": [one.as_json() for one in found]}
        return Response(RoundEligibilityOut(told).data)
