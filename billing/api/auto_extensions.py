"""The standing instruction of a reservation: extend it before it ends, within a budget."""

from typing import Any

from rest_framework import serializers

from billing.models import AutoExtension
from billing.models.auto_extension import MOST_LEAD_HOURS, MOST_STEP_HOURS
from billing.services.auto_extensions import MOST_FEN, MOST_MICRO
from core.api.serializers import InstantField, StrictSerializer


class Instruct(StrictSerializer):
    """At most for how much in all, at which price and until when; how many hours a step adds, and how early."""

    budget_fen = serializers.IntegerField(min_value=1, max_value=MOST_FEN)
    limit_micro = serializers.IntegerField(min_value=1, max_value=MOST_MICRO)
    until = InstantField()
    step_hours = serializers.IntegerField(min_value=1, max_value=MOST_STEP_HOURS)
    lead_hours = serializers.IntegerField(min_value=1, max_value=MOST_LEAD_HOURS, required=False, default=2)
    grant = serializers.UUIDField(required=False, allow_null=True, default=None)


class AutoExtensionOut(serializers.ModelSerializer[AutoExtension]):
    """An instruction, what its steps set aside, what kept the last try from extending, and why it ended."""

    steps = serializers.SerializerMethodField()

    class Meta:
        model = AutoExtension
        fields = [
            "id",
            "status",
            "reservation",
            "budget_fen",
            "spent_fen",
            "limit_micro",
            "until",
            "step_hours",
            "lead_hours",
            "grant",
            "started_at",
            "steps",
            "problem",
            "problem_detail",
            "problem_at",
            "ended_at",
            "end_code",
        ]
        read_only_fields = fields

    def get_steps(self, instruction: Any) -> int:
        """Return how many steps it made."""
        return len(instruction.steps.all())
