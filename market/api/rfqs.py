"""Requests for quotations: buyers publish, providers ask and bid; awarding is billing's."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
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
from core.api.serializers import InstantField, StrictSerializer
from core.errors import NotFound
from market.models import Accelerator, Bid, Category, Offering, Rfq, RfqQuestion, RfqStatus, SealedBid
from market.services import bids, rfqs
from market.services.orders import UnknownModel
from market.services.rfqs import Wanted

MOST_CARDS = 100_000
MOST_HOURS = 24 * 120
MOST_MICRO = 10**12
MOST_FEN = 10**13


class PublishRfq(StrictSerializer):
    """What is asked for; without `invited` every provider may bid. The budget is shown to nobody else."""

    title = serializers.CharField(max_length=120)
    requirement = serializers.CharField(max_length=4000, required=False, allow_blank=True, default="")
    category = serializers.ChoiceField(choices=Category.choices)
    accelerators = serializers.ListField(
        child=serializers.SlugField(max_length=60), required=False, default=list, max_length=50
    )
    count = serializers.IntegerField(min_value=1, max_value=MOST_CARDS)
    hours = serializers.IntegerField(min_value=1, max_value=MOST_HOURS)
    start_min = InstantField()
    start_max = InstantField()
    bids_until = InstantField()
    budget_fen = serializers.IntegerField(
        min_value=1, max_value=MOST_FEN, required=False, allow_null=True, default=None
    )
    invited = serializers.ListField(child=serializers.UUIDField(), required=False, default=list, max_length=50)


class SubmitBid(StrictSerializer):
    """Cards of one of the provider's offerings, which need not be on sale, in micro-yuan per card-hour."""

    offering = serializers.UUIDField()
    price_micro = serializers.IntegerField(min_value=1, max_value=MOST_MICRO)
    count = serializers.IntegerField(min_value=1, max_value=MOST_CARDS)
    starts_at = InstantField()
    valid_until = InstantField()
    note = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")


class GiveReason(StrictSerializer):
    """Why; bidders will read it."""

    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class Say(StrictSerializer):
    """A question, or its answer."""

    text = serializers.CharField(max_length=2000)


class QuestionOut(serializers.ModelSerializer[RfqQuestion]):
    """A question without its asker, and its answer."""

    class Meta:
        model = RfqQuestion
        fields = ["id", "text", "asked_at", "answer", "answered_at"]
        read_only_fields = fields


class RfqOut(serializers.ModelSerializer[Rfq]):
    """A request; `bid_hashes` are the commitments of the bids that were opened, `budget_fen` is the buyer's only."""

    buyer_name = serializers.CharField(source="buyer.name")
    accelerators: Any = serializers.SlugRelatedField("code", many=True, read_only=True)
    budget_fen = serializers.SerializerMethodField()
    questions = QuestionOut(many=True)

    class Meta:
        model = Rfq
        fields = [
            "id",
            "status",
            "buyer",
            "buyer_name",
            "title",
            "requirement",
            "category",
            "accelerators",
            "count",
            "hours",
            "start_min",
            "start_max",
            "budget_fen",
            "open_to_all",
            "published_at",
            "bids_until",
            "opened_at",
            "bid_hashes",
            "closed_at",
            "reason",
            "questions",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_budget_fen(self, rfq: Rfq) -> int | None:
        """Return the budget to who set it."""
        return rfq.budget_fen if rfq.buyer_id == organization_of(self.context["request"]).pk else None


class EnvelopeOut(serializers.ModelSerializer[SealedBid]):
    """The receipt of a sealed bid: it says when, and commits to what."""

    class Meta:
        model = SealedBid
        fields = ["id", "version", "sha256", "submitted_at"]
        read_only_fields = fields


class OwnBidOut(serializers.Serializer[Any]):
    """What a provider has bid, with its receipt and the salt that the commitment needs."""

    receipt = EnvelopeOut()
    offering = serializers.UUIDField()
    price_micro = serializers.IntegerField()
    count = serializers.IntegerField()
    starts_at = serializers.CharField()
    valid_until = serializers.CharField()
    note = serializers.CharField(allow_blank=True)
    salt = serializers.CharField()


class BidOut(serializers.ModelSerializer[Bid]):
    """A bid that was opened; `awarded` says whether it won."""

    provider_name = serializers.CharField(source="provider.name")
    accelerator = serializers.CharField(source="offering.accelerator.code")
    sha256 = serializers.CharField(source="envelope.sha256")
    awarded = serializers.SerializerMethodField()

    class Meta:
        model = Bid
        fields = [
            "id",
            "provider",
            "provider_name",
            "offering",
            "accelerator",
            "price_micro",
            "count",
            "starts_at",
            "valid_until",
            "note",
            "salt",
            "sha256",
            "awarded",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.BooleanField())
    def get_awarded(self, bid: Bid) -> bool:
        """Tell whether the bid won."""
        return hasattr(bid, "award")


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
        return seen.select_related("buyer").prefetch_related("accelerators", "questions")

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
