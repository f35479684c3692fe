"""Extending, shortening and ending a reservation move money, so they are ours; all else about one is the market's."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authentication import actor_of, organization_of
from accounts.api.idempotency import idempotent
from billing.api.approvals import ApprovalOut, waits
from billing.api.auto_extensions import AutoExtensionOut, Instruct
from billing.api.instalments import InstalmentPlanOut
from billing.api.lines import GiveUpLine, LineQuoteOut, TakeLines, TakenLineOut
from billing.api.orders import grant_of
from billing.api.serializers import MOST_CARDS, MOST_HOURS, MOST_MICRO
from billing.models import ApprovalRequest, AutoExtension, InstalmentPlan
from billing.services import asking, auto_extensions, early_ends, extending, taken_lines
from billing.services.auto_extensions import Instruction
from core import clock
from core.api.serializers import StrictSerializer
from core.prefetching import in_order
from market.api.orders import ReservationOut
from market.api.reservations import Reservations as MarketReservations
from market.models import Reservation
from market.services import lifecycle, listings


class Extend(StrictSerializer):
    """How many hours to add, at most at which price, and the grant that should pay a part."""

    hours = serializers.IntegerField(min_value=1, max_value=MOST_HOURS)
    limit_micro = serializers.IntegerField(
        min_value=1, max_value=MOST_MICRO, required=False, allow_null=True, default=None
    )
    grant = serializers.UUIDField(required=False, allow_null=True, default=None)


class Shorten(StrictSerializer):
    """How many of its last hours to give back."""

    hours = serializers.IntegerField(min_value=1, max_value=MOST_HOURS)


class ReturnCards(StrictSerializer):
    """How many of its cards to give back."""

    cards = serializers.IntegerField(min_value=1, max_value=MOST_CARDS)


class ExtensionQuoteOut(serializers.Serializer[Any]):
    """What an extension would set aside at the prices of now, and the voucher's explanation."""

    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    price_micro = serializers.IntegerField()
    hourly_micro = serializers.ListField(child=serializers.IntegerField())
    estimate_fen = serializers.IntegerField()
    voucher_fen = serializers.IntegerField()
    wallet_fen = serializers.IntegerField()
    wallet_available_fen = serializers.IntegerField()
    lines_fen = serializers.IntegerField(help_text="On top, in cash, for the lines that go on.")
    explanation = serializers.SerializerMethodField()

    def get_explanation(self, quote: Any) -> dict[str, Any] | None:
        """Return the steps of the voucher's calculation."""
        return quote.voucher_quote.explanation() if quote.voucher_quote else None


class GivingBackOut(serializers.Serializer[Any]):
    """Hours that would be given back, their value, and the fee by the version of the published table.

    ``cards`` is how many of its cards; null for all.
    """

    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    hours = serializers.IntegerField()
    value_fen = serializers.IntegerField()
    fee_fen = serializers.IntegerField()
    policy = serializers.CharField()
    cards = serializers.IntegerField(allow_null=True)


