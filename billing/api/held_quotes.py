"""Quotes that hold their cards: ask for one, accept it, give it back; or buy from a listing at once."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _
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
from billing.api.approvals import ApprovalOut, waits
from billing.api.lines import lines_field
from billing.api.orders import grant_of, read
from billing.api.serializers import MOST_CARDS, MOST_HOURS, MOST_MICRO, PlaceOrder
from billing.models import ApprovalRequest
from billing.services import asking, held_quotes
from billing.services.held_quotes import Chosen
from core import clock
from core.api.pagination import KeysetPagination
from core.api.parsers import JSONParser
from core.api.serializers import InstantField, StrictSerializer
from core.errors import NotFound
from core.prefetching import in_order
from market.api.orders import OrderOut
from market.models import Offering, Order, Quote
from market.services import quotes, quoting
from market.services.listings import by_line
from market.services.orders import Demand


class AskForQuote(PlaceOrder):
    """A demand; how it is paid is said when the quote is accepted."""

    kind: Any = None
    grant: Any = None


class BuyListing(StrictSerializer):
    """Cards of one listing, at its posted price; a limit refuses a price that has risen meanwhile."""

    offering = serializers.UUIDField()
    name = serializers.CharField(max_length=120, required=False, default="")
    count = serializers.IntegerField(min_value=1, max_value=MOST_CARDS)
    hours = serializers.IntegerField(min_value=1, max_value=MOST_HOURS)
    start_min = InstantField()
    start_max = InstantField()
    limit_micro = serializers.IntegerField(
        min_value=1, max_value=MOST_MICRO, required=False, allow_null=True, default=None
    )
    grant = serializers.UUIDField(required=False, allow_null=True, default=None)
    lines = lines_field()


class AcceptQuote(StrictSerializer):
    """The grant that should pay a part, and the lines of the offering that are taken along, in cash."""

    grant = serializers.UUIDField(required=False, allow_null=True, default=None)
    lines = lines_field()


class HeldQuoteOut(serializers.ModelSerializer[Quote]):
    """Cards at a price, held until ``expires_at``; ``total_fen`` is what they cost if every hour is used."""

    accelerator = serializers.CharField(source="offering.accelerator.code")
    provider = serializers.UUIDField(source="offering.provider_id")
    hourly_micro = serializers.ListField(child=serializers.IntegerField())
    total_fen = serializers.SerializerMethodField()
    order = serializers.SerializerMethodField()

    class Meta:
        model = Quote
        fields = [
            "id",
            "status",
            "name",
            "offering",
            "provider",
            "accelerator",
            "count",
            "starts_at",
            "ends_at",
            "price_micro",
            "hourly_micro",
            "total_fen",
            "quoted_at",
            "expires_at",
            "order",
        ]
        read_only_fields = fields

    def get_total_fen(self, quote: Quote) -> int:
        """Return what all hours cost."""
        return held_quotes.total_fen(quote)

    def get_order(self, quote: Quote) -> UUID | None:
        """Return the order that came of it."""
        match = getattr(quote, "match", None)
        return match.order_id if match else None


class HeldQuotes(ReadOnlyModelViewSet[Quote]):
    """Quotes of the key's organisation, the latest first."""

    required_scope = "orders"
    parser_classes = [JSONParser]
    permission_classes = [HasScope]
    pagination_class = KeysetPagination
    ordering = ("-quoted_at", "-pk")
    serializer_class = HeldQuoteOut
    queryset = Quote.objects.none()
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Quote]:
        mine = Quote.objects.of_buyer(self.request.auth.organization)
        return mine.select_related("offering__accelerator", "match")

    @extend_schema(request=AskForQuote, responses={201: HeldQuoteOut})
    @idempotent
    def create(self, request: Request) -> Response:
        """Find what an order would get now, and hold its cards until the quote expires."""
        demand, _no_grant = read(request, AskForQuote)
        quote = quoting.give(buyer=organization_of(request), demand=demand, actor=actor_of(request), at=clock.now())
        return self._answer(quote.pk, status=201)

    @extend_schema(request=AcceptQuote, responses={201: OrderOut, 202: ApprovalOut})
    @action(detail=True, methods=["post"])
    @idempotent
    def accept(self, request: Request, pk: UUID) -> Response:
        """Turn a quote into an order that is matched at exactly its price, and set the money aside.

        Above the buyer's own limit that waits for approval, no longer than the quote stands.
        """
        form = AcceptQuote(data=request.data or {})
        form.is_valid(raise_exception=True)
        buyer = organization_of(request)
        given = form.validated_data
        chosen = Chosen(grant_of(buyer, given["grant"]), by_line(given["lines"]))
        order = asking.accept(quote_id=pk, buyer=buyer, chosen=chosen, actor=actor_of(request), at=clock.now())
        return placed(order)

    @extend_schema(request=None, responses=HeldQuoteOut)
    @action(detail=True, methods=["post"])
    @idempotent
    def withdraw(self, request: Request, pk: UUID) -> Response:
        """Give the cards back before the quote expires."""
        quotes.withdraw(quote_id=pk, buyer=organization_of(request), actor=actor_of(request), at=clock.now())
        return self._answer(pk)

    def _answer(self, pk: UUID, *, status: int = 200) -> Response:
        return Response(HeldQuoteOut(self.get_queryset().get(pk=pk)).data, status)


class Purchases(APIView):
    """Buying from a listing."""

    required_scope = "orders"
    parser_classes = [JSONParser]
    permission_classes = [HasScope]

    @extend_schema(request=BuyListing, responses={201: OrderOut, 202: ApprovalOut})
    @idempotent
    def post(self, request: Request) -> Response:
        """Buy cards of one listing at its posted price, now or not at all: the order is matched at once.

        Above the buyer's own limit a quote holds the cards while accepting it waits for approval.
        """
        form = BuyListing(data=request.data)
        form.is_valid(raise_exception=True)
        terms, buyer, at = dict(form.validated_data), organization_of(request), clock.now()
        chosen = Chosen(grant_of(buyer, terms.pop("grant")), by_line(terms.pop("lines")))
        offering = listed(terms.pop("offering"))
        demand = _demand(offering, terms, at=at)
        actor = actor_of(request)
        return placed(asking.buy(offering=offering, buyer=buyer, demand=demand, chosen=chosen, actor=actor, at=at))


def listed(offering_id: UUID) -> Offering:
    """Return an offering that is on sale."""
    rows = Offering.objects.listed().select_related("accelerator", "provider")
    offering = rows.filter(pk=offering_id).first()
    if offering is None:
        raise NotFound(_("There is no such offering."), fields={"offering": _("Not found.")})
    return offering


def _demand(offering: Offering, terms: dict[str, Any], *, at: datetime) -> Demand:
    """Return what is wanted of an offering; who names no limit takes the posted price."""
    limit = terms.pop("limit_micro") or quoting.posted_micro(
        offering, start_max=terms["start_max"], hours=terms["hours"], at=at
    )
    return Demand(category=offering.category, accelerators=(offering.accelerator,), limit_micro=limit, **terms)


def placed(order: Order | ApprovalRequest) -> Response:
    """Answer with an order that was matched at once, or with what waits for approval."""
    if isinstance(order, ApprovalRequest):
        return waits(order)
    rows = Order.objects.select_related("conditions").prefetch_related(
        *in_order(Order, "accelerators", "providers", "refused", "reservations")
    )
    return Response(OrderOut(rows.get(pk=order.pk)).data, status=201)
