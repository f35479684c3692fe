"""Programmes as everyone may read them; an authority also sees its drafts."""

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from rest_framework import serializers
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.api.permissions import HasScope
from core.api.pagination import KeysetPagination
from vouchers.models import Programme, ProgrammeStatus


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
    """Programmes, the latest first."""

    permission_classes = [HasScope]
    pagination_class = KeysetPagination
    ordering = ("-created_at", "-pk")
    filterset_class = ProgrammeFilter
    serializer_class = ProgrammeOut
    queryset = Programme.objects.none()
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Programme]:
        programmes = Programme.objects.visible_to(self.request.auth.organization)
        return programmes.select_related("authority").prefetch_related("providers")
