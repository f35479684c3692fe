"""Price plans: a provider publishes its own, everyone reads them and asks what the hours of an order would cost."""

from typing import Any
from uuid import UUID

import msgspec
from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import actor_of
from accounts.api.idempotency import idempotent
from accounts.api.permissions import HasScope
from core import clock
from core.api.pagination import KeysetPagination
from core.api.serializers import InstantField, StrictSerializer
from core.periods import HOUR
from market import pricing
from market.api.offerings import MOST_CARDS, own_offering, visible_offering
from market.models import PricePlan, Tariff
from market.pricing import HOURS_OF_DAY, MOST_DISCOUNT_BP, MOST_MICRO, Plan
from market.services import price_lists, prices
from market.services.orders import HORIZON

MOST_STEPS = 20
MOST_HOURS = HORIZON // HOUR


class BandTerms(StrictSerializer):
    """Hours of the day in Shanghai with a price of their own; one that begins later than it ends is a night's."""

    from_hour = serializers.IntegerField(min_value=0, max_value=HOURS_OF_DAY - 1)
    to_hour = serializers.IntegerField(min_value=0, max_value=HOURS_OF_DAY)
    price_micro = serializers.IntegerField(min_value=1, max_value=MOST_MICRO)


class StepTerms(StrictSerializer):
    """A discount in basis points from so many hours or cards on."""

    at_least = serializers.IntegerField(min_value=1, max_value=MOST_CARDS)
    discount_bp = serializers.IntegerField(min_value=1, max_value=MOST_DISCOUNT_BP)


class ElectricityTerms(StrictSerializer):
    """How a published tariff moves the price, and the collar that it stays in."""

    tariff = serializers.SlugField(max_length=40)
    share_bp = serializers.IntegerField(min_value=1, max_value=10_000)
    watts = serializers.IntegerField(min_value=1, max_value=100_000)
    pue_bp = serializers.IntegerField(min_value=10_000, max_value=50_000)
    reference_micro = serializers.IntegerField(min_value=0, max_value=MOST_MICRO)
    lowest_micro = serializers.IntegerField(min_value=1, max_value=MOST_MICRO)
    highest_micro = serializers.IntegerField(min_value=1, max_value=MOST_MICRO)


class PlanTerms(StrictSerializer):
    """The terms of a price plan; all prices are micro-yuan per card-hour."""

    base_micro = serializers.IntegerField(min_value=1, max_value=MOST_MICRO)
    bands = serializers.ListField(child=BandTerms(), required=False, max_length=HOURS_OF_DAY)
    electricity = ElectricityTerms(required=False, allow_null=True)
    terms = serializers.ListField(child=StepTerms(), required=False, max_length=MOST_STEPS)
    volumes = serializers.ListField(child=StepTerms(), required=False, max_length=MOST_STEPS)


class PublishPlan(StrictSerializer):
    """A price plan and the full hour from which it counts."""

    starts_at = InstantField()
    plan = PlanTerms()


class PlanOut(serializers.ModelSerializer[PricePlan]):
    """A published plan."""

    plan = PlanTerms(source="terms")

    class Meta:
        model = PricePlan
        fields = ["id", "starts_at", "published_at", "plan"]
        read_only_fields = fields


class TariffOut(serializers.ModelSerializer[Tariff]):
    """What a kWh costs in each hour of the day in Shanghai, in micro-yuan, from an instant on."""

    hourly_micro = serializers.ListField(child=serializers.IntegerField(), read_only=True)

    class Meta:
        model = Tariff
        fields = ["id", "code", "starts_at", "hourly_micro", "source"]
        read_only_fields = fields


class PriceWish(StrictSerializer):
    """The order whose hours are to be priced."""

    starts_at = InstantField()
    hours = serializers.IntegerField(min_value=1, max_value=MOST_HOURS)
    count = serializers.IntegerField(min_value=1, max_value=MOST_CARDS)


class PriceOut(serializers.Serializer[Any]):
    """The price of a card in every hour, in micro-yuan, and what the order costs in fen when all of it is used."""

    hourly_micro = serializers.ListField(child=serializers.IntegerField())
    average_micro = serializers.IntegerField()
    total_fen = serializers.IntegerField()


class PricePlans(ListAPIView[PricePlan]):
    """The plans of an offering, the latest first; POST publishes one."""

    permission_classes = [HasScope]
    required_scope = "offerings"
    pagination_class = KeysetPagination
    ordering = ("-starts_at",)
    filter_backends: list[Any] = []
    serializer_class = PlanOut
    queryset = PricePlan.objects.none()

    def get_queryset(self) -> QuerySet[PricePlan]:
        return PricePlan.objects.filter(offering=visible_offering(self.request, self.kwargs["offering_id"]))

    @extend_schema(request=PublishPlan, responses={201: PlanOut})
    @idempotent
    def post(self, request: Request, offering_id: UUID) -> Response:
        """Publish a price plan for a full hour to come; reservations keep the prices that they were agreed at.

        An offering on sale goes back to review if the plan is far from what the operator reviewed.
        """
        form = PublishPlan(data=request.data)
        form.is_valid(raise_exception=True)
        published = prices.publish(
            offering=own_offering(request, offering_id),
            plan=msgspec.convert(form.validated_data["plan"], Plan),
            starts_at=form.validated_data["starts_at"],
            actor=actor_of(request),
            at=clock.now(),
        )
        return Response(PlanOut(published).data, status=201)


class Price(APIView):
    """What the hours of an order would cost."""

    permission_classes = [HasScope]

    @extend_schema(parameters=[PriceWish], responses=PriceOut)
    def get(self, request: Request, offering_id: UUID) -> HttpResponse:
        """Price an order at an offering by the plans and tariffs that are published now."""
        wish = PriceWish(data=request.query_params.dict())
        wish.is_valid(raise_exception=True)
        offering = visible_offering(request, offering_id)
        hourly = price_lists.load([offering]).hourly(offering, **wish.validated_data)
        total_fen = pricing.total_fen(hourly, count=wish.validated_data["count"])
        answer = {
            "hourly_micro": list(hourly),
            "average_micro": pricing.average_micro(hourly),
            "total_fen": total_fen,
        }
        return Response(PriceOut(answer).data)


class Tariffs(ListAPIView[Tariff]):
    """The published electricity tariffs, the latest first."""

    permission_classes = [HasScope]
    pagination_class = KeysetPagination
    ordering = ("-starts_at", "pk")
    filter_backends: list[Any] = []
    serializer_class = TariffOut
    queryset = Tariff.objects.all()
