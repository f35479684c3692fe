"""What a provider does with one of its offerings, and what stands beside the price."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authentication import actor_of
from accounts.api.idempotency import idempotent
from core import clock
from core.api.serializers import InstantField, StrictSerializer
from core.periods import Period
from market.api.offerings import (
    MOST_CARDS,
    MOST_MICRO,
    LotFields,
    OfferingOut,
    OfferingViewSet,
    accelerator_of,
    own_offering,
    own_site,
    visible_offering,
)
from market.line_pricing import MOST_QUANTITY
from market.models import CalendarEdit, Category, ExtraLine, LineKind, LineUnit, Offering
from market.services import listings, offerings, revisions, vetting


class ListingOut(OfferingOut):
    """An offering of one's own: with one's reference and what the operator said of it."""

    class Meta(OfferingOut.Meta):
        fields = [*OfferingOut.Meta.fields, "reference", "submitted_at", "reviewed_at", "review_note"]
        read_only_fields = fields


class ReviseOffering(LotFields):
    """What changes of an offering; what is left out stays."""

    site = serializers.UUIDField(required=False)
    accelerator = serializers.SlugField(required=False, max_length=60)
    name = serializers.CharField(required=False, max_length=120)
    category = serializers.ChoiceField(required=False, choices=Category.choices)
    count = serializers.IntegerField(required=False, min_value=1, max_value=MOST_CARDS)
    price_micro = serializers.IntegerField(required=False, min_value=1, max_value=MOST_MICRO)
    opens_at = InstantField(required=False)
    closes_at = InstantField(required=False, allow_null=True)


class CloseHours(StrictSerializer):
    """How many cards remain on sale over a period: 0 closes it."""

    starts_at = InstantField()
    ends_at = InstantField()
    capacity = serializers.IntegerField(min_value=0, max_value=MOST_CARDS)
    reason = serializers.CharField(max_length=200)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["ends_at"] <= attrs["starts_at"]:
            raise serializers.ValidationError({"ends_at": [_("The period ends before it begins.")]})
        return attrs


class AddLine(StrictSerializer):
    """A line beside the card-hour; its price is in micro-yuan per unit."""

    kind = serializers.ChoiceField(choices=LineKind.choices)
    name = serializers.CharField(max_length=80)
    unit = serializers.ChoiceField(choices=LineUnit.choices, help_text="A month is 720 hours, owed by the hour.")
    price_micro = serializers.IntegerField(min_value=0, max_value=MOST_MICRO)


class LineOut(serializers.ModelSerializer[ExtraLine]):
    """A line beside the card-hour, paid in cash; one that is not ``sold`` here is billed by the provider itself."""

    sold = serializers.BooleanField(source="is_sold", read_only=True)

    class Meta:
        model = ExtraLine
        fields = ["id", "kind", "name", "unit", "price_micro", "sold"]
        read_only_fields = fields


class LineWanted(StrictSerializer):
    """A line of the offering by its id, and how much of it."""

    line = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    quantity = serializers.IntegerField(min_value=1, max_value=MOST_QUANTITY)


class CalendarEditOut(serializers.ModelSerializer[CalendarEdit]):
    """A change of the calendar that is not over, with its reason."""

    class Meta:
        model = CalendarEdit
        fields = ["starts_at", "ends_at", "capacity", "reason", "made_at"]
        read_only_fields = fields


class RemoveLine(StrictSerializer):
    """Which line to take away."""

    id = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


class Listings(OfferingViewSet):
    """Offerings with the verbs of their providers."""

    @extend_schema(request=None, responses=ListingOut)
    @action(detail=True, methods=["post"])
    @idempotent
    def submit(self, request: Request, pk: UUID) -> Response:
        """Hand a draft to the operator for review; approval puts it on sale."""
        return _moved(request, pk, vetting.submit)

    @extend_schema(request=None, responses=ListingOut)
    @action(detail=True, methods=["post"])
    @idempotent
    def withdraw(self, request: Request, pk: UUID) -> Response:
        """Take an offering back out of the review."""
        return _moved(request, pk, vetting.withdraw)

    @extend_schema(request=None, responses=ListingOut)
    @action(detail=True, methods=["post"])
    @idempotent
    def pause(self, request: Request, pk: UUID) -> Response:
        """Take an offering off sale for a while."""
        return _moved(request, pk, offerings.pause)

    @extend_schema(request=None, responses=ListingOut)
    @action(detail=True, methods=["post"])
    @idempotent
    def resume(self, request: Request, pk: UUID) -> Response:
        """Put a paused offering on sale again."""
        return _moved(request, pk, offerings.resume)

    @extend_schema(request=None, responses=ListingOut)
    @action(detail=True, methods=["post"])
    @idempotent
    def archive(self, request: Request, pk: UUID) -> Response:
        """Take an offering off sale for good."""
        return _moved(request, pk, offerings.archive)

    @extend_schema(request=ReviseOffering, responses=ListingOut)
    @action(detail=True, methods=["post"])
    @idempotent
    def revise(self, request: Request, pk: UUID) -> Response:
        """Change an offering; a material change puts it back before the operator."""
        form = ReviseOffering(data=request.data)
        form.is_valid(raise_exception=True)
        changes = _named(request, dict(form.validated_data))
        revised = revisions.revise(
            offering=own_offering(request, pk), changes=changes, actor=actor_of(request), at=clock.now()
        )
        return Response(ListingOut(revised).data)

    @extend_schema(responses=ListingOut)
    @action(detail=True, methods=["get"])
    def listing(self, request: Request, pk: UUID) -> Response:
        """Return one of one's own offerings with the state of its review."""
        return Response(ListingOut(own_offering(request, pk)).data)

    @extend_schema(request=CloseHours, responses=ListingOut)
    @action(detail=True, methods=["post"], url_path="close-hours")
    @idempotent
    def close_hours(self, request: Request, pk: UUID) -> Response:
        """Lower or raise the cards on sale over a period, never below what is reserved."""
        form = CloseHours(data=request.data)
        form.is_valid(raise_exception=True)
        offering = offerings.close_hours(
            offering=own_offering(request, pk),
            period=Period(form.validated_data["starts_at"], form.validated_data["ends_at"]),
            capacity=form.validated_data["capacity"],
            reason=form.validated_data["reason"],
            actor=actor_of(request),
            at=clock.now(),
        )
        return Response(ListingOut(offering).data)

    @extend_schema(responses=CalendarEditOut(many=True))
    @action(detail=True, methods=["get"], url_path="calendar-edits", pagination_class=None)
    def calendar_edits(self, request: Request, pk: UUID) -> Response:
        """List maintenance and other changes of the calendar that are not over, the latest first."""
        edits = visible_offering(request, pk).calendar_edits.not_over(clock.now())
        return Response(CalendarEditOut(edits[:100], many=True).data)

    @extend_schema(responses=LineOut(many=True))
    @action(detail=True, methods=["get"], pagination_class=None)
    def lines(self, request: Request, pk: UUID) -> Response:
        """List what is sold beside the card-hour, in cash."""
        return Response(LineOut(visible_offering(request, pk).extra_lines.order_by("pk"), many=True).data)

    @extend_schema(request=AddLine, responses={201: LineOut})
    @action(detail=True, methods=["post"], url_path="lines/add")
    @idempotent
    def add_line(self, request: Request, pk: UUID) -> Response:
        """Sell something beside the card-hour."""
        form = AddLine(data=request.data)
        form.is_valid(raise_exception=True)
        offering = own_offering(request, pk)
        line = listings.add_line(offering=offering, actor=actor_of(request), at=clock.now(), **form.validated_data)
        return Response(LineOut(line).data, status=201)

    @extend_schema(request=RemoveLine, responses={204: None})
    @action(detail=True, methods=["post"], url_path="lines/remove")
    @idempotent
    def remove_line(self, request: Request, pk: UUID) -> Response:
        """Sell a line no more; whoever has taken it keeps it."""
        form = RemoveLine(data=request.data)
        form.is_valid(raise_exception=True)
        offering = own_offering(request, pk)
        listings.remove_line(
            offering=offering, line_id=form.validated_data["id"], actor=actor_of(request), at=clock.now()
        )
        return Response(status=204)


def _moved(request: Request, pk: UUID, move: Any) -> Response:
    offering: Offering = move(offering=own_offering(request, pk), actor=actor_of(request), at=clock.now())
    return Response(ListingOut(offering).data)


def _named(request: Request, changes: dict[str, Any]) -> dict[str, Any]:
    """Return changes with the site and the model that they name."""
    if "site" in changes:
        changes["site"] = own_site(request, changes["site"])
    if "accelerator" in changes:
        changes["accelerator"] = accelerator_of(changes["accelerator"])
    return changes
