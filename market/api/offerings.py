"""Offerings: everyone reads what is listed, a provider manages its own."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
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
from core.periods import date_of
from market.models import Accelerator, Category, MeasureStatus, Offering, Scenario, Site
from market.models.offering import MOST_NOTICE_HOURS, MOST_PROVISIONING_MINUTES, OfferingQuerySet
from market.query import MOST_CHARACTERS
from market.selectors import facets, measures, search
from market.selectors.search import SORTS, Wish
from market.services import offerings, revisions
from market.services.offerings import Lot
from market.services.orders import UnknownModel

MOST_CARDS = 100_000
MOST_MICRO = 10**12
PLACE = ("limit", "cursor")
ENTRIES = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"value": {"type": "string"}, "title": {"type": "string"}, "count": {"type": "integer"}},
    },
}


class OfferingOut(serializers.ModelSerializer[Offering]):
    """An offering; its prices are in micro-yuan per card-hour and per standard card-hour of its scenario.

    ``price_sch_micro`` is null where ``sch_status`` says that the cards are not comparable or lack the precision.
    """

    provider_name = serializers.CharField(source="provider.name")
    site = serializers.CharField(source="site.name")
    province = serializers.CharField(source="site.province")
    city = serializers.CharField(source="site.city")
    accelerator = serializers.SlugField(source="accelerator.code")
    domestic = serializers.BooleanField(source="accelerator.domestic")
    scenario = serializers.SerializerMethodField()
    sch_status = serializers.SerializerMethodField()
    price_sch_micro = serializers.SerializerMethodField()

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
            "scenario",
            "sch_status",
            "price_sch_micro",
            "opens_at",
            "closes_at",
            "handover",
            "reliability_bp",
            "min_count",
            "step_count",
            "max_count",
            "max_hours",
            "notice_hours",
            "provisioning_minutes",
            "floor_micro",
            "reclaim_minutes",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=Scenario.choices))
    def get_scenario(self, offering: Offering) -> str:
        """Return the scenario in which the cards are compared."""
        return measures.standing(offering).scenario.value

    @extend_schema_field(serializers.ChoiceField(choices=MeasureStatus.choices))
    def get_sch_status(self, offering: Offering) -> str:
        """Return how sure the price per standard card-hour is."""
        return measures.standing(offering).status.value

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_price_sch_micro(self, offering: Offering) -> int | None:
        """Return the price per standard card-hour, if there is one."""
        return measures.standing(offering).price_micro


class LotFields(StrictSerializer):
    """What one order may take: from ``min_count`` in steps up to ``max_count`` cards, for at most ``max_hours``."""

    min_count = serializers.IntegerField(required=False, min_value=1, max_value=MOST_CARDS)
    step_count = serializers.IntegerField(required=False, min_value=1, max_value=MOST_CARDS)
    max_count = serializers.IntegerField(required=False, min_value=1, max_value=MOST_CARDS, allow_null=True)
    max_hours = serializers.IntegerField(required=False, min_value=1, max_value=MOST_CARDS, allow_null=True)
    notice_hours = serializers.IntegerField(required=False, min_value=0, max_value=MOST_NOTICE_HOURS)
    provisioning_minutes = serializers.IntegerField(required=False, min_value=0, max_value=MOST_PROVISIONING_MINUTES)


class DraftOffering(LotFields):
    """The terms of a new offering."""

    reference = serializers.CharField(required=False, max_length=60)

    site = serializers.UUIDField()
    accelerator = serializers.SlugField(max_length=60)
    name = serializers.CharField(max_length=120)
    category = serializers.ChoiceField(choices=Category.choices)
    count = serializers.IntegerField(min_value=1, max_value=MOST_CARDS)
    price_micro = serializers.IntegerField(min_value=1, max_value=MOST_MICRO)
    opens_at = InstantField()
    closes_at = InstantField(required=False, allow_null=True, default=None)


class SearchOfferings(StrictSerializer):
    """What is looked for, and in which order; ``limit`` and ``cursor`` belong to the list."""

    q = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=MOST_CHARACTERS,
        help_text="Conditions side by side: `gpu_name=A100 num_gpus>=4 price<12.5 domestic=true city in [北京,上海]`.",
    )
    text = serializers.CharField(required=False, allow_blank=True, max_length=100, help_text="Words in names.")
    vendor = serializers.CharField(required=False, max_length=40)
    model = serializers.CharField(required=False, max_length=60)
    city = serializers.CharField(required=False, max_length=40)
    hub = serializers.CharField(required=False, max_length=40)
    category = serializers.ChoiceField(required=False, choices=Category.choices)
    domestic = serializers.BooleanField(required=False, allow_null=True, default=None)
    max_price_micro = serializers.IntegerField(required=False, min_value=0, max_value=MOST_MICRO)
    min_cards = serializers.IntegerField(required=False, min_value=0, max_value=MOST_CARDS)
    sort = serializers.ChoiceField(required=False, choices=list(SORTS), default="price")


class PagedSearch(SearchOfferings):
    """A search with the place in its list."""

    limit = serializers.CharField(required=False)
    cursor = serializers.CharField(required=False)


class EntryOut(serializers.Serializer[Any]):
    """How many offerings have a value."""

    value = serializers.CharField()
    title = serializers.CharField(source="label")
    count = serializers.IntegerField()


class OfferingViewSet(ReadOnlyModelViewSet[Offering]):
    """Offerings on sale, cheapest first, and the provider's own in every state."""

    permission_classes = [HasScope]
    pagination_class = KeysetPagination
    ordering = SORTS["price"]
    filter_backends: list[Any] = []
    serializer_class = OfferingOut
    queryset = Offering.objects.none()
    lookup_value_converter = "uuid"
    required_scope = "offerings"

    def get_queryset(self) -> OfferingQuerySet:
        return Offering.objects.visible_to(self.request.auth.organization).with_place()

    @extend_schema(parameters=[SearchOfferings])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Search: every parameter narrows, ``sort`` orders."""
        wish, sort = _wish(PagedSearch(data=request.query_params.dict()))
        self.ordering = SORTS[sort]
        rows = search.found(self.get_queryset(), wish)
        return self.get_paginated_response(OfferingOut(self.paginate_queryset(rows), many=True).data)

    @extend_schema(parameters=[SearchOfferings], responses={200: {"type": "object", "additionalProperties": ENTRIES}})
    @action(detail=False, methods=["get"], pagination_class=None)
    def facets(self, request: Request) -> Response:
        """Count what a search finds by vendor, model, city, hub, category and domestic or not."""
        wish, _sort = _wish(SearchOfferings(data=request.query_params.dict()))
        counted = facets.count(search.counted(Offering.objects.visible_to(request.auth.organization), wish))
        return Response({name: EntryOut(entries, many=True).data for name, entries in counted.items()})

    @extend_schema(request=DraftOffering, responses={201: OfferingOut})
    @idempotent
    def create(self, request: Request) -> Response:
        """Draft an offering; it is on sale once it is submitted and an operator has approved it."""
        form = DraftOffering(data=request.data)
        form.is_valid(raise_exception=True)
        terms = dict(form.validated_data)
        offering = offerings.draft(
            provider=request.auth.organization,
            site=own_site(request, terms.pop("site")),
            accelerator=accelerator_of(terms.pop("accelerator")),
            lot=Lot(**{name: terms.pop(name) for name in revisions.LOT if name in terms}),
            actor=actor_of(request),
            at=clock.now(),
            **terms,
        )
        return Response(OfferingOut(offering).data, status=201)


def _wish(form: SearchOfferings) -> tuple[Wish, str]:
    """Return what is looked for and how it is sorted."""
    form.is_valid(raise_exception=True)
    given: dict[str, Any] = dict(form.validated_data)
    sort = given.pop("sort")
    names = {"q": "query"}
    given = {names.get(name, name): value for name, value in given.items() if name not in PLACE}
    return Wish(**given, on=date_of(clock.now())), sort


def own_offering(request: Request, pk: UUID) -> Offering:
    """Return an offering of the key's organisation.

    :raises NotFound: if it has none of this id.
    """
    return _found(Offering.objects.of_provider(request.auth.organization), pk)


def visible_offering(request: Request, pk: UUID) -> Offering:
    """Return an offering that the key's organisation may see.

    :raises NotFound: if there is none of this id.
    """
    return _found(Offering.objects.visible_to(request.auth.organization), pk)


def _found(offerings: QuerySet[Offering], pk: UUID) -> Offering:
    offering = offerings.filter(pk=pk).first()
    if offering is None:
        raise NotFound(_("There is no such offering."))
    return offering


def own_site(request: Request, pk: UUID) -> Site:
    """Return a site of the key's organisation.

    :raises NotFound: if it has none of this id.
    """
    site = Site.objects.filter(provider=request.auth.organization, pk=pk).first()
    if site is None:
        raise NotFound(_("There is no such site."))
    return site


def accelerator_of(code: str) -> Accelerator:
    """Return the card model of a code.

    :raises UnknownModel: if there is none.
    """
    accelerator = Accelerator.objects.filter(code=code).first()
    if accelerator is None:
        detail = _("No such model: %(codes)s.") % {"codes": code}
        raise UnknownModel(detail, fields={"accelerator": detail})
    return accelerator
