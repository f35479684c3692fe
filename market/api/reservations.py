"""What the parties of a reservation do with it: the provider's agent hands over and ends, the buyer confirms."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import actor_of, organization_of
from accounts.api.idempotency import idempotent
from accounts.api.permissions import HasScope
from accounts.models import OrganizationKind
from core import clock
from core.api.parsers import JSONParser
from core.api.serializers import InstantField, StrictSerializer
from core.errors import Forbidden
from market import notice, sla
from market.api.downtimes import DowntimeOut, ReviewOut
from market.api.orders import ReservationOut, ReservationViewSet
from market.models import DowntimeCode, ReservationEvent, StopCode
from market.models.reputation import ENOUGH, WINDOW_DAYS
from market.models.stops import PROVIDER_STOPS
from market.services import downtimes, lifecycle, reviews

MOST_DETAILS = 8_000


class ReportAccess(StrictSerializer):
    """How the buyer gets in: addresses, users, keys, as text."""

    details = serializers.CharField(max_length=MOST_DETAILS)


class StopReservation(StrictSerializer):
    """Why a provider ends a reservation."""

    code = serializers.ChoiceField(choices=[(code.value, code.label) for code in PROVIDER_STOPS])
    detail = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class ReportDowntime(StrictSerializer):
    """A part of the reservation in which the cards could not be used."""

    starts_at = InstantField()
    ends_at = InstantField()
    code = serializers.ChoiceField(choices=[one for one in DowntimeCode.choices if one[0] != DowntimeCode.NOT_USABLE])
    detail = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class DisputeAccess(StrictSerializer):
    """What is wrong with the access."""

    detail = serializers.CharField(max_length=500)


class WriteReview(StrictSerializer):
    """Stars and words."""

    stars = serializers.IntegerField(min_value=1, max_value=5)
    text = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")


class AccessOut(serializers.Serializer[Any]):
    """How to get in."""

    details = serializers.CharField()


class EventOut(serializers.ModelSerializer[ReservationEvent]):
    """A step of a reservation; without an organisation the platform acted by the clock."""

    class Meta:
        model = ReservationEvent
        fields = ["at", "kind", "old_status", "new_status", "code", "detail", "organization"]
        read_only_fields = fields


class Reservations(ReservationViewSet):
    """Reservations, and what their parties do: providers with the scope ``usage``, buyers with ``orders``."""

    parser_classes = [JSONParser]

    @property
    def required_scope(self) -> str:
        """Return what a key needs: the agent that reports usage also hands over."""
        return "usage" if organization_of(self.request).kind == OrganizationKind.PROVIDER else "orders"

    @extend_schema(responses=EventOut(many=True))
    @action(detail=True, methods=["get"], pagination_class=None, filter_backends=[])
    def events(self, request: Request, pk: UUID) -> Response:
        """List the steps of a reservation."""
        return Response(EventOut(self.get_object().events.order_by("at", "pk")[:500], many=True).data)

    @extend_schema(request=None, responses=ReservationOut)
    @action(detail=True, methods=["post"])
    @idempotent
    def claim(self, request: Request, pk: UUID) -> Response:
        """Say, as the provider, that the cards are being prepared."""
        return self._answer(lifecycle.claim(reservation=self.get_object(), actor=actor_of(request), at=clock.now()))

    @extend_schema(responses=AccessOut)
    @action(detail=True, methods=["get"], pagination_class=None, filter_backends=[])
    def access(self, request: Request, pk: UUID) -> Response:
        """Show the buyer how to get in; the key needs the scope ``orders``."""
        if "orders" not in request.auth.scopes:
            raise Forbidden(_("The key needs the scope “orders”."))
        at = clock.now()
        return Response(
            {"details": lifecycle.show_access(reservation=self.get_object(), actor=actor_of(request), at=at)}
        )

    @extend_schema(request=ReportAccess, responses=ReservationOut)
    @access.mapping.post
    @idempotent
    def report_access(self, request: Request, pk: UUID) -> Response:
        """Hand the cards over, as the provider."""
        given = _read(ReportAccess, request)
        reservation = lifecycle.report_access(
            reservation=self.get_object(), actor=actor_of(request), at=clock.now(), **given
        )
        return self._answer(reservation)

    @extend_schema(request=None, responses=ReservationOut)
    @action(detail=True, methods=["post"])
    @idempotent
    def confirm(self, request: Request, pk: UUID) -> Response:
        """Confirm, as the buyer, that access works."""
        return self._answer(lifecycle.confirm(reservation=self.get_object(), actor=actor_of(request), at=clock.now()))

    @extend_schema(request=DisputeAccess, responses={201: DowntimeOut})
    @action(detail=True, methods=["post"], url_path="not-usable")
    @idempotent
    def not_usable(self, request: Request, pk: UUID) -> Response:
        """Say, as the buyer, that what was handed over never worked."""
        given = _read(DisputeAccess, request)
        downtime = downtimes.dispute_access(
            reservation=self.get_object(), actor=actor_of(request), at=clock.now(), **given
        )
        return Response(DowntimeOut(downtime).data, status=201)

    @extend_schema(request=StopReservation, responses=ReservationOut)
    @action(detail=True, methods=["post"])
    @idempotent
    def stop(self, request: Request, pk: UUID) -> Response:
        """End or fail a reservation, as the provider, with a reason."""
        given = _read(StopReservation, request)
        return self._answer(
            lifecycle.stop(reservation=self.get_object(), actor=actor_of(request), at=clock.now(), **given)
        )

    @extend_schema(responses=DowntimeOut(many=True))
    @action(detail=True, methods=["get"], pagination_class=None, filter_backends=[])
    def downtimes(self, request: Request, pk: UUID) -> Response:
        """List the downtimes of a reservation."""
        return Response(DowntimeOut(self.get_object().downtimes.order_by("starts_at", "pk"), many=True).data)

    @extend_schema(request=ReportDowntime, responses={201: DowntimeOut})
    @downtimes.mapping.post
    @idempotent
    def report_downtime(self, request: Request, pk: UUID) -> Response:
        """Report a downtime: the provider's own counts at once, the buyer's is answered first."""
        given = _read(ReportDowntime, request)
        downtime = downtimes.report(reservation=self.get_object(), actor=actor_of(request), at=clock.now(), **given)
        return Response(DowntimeOut(downtime).data, status=201)

    @extend_schema(request=WriteReview, responses={201: ReviewOut})
    @action(detail=True, methods=["post"])
    @idempotent
    def review(self, request: Request, pk: UUID) -> Response:
        """Review, as the buyer, what was used."""
        given = _read(WriteReview, request)
        review = reviews.write(reservation=self.get_object(), actor=actor_of(request), at=clock.now(), **given)
        return Response(ReviewOut(review).data, status=201)

    def _answer(self, reservation: Any) -> Response:
        return Response(ReservationOut(reservation).data)


def _read(form_class: type[StrictSerializer], request: Request) -> dict[str, Any]:
    form = form_class(data=request.data)
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)


class StepOut(serializers.Serializer[Any]):
    """Below this availability, so much of what was charged comes back."""

    below_ppm = serializers.IntegerField()
    credit_bp = serializers.IntegerField()


class FeeStepOut(serializers.Serializer[Any]):
    """With at least this notice, so much of the value of an hour that is given back is owed."""

    from_hours = serializers.IntegerField()
    fee_bp = serializers.IntegerField()


class ServiceLevelOut(serializers.Serializer[Any]):
    """The limits of a reservation, and the table of credits, by its version."""

    provisioning_minutes = serializers.IntegerField()
    not_usable_hours = serializers.IntegerField()
    downtime_answer_hours = serializers.IntegerField()
    downtime_claim_days = serializers.IntegerField()
    credit_table = serializers.CharField()
    credits = StepOut(many=True)
    notice_table = serializers.CharField()
    notice_free_hours = serializers.IntegerField()
    notice_fees = FeeStepOut(many=True)
    reputation_days = serializers.IntegerField()
    reputation_enough = serializers.IntegerField()
    stop_codes = serializers.DictField(child=serializers.CharField())


class ServiceTerms(APIView):
    """The published limits and credits that hold for every reservation."""

    permission_classes = [HasScope]

    @extend_schema(responses=ServiceLevelOut)
    def get(self, request: Request) -> Response:
        """Tell the limits in which cards are handed over, and what comes back when they cannot be used."""
        return Response(ServiceLevelOut(terms()).data)


def terms() -> dict[str, Any]:
    """Return what is published about the service."""
    return {
        "provisioning_minutes": settings.PROVISIONING_MINUTES,
        "not_usable_hours": settings.NOT_USABLE_HOURS,
        "downtime_answer_hours": settings.DOWNTIME_ANSWER_HOURS,
        "downtime_claim_days": settings.DOWNTIME_CLAIM_DAYS,
        "credit_table": sla.CURRENT,
        "credits": sla.TABLES[sla.CURRENT],
        "notice_table": notice.CURRENT.version,
        "notice_free_hours": notice.CURRENT.free_hours,
        "notice_fees": notice.CURRENT.steps,
        "reputation_days": WINDOW_DAYS,
        "reputation_enough": ENOUGH,
        "stop_codes": {code.value: str(code.label) for code in StopCode},
    }
