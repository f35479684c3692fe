"""Figures of sites count with a certificate that is good, rings with a measurement that is fresh."""

from datetime import date, timedelta

import pytest

from core.errors import NotFound
from market.models import LatencyProbe, SiteCertificate
from market.selectors import sites
from market.services import places
from market.services.places import Probe
from tests.market import scenes
from tests.market.scenes import AT, SYSTEM, hours


@pytest.fixture
def site(provider):
    return scenes.site(provider)


def certify(site, kind="pue", value=1_250, **fields):
    terms = {
        "issuer": "CQC",
        "number": "1",
        "valid_from": date(2026, 1, 1),
        "expires_on": date(2026, 11, 1),
        "actor": SYSTEM,
        "at": AT,
    }
    return places.certify(site=site, kind=kind, value=value, **(terms | fields))


def probe(site, city, p50_us, ago=1):
    measured = [Probe(city, p50_us, AT - hours(ago))]
    return places.report_probes(site=site, reporter=site.provider, source="agent", probes=measured, actor=SYSTEM, at=AT)


def test_an_expired_certificate_is_unknown(site):
    other = scenes.site(site.provider)
    certify(site)
    certify(site, kind="green", value=8_000)
    keys = [site.pk, other.pk]

    assert sites.pue_milli(keys, AT) == {site.pk: 1_250}
    assert sites.green_bp(keys, AT) == {site.pk: 8_000}
    last, after = (
        scenes.datetime(2026, 10, 31, 15, tzinfo=AT.tzinfo),
        scenes.datetime(2026, 10, 31, 16, tzinfo=AT.tzinfo),
    )
    assert sites.pue_milli(keys, last) == {site.pk: 1_250}
    assert sites.pue_milli(keys, after) == sites.green_bp(keys, after) == {}


def test_a_withdrawn_certificate_counts_no_more_and_of_two_the_worse_counts(site):
    good, _bad = certify(site, value=1_200), certify(site, value=1_400, number="2")
    assert sites.pue_milli([site.pk], AT) == {site.pk: 1_400}

    places.withdraw(site=site, certificate_id=_bad.pk, actor=SYSTEM, at=AT)

    assert sites.pue_milli([site.pk], AT) == {site.pk: good.value}
    with pytest.raises(NotFound):
        places.withdraw(site=scenes.site(site.provider), certificate_id=good.pk, actor=SYSTEM, at=AT)


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": 999},
        {"value": 5_001},
        {"kind": "green", "value": 10_001},
        {"expires_on": date(2026, 10, 1)},
        {"valid_from": date(2027, 1, 1), "expires_on": date(2026, 12, 1)},
        {"valid_from": date(2020, 1, 1), "expires_on": date(2027, 1, 1)},
    ],
)
def test_a_senseless_certificate_is_refused(site, wrong):
    with pytest.raises(places.BadCertificate):
        certify(site, **wrong)

    assert not SiteCertificate.objects.exists()


def test_a_certificate_is_recorded_once(site):
    certify(site)

    with pytest.raises(places.CertificateExists):
        certify(site)


def test_the_latest_fresh_probe_makes_the_ring(site):
    far = scenes.site(site.provider)
    probe(site, "深圳市", 45_000, ago=48)
    probe(site, "深圳市", 1_900, ago=2)
    probe(far, "深圳市", 10_001)
    probe(far, "广州市", 50_000)

    keys = [site.pk, far.pk, scenes.site(site.provider).pk]
    assert sites.ring(keys, "深圳市", AT) == {site.pk: 1, far.pk: 3}
    assert sites.ring(keys, "广州市", AT) == {far.pk: 4}
    assert sites.ring(keys, "深圳市", AT - hours(24)) == {site.pk: 4}
    assert sites.ring(keys, "深圳市", AT + timedelta(days=30)) == {}


@pytest.mark.parametrize(("p50_us", "ring"), [(1, 1), (2_000, 1), (2_001, 2), (10_000, 2), (40_000, 3), (40_001, 4)])
def test_rings_have_published_bounds(p50_us, ring):
    assert sites.ring_of(p50_us) == ring


def test_a_probe_is_kept_once_and_a_senseless_one_not(site):
    assert [probe(site, "深圳市", 900), probe(site, "深圳市", 900)] == [1, 0]
    for wrong in ({"p50_us": 0}, {"p50_us": 2_000_001}, {"ago": 31 * 24}, {"ago": -1}):
        with pytest.raises(places.BadProbe):
            probe(site, "深圳市", wrong.get("p50_us", 900), ago=wrong.get("ago", 2))

    assert LatencyProbe.objects.count() == 1
