"""Orders that wait for another person of their buyer, and the limit above which they do."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.api.authentication import actor_of, organization_of
from accounts.api.idempotency import idempotent
from accounts.api.permissions import HasScope
from accounts.models import OrganizationKind
from billing.models import ApprovalRequest, ApprovalStatus
from billing.services import approvals, spending_limits
from core import clock
from core.api.pagination import KeysetPagination
from core.api.parsers import JSONParser
from core.api.serializers import StrictSerializer


class Reject(StrictSerializer):
    """Why."""

    reason = serializers.CharField(max_length=500)


class SetLimit(StrictSerializer):
    """What one order may cost without a second person; null for no limit."""

    limit_fen = serializers.IntegerField(min_value=0, max_value=spending_limits.MOST_FEN, allow_null=True)


class LimitOut(serializers.Serializer[Any]):
    """What one order may cost without a second person; null for no limit."""

    limit_fen = serializers.IntegerField(allow_null=True)


class ApprovalOut(serializers.ModelSerializer[ApprovalRequest]):
    """An order that waits, or what became of it; ``order`` is there once it is approved.

    One for a quote or an award names it, and in ``choice`` what was chosen with it. One for an extension names the
    reservation; its ``demand`` are the hours to be added, its ``estimate_fen`` is what the order then costs in all, and
    its ``end_code`` says why it is over without a decision: the reservation is, or the automatic extension.
    """

    demand = serializers.JSONField(read_only=True)
    choice = serializers.JSONField(read_only=True)

    class Meta:
        model = ApprovalRequest
        fields = [
            "id",
            "status",
            "kind",
            "name",
            "demand",
            "quote",
            "rfq",
            "reservation",
            "choice",
            "grant",
            "estimate_fen",
            "limit_fen",
            "requested_by",
            "requested_at",
            "expires_at",
            "decided_by",
            "decided_at",
            "reason",
            "end_code",
            "order",
        ]
        read_only_fields = fields


def waits(request: ApprovalRequest) -> Response:
    """Answer that an order waits for approval."""
    return Response(ApprovalOut(request).data, status=202)


class ApprovalFilter(filters.FilterSet):
    """``?status=``."""

    status = filters.ChoiceFilter(choices=ApprovalStatus.choices)

    class Meta:
        model = ApprovalRequest
        fields: list[str] = []


class Approvals(ReadOnlyModelViewSet[ApprovalRequest]):
    """Orders of the key's organisation that wait for approval, or did, the latest first."""

    required_scope = "orders"
    required_kinds = (OrganizationKind.BUYER,)
    parser_classes = [JSONParser]
    permission_classes = [HasScope]
    pagination_class = KeysetPagination
    ordering = ("-requested_at", "-pk")
    filterset_class = ApprovalFilter
    serializer_class = ApprovalOut
    queryset = ApprovalRequest.objects.none()
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[ApprovalRequest]:
        return ApprovalRequest.objects.of_buyer(organization_of(self.request))

    @extend_schema(request=None, responses=ApprovalOut)
    @action(detail=True, methods=["post"])
    @idempotent
    def approve(self, request: Request, pk: UUID) -> Response:
        """Approve an order, as another person than the one who asked: it is placed at once."""
        approvals.approve(request=self.get_object(), actor=actor_of(request), at=clock.now())
        return self._answer()

    @extend_schema(request=Reject, responses=ApprovalOut)
    @action(detail=True, methods=["post"])
    @idempotent
    def reject(self, request: Request, pk: UUID) -> Response:
        """Reject an order, as another person than the one who asked, with a reason."""
        form = Reject(data=request.data)
        form.is_valid(raise_exception=True)
        approvals.reject(
            request=self.get_object(), actor=actor_of(request), at=clock.now(), reason=form.validated_data["reason"]
        )
        return self._answer()

    @extend_schema(request=None, responses=ApprovalOut)
    @action(detail=True, methods=["post"])
    @idempotent
    def withdraw(self, request: Request, pk: UUID) -> Response:
        """Take an order back before it is decided."""
        approvals.withdraw(request=self.get_object(), actor=actor_of(request), at=clock.now())
        return self._answer()

    def _answer(self) -> Response:
        return Response(ApprovalOut(self.get_object()).data)


class Limit(APIView):
    """The limit of the key's organisation for one order."""

    required_scope = "orders"
    required_kinds = (OrganizationKind.BUYER,)
    parser_classes = [JSONParser]
    permission_classes = [HasScope]

    @extend_schema(responses=LimitOut)
    def get(self, request: Request) -> Response:
        """Tell what one order may cost without a second person."""
        return Response({"limit_fen": spending_limits.of(organization_of(request))})

    @extend_schema(request=SetLimit, responses=LimitOut)
    def put(self, request: Request) -> Response:
        """Say, with a key that an owner made, what one order may cost without a second person."""
        form = SetLimit(data=request.data)
        form.is_valid(raise_exception=True)
        limit = spending_limits.set_limit(
            organization=organization_of(request),
            limit_fen=form.validated_data["limit_fen"],
            actor=actor_of(request),
            at=clock.now(),
        )
        return Response({"limit_fen": limit.limit_fen})
