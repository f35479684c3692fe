"""Downtimes with the provider's answers, reviews with theirs, and what is known of an offering."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet, ReadOnlyModelViewSet

from accounts.api.authentication import actor_of
from accounts.api.idempotency import idempotent
from accounts.api.permissions import HasScope
from accounts.models import OrganizationKind
from core import clock
from core.api.pagination import KeysetPagination
from core.api.serializers import StrictSerializer
from core.errors import NotFound
from market.api.offerings import OfferingOut, own_offering
from market.models import Downtime, Handover, Offering, Reputation, Review
from market.selectors import standing
from market.services import downtimes, offerings, reviews


class DowntimeOut(serializers.ModelSerializer[Downtime]):
    """A part of a reservation in which its cards could not be used, as one of the parties says."""

    class Meta:
        model = Downtime
        fields = [
            "id",
            "reservation",
            "status",
            "starts_at",
            "ends_at",
            "code",
            "detail",
            "reported_by",
            "reported_at",
            "answer",
            "answered_at",
            "decision",
            "decided_at",
        ]
        read_only_fields = fields


class ReviewOut(serializers.ModelSerializer[Review]):
    """What a buyer said of a reservation that it used."""

    class Meta:
        model = Review
        fields = ["id", "offering", "stars", "text", "written_at", "answer", "answered_at"]
        read_only_fields = fields


class ReputationOut(serializers.ModelSerializer[Reputation]):
    """How a provider kept its word over 90 days; ``reliability_bp`` is null where there is too little to say."""

    reliability_bp = serializers.IntegerField(allow_null=True)
    mean_start_delay_seconds = serializers.IntegerField(allow_null=True)

    class Meta:
        model = Reputation
        fields = [
            "provider",
            "offering",
            "as_of",
            "observations",
            "reliability_bp",
            "promised_ms",
            "delivered_ms",
            "mean_start_delay_seconds",
            "interruptions",
            "failures",
            "disputes_upheld",
        ]
        read_only_fields = fields


class Contest(StrictSerializer):
    """Why it was not so."""

    answer = serializers.CharField(max_length=500)


class AnswerReview(StrictSerializer):
    """The provider's words."""

    text = serializers.CharField(max_length=2000)


class DowntimeViewSet(ReadOnlyModelViewSet[Downtime]):
    """Downtimes of the organisation's reservations, the latest first; their provider answers."""

    permission_classes = [HasScope]
    required_scope = "usage"
    pagination_class = KeysetPagination
    ordering = ("-reported_at", "-pk")
    filter_backends: list[Any] = []
    serializer_class = DowntimeOut
    queryset = Downtime.objects.none()
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Downtime]:
        return Downtime.objects.visible_to(self.request.auth.organization).select_related("reservation")

    @extend_schema(request=None, responses=DowntimeOut)
    @action(detail=True, methods=["post"])
    @idempotent
    def accept(self, request: Request, pk: UUID) -> Response:
        """Accept, as the provider, what the buyer says."""
        downtime = downtimes.accept(downtime=self.get_object(), actor=actor_of(request), at=clock.now())
        return Response(DowntimeOut(downtime).data)

    @extend_schema(request=Contest, responses=DowntimeOut)
    @action(detail=True, methods=["post"])
    @idempotent
    def contest(self, request: Request, pk: UUID) -> Response:
        """Say, as the provider, why it was not so: the operator decides."""
        form = Contest(data=request.data)
        form.is_valid(raise_exception=True)
        actor = actor_of(request)
        downtime = downtimes.contest(
            downtime=self.get_object(), actor=actor, at=clock.now(), answer=form.validated_data["answer"]
        )
        return Response(DowntimeOut(downtime).data)


class ReviewViewSet(GenericViewSet[Review]):
    """Answers to reviews."""

    permission_classes = [HasScope]
    required_scope = "offerings"
    required_kinds = (OrganizationKind.PROVIDER,)
    serializer_class = ReviewOut
    queryset = Review.objects.none()
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Review]:
        return Review.objects.filter(provider=self.request.auth.organization)

    @extend_schema(request=AnswerReview, responses=ReviewOut)
    @action(detail=True, methods=["post"])
    @idempotent
    def answer(self, request: Request, pk: UUID) -> Response:
        """Answer a review, as the provider, once."""
        form = AnswerReview(data=request.data)
        form.is_valid(raise_exception=True)
        review = reviews.answer(
            review=self.get_object(), actor=actor_of(request), at=clock.now(), text=form.validated_data["text"]
        )
        return Response(ReviewOut(review).data)


class SetHandover(StrictSerializer):
    """How the provider says that the cards can be used."""

    handover = serializers.ChoiceField(choices=Handover.choices)


class OfferingHandover(APIView):
    """How the cards of an offering are handed over."""

    permission_classes = [HasScope]
    required_scope = "offerings"

    @extend_schema(request=SetHandover, responses=OfferingOut)
    @idempotent
    def post(self, request: Request, offering_id: UUID) -> Response:
        """Say how the cards of reservations to come are handed over."""
        form = SetHandover(data=request.data)
        form.is_valid(raise_exception=True)
        offering = offerings.set_handover(
            offering=own_offering(request, offering_id), actor=actor_of(request), at=clock.now(), **form.validated_data
        )
        return Response(OfferingOut(offering).data)


class OfferingReviews(ListAPIView[Review]):
    """Reviews of an offering, the latest first."""

    permission_classes = [HasScope]
    pagination_class = KeysetPagination
    ordering = ("-written_at", "-pk")
    filter_backends: list[Any] = []
    serializer_class = ReviewOut
    queryset = Review.objects.none()

    def get_queryset(self) -> QuerySet[Review]:
        return standing.reviews(_offering(self.request, self.kwargs["offering_id"]))


class OfferingReputation(APIView):
    """How the provider of an offering kept its word."""

    permission_classes = [HasScope]

    @extend_schema(responses=ReputationOut)
    def get(self, request: Request, offering_id: UUID) -> Response:
        """Return the latest record that the offering stands on, its own or its provider's."""
        found = standing.of_offering(_offering(request, offering_id))
        if found is None:
            raise NotFound(_("Nothing is known yet."))
        return Response(ReputationOut(found).data)


def _offering(request: Request, pk: UUID) -> Offering:
    offering = Offering.objects.visible_to(request.auth.organization).filter(pk=pk).first()
    if offering is None:
        raise NotFound(_("There is no such offering."))
    return offering