class Reservations(MarketReservations):
    """Reservations, and what their buyers do that costs money."""

    @extend_schema(request=None, responses=ReservationOut)
    @action(detail=True, methods=["post"])
    @idempotent
    def terminate(self, request: Request, pk: UUID) -> Response:
        """End a reservation early, as the buyer, for the fee that ``terminate/quote`` tells."""
        ended = early_ends.terminate(reservation=self.get_object(), actor=actor_of(request), at=clock.now())
        return self._answer(ended)

    @extend_schema(responses=GivingBackOut)
    @action(detail=True, methods=["get"], url_path="terminate/quote", pagination_class=None, filter_backends=[])
    def terminate_quote(self, request: Request, pk: UUID) -> Response:
        """Tell what ending a reservation now would cost, without any effect."""
        return Response(GivingBackOut(early_ends.ending(reservation=self._mine(request), at=clock.now())).data)

    @extend_schema(request=Extend, responses={200: ReservationOut, 202: ApprovalOut})
    @action(detail=True, methods=["post"])
    @idempotent
    def extend(self, request: Request, pk: UUID) -> Response:
        """Hold the following hours too, as the buyer, and set the money for them aside, or let that wait for approval.

        It waits (202) if the order would then cost more than one person of its buyer may order.
        """
        given = _read(Extend, request)
        done = asking.extend(
            reservation=self._mine(request),
            hours=given["hours"],
            grant=grant_of(organization_of(request), given["grant"]),
            most_micro=given["limit_micro"],
            actor=actor_of(request),
            at=clock.now(),
        )
        return waits(done) if isinstance(done, ApprovalRequest) else self._answer(self.get_object())

    @extend_schema(request=Extend, responses=ExtensionQuoteOut)
    @action(detail=True, methods=["post"], url_path="extend/quote")
    def extend_quote(self, request: Request, pk: UUID) -> Response:
        """Tell what an extension would set aside now, without any effect."""
        given = _read(Extend, request)
        grant = grant_of(organization_of(request), given["grant"])
        quote = extending.quote(reservation=self._mine(request), hours=given["hours"], grant=grant, at=clock.now())
        return Response(ExtensionQuoteOut(quote).data)

    @extend_schema(request=Shorten, responses=ReservationOut)
    @action(detail=True, methods=["post"])
    @idempotent
    def shorten(self, request: Request, pk: UUID) -> Response:
        """Give back the last hours, as the buyer, for the fee that ``shorten/quote`` tells."""
        given = _read(Shorten, request)
        shorter = early_ends.shorten(
            reservation=self.get_object(), hours=given["hours"], actor=actor_of(request), at=clock.now()
        )
        return self._answer(shorter)

    @extend_schema(request=Shorten, responses=GivingBackOut)
    @action(detail=True, methods=["post"], url_path="shorten/quote")
    def shorten_quote(self, request: Request, pk: UUID) -> Response:
        """Tell what giving back the last hours would cost now, without any effect."""
        given = _read(Shorten, request)
        told = early_ends.shortening(reservation=self._mine(request), hours=given["hours"], at=clock.now())
        return Response(GivingBackOut(told).data)

    @extend_schema(request=ReturnCards, responses=ReservationOut)
    @action(detail=True, methods=["post"], url_path="return-cards")
    @idempotent
    def return_cards(self, request: Request, pk: UUID) -> Response:
        """Give back some cards from the next full hour on, as the buyer, for the fee that its ``quote`` tells."""
        fewer = early_ends.return_cards(
            reservation=self.get_object(),
            cards=_read(ReturnCards, request)["cards"],
            actor=actor_of(request),
            at=clock.now(),
        )
        return self._answer(fewer)

    @extend_schema(request=ReturnCards, responses=GivingBackOut)
    @action(detail=True, methods=["post"], url_path="return-cards/quote")
    def return_cards_quote(self, request: Request, pk: UUID) -> Response:
        """Tell what giving back some cards would cost now, without any effect."""
        given = _read(ReturnCards, request)
        told = early_ends.returning(reservation=self._mine(request), cards=given["cards"], at=clock.now())
        return Response(GivingBackOut(told).data)

    @extend_schema(responses=AutoExtensionOut(many=True))
    @action(detail=True, methods=["get"], url_path="auto-extension", pagination_class=None, filter_backends=[])
    def auto_extension(self, request: Request, pk: UUID) -> Response:
        """List the standing instructions of a reservation, the latest first: what they did, and why they stopped."""
        rows = AutoExtension.objects.filter(reservation=self._mine(request)).order_by("-pk")
        latest = rows.prefetch_related(*in_order(AutoExtension, "steps"))[:20]
        return Response(AutoExtensionOut(latest, many=True).data)

    @extend_schema(request=Instruct, responses={201: AutoExtensionOut})
    @auto_extension.mapping.post
    @idempotent
    def instruct(self, request: Request, pk: UUID) -> Response:
        """Have a reservation extended before it ends, within a budget, a price and a time."""
        given = _read(Instruct, request)
        given["grant"] = grant_of(organization_of(request), given["grant"])
        made = auto_extensions.instruct(
            reservation=self._mine(request), instruction=Instruction(**given), actor=actor_of(request), at=clock.now()
        )
        return Response(AutoExtensionOut(made).data, status=201)

    @extend_schema(request=None, responses=AutoExtensionOut)
    @action(detail=True, methods=["post"], url_path="auto-extension/revoke")
    @idempotent
    def revoke(self, request: Request, pk: UUID) -> Response:
        """End the standing instruction; what it extended stays extended."""
        ended = auto_extensions.revoke(reservation=self.get_object(), actor=actor_of(request), at=clock.now())
        return Response(AutoExtensionOut(ended).data)

    @extend_schema(responses=TakenLineOut(many=True))
    @action(detail=True, methods=["get"], pagination_class=None, filter_backends=[])
    def lines(self, request: Request, pk: UUID) -> Response:
        """List the lines beside the card-hour that were taken with a reservation, for both its parties."""
        return Response(TakenLineOut(self.get_object().taken_lines.order_by("pk")[:200], many=True).data)

    @extend_schema(request=TakeLines, responses={201: TakenLineOut(many=True)})
    @lines.mapping.post
    @idempotent
    def take_lines(self, request: Request, pk: UUID) -> Response:
        """Take lines of the offering, as the buyer, to the end of the reservation; the money is set aside in cash."""
        taken = taken_lines.take(
            reservation=self._mine(request),
            wanted=listings.by_line(_read(TakeLines, request)["lines"]),
            actor=actor_of(request),
            at=clock.now(),
        )
        return Response(TakenLineOut(taken, many=True).data, status=201)

    @extend_schema(request=TakeLines, responses=LineQuoteOut(many=True))
    @action(detail=True, methods=["post"], url_path="lines/quote", pagination_class=None, filter_backends=[])
    def lines_quote(self, request: Request, pk: UUID) -> Response:
        """Tell what lines would set aside from the next full hour on, without any effect."""
        chosen = listings.by_line(_read(TakeLines, request)["lines"])
        quotes = taken_lines.quote(reservation=self._mine(request), wanted=chosen, at=clock.now())
        return Response(LineQuoteOut(quotes, many=True).data)

    @extend_schema(request=GiveUpLine, responses=TakenLineOut)
    @action(detail=True, methods=["post"], url_path="lines/give-up")
    @idempotent
    def give_up_line(self, request: Request, pk: UUID) -> Response:
        """Give a line up from the next full hour on, as the buyer."""
        line = taken_lines.of_reservation(reservation=self._mine(request), line_id=_read(GiveUpLine, request)["id"])
        return Response(TakenLineOut(taken_lines.give_up(line=line, actor=actor_of(request), at=clock.now())).data)

    @extend_schema(responses=InstalmentPlanOut(many=True))
    @action(detail=True, methods=["get"], pagination_class=None, filter_backends=[])
    def instalments(self, request: Request, pk: UUID) -> Response:
        """Tell how a block that is paid month by month stands; empty for what is set aside whole."""
        rows = InstalmentPlan.objects.filter(reservation=self._mine(request)).select_related("reservation")
        return Response(InstalmentPlanOut(rows, many=True).data)

    def _mine(self, request: Request) -> Reservation:
        """Return the reservation if the key's organisation bought it; the provider finds nothing here."""
        reservation: Reservation = self.get_object()
        lifecycle.buyer_of(reservation, actor_of(request))
        return reservation


def _read(form_class: type[StrictSerializer], request: Request) -> dict[str, Any]:
    form = form_class(data=request.data)
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)
