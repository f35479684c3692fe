"""Programmes as everyone may read them; an authority also sees its drafts."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.api.permissions import HasScope
from core import clock
from core.api.pagination import KeysetPagination
from core.errors import NotFound
from core.prefetching import in_order
from vouchers.api import trial
from vouchers.api.trial import AskEligibility, AskTrial, EligibilityOut, TrialOut, VersionOut
from vouchers.models import Programme, ProgrammeStatus, ProgrammeVersion
from vouchers.parameters import codec


class ProgrammeOut(serializers.ModelSerializer[Programme]):
    """A programme's rules; amounts in fen, the ratio in basis points."""

    authority_name = serializers.CharField(source="authority.name")

    class Meta:
        model = Programme
        fields = [
            "id",
            "code",
            "name",
            "status",
            "mode",
            "version",
            "authority",
            "authority_name",
            "ratio_bp",
            "entity_year_cap_fen",
            "order_cap_fen",
            "min_award_fen",
            "min_grant_fen",
            "round_unit_fen",
            "partial_when_short",
            "validity_days",
            "grace_days",
            "eligible_categories",
            "open_registry",
            "providers",
            "opens_on",
            "closes_on",
            "source",
        ]
        read_only_fields = fields


class ProgrammeFilter(filters.FilterSet):
    """``?status=&code=``."""

    status = filters.ChoiceFilter(choices=ProgrammeStatus.choices)
    code = filters.CharFilter("code")

    class Meta:
        model = Programme
        fields: list[str] = []


class ProgrammeViewSet(ReadOnlyModelViewSet[Programme]):
    """Programmes, the latest first. Nothing here changes anything, so that whoever may read may also ask."""

    permission_classes = [HasScope]
    required_scope = "read"
    pagination_class = KeysetPagination
    ordering = ("-created_at", "-pk")
    filterset_class = ProgrammeFilter
    serializer_class = ProgrammeOut
    queryset = Programme.objects.none()
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Programme]:
        programmes = Programme.objects.visible_to(self.request.auth.organization).defer("parameters")
        return programmes.select_related("authority").prefetch_related(*in_order(Programme, "providers"))

    @extend_schema(responses=OpenApiTypes.OBJECT)
    @action(
        detail=False,
        url_path="schema",
        filterset_class=None,
        pagination_class=None,
        authentication_classes=[],
        permission_classes=[],
    )
    def parameter_schema(self, request: Request) -> Response:
        """Return the JSON schema of a programme's parameters: for everyone, as the forms of the desk link to it."""
        return Response(codec.schema())

    @extend_schema(responses=OpenApiTypes.OBJECT)
    @action(detail=True, filterset_class=None, pagination_class=None)
    def parameters(self, request: Request, pk: UUID) -> Response:
        """Return every parameter of a programme, as it can be imported elsewhere."""
        return Response(codec.dump(self._one(pk).parameters))

    @extend_schema(responses=VersionOut(many=True))
    @action(detail=True, filterset_class=None, ordering=("-pk",))
    def versions(self, request: Request, pk: UUID) -> Response:
        """List the versions of a programme, the latest first; its authority also sees what is drafted."""
        mine = ProgrammeVersion.objects.visible_to(request.auth.organization).select_related("supersedes")
        rows: QuerySet[Any] = mine.filter(programme=self._one(pk))
        return self.get_paginated_response(VersionOut(self.paginate_queryset(rows), many=True).data)

    @extend_schema(request=AskTrial, responses=TrialOut)
    @action(detail=True, methods=["post"], filterset_class=None, pagination_class=None)
    def quote(self, request: Request, pk: UUID) -> Response:
        """Tell what a programme would pay of a case, and why, without any effect."""
        return Response(TrialOut(trial.quote(self._one(pk), request.data, at=clock.now())).data)

    @extend_schema(request=AskEligibility, responses=EligibilityOut)
    @action(detail=True, methods=["post"], filterset_class=None, pagination_class=None)
    def eligibility(self, request: Request, pk: UUID) -> Response:
        """Tell whether an applicant with these facts meets a programme's conditions."""
        return Response(EligibilityOut(trial.examine(self._one(pk), request.data)).data)

    def _one(self, pk: UUID) -> Programme:
        programme = Programme.objects.visible_to(self.request.auth.organization).filter(pk=pk).first()
        if programme is None:
            raise NotFound(_("There is no such programme."))
        return programme
