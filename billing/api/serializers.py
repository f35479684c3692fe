"""What billing's API takes and gives; money in fen, prices in micro-yuan, usage in accelerator-milliseconds."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import Model
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from billing.models import Charge, Invoice, Settlement, TopUp, TopUpMethod
from billing.services import stated_denials
from core.api.serializers import InstantField, StrictSerializer
from core.money import BP_WHOLE
from market.models import PRECISIONS, Category, OrderKind, Ring, TimeInForce
from market.models.order import PLACED_KINDS
from market.models.order_terms import MOST_PARTS
from market.services.conditions import MOST as MOST_OF_A_CONDITION

MOST_CARDS = 100_000
MOST_HOURS = 24 * 366
MOST_MICRO = 10**12
MOST_TFLOPS = 10**9


class ConditionsIn(StrictSerializer):
    """What all cards have to be; what is not known of a card or a site does not meet a condition."""

    domestic = serializers.BooleanField(required=False, default=False)
    memory_gib = serializers.IntegerField(
        min_value=1, max_value=MOST_OF_A_CONDITION, required=False, allow_null=True, default=None
    )
    interconnect_gb_s = serializers.IntegerField(
        min_value=1, max_value=MOST_OF_A_CONDITION, required=False, allow_null=True, default=None
    )
    pue_max_milli = serializers.IntegerField(
        min_value=1_000, max_value=5_000, required=False, allow_null=True, default=None, help_text="1250 is 1.25."
    )
    green_min_bp = serializers.IntegerField(
        min_value=1, max_value=BP_WHOLE, required=False, allow_null=True, default=None
    )
    reliability_min_bp = serializers.IntegerField(
        min_value=1, max_value=BP_WHOLE, required=False, allow_null=True, default=None
    )
    home_province = serializers.CharField(max_length=40, required=False, default="")
    home_city = serializers.CharField(max_length=40, required=False, default="")
    ring_max = serializers.ChoiceField(choices=Ring.choices, required=False, allow_null=True, default=None)


class SplitIn(StrictSerializer):
    """In how many parts a firm order may be served, each of at least so many cards for so many hours.

    In the auction each runs for all hours of the order, and a part is at most half its cards.
    """

    parts_max = serializers.IntegerField(min_value=2, max_value=MOST_PARTS)
    part_cards = serializers.IntegerField(min_value=1, max_value=MOST_CARDS, required=False, default=1)
    part_hours = serializers.IntegerField(min_value=1, max_value=MOST_HOURS, required=False, default=1)
    all_or_none = serializers.BooleanField(required=False, default=False)


class PlaceOrder(StrictSerializer):
    """A demand, and the grant that should pay a part of it: a count of named models, or TFLOPS at a precision."""

    kind = serializers.ChoiceField(choices=PLACED_KINDS, required=False, default=OrderKind.INSTANT)
    name = serializers.CharField(max_length=120, required=False, default="")
    category = serializers.ChoiceField(choices=Category.choices)
    accelerators = serializers.ListField(
        child=serializers.SlugField(max_length=60),
        required=False,
        default=list,
        max_length=50,
        help_text="Codes of acceptable models; an order by performance may name none.",
    )
    providers = serializers.ListField(child=serializers.UUIDField(), required=False, default=list, max_length=50)
    refused = serializers.ListField(child=serializers.UUIDField(), required=False, default=list, max_length=50)
    count = serializers.IntegerField(min_value=1, max_value=MOST_CARDS, required=False)
    tflops = serializers.IntegerField(min_value=1, max_value=MOST_TFLOPS, required=False, help_text="Instead of count.")
    precision = serializers.ChoiceField(choices=PRECISIONS, required=False)
    conditions = ConditionsIn(required=False)
    beside = serializers.UUIDField(
        required=False, allow_null=True, default=None, help_text="A reservation of yours: at the same site."
    )
    split = SplitIn(required=False, allow_null=True, default=None)
    hours = serializers.IntegerField(min_value=1, max_value=MOST_HOURS)
    start_min = InstantField()
    start_max = InstantField()
    limit_micro = serializers.IntegerField(
        min_value=1, max_value=MOST_MICRO, help_text="Micro-yuan per card-hour; with tflops, per hour for all cards."
    )
    time_in_force = serializers.ChoiceField(choices=TimeInForce.choices, required=False, default=TimeInForce.WINDOW)
    good_till = InstantField(required=False, allow_null=True, default=None)
    grant = serializers.UUIDField(required=False, allow_null=True, default=None)


class QuoteOut(serializers.Serializer[Any]):
    """What an order would set aside, and the voucher's explanation."""

    estimate_fen = serializers.IntegerField()
    voucher_fen = serializers.IntegerField()
    wallet_fen = serializers.IntegerField()
    wallet_available_fen = serializers.IntegerField()
    good_till = serializers.DateTimeField(
        allow_null=True, help_text="When an order without cards is given up; a voucher may wait less long."
    )
    explanation = serializers.SerializerMethodField()

    def get_explanation(self, quote: Any) -> dict[str, Any] | None:
        """Return the steps of the voucher's calculation."""
        return quote.voucher_quote.explanation() if quote.voucher_quote else None


