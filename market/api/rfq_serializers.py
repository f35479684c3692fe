"""What requests for quotations take and give; prices in micro-yuan per card-hour."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.authentication import organization_of
from core.api.serializers import InstantField, StrictSerializer
from market.models import Bid, Category, Rfq, RfqQuestion, SealedBid, UnreadableBid

MOST_CARDS = 100_000
MOST_HOURS = 24 * 120
MOST_MICRO = 10**12
MOST_FEN = 10**13


class PublishRfq(StrictSerializer):
    """What is asked for; without `invited` every provider may bid. The budget is shown to nobody else."""

    title = serializers.CharField(max_length=120)
    requirement = serializers.CharField(max_length=4000, required=False, allow_blank=True, default="")
    category = serializers.ChoiceField(choices=Category.choices)
    accelerators = serializers.ListField(
        child=serializers.SlugField(max_length=60), required=False, default=list, max_length=50
    )
    count = serializers.IntegerField(min_value=1, max_value=MOST_CARDS)
    hours = serializers.IntegerField(min_value=1, max_value=MOST_HOURS)
    start_min = InstantField()
    start_max = InstantField()
    bids_until = InstantField()
    budget_fen = serializers.IntegerField(
        min_value=1, max_value=MOST_FEN, required=False, allow_null=True, default=None
    )
    invited = serializers.ListField(child=serializers.UUIDField(), required=False, default=list, max_length=50)


class SubmitBid(StrictSerializer):
    """Cards of one of the provider's offerings, which need not be on sale, in micro-yuan per card-hour."""

    offering = serializers.UUIDField()
    price_micro = serializers.IntegerField(min_value=1, max_value=MOST_MICRO)
    count = serializers.IntegerField(min_value=1, max_value=MOST_CARDS)
    starts_at = InstantField()
    valid_until = InstantField()
    note = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")


class GiveReason(StrictSerializer):
    """Why; bidders will read it."""

    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class Say(StrictSerializer):
    """A question, or its answer."""

    text = serializers.CharField(max_length=2000)


class QuestionOut(serializers.ModelSerializer[RfqQuestion]):
    """A question without its asker, and its answer."""

    class Meta:
        model = RfqQuestion
        fields = ["id", "text", "asked_at", "answer", "answered_at"]
        read_only_fields = fields


class RfqOut(serializers.ModelSerializer[Rfq]):
    """A request; `bid_hashes` are the commitments of the bids that came, `budget_fen` is the buyer's only."""

    buyer_name = serializers.CharField(source="buyer.name")
    accelerators: Any = serializers.SlugRelatedField("code", many=True, read_only=True)
    budget_fen = serializers.SerializerMethodField()
    questions = QuestionOut(many=True)

    class Meta:
        model = Rfq
        fields = [
            "id",
            "status",
            "buyer",
            "buyer_name",
            "title",
            "requirement",
            "category",
            "accelerators",
            "count",
            "hours",
            "start_min",
            "start_max",
            "budget_fen",
            "open_to_all",
            "published_at",
            "bids_until",
            "opened_at",
            "bid_hashes",
            "closed_at",
            "reason",
            "questions",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_budget_fen(self, rfq: Rfq) -> int | None:
        """Return the budget to who set it."""
        return rfq.budget_fen if rfq.buyer_id == organization_of(self.context["request"]).pk else None


class EnvelopeOut(serializers.ModelSerializer[SealedBid]):
    """The receipt of a sealed bid: it says when, and commits to what."""

    class Meta:
        model = SealedBid
        fields = ["id", "version", "sha256", "submitted_at"]
        read_only_fields = fields


class OwnBidOut(serializers.Serializer[Any]):
    """What a provider has bid, with its receipt and the salt that the commitment needs."""

    receipt = EnvelopeOut()
    offering = serializers.UUIDField()
    price_micro = serializers.IntegerField()
    count = serializers.IntegerField()
    starts_at = serializers.CharField()
    valid_until = serializers.CharField()
    note = serializers.CharField(allow_blank=True)
    salt = serializers.CharField()


class UnreadableBidOut(serializers.ModelSerializer[UnreadableBid]):
    """An envelope that could not be read and cannot win: whose it is, what it committed to, and why."""

    provider = serializers.UUIDField(source="envelope.provider_id")
    provider_name = serializers.CharField(source="envelope.provider.name")
    sha256 = serializers.CharField(source="envelope.sha256")

    class Meta:
        model = UnreadableBid
        fields = ["envelope", "provider", "provider_name", "sha256", "why", "found_at"]
        read_only_fields = fields


class BidOut(serializers.ModelSerializer[Bid]):
    """A bid that was opened; `awarded` says whether it won."""

    provider_name = serializers.CharField(source="provider.name")
    accelerator = serializers.CharField(source="offering.accelerator.code")
    sha256 = serializers.CharField(source="envelope.sha256")
    awarded = serializers.SerializerMethodField()

    class Meta:
        model = Bid
        fields = [
            "id",
            "provider",
            "provider_name",
            "offering",
            "accelerator",
            "price_micro",
            "count",
            "starts_at",
            "valid_until",
            "note",
            "salt",
            "sha256",
            "awarded",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.BooleanField())
    def get_awarded(self, bid: Bid) -> bool:
        """Tell whether the bid won."""
        return hasattr(bid, "award")
