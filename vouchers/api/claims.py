"""Claims as their claimants and authorities see them, and what claimants do with theirs."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.api.authentication import actor_of
from accounts.api.idempotency import idempotent
from accounts.api.permissions import HasScope
from accounts.models import Organization
from core import clock, uploads
from core.api.pagination import KeysetPagination
from core.api.parsers import JSONParser
from core.errors import NotFound
from core.prefetching import in_order
from vouchers.api.claim_forms import (
    AskClaim,
    AskDispute,
    AskDocument,
    AskResubmission,
    AskSubmission,
    ClaimDetailOut,
    ClaimDocumentOut,
    ClaimFilter,
    ClaimLineOut,
    ClaimOut,
)
from vouchers.api.grants import AskReceipts, ReceiptOut
from vouchers.models import Claim, ClaimLine, EvidencePack, Grant, PackKind, Programme
from vouchers.services import receipts
from vouchers.services.claims import answers, evidence, spending, steps
from vouchers.services.claims.proofs import Invoice
from vouchers.services.claims.spending import Spending


class ClaimViewSet(ReadOnlyModelViewSet[Claim]):
    """Claims of the key's organisation, or on its programmes, the latest first."""

    permission_classes = [HasScope]
    pagination_class = KeysetPagination
    ordering = ("-created_at", "-pk")
    filterset_class = ClaimFilter
    queryset = Claim.objects.none()
    lookup_value_converter = "uuid"
    required_scope = "payments"
    parser_classes = [JSONParser]

    def get_serializer_class(self) -> Any:
        return ClaimDetailOut if self.action == "retrieve" else ClaimOut

    def get_queryset(self) -> QuerySet[Claim]:
        rows = Claim.objects.visible_to(self.request.auth.organization).with_names()
        return rows.prefetch_related(*in_order(Claim, "documents", "events")) if self.action == "retrieve" else rows

    @extend_schema(request=AskClaim, responses={201: ClaimOut})
    @idempotent
    def create(self, request: Request) -> Response:
        """Put a buyer's claim together; it waits to be submitted."""
        form = AskClaim(data=request.data)
        form.is_valid(raise_exception=True)
        asked, organization = form.validated_data, request.auth.organization
        claim = spending.put_together(
            programme=_programme(organization, asked["programme"]),
            claimant=organization,
            spendings=_spendings(asked["spendings"]),
            grant=_grant(organization, asked["grant"]),
            final=asked["final"],
            actor=actor_of(request),
            at=clock.now(),
        )
        return Response(ClaimOut(claim).data, status=201)

    @extend_schema(responses=ClaimLineOut(many=True))
    @action(detail=True, filterset_class=None, ordering=("number",))
    def lines(self, request: Request, pk: UUID) -> Response:
        """List the lines of a claim."""
        rows: QuerySet[Any] = ClaimLine.objects.filter(claim=self._one(pk)).select_related("buyer", "provider")
        return self.get_paginated_response(ClaimLineOut(self.paginate_queryset(rows), many=True).data)

    @extend_schema(request=AskSubmission, responses=ClaimOut)
    @action(detail=True, methods=["post"])
    @idempotent
    def submit(self, request: Request, pk: UUID) -> Response:
        """Hand a claim in, with its invoices and the letter of commitment."""
        form = AskSubmission(data=request.data)
        form.is_valid(raise_exception=True)
        claim = steps.submit(
            claim=self._one(pk),
            claimant=request.auth.organization,
            invoices=[Invoice(**named) for named in form.validated_data["invoices"]],
            committed=form.validated_data["committed"],
            actor=actor_of(request),
            at=clock.now(),
        )
        return Response(ClaimOut(claim).data)

    @extend_schema(request=None, responses=ClaimOut)
    @action(detail=True, methods=["post"])
    @idempotent
    def withdraw(self, request: Request, pk: UUID) -> Response:
        """Take a claim back that is still with its claimant."""
        claim = answers.withdraw(
            claim=self._one(pk), claimant=request.auth.organization, actor=actor_of(request), at=clock.now()
        )
        return Response(ClaimOut(claim).data)

    @extend_schema(request=AskResubmission, responses={201: ClaimOut})
    @action(detail=True, methods=["post"])
    @idempotent
    def resubmit(self, request: Request, pk: UUID) -> Response:
        """Hand refused lines in again; they make a new claim, which waits to be submitted."""
        form = AskResubmission(data=request.data)
        form.is_valid(raise_exception=True)
        made = answers.resubmit(
            claim=self._one(pk),
            claimant=request.auth.organization,
            actor=actor_of(request),
            at=clock.now(),
            **form.validated_data,
        )
        return Response(ClaimOut(made).data, status=201)

    @extend_schema(request=AskDispute, responses=ClaimLineOut)
    @action(detail=True, methods=["post"])
    @idempotent
    def dispute(self, request: Request, pk: UUID) -> Response:
        """Contest the refusal of a line."""
        form = AskDispute(data=request.data)
        form.is_valid(raise_exception=True)
        (made,) = answers.dispute(
            claim=self._one(pk),
            lines=[form.validated_data["line"]],
            claimant=request.auth.organization,
            answer=form.validated_data["answer"],
            actor=actor_of(request),
            at=clock.now(),
        )
        return Response(ClaimLineOut(made).data)

    @extend_schema(request={"multipart/form-data": AskDocument}, responses={201: ClaimDocumentOut})
    @action(detail=True, methods=["post"], parser_classes=[MultiPartParser])
    def documents(self, request: Request, pk: UUID) -> Response:
        """Hand a file in; the same file again is the same document."""
        form = AskDocument(data=request.data)
        form.is_valid(raise_exception=True)
        file = form.validated_data["file"]
        uploads.require_size(file.size)
        made = evidence.hand_in(
            claim=self._one(pk),
            claimant=request.auth.organization,
            kind=form.validated_data["kind"],
            name=file.name or "",
            content=file.read(),
            line=form.validated_data["line"],
            actor=actor_of(request),
            at=clock.now(),
        )
        return Response(ClaimDocumentOut(made).data, status=201)

    @extend_schema(
        parameters=[OpenApiParameter("kind", str, enum=PackKind.values, default=PackKind.PDF)],
        responses={(200, "application/pdf"): OpenApiTypes.BINARY},
    )
    @action(detail=True, filterset_class=None, pagination_class=None)
    def evidence(self, request: Request, pk: UUID) -> HttpResponse:
        """Download the evidence that the platform made for a claim, as PDF or JSON."""
        kind = request.query_params.get("kind", PackKind.PDF)
        packs = EvidencePack.objects.filter(claim=self._one(pk)).select_related("file")
        pack = packs.filter(kind=kind).first() if kind in PackKind.values else None
        if pack is None:
            raise NotFound(_("There is no such file."))
        return HttpResponse(bytes(pack.file.content), content_type=pack.file.media_type)

    @extend_schema(parameters=[AskReceipts], responses=ReceiptOut(many=True))
    @action(detail=True, filterset_class=None, pagination_class=None)
    def receipts(self, request: Request, pk: UUID) -> Response:
        """Return what the transparency log says of a claim, with proofs."""
        form = AskReceipts(data=request.query_params)
        form.is_valid(raise_exception=True)
        return Response(receipts.of_claim(claim=self._one(pk), after=form.validated_data["after"]))

    def _one(self, pk: UUID) -> Claim:
        claim = self.get_queryset().filter(pk=pk).first()
        if claim is None:
            raise NotFound(_("There is no such claim."))
        return claim


def _programme(organization: Organization, pk: UUID) -> Programme:
    found = Programme.objects.visible_to(organization).filter(pk=pk, published_at__isnull=False).first()
    if found is None:
        raise NotFound(_("There is no such programme."), fields={"programme": _("Not found.")})
    return found


def _grant(organization: Organization, pk: UUID | None) -> Grant | None:
    if pk is None:
        return None
    found = Grant.objects.of_owner(organization).filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no such grant."), fields={"grant": _("Not found.")})
    return found


def _spendings(asked: list[dict[str, Any]]) -> list[Spending]:
    providers = Organization.objects.providers().in_bulk({one["provider"] for one in asked})
    if any(one["provider"] not in providers for one in asked):
        raise NotFound(_("There is no such provider."), fields={"spendings": _("Not found.")})
    return [Spending(**(one | {"provider": providers[one["provider"]]})) for one in asked]
