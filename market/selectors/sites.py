"""What is known of sites at an instant, for many of them at once: PUE, share of green power, ring around a city.

A figure without a certificate that is good on the day is unknown, and unknown keeps no condition.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from uuid import UUID

from django.db.models import Max, Min

from core.periods import date_of
from market.models import CertificateKind, LatencyProbe, SiteCertificate
from market.reference import places

# Median round trips in µs up to which a site is in ring 1, 2 and 3 of a city; beyond them it is in ring 4.
RINGS_US = (2_000, 10_000, 40_000)
OUTER_RING = len(RINGS_US) + 1
Measured = Mapping[tuple[UUID, str], places.Ring]
"""How far sites are from cities, as measured: the rings of probes are those of the map, numbered from 1."""


def ring_of(p50_us: int) -> int:
    """Return the ring of a median round trip: 1 is the nearest."""
    return next((ring for ring, most in enumerate(RINGS_US, start=1) if p50_us <= most), OUTER_RING)


def pue_milli(sites: Iterable[UUID], at: datetime) -> dict[UUID, int]:
    """Return the PUE of the sites that have a good certificate, in thousandths; the worse of two."""
    good = SiteCertificate.objects.good(date_of(at)).filter(site__in=list(sites), kind=CertificateKind.PUE)
    return dict(good.values_list("site").annotate(Max("value")).order_by())


def green_bp(sites: Iterable[UUID], at: datetime) -> dict[UUID, int]:
    """Return the share of green power of the sites that have a good certificate, in basis points; the lower of two."""
    good = SiteCertificate.objects.good(date_of(at)).filter(site__in=list(sites), kind=CertificateKind.GREEN)
    return dict(good.values_list("site").annotate(Min("value")).order_by())


def ring(sites: Iterable[UUID], city: str, at: datetime) -> dict[UUID, int]:
    """Return the ring of the sites around a city by the latest probe of each; those without a fresh one are unknown."""
    return {site: ring_of(p50_us) for site, p50_us in latency_us(sites, city, at).items()}


def measured(sites: Iterable[UUID], cities: Collection[str], at: datetime) -> Measured:
    """Return how far sites are from cities by the latest probe of each pair that has a fresh one."""
    if not cities:
        return {}
    fresh = LatencyProbe.objects.fresh(at).filter(site__in=list(sites), city__in=list(cities))
    latest = fresh.order_by("site", "city", "-measured_at", "-p50_us").distinct("site", "city")
    return {
        (site, city): places.Ring(ring_of(p50_us) - 1)
        for site, city, p50_us in latest.values_list("site", "city", "p50_us")
    }


def latency_us(sites: Iterable[UUID], city: str, at: datetime) -> dict[UUID, int]:
    """Return the median round trip between sites and a city by the latest probe; of one instant, the slowest."""
    fresh = LatencyProbe.objects.fresh(at).filter(site__in=list(sites), city=city)
    latest = fresh.order_by("site", "-measured_at", "-p50_us").distinct("site")
    return dict(latest.values_list("site", "p50_us"))


def rings_of(site: UUID, at: datetime) -> list[LatencyProbe]:
    """Return the latest fresh probe of a site to every city, the nearest city first."""
    fresh = LatencyProbe.objects.fresh(at).filter(site=site)
    return sorted(fresh.order_by("city", "-measured_at", "-p50_us").distinct("city"), key=lambda one: one.p50_us)
