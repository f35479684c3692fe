"""Offerings: everyone reads what is listed, a provider manages its own."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.api.authentication import actor_of
from accounts.api.idempotency import idempotent
from accounts.api.permissions import HasScope
from core import clock
from core.api.pagination import KeysetPagination
from core.api.serializers import InstantField, StrictSerializer
from core.errors import NotFound
from core.periods import Period
from market.models import Accelerator, Category, Offering, Site
from market.services import offerings
from market.services.orders import UnknownModel

MOST_CARDS = 100_000
MOST_MICRO = 10**12


class OfferingOut(serializers.ModelSerializer[Offering]):
    """An offering; its price is in micro-yuan per card-hour."""

    provider_name = serializers.CharField(source="provider.name")
    site = serializers.CharField(source="site.name")
    province = serializers.CharField(source="site.province")
    city = serializers.CharField(source="site.city")
    accelerator = serializers.SlugField(source="accelerator.code")
    domestic = serializers.BooleanField(source="accelerator.domestic")

    class Meta:
        model = Offering
        fields = [
            "id",
            "name",
            "status",
            "provider",
            "provider_name",
            "site",
            "province",
            "city",
            "accelerator",
            "domestic",
            "category",
            "count",
            "price_micro",
            "opens_at",
            "closes_at",
        ]
        read_only_fields = fields


class DraftOffering(StrictSerializer):
    """The terms of a new offering."""

    site = serializers.UUIDField()
    accelerator = serializers.SlugField(max_length=60)
    name = serializers.CharField(max_length=120)
    category = serializers.ChoiceField(choices=Category.choices)
    count = serializers.IntegerField(min_value=1, max_value=MOST_CARDS)
    price_micro = serializers.IntegerField(min_value=1, max_value=MOST_MICRO)
    opens_at = InstantField()
    closes_at = InstantField(required=False, allow_null=True, default=None)


class CloseHours(StrictSerializer):
    """How many cards remain on sale over a period: 0 closes it."""

    starts_at = InstantField()
    ends_at = InstantField()
    capacity = serializers.IntegerField(min_value=0, max_value=MOST_CARDS)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["ends_at"] <= attrs["starts_at"]:
            raise serializers.ValidationError({"ends_at": [_("The period ends before it begins.")]})
        return attrs


class OfferingFilter(filters.FilterSet):
    """``?model=&category=&city=&domestic=&max_price_micro=&min_cards=``."""

    model = filters.CharFilter("accelerator__code")
    category = filters.ChoiceFilter(choices=Category.choices)
    city = filters.CharFilter("site__city")
    domestic = filters.BooleanFilter("accelerator__domestic")
    max_price_micro = filters.NumberFilter("price_micro", "lte", min_value=0, max_value=MOST_MICRO)
    min_cards = filters.NumberFilter("count", "gte", min_value=0, max_value=MOST_CARDS)

    class Meta:
        model = Offering
        fields: list[str] = []


class OfferingViewSet(ReadOnlyModelViewSet[Offering]):
    """Offerings on sale, cheapest first, and the provider's own in every state."""

    permission_classes = [HasScope]
    pagination_class = KeysetPagination
    ordering = ("price_micro", "pk")
    filterset_class = OfferingFilter
    serializer_class = OfferingOut
    queryset = Offering.objects.none()
    lookup_value_converter = "uuid"
    required_scope = "offerings"

    def get_queryset(self) -> QuerySet[Offering]:
        return Offering.objects.visible_to(self.request.auth.organization).with_place()

    @extend_schema(request=DraftOffering, responses={201: OfferingOut})
    @idempotent
    def create(self, request: Request) -> Response:
        """Draft an offering; it is on sale once it is listed."""
        form = DraftOffering(data=request.data)
        form.is_valid(raise_exception=True)
        terms = dict(form.validated_data)
        offering = offerings.draft(
            provider=request.auth.organization,
            site=_site(request, terms.pop("site")),
            accelerator=_accelerator(terms.pop("accelerator")),
            actor=actor_of(request),
            at=clock.now(),
            **terms,
        )
        return Response(OfferingOut(offering).data, status=201)

    @extend_schema(request=None, responses=OfferingOut)
    @action(detail=True, methods=["post"], url_path="list")
    @idempotent
    def list_for_sale(self, request: Request, pk: UUID) -> Response:
        """Put an offering on sale."""
        offering = offerings.list_for_sale(offering=_own(request, pk), actor=actor_of(request), at=clock.now())
        return Response(OfferingOut(offering).data)

    @extend_schema(request=None, responses=OfferingOut)
    @action(detail=True, methods=["post"])
    @idempotent
    def pause(self, request: Request, pk: UUID) -> Response:
        """Take an offering off sale for a while."""
        offering = offerings.pause(offering=_own(request, pk), actor=actor_of(request), at=clock.now())
        return Response(OfferingOut(offering).data)

    @extend_schema(request=CloseHours, responses=OfferingOut)
    @action(detail=True, methods=["post"], url_path="close-hours")
    @idempotent
    def close_hours(self, request: Request, pk: UUID) -> Response:
        """Lower or raise the cards on sale over a period, never below what is reserved."""
        form = CloseHours(data=request.data)
        form.is_valid(raise_exception=True)
        offering = offerings.close_hours(
            offering=_own(request, pk),
            period=Period(form.validated_data["starts_at"], form.validated_data["ends_at"]),
            capacity=form.validated_data["capacity"],
            actor=actor_of(request),
            at=clock.now(),
        )
        return Response(OfferingOut(offering).data)


def _own(request: Request, pk: UUID) -> Offering:
    offering = Offering.objects.of_provider(request.auth.organization).filter(pk=pk).first()
    if offering is None:
        raise NotFound(_("There is no such offering."))
    return offering


def _site(request: Request, pk: UUID) -> Site:
    site = Site.objects.filter(provider=request.auth.organization, pk=pk).first()
    if site is None:
        raise NotFound(_("There is no such site."))
    return site


def _accelerator(code: str) -> Accelerator:
    accelerator = Accelerator.objects.filter(code=code).first()
    if accelerator is None:
        detail = _("No such model: %(codes)s.") % {"codes": code}
        raise UnknownModel(detail, fields={"accelerator": detail})
    return accelerator
