"""Market data for everyone, without a key: aggregates and an anonymous tape; see docs/market-data.md."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import AnonRateThrottle
from rest_framework.views import APIView

from core import clock
from core.api.pagination import KeysetPagination
from core.api.serializers import InstantField, StrictSerializer
from core.periods import date_of
from market.models import Candle, Category, ExclusionReason, IndexValue, Span, Trade
from market.selectors import classes, depth, price_history
from market.selectors.classes import ComputeClass

PAGE = ("limit", "cursor")
CACHED_SECONDS = 60
USUAL_DAYS = 30
HUB = "Name of a hub; empty means the sites outside the hubs"


class PublicRate(AnonRateThrottle):
    """So many requests an address and web process."""

    scope = "public"


class Open(APIView):
    """Whoever asks may know, and may keep the answer for a minute."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]
    throttle_classes = [PublicRate]

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        if answer.status_code == 200:
            patch_cache_control(answer, public=True, max_age=CACHED_SECONDS)
        return answer


class NamesClass(StrictSerializer):
    """A class of compute: a card model for a kind of work."""

    accelerator = serializers.SlugField(max_length=60)
    category = serializers.ChoiceField(choices=Category.choices)


class AskClasses(StrictSerializer):
    """Classes of which kind of work; all without it."""

    category = serializers.ChoiceField(choices=Category.choices, required=False)


class AskDepth(NamesClass):
    """Whose depth, and over which hours."""

    hub = serializers.CharField(required=False, allow_blank=True, max_length=40, help_text=HUB + "; all without it.")
    starts_at = InstantField(required=False)
    hours = serializers.IntegerField(required=False, min_value=1, max_value=depth.LONGEST_HOURS)


class AskHistory(NamesClass):
    """Whose prices, by hour or day, from when until when."""

    hub = serializers.CharField(required=False, allow_blank=True, max_length=40, default="", help_text=HUB + ".")
    span = serializers.ChoiceField(choices=[Span.HOUR.value, Span.DAY.value], required=False, default=Span.DAY.value)
    starts_at = InstantField(required=False)
    ends_at = InstantField(required=False)


class AskIndex(StrictSerializer):
    """Which index: without a card model that of standard card-hours, without a hub that of the whole market."""

    accelerator = serializers.SlugField(max_length=60, required=False)
    category = serializers.ChoiceField(choices=Category.choices)
    hub = serializers.CharField(required=False, allow_blank=True, max_length=40, help_text=HUB + ".")
    since = serializers.DateField(required=False)
    until = serializers.DateField(required=False)


class AskTrades(StrictSerializer):
    """Whose trades; all without a card model."""

    accelerator = serializers.SlugField(max_length=60, required=False)
    category = serializers.ChoiceField(choices=Category.choices, required=False)
    hub = serializers.CharField(required=False, allow_blank=True, max_length=40, help_text=HUB + ".")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("accelerator" in attrs) != ("category" in attrs):
            raise serializers.ValidationError({"category": [_("A class has both a card model and a category.")]})
        return attrs


class ClassOut(serializers.Serializer[Any]):
    """A class that is on sale or was traded."""

    accelerator = serializers.CharField(source="accelerator.code")
    category = serializers.CharField()


class ClassesOut(serializers.Serializer[Any]):
    """The classes and the hubs there are."""

    classes = ClassOut(many=True)
    hubs = serializers.ListField(child=serializers.CharField())


class PriceStepOut(serializers.Serializer[Any]):
    """Card-hours between two prices, the upper one excluded."""

    from_micro = serializers.IntegerField()
    below_micro = serializers.IntegerField()
    card_hours = serializers.IntegerField()


class DemandStepOut(PriceStepOut):
    """Card-hours of several orders whose limits lie in the step."""

    orders = serializers.IntegerField()


class IndicationOut(serializers.Serializer[Any]):
    """Where supply and demand would meet now, which nobody pays; `status` is crossing, no-crossing or few-orders."""

    price_micro = serializers.IntegerField(allow_null=True)
    status = serializers.CharField()


class DepthOut(serializers.Serializer[Any]):
    """Depth over some hours; demand in steps of several buyers, what is left over is not told."""

    starts_at = serializers.DateTimeField(source="period.starts_at")
    ends_at = serializers.DateTimeField(source="period.ends_at")
    supply = PriceStepOut(many=True)
    demand = DemandStepOut(many=True)
    demand_as_of = serializers.DateTimeField()
    best_ask_micro = serializers.IntegerField(allow_null=True)
    indicative = IndicationOut(source="indication")


