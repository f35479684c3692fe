"""Requests for quotations: buyers publish, providers ask and bid; awarding is billing's."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.api.authentication import actor_of, organization_of
from accounts.api.idempotency import idempotent
from accounts.api.permissions import HasScope
from accounts.models import Organization, Scope
from core import clock
from core.api.pagination import KeysetPagination
from core.api.parsers import JSONParser
from core.api.serializers import StrictSerializer
from core.errors import NotFound
from core.prefetching import in_order
from market.api.rfq_serializers import (
    BidOut,
    EnvelopeOut,
    GiveReason,
    OwnBidOut,
    PublishRfq,
    QuestionOut,
    RfqOut,
    Say,
    SubmitBid,
    UnreadableBidOut,
)
from market.models import Accelerator, Bid, Offering, Rfq, RfqQuestion, RfqStatus, UnreadableBid
from market.services import bids, rfqs
from market.services.orders import UnknownModel
from market.services.rfqs import Wanted


class RfqFilter(filters.FilterSet):
    """``?status=``."""

    status = filters.ChoiceFilter(choices=RfqStatus.choices)

    class Meta:
        model = Rfq
        fields: list[str] = []


class RfqViewSet(ReadOnlyModelViewSet[Rfq]):
    """Requests that the key's organisation has published, or may bid on, the latest first."""

    permission_classes = [HasScope]
    pagination_class = KeysetPagination
    parser_classes = [JSONParser]
    ordering = ("-published_at", "-pk")
    filterset_class = RfqFilter
    serializer_class = RfqOut
    queryset = Rfq.objects.none()
    lookup_value_converter = "uuid"

    @property
    def required_scope(self) -> str:
        """Return the scope of the verb: bidding belongs to offerings, the rest to orders."""
        return Scope.OFFERINGS if self.action in ("bid", "withdraw", "ask") else Scope.ORDERS

    def get_queryset(self) -> QuerySet[Rfq]:
        seen = Rfq.objects.visible_to(self.request.auth.organization)
        return seen.select_related("buyer").prefetch_related(*in_order(Rfq, "accelerators", "questions"))

    @extend_schema(request=PublishRfq, responses={201: RfqOut})
    @idempotent
    def create(self, request: Request) -> Response:
        """Ask for quotations."""
        given = _given(PublishRfq, request)
        given["accelerators"] = _accelerators(given["accelerators"])
        given["invited"] = _providers(given["invited"])
        rfq = rfqs.publish(
            buyer=organization_of(request), wanted=Wanted(**given), actor=actor_of(request), at=clock.now()
        )
        return self._answer(rfq, status=201)

    @extend_schema(request=GiveReason, responses=RfqOut)
    @action(detail=True, methods=["post"])
    @idempotent
    def cancel(self, request: Request, pk: UUID) -> Response:
        """Cancel a request whose bids are sealed still."""
        rfq = _mine(request, pk)
        rfqs.cancel(rfq=rfq, actor=actor_of(request), at=clock.now(), **_given(GiveReason, request))
        return self._answer(rfq)

    @extend_schema(request=GiveReason, responses=RfqOut)
    @action(detail=True, methods=["post"])
    @idempotent
    def decline(self, request: Request, pk: UUID) -> Response:
        """Award nothing, and say why."""
        rfq = _mine(request, pk)
        rfqs.decline(rfq=rfq, actor=actor_of(request), at=clock.now(), **_given(GiveReason, request))
        return self._answer(rfq)

    @extend_schema(request=Say, responses={201: QuestionOut})
    @action(detail=True, methods=["post"], url_path="questions")
    @idempotent
    def ask(self, request: Request, pk: UUID) -> Response:
        """Ask the buyer something, for all bidders to read."""
        asker = organization_of(request)
        question = rfqs.ask(
            rfq=self.get_object(), asker=asker, actor=actor_of(request), at=clock.now(), **_given(Say, request)
        )
        return Response(QuestionOut(question).data, status=201)

    @extend_schema(request=Say, responses=QuestionOut)
    @action(detail=True, methods=["post"], url_path="questions/<uuid:question_id>/answer")
    @idempotent
    def answer(self, request: Request, pk: UUID, question_id: UUID) -> Response:
        """Answer a question."""
        question = RfqQuestion.objects.filter(rfq=_mine(request, pk), pk=question_id).first()
        if question is None:
            raise NotFound(_("There is no such question."))
        answered = rfqs.answer(question=question, actor=actor_of(request), at=clock.now(), **_given(Say, request))
        return Response(QuestionOut(answered).data)

    @extend_schema(request=SubmitBid, responses={201: EnvelopeOut})
    @action(detail=True, methods=["post"])
    @idempotent
    def bid(self, request: Request, pk: UUID) -> Response:
        """Seal a bid; it replaces an earlier one. The answer is a receipt, and no copy of the bid is kept."""
        provider = organization_of(request)
        given = _given(SubmitBid, request)
        offering = Offering.objects.of_provider(provider).filter(pk=given.pop("offering")).first()
        if offering is None:
            raise NotFound(_("There is no such offering."), fields={"offering": _("Not found.")})
        envelope = bids.submit(
            rfq=self.get_object(),
            provider=provider,
            terms=bids.Terms(offering=offering, **given),
            actor=actor_of(request),
            at=clock.now(),
        )
        return Response(EnvelopeOut(envelope).data, status=201)

    @extend_schema(request=None, responses=EnvelopeOut)
    @action(detail=True, methods=["post"], url_path="bid/withdraw")
    @idempotent
    def withdraw(self, request: Request, pk: UUID) -> Response:
        """Take the bid back."""
        envelope = bids.withdraw(
            rfq=self.get_object(), provider=organization_of(request), actor=actor_of(request), at=clock.now()
        )
        return Response(EnvelopeOut(envelope).data)

    @extend_schema(responses=OwnBidOut)
    @action(detail=True, methods=["get"], url_path="own-bid")
    def own_bid(self, request: Request, pk: UUID) -> Response:
        """Return what the key's organisation has bid itself."""
        rfq, provider = self.get_object(), organization_of(request)
        terms = bids.own(rfq, provider)
        if terms is None:
            raise NotFound(_("There is no bid of yours."))
        return Response(OwnBidOut({"receipt": bids.own_envelope(rfq, provider), **terms}).data)

    @extend_schema(responses=BidOut(many=True))
    @action(detail=True, methods=["get"], pagination_class=None, filterset_class=None)
    def bids(self, request: Request, pk: UUID) -> Response:
        """Return the bids that were opened, the cheapest first: all to the buyer, its own to a provider."""
        rows = Bid.objects.visible_to(organization_of(request)).filter(rfq=self.get_object())
        return Response(BidOut(rows.for_comparison(), many=True).data)

    @extend_schema(responses=UnreadableBidOut(many=True))
    @action(detail=True, methods=["get"], url_path="unreadable-bids", pagination_class=None, filterset_class=None)
    def unreadable_bids(self, request: Request, pk: UUID) -> Response:
        """Return the bids that could not be read and cannot win: all to the buyer, its own to a provider."""
        rows = UnreadableBid.objects.visible_to(organization_of(request)).of(self.get_object())
        return Response(UnreadableBidOut(rows, many=True).data)

    def _answer(self, rfq: Rfq, *, status: int = 200) -> Response:
        return Response(RfqOut(self.get_queryset().get(pk=rfq.pk), context={"request": self.request}).data, status)


def _given(form: type[StrictSerializer], request: Request) -> dict[str, Any]:
    given = form(data=request.data)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)


def _mine(request: Request, pk: UUID) -> Rfq:
    rfq = Rfq.objects.of_buyer(organization_of(request)).filter(pk=pk).first()
    if rfq is None:
        raise NotFound(_("There is no such request."))
    return rfq


def _accelerators(codes: list[str]) -> tuple[Accelerator, ...]:
    found = tuple(Accelerator.objects.filter(code__in=codes).order_by("code"))
    unknown = sorted(set(codes) - {one.code for one in found})
    if unknown:
        detail = _("No such model: %(codes)s.") % {"codes": ", ".join(unknown)}
        raise UnknownModel(detail, fields={"accelerators": detail})
    return found


def _providers(ids: list[UUID]) -> tuple[Organization, ...]:
    found = tuple(Organization.objects.providers().filter(pk__in=ids).order_by("pk"))
    if len(found) != len(set(ids)):
        raise NotFound(_("There is no such provider."), fields={"invited": _("Not found.")})
    return found
