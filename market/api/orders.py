"""Orders and reservations as their parties see them; placing and cancelling are billing's."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.api.permissions import HasScope
from core.api.pagination import KeysetPagination
from core.prefetching import in_order
from market.models import Order, OrderConditions, OrderStatus, Reservation, ReservationStatus


class ReservationOut(serializers.ModelSerializer[Reservation]):
    """Cards held for an order at the agreed price, in micro-yuan per card-hour.

    ``count`` is what was matched; ``given_back`` of them are held no longer.
    """

    class Meta:
        model = Reservation
        fields = [
            "id",
            "order",
            "offering",
            "provider",
            "status",
            "count",
            "given_back",
            "starts_at",
            "ends_at",
            "price_micro",
            "handover",
            "access_at",
            "confirmed_at",
            "reclaim_minutes",
            "reclaimed_at",
            "stopped_at",
            "stop_code",
        ]
        read_only_fields = fields


class ConditionsOut(serializers.ModelSerializer[OrderConditions]):
    """What all cards of an order have to be."""

    class Meta:
        model = OrderConditions
        fields = [
            "domestic",
            "memory_gib",
            "interconnect_gb_s",
            "pue_max_milli",
            "green_min_bp",
            "reliability_min_bp",
            "home_province",
            "home_city",
            "ring_max",
        ]
        read_only_fields = fields


class SplitOut(serializers.ModelSerializer[Order]):
    """In how many parts an order may be served."""

    class Meta:
        model = Order
        fields = ["parts_max", "part_cards", "part_hours", "all_or_none"]
        read_only_fields = fields


BUYERS_OWN: dict[str, Any] = {
    "limit_micro": None,
    "providers": [],
    "refused": [],
    "unmatched_reason": "",
    "unmatched_detail": {},
    "beside": None,
}
"""What a provider does not learn of an order that it serves: what would have been paid, to whom, and why not."""


class OrderOut(serializers.ModelSerializer[Order]):
    """An order; while it waits, ``unmatched_reason`` says what the last clearing missed.

    One that is split has a reservation for every part, and may wait for more while some of them run. A provider sees
    the parts that it serves, and neither the limit nor what was asked of other providers.
    """

    limit_micro = serializers.IntegerField(read_only=True, allow_null=True, help_text="For the buyer only.")
    accelerators: Any = serializers.SlugRelatedField("code", many=True, read_only=True)
    conditions = serializers.SerializerMethodField()
    split = serializers.SerializerMethodField()
    reservation = serializers.SerializerMethodField(help_text="That of the first part, where there are several.")
    parts = ReservationOut(source="parts_in_order", many=True, read_only=True)

    class Meta:
        model = Order
        fields = [
            "id",
            "kind",
            "name",
            "status",
            "category",
            "accelerators",
            "providers",
            "refused",
            "count",
            "tflops",
            "precision",
            "conditions",
            "hours",
            "start_min",
            "start_max",
            "limit_micro",
            "time_in_force",
            "good_till",
            "placed_at",
            "cancelled_at",
            "unmatched_reason",
            "unmatched_detail",
            "split",
            "beside",
            "reservation",
            "parts",
        ]
        read_only_fields = fields

    def to_representation(self, instance: Order) -> dict[str, Any]:
        """Return an order as its buyer sees it, or as who serves it does."""
        told: dict[str, Any] = super().to_representation(instance)
        request = self.context.get("request")
        is_buyers = request is None or request.auth.organization.pk == instance.buyer_id
        return told if is_buyers else told | BUYERS_OWN

    @extend_schema_field(ConditionsOut(allow_null=True))
    def get_conditions(self, order: Order) -> dict[str, Any] | None:
        """Return what an order asks for besides its model."""
        asked = getattr(order, "conditions", None)
        return ConditionsOut(asked).data if asked else None

    @extend_schema_field(SplitOut(allow_null=True))
    def get_split(self, order: Order) -> dict[str, Any] | None:
        """Return how the order may be split, if it may."""
        return SplitOut(order).data if order.is_split else None

    @extend_schema_field(ReservationOut(allow_null=True))
    def get_reservation(self, order: Order) -> dict[str, Any] | None:
        """Return the first reservation of a matched order."""
        reservation = order.reservation
        return ReservationOut(reservation).data if reservation else None


class OrderFilter(filters.FilterSet):
    """``?status=``."""

    status = filters.ChoiceFilter(choices=OrderStatus.choices)

    class Meta:
        model = Order
        fields: list[str] = []


class ReservationFilter(filters.FilterSet):
    """``?status=``."""

    status = filters.ChoiceFilter(choices=ReservationStatus.choices)

    class Meta:
        model = Reservation
        fields: list[str] = []


class OrderViewSet(ReadOnlyModelViewSet[Order]):
    """Orders that the key's organisation placed, or serves, the latest first."""

    permission_classes = [HasScope]
    pagination_class = KeysetPagination
    ordering = ("-placed_at", "-pk")
    filterset_class = OrderFilter
    serializer_class = OrderOut
    queryset = Order.objects.none()
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Order]:
        asking = self.request.auth.organization
        parts = Prefetch("reservations", Reservation.objects.visible_to(asking).order_by("pk"))
        orders = Order.objects.visible_to(asking).select_related("conditions")
        return orders.prefetch_related(*in_order(Order, "accelerators", "providers", "refused"), parts)


class ReservationViewSet(ReadOnlyModelViewSet[Reservation]):
    """Reservations that the key's organisation uses, or serves, the latest first."""

    permission_classes = [HasScope]
    pagination_class = KeysetPagination
    ordering = ("-starts_at", "-pk")
    filterset_class = ReservationFilter
    serializer_class = ReservationOut
    queryset = Reservation.objects.none()
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Reservation]:
        return Reservation.objects.visible_to(self.request.auth.organization).select_related("order")