class CandleOut(serializers.ModelSerializer[Candle]):
    """Prices of an hour or a day; a higher version replaces a lower one."""

    class Meta:
        model = Candle
        fields = [
            "starts_at",
            "version",
            "trades",
            "card_hours",
            "open_micro",
            "high_micro",
            "low_micro",
            "close_micro",
            "median_micro",
        ]
        read_only_fields = fields


class IndexOut(serializers.ModelSerializer[IndexValue]):
    """The index of a day, or why it is not published."""

    class Meta:
        model = IndexValue
        fields = [
            "on",
            "version",
            "status",
            "trades",
            "sellers",
            "buyers",
            "screened_out",
            "price_micro",
            "sch_micro",
        ]
        read_only_fields = fields


class TradeOut(serializers.ModelSerializer[Trade]):
    """A trade without its parties; `excluded` says why it counts nowhere."""

    accelerator = serializers.CharField(source="accelerator.code")
    hub = serializers.CharField(source="hub_name")
    cards = serializers.IntegerField(source="count")
    excluded = serializers.ChoiceField(source="exclusion.reason", choices=ExclusionReason.choices, default=None)

    class Meta:
        model = Trade
        fields = [
            "id",
            "at",
            "accelerator",
            "category",
            "hub",
            "cards",
            "hours",
            "starts_at",
            "price_micro",
            "sch_micro",
            "excluded",
        ]
        read_only_fields = fields


class Classes(Open):
    """What market data there is about."""

    @extend_schema(parameters=[AskClasses], responses=ClassesOut)
    def get(self, request: Request) -> HttpResponse:
        """Return the classes of compute and the hubs."""
        category = _read(AskClasses, request).get("category")
        found = [one for one in classes.known() if category in (None, one.category)]
        return Response(ClassesOut({"classes": found, "hubs": classes.hubs()}).data)


class DepthOfClass(Open):
    """Free card-hours by price and open demand by limit."""

    @extend_schema(parameters=[AskDepth], responses=DepthOut)
    def get(self, request: Request) -> HttpResponse:
        """Return the depth of a class, with an indicative price."""
        asked, at = _read(AskDepth, request), clock.now()
        period = depth.period(at=at, starts_at=asked.get("starts_at"), hours=asked.get("hours"))
        of = _class(asked)
        answer = depth.of_class(
            accelerator=of.accelerator, category=of.category, hub_name=asked.get("hub"), period=period, at=at
        )
        return Response(DepthOut(answer).data)


class History(Open):
    """Prices by the hour or the day."""

    @extend_schema(parameters=[AskHistory], responses=CandleOut(many=True))
    def get(self, request: Request) -> HttpResponse:
        """Return the price history of a class at a hub, the latest first, at most 1,000 rows."""
        asked = _read(AskHistory, request)
        until = asked.get("ends_at") or clock.now()
        since = asked.get("starts_at") or until - timedelta(days=USUAL_DAYS)
        rows = price_history.candles(_class(asked), hub_name=asked["hub"], span=asked["span"], since=since, until=until)
        return Response(CandleOut(rows, many=True).data)


class Index(Open):
    """The price index by the day."""

    @extend_schema(parameters=[AskIndex], responses=IndexOut(many=True))
    def get(self, request: Request) -> HttpResponse:
        """Return an index, the latest day first, at most 1,000 rows."""
        asked = _read(AskIndex, request)
        until = asked.get("until") or date_of(clock.now())
        since = asked.get("since") or date_of(clock.now()) - timedelta(days=USUAL_DAYS)
        of = _class(asked) if "accelerator" in asked else None
        rows = price_history.index(of, category=asked["category"], hub_name=asked.get("hub"), since=since, until=until)
        return Response(IndexOut(rows, many=True).data)


@extend_schema(parameters=[AskTrades, OpenApiParameter("limit", int), OpenApiParameter("cursor", str)])
class Trades(Open, ListAPIView):
    """The trade tape, the latest first, without parties."""

    serializer_class = TradeOut
    pagination_class = KeysetPagination
    filter_backends: list[Any] = []
    ordering = ("-at", "-pk")
    queryset = Trade.objects.none()

    def get_queryset(self) -> QuerySet[Trade]:
        asked = _read(AskTrades, self.request)
        return price_history.trades(_class(asked) if "accelerator" in asked else None, hub_name=asked.get("hub"))


def _read(form: type[StrictSerializer], request: Request) -> dict[str, Any]:
    given = {name: value for name, value in request.query_params.items() if name not in PAGE}
    asked = form(data=given)
    asked.is_valid(raise_exception=True)
    return dict(asked.validated_data)


def _class(asked: dict[str, Any]) -> ComputeClass:
    return classes.find(accelerator=asked["accelerator"], category=asked["category"])
