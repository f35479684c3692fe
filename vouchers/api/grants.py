"""Grants as their owner and their authority see them, what they would pay, and what they paid."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.api.authentication import actor_of, organization_of
from accounts.api.permissions import HasScope
from accounts.models import Organization
from core import clock
from core.api.pagination import KeysetPagination
from core.api.serializers import StrictSerializer
from core.errors import Forbidden, NotFound
from vouchers import explanations
from vouchers.models import Extension, Grant, GrantStatus, Redemption
from vouchers.rules import Cap, Quote, Refusal
from vouchers.services import idle, receipts, redemptions, reissues

MOST_FEN = 10**15
MOST_PROVIDERS = 200


class ExtensionOut(serializers.ModelSerializer[Extension]):
    """A grant that ended at ``was_at`` ends at ``until_at``, since ``decided_at``."""

    class Meta:
        model = Extension
        fields = ["was_at", "until_at", "reason", "decided_at"]
        read_only_fields = fields


class GrantList(serializers.ListSerializer[Any]):
    """Many grants, with one look at when they are taken back."""

    def to_representation(self, data: Any) -> Any:
        """Return all grants as ``GrantOut`` shows each."""
        rows = list(data)
        self.child.taken_back = idle.taken_back(rows)
        return super().to_representation(rows)


class GrantOut(serializers.ModelSerializer[Grant]):
    """A grant; amounts in fen. What is available may be held until ``expires_at``, as extended.

    Where ``days_from_first_use`` is a number, the first order that it pays for ends it after so many days, if sooner.
    It is taken back at ``taken_back_at`` unless it is used before; null while that clock does not run.
    """

    programme_code = serializers.CharField(source="programme.code")
    available_fen = serializers.SerializerMethodField()
    held_fen = serializers.SerializerMethodField()
    extensions = ExtensionOut(source="approved_extensions", many=True)
    taken_back_at = serializers.SerializerMethodField()

    class Meta:
        model = Grant
        list_serializer_class = GrantList
        fields = [
            "id",
            "status",
            "programme",
            "programme_code",
            "owner",
            "face_fen",
            "available_fen",
            "held_fen",
            "approved_at",
            "expires_at",
            "days_from_first_use",
            "extensions",
            "taken_back_at",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_taken_back_at(self, grant: Grant) -> str | None:
        """Return when the grant is taken back unless it is used before."""
        known: dict[UUID, datetime] | None = getattr(self, "taken_back", None)
        at = (idle.taken_back([grant]) if known is None else known).get(grant.pk)
        return serializers.DateTimeField().to_representation(at) if at else None

    def get_available_fen(self, grant: Grant) -> int:
        """Return what may still be held."""
        return grant.account.balance.available_fen if grant.account else 0

    def get_held_fen(self, grant: Grant) -> int:
        """Return what is set aside for orders."""
        return int(grant.account.balance.held_fen) if grant.account else 0


class RedemptionOut(serializers.ModelSerializer[Redemption]):
    """What was set aside for one piece of spending, with the explanation of the award."""

    class Meta:
        model = Redemption
        fields = [
            "id",
            "status",
            "reference",
            "eligible_fen",
            "amount_fen",
            "captured_fen",
            "refunded_fen",
            "held_at",
            "closed_at",
            "explanation",
        ]
        read_only_fields = fields


class AskQuote(StrictSerializer):
    """Spending to be paid in part by a voucher; with several acceptable providers all must be listed."""

    category = serializers.CharField(max_length=16)
    amount_fen = serializers.IntegerField(min_value=1, max_value=MOST_FEN)
    providers = serializers.ListField(
        child=serializers.UUIDField(), max_length=MOST_PROVIDERS, required=False, default=list
    )


class VoucherQuoteOut(serializers.Serializer[Quote]):
    """What a voucher would pay now; ``refused`` says why it pays nothing."""

    amount_fen = serializers.IntegerField()
    eligible_fen = serializers.IntegerField()
    binding_cap = serializers.ChoiceField(choices=[str(cap) for cap in Cap], allow_null=True)
    refused = serializers.ChoiceField(choices=[str(refusal) for refusal in Refusal], allow_null=True)
    explanation = serializers.SerializerMethodField()
    sentences = serializers.SerializerMethodField()

    def get_explanation(self, quote: Quote) -> dict[str, Any]:
        """Return the inputs and every step."""
        return quote.explanation()

    def get_sentences(self, quote: Quote) -> list[str]:
        """Return every step in the language of the request."""
        return explanations.sentences(quote.explanation())


class GiveUp(StrictSerializer):
    """Why a grant is given up."""

    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class AskReceipts(StrictSerializer):
    """Of which redemption, if not of the grant itself, and after which place of the log."""

    redemption = serializers.UUIDField(required=False, default=None)
    after = serializers.IntegerField(min_value=-1, max_value=MOST_FEN, default=-1)


class ReceiptOut(serializers.Serializer[Any]):
    """An entry of the transparency log with its proof, once a checkpoint covers it; at most 100 at a time."""

    origin = serializers.CharField()
    seq = serializers.IntegerField()
    payload = serializers.CharField()
    leaf_hash = serializers.CharField()
    logged_at = serializers.DateTimeField()
    checkpoint = serializers.CharField(allow_null=True)
    proof = serializers.ListField(child=serializers.CharField())
    opening = serializers.JSONField(required=False)


class GrantFilter(filters.FilterSet):
    """``?status=&programme=``."""

    status = filters.ChoiceFilter(choices=GrantStatus.choices)
    programme = filters.UUIDFilter("programme")

    class Meta:
        model = Grant
        fields: list[str] = []


class GrantViewSet(ReadOnlyModelViewSet[Grant]):
    """Grants of the key's organisation, or of its programmes, the latest first."""

    permission_classes = [HasScope]
    pagination_class = KeysetPagination
    ordering = ("-created_at", "-pk")
    filterset_class = GrantFilter
    serializer_class = GrantOut
    queryset = Grant.objects.none()
    lookup_value_converter = "uuid"
    required_scope = "orders"

    def get_queryset(self) -> QuerySet[Grant]:
        grants = Grant.objects.visible_to(self.request.auth.organization)
        extended = Prefetch("extensions", Extension.objects.approved().order_by("was_at"), "approved_extensions")
        return grants.select_related("programme", "account__balance").prefetch_related(extended)

    @extend_schema(request=AskQuote, responses=VoucherQuoteOut)
    @action(detail=True, methods=["post"])
    def quote(self, request: Request, pk: UUID) -> Response:
        """Tell what a grant would pay of some spending, and why, without any effect."""
        form = AskQuote(data=request.data)
        form.is_valid(raise_exception=True)
        quote = redemptions.quote(
            grant=self._one(pk),
            owner=request.auth.organization,
            category=form.validated_data["category"],
            providers=_providers(form.validated_data["providers"]),
            amount_fen=form.validated_data["amount_fen"],
            at=clock.now(),
        )
        return Response(VoucherQuoteOut(quote).data)

    @extend_schema(responses=RedemptionOut(many=True))
    @action(detail=True, filterset_class=None)
    def redemptions(self, request: Request, pk: UUID) -> Response:
        """List what was set aside from a grant and what was paid of it, the latest first."""
        rows: QuerySet[Any] = Redemption.objects.filter(grant=self._one(pk))
        return self.get_paginated_response(RedemptionOut(self.paginate_queryset(rows), many=True).data)

    @extend_schema(parameters=[AskReceipts], responses=ReceiptOut(many=True))
    @action(detail=True, filterset_class=None, pagination_class=None)
    def receipts(self, request: Request, pk: UUID) -> Response:
        """Return what the transparency log says of a grant, or of one of its redemptions, with proofs."""
        form = AskReceipts(data=request.query_params)
        form.is_valid(raise_exception=True)
        grant, asked = self._one(pk), form.validated_data
        if asked["redemption"] is None:
            return Response(receipts.of_grant(grant=grant, after=asked["after"]))
        redemption = Redemption.objects.filter(grant=grant, pk=asked["redemption"]).first()
        if redemption is None:
            raise NotFound(_("There is no such redemption."))
        return Response(receipts.of_redemption(redemption=redemption, after=asked["after"]))

    @extend_schema(request=GiveUp, responses=GrantOut)
    @action(detail=True, methods=["post"])
    def surrender(self, request: Request, pk: UUID) -> Response:
        """Give up what is left of a grant; it returns to the programme for good."""
        form = GiveUp(data=request.data)
        form.is_valid(raise_exception=True)
        grant = self._one(pk)
        if grant.owner_id != organization_of(request).pk:
            raise Forbidden(_("Only its owner gives a grant up."))
        reason = form.validated_data["reason"]
        reissues.surrender(grant=grant, reason=reason, actor=actor_of(request), at=clock.now())
        return Response(GrantOut(self._one(pk)).data)

    def _one(self, pk: UUID) -> Grant:
        grant = self.get_queryset().filter(pk=pk).first()
        if grant is None:
            raise NotFound(_("There is no such grant."))
        return grant


def _providers(ids: Sequence[UUID]) -> list[Organization]:
    providers = list(Organization.objects.providers().filter(pk__in=ids))
    if len(providers) != len(set(ids)):
        raise NotFound(_("There is no such provider."), fields={"providers": _("Not found.")})
    return providers
