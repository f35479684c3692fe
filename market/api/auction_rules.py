"""The published rules of the auction, for whoever wants to check how it was held."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import HasScope
from market.models import AuctionRules
from market.selectors import fairness


class AuctionRulesOut(serializers.ModelSerializer[AuctionRules]):
    """Rules that count from an instant on, until the next begin; shares are basis points."""

    class Meta:
        model = AuctionRules
        fields = ["id", "starts_at", "reserve_bp", "ageing_bp", "k_bp", "grounds", "published_at"]
        read_only_fields = fields


class PublishedRules(APIView):
    """The rules of the auction, those that begin last first."""

    permission_classes = [HasScope]

    @extend_schema(responses=AuctionRulesOut(many=True))
    def get(self, request: Request) -> Response:
        """Return the latest rules; without any, nothing is reserved, waiting has no weight and k is 0."""
        return Response(AuctionRulesOut(fairness.published(), many=True).data)
