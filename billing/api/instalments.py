"""How a block that is paid month by month stands."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from billing.models import InstalmentPlan
from billing.services import instalments


class NextOut(serializers.Serializer[Any]):
    """The next month: what it sets aside at most, tried from when on, and when it is missed and the block ends."""

    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    estimate_fen = serializers.IntegerField()
    tried_from = serializers.DateTimeField()
    missed_at = serializers.DateTimeField()


class InstalmentPlanOut(serializers.ModelSerializer[InstalmentPlan]):
    """A plan of instalments; ``problem`` is what kept the last try from setting the next month aside."""

    next = serializers.SerializerMethodField()

    class Meta:
        model = InstalmentPlan
        fields = ["status", "periods", "next", "problem", "problem_detail", "problem_at", "ended_at"]
        read_only_fields = fields

    @extend_schema_field(NextOut(allow_null=True))
    def get_next(self, plan: InstalmentPlan) -> dict[str, Any] | None:
        """Return the next month, if there is one."""
        month = instalments.following(plan)
        return NextOut(month).data if month else None
