"""A provider's sites: what is certified and measured of them."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.api.authentication import actor_of, organization_of
from accounts.api.idempotency import idempotent
from accounts.api.permissions import HasScope
from accounts.models import OrganizationKind
from core import clock
from core.api.pagination import KeysetPagination
from core.api.serializers import InstantField, StrictSerializer
from market.api.offerings import own_site
from market.models import CertificateKind, LatencyProbe, Site, SiteCertificate
from market.selectors import sites
from market.services import places
from market.services.places import Probe

MOST_VALUE = 100_000


class SiteOut(serializers.ModelSerializer[Site]):
    """A site of one's own."""

    class Meta:
        model = Site
        fields = ["id", "name", "province", "city", "hub_name", "status"]
        read_only_fields = fields


class CertificateOut(serializers.ModelSerializer[SiteCertificate]):
    """A figure with its certificate: PUE in thousandths, green power in basis points."""

    class Meta:
        model = SiteCertificate
        fields = ["id", "kind", "value", "issuer", "number", "valid_from", "expires_on", "withdrawn_at"]
        read_only_fields = fields


class Certify(StrictSerializer):
    """A figure with its certificate: PUE in thousandths, green power in basis points."""

    kind = serializers.ChoiceField(choices=CertificateKind.choices)
    value = serializers.IntegerField(min_value=0, max_value=MOST_VALUE)
    issuer = serializers.CharField(max_length=120)
    number = serializers.CharField(max_length=80)
    valid_from = serializers.DateField()
    expires_on = serializers.DateField()


class ProbeIn(StrictSerializer):
    """The median round trip to a city in µs."""

    city = serializers.CharField(max_length=40)
    p50_us = serializers.IntegerField(min_value=1, max_value=places.MOST_US)
    measured_at = InstantField()


class ReportProbes(StrictSerializer):
    """Measurements of an agent, and what measured them."""

    source = serializers.CharField(max_length=120)  # type: ignore[assignment]
    probes = serializers.ListField(child=ProbeIn(), min_length=1, max_length=places.MOST_PROBES)


class ProbesTaken(serializers.Serializer[Any]):
    """How many measurements were new."""

    new = serializers.IntegerField()


class ProbeOut(serializers.ModelSerializer[LatencyProbe]):
    """The latest measurement to a city, and the ring that follows from it."""

    ring = serializers.SerializerMethodField()

    class Meta:
        model = LatencyProbe
        fields = ["city", "p50_us", "ring", "measured_at", "source"]
        read_only_fields = fields

    @extend_schema_field(serializers.IntegerField(min_value=1, max_value=sites.OUTER_RING))
    def get_ring(self, probe: LatencyProbe) -> int:
        """Return the ring."""
        return sites.ring_of(probe.p50_us)


class SiteViewSet(ReadOnlyModelViewSet[Site]):
    """Sites of the key's provider."""

    permission_classes = [HasScope]
    required_scope = "offerings"
    required_kinds = (OrganizationKind.PROVIDER,)
    pagination_class = KeysetPagination
    ordering = ("name", "pk")
    filter_backends: list[Any] = []
    serializer_class = SiteOut
    queryset = Site.objects.none()
    lookup_value_converter = "uuid"

    def get_queryset(self) -> Any:
        return Site.objects.filter(provider=organization_of(self.request))

    @extend_schema(responses=CertificateOut(many=True))
    @action(detail=True, methods=["get"], pagination_class=None)
    def certificates(self, request: Request, pk: UUID) -> Response:
        """List the certificates of a site, the latest first; those that are over count no more."""
        rows = SiteCertificate.objects.filter(site=own_site(request, pk)).order_by("-pk")[:100]
        return Response(CertificateOut(rows, many=True).data)

    @extend_schema(request=Certify, responses={201: CertificateOut})
    @action(detail=True, methods=["post"], url_path="certificates/add")
    @idempotent
    def certify(self, request: Request, pk: UUID) -> Response:
        """Record a figure with its certificate; the file itself is uploaded on the portal."""
        form = Certify(data=request.data)
        form.is_valid(raise_exception=True)
        site = own_site(request, pk)
        certificate = places.certify(site=site, actor=actor_of(request), at=clock.now(), **form.validated_data)
        return Response(CertificateOut(certificate).data, status=201)

    @extend_schema(responses=ProbeOut(many=True))
    @action(detail=True, methods=["get"], pagination_class=None)
    def probes(self, request: Request, pk: UUID) -> Response:
        """List the latest measurement to every city that still counts, the nearest first."""
        site = own_site(request, pk)
        return Response(ProbeOut(sites.rings_of(site.pk, clock.now())[:500], many=True).data)

    @extend_schema(request=ReportProbes, responses={201: ProbesTaken})
    @action(detail=True, methods=["post"], url_path="probes/report")
    @idempotent
    def report_probes(self, request: Request, pk: UUID) -> Response:
        """Report measured round trips; what is known already is not written twice."""
        form = ReportProbes(data=request.data)
        form.is_valid(raise_exception=True)
        new = places.report_probes(
            site=own_site(request, pk),
            reporter=organization_of(request),
            source=form.validated_data["source"],
            probes=[Probe(**one) for one in form.validated_data["probes"]],
            actor=actor_of(request),
            at=clock.now(),
        )
        return Response(ProbesTaken({"new": new}).data, status=201)
