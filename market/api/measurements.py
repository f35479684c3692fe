"""What a provider measured on its cards."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authentication import actor_of, organization_of
from accounts.api.idempotency import idempotent
from accounts.api.permissions import HasScope
from accounts.models import OrganizationKind
from core import clock
from core.api.pagination import KeysetPagination
from core.api.serializers import StrictSerializer
from market.api.offerings import accelerator_of
from market.models import Density, Measurement, MeasurementStatus, Metric
from market.models.measurement import LEAST_RUNS
from market.services import measurements
from market.services.measurements import Reading


class MeasurementOut(serializers.ModelSerializer[Measurement]):
    """A reported measurement and whether it counts."""

    accelerator = serializers.SlugField(source="accelerator.code")
    status = serializers.ChoiceField(choices=MeasurementStatus.choices)
    unit = serializers.CharField()

    class Meta:
        model = Measurement
        fields = [
            "id",
            "status",
            "accelerator",
            "metric",
            "density",
            "value",
            "unit",
            "runs",
            "source",
            "measured_on",
            "expires_on",
            "reason",
        ]
        read_only_fields = fields


class SubmitMeasurement(StrictSerializer):
    """The median of at least five runs, in the unit of its metric."""

    accelerator = serializers.SlugField(max_length=60)
    metric = serializers.ChoiceField(choices=Metric.choices)
    density = serializers.ChoiceField(choices=Density.choices, required=False, allow_blank=True, default="")
    value = serializers.IntegerField(min_value=1, max_value=measurements.MOST_VALUE)
    runs = serializers.IntegerField(min_value=LEAST_RUNS, max_value=1_000_000)
    source = serializers.CharField(max_length=150)  # type: ignore[assignment]
    measured_on = serializers.DateField()
    expires_on = serializers.DateField()


class Measurements(ListAPIView[Measurement]):
    """Measurements of the key's provider, the latest first; POST reports one."""

    permission_classes = [HasScope]
    required_scope = "offerings"
    required_kinds = (OrganizationKind.PROVIDER,)
    pagination_class = KeysetPagination
    ordering = ("-pk",)
    filter_backends: list[Any] = []
    serializer_class = MeasurementOut
    queryset = Measurement.objects.none()

    def get_queryset(self) -> QuerySet[Measurement]:
        return Measurement.objects.filter(provider=organization_of(self.request)).select_related("accelerator")

    @extend_schema(request=SubmitMeasurement, responses={201: MeasurementOut})
    @idempotent
    def post(self, request: Request) -> Response:
        """Report a measurement; it counts once the operator has accepted it."""
        form = SubmitMeasurement(data=request.data)
        form.is_valid(raise_exception=True)
        given = dict(form.validated_data)
        measurement = measurements.submit(
            provider=organization_of(request),
            accelerator=accelerator_of(given.pop("accelerator")),
            actor=actor_of(request),
            at=clock.now(),
            reading=Reading(**given),
        )
        return Response(MeasurementOut(measurement).data, status=201)