class CancellingOut(serializers.Serializer[Any]):
    """What the hours of an order are worth that would be given back, and the fee for them."""

    value_fen = serializers.IntegerField()
    fee_fen = serializers.IntegerField()


class StartTopUp(StrictSerializer):
    """An amount and how it comes."""

    method = serializers.ChoiceField(choices=TopUpMethod.choices)
    amount_fen = serializers.IntegerField(min_value=1)


class TopUpOut(serializers.ModelSerializer[TopUp]):
    """A top-up; ``bank_reference`` is to be quoted with a transfer."""

    class Meta:
        model = TopUp
        fields = ["id", "method", "amount_fen", "status", "stripe_intent", "bank_reference", "created_at"]
        read_only_fields = fields


class WalletOut(serializers.Serializer[Any]):
    """The wallet, in fen."""

    balance_fen = serializers.IntegerField()
    held_fen = serializers.IntegerField()
    available_fen = serializers.IntegerField()
    arrears_fen = serializers.IntegerField()


class ChargeOut(serializers.ModelSerializer[Charge]):
    """A charge as its buyer sees it; a credit has no price and is negative, a fee and a line have none."""

    order = serializers.UUIDField(source="reservation.order_id")
    line = serializers.UUIDField(
        source="line_charge.line_id", default=None, help_text="The line that a charge of kind line is for."
    )

    class Meta:
        model = Charge
        fields = [
            "id",
            "kind",
            "order",
            "reservation",
            "line",
            "hour",
            "version",
            "accelerator_ms",
            "price_micro",
            "amount_fen",
            "voucher_fen",
            "wallet_fen",
            "charged_at",
        ]
        read_only_fields = fields


class InvoiceOut(serializers.ModelSerializer[Invoice]):
    """An invoice."""

    number = serializers.CharField(source="display_number")

    class Meta:
        model = Invoice
        fields = ["id", "number", "issuer", "buyer", "month_on", "amount_fen", "voucher_fen", "wallet_fen", "issued_at"]
        read_only_fields = fields


class AuthorityPayableOut(serializers.Serializer[Model]):
    """What one programme's authority owes of a settlement."""

    programme = serializers.CharField(source="programme.code")
    amount_fen = serializers.IntegerField()


class CommissionBasisOut(serializers.Serializer[Model]):
    """A part of a settlement's gross amount, and the commission on it; without a programme it is buyers' own money."""

    programme = serializers.CharField(source="programme.code", allow_null=True, default=None)
    rate_bp = serializers.IntegerField()
    amount_fen = serializers.IntegerField()


class DenialOut(serializers.Serializer[Any]):
    """A line of a claim that an authority has denied for good, and what of it corrections have undone by now."""

    claim = serializers.CharField(source="line.claim.display_number")
    line = serializers.IntegerField(source="line.number")
    programme = serializers.CharField(source="line.claim.programme.code")
    buyer = serializers.UUIDField(source="line.buyer_id")
    reason = serializers.CharField(source="line.reason")
    note = serializers.CharField(source="line.note")
    denied_at = serializers.DateTimeField()
    amount_fen = serializers.IntegerField()
    undone_fen = serializers.IntegerField()
    borne_fen = serializers.IntegerField()


class SettlementOut(serializers.ModelSerializer[Settlement]):
    """A provider's month; denials since the one before are in no amount of it, but lower what is still to be paid."""

    denials = serializers.SerializerMethodField()
    commission_bases = CommissionBasisOut(many=True)
    authority_payables = AuthorityPayableOut(many=True)

    class Meta:
        model = Settlement
        fields = [
            "id",
            "month_on",
            "gross_fen",
            "commission_fen",
            "vat_fen",
            "net_fen",
            "settled_at",
            "commission_bases",
            "authority_payables",
            "denials",
        ]
        read_only_fields = fields

    @extend_schema_field(DenialOut(many=True))
    def get_denials(self, settlement: Settlement) -> list[dict[str, Any]]:
        return list(DenialOut(self._denials.get(settlement.pk, []), many=True).data)

    @cached_property
    def _denials(self) -> Mapping[UUID, Sequence[stated_denials.Denied]]:
        """Look once for all that are answered together."""
        answered = self.root.instance
        return stated_denials.of([answered] if isinstance(answered, Settlement) else list(answered or ()))
