"""Card models with their figures and what they are worth in each scenario."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.api.permissions import HasScope
from core.api.pagination import KeysetPagination
from market.measure import STANDARD
from market.models import Accelerator, Figure, StandardMeasure
from market.selectors import figures


class FigureOut(serializers.ModelSerializer[Figure]):
    """A figure with its source; it counts from ``dated_on`` until ``expires_on``."""

    unit = serializers.CharField()

    class Meta:
        model = Figure
        fields = ["metric", "kind", "density", "value", "unit", "source", "dated_on", "expires_on"]
        read_only_fields = fields


class MeasureOut(serializers.ModelSerializer[StandardMeasure]):
    """Millionths of the reference card in a scenario, or null with what is missing."""

    class Meta:
        model = StandardMeasure
        fields = ["scenario", "status", "ppm", "missing", "version", "computed_on"]
        read_only_fields = fields
        extra_kwargs = {"missing": {"help_text": "components without a figure"}}

    missing = serializers.ListField(child=serializers.CharField())


class AcceleratorOut(serializers.ModelSerializer[Accelerator]):
    """A card model; ``fp16_tflops`` and ``int8_tops`` are as printed (see ``note``), ``figures`` are told apart."""

    figures = FigureOut(many=True)
    measures = MeasureOut(many=True)

    class Meta:
        model = Accelerator
        fields = [
            "code",
            "vendor",
            "name",
            "domestic",
            "fp16_tflops",
            "int8_tops",
            "memory_gib",
            "memory_kind",
            "note",
            "figures",
            "measures",
        ]
        read_only_fields = fields


class RecipeOut(serializers.Serializer[Any]):
    """How cards are measured in a scenario: weights in per cent, and the figures of the reference card."""

    scenario = serializers.CharField()
    precisions = serializers.ListField(child=serializers.CharField())
    weights = serializers.DictField(child=serializers.IntegerField())
    reference = serializers.DictField(child=serializers.IntegerField())


class StandardOut(serializers.Serializer[Any]):
    """The unified measure in use."""

    version = serializers.CharField()
    reference_card = serializers.CharField()
    recipes = RecipeOut(many=True)


class AcceleratorViewSet(ReadOnlyModelViewSet[Accelerator]):
    """The card models."""

    permission_classes = [HasScope]
    pagination_class = KeysetPagination
    ordering = ("code",)
    filter_backends: list[Any] = []
    serializer_class = AcceleratorOut
    queryset = figures.with_figures(Accelerator.objects.all())
    lookup_field = "code"
    lookup_value_converter = "slug"


class Standard(APIView):
    """The weights and the reference card of the unified measure."""

    permission_classes = [HasScope]

    @extend_schema(responses=StandardOut)
    def get(self, request: Request) -> Response:
        """Return the version of the unified measure in use."""
        recipes = [
            {
                "scenario": scenario.value,
                "precisions": [metric.value for metric in recipe.precisions],
                "weights": recipe.weights,
                "reference": recipe.reference,
            }
            for scenario, recipe in STANDARD.recipes.items()
        ]
        fields = {"version": STANDARD.version, "reference_card": STANDARD.reference_card, "recipes": recipes}
        return Response(StandardOut(fields).data)
