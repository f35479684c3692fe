"""Say what a site is like, with a certificate or a measurement behind every figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.core.files.base import ContentFile
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization
from accounts.services import audit
from accounts.services.audit import Actor
from core import uploads
from core.constraints import refusing
from core.errors import Conflict, DomainError, NotFound
from core.periods import date_of
from market.models import LatencyProbe, Site, SiteCertificate
from market.models.place import PROBES_COUNT_FOR

LONGEST = timedelta(days=5 * 366)
MOST_PROBES = 500
MOST_US = 2_000_000
AHEAD = timedelta(minutes=5)


class BadCertificate(DomainError):
    """The figure is impossible, or the certificate is over, reversed or good for too long."""

    code = "bad-certificate"


class CertificateExists(Conflict):
    """The certificate of this issuer and number is known."""

    code = "certificate-exists"


class BadProbe(DomainError):
    """A probe makes no sense, or is too old to count."""

    code = "bad-probe"


@dataclass(frozen=True, slots=True)
class Probe:
    """A measurement to be reported: the median round trip between a site and a city."""

    city: str
    p50_us: int
    measured_at: datetime


@transaction.atomic
def certify(
    *,
    site: Site,
    kind: str,
    value: int,
    issuer: str,
    number: str,
    valid_from: date,
    expires_on: date,
    content: bytes = b"",
    actor: Actor,
    at: datetime,
) -> SiteCertificate:
    """Record a figure of a site with its certificate, and the certificate itself if there is a file.

    :raises BadCertificate: if the figure is impossible, or the days make no sense.
    :raises CertificateExists: if it is known.
    :raises BadUpload: if the file is no PDF or picture.
    """
    if not valid_from < expires_on <= valid_from + LONGEST or expires_on <= date_of(at):
        wrong = _("Not after the first day, over, or more than five years later.")
        raise BadCertificate(_("The days of the certificate make no sense."), fields={"expires_on": wrong})
    impossible = BadCertificate(_("The figure is impossible."), fields={"value": _("Impossible.")})
    known = CertificateExists(_("This certificate is known."), fields={"number": _("Known.")})
    file = ContentFile(content, name=uploads.kind_of(content).suffix) if content else ""
    with refusing(site_certificate_value_possible=impossible, site_certificate_once=known):
        certificate = SiteCertificate.objects.create(
            site=site,
            kind=kind,
            value=value,
            issuer=issuer,
            number=number,
            valid_from=valid_from,
            expires_on=expires_on,
            file=file,
            recorded_at=at,
        )
    after = {"kind": kind, "value": value, "issuer": issuer, "number": number, "expires_on": expires_on.isoformat()}
    audit.record(actor=actor, verb="site.certified", thing=site, at=at, after=after)
    return certificate


@transaction.atomic
def withdraw(*, site: Site, certificate_id: int, actor: Actor, at: datetime) -> None:
    """Let a certificate count no more; it stays on record.

    :raises NotFound: if the site has no such certificate that counts.
    """
    rows = SiteCertificate.objects.filter(site=site, pk=certificate_id, withdrawn_at=None)
    if not rows.update(withdrawn_at=at):
        raise NotFound(_("There is no such certificate."))
    audit.record(actor=actor, verb="site.certificate-withdrawn", thing=site, at=at, after={"id": certificate_id})


@transaction.atomic
def report_probes(
    *, site: Site, reporter: Organization, source: str, probes: Sequence[Probe], actor: Actor, at: datetime
) -> int:
    """Keep measurements of an agent; those that are known already are not written twice. Return how many are new.

    :raises BadProbe: if one makes no sense or is too old to count.
    """
    if not 0 < len(probes) <= MOST_PROBES:
        raise BadProbe(_("Report 1 to %(most)d probes at once.") % {"most": MOST_PROBES})
    for number, probe in enumerate(probes):
        _check(probe, number, at=at)
    before = LatencyProbe.objects.filter(site=site).count()
    LatencyProbe.objects.bulk_create(
        [
            LatencyProbe(
                site=site,
                city=probe.city,
                p50_us=probe.p50_us,
                measured_at=probe.measured_at,
                source=source,
                reported_by=reporter,
            )
            for probe in probes
        ],
        ignore_conflicts=True,
    )
    new = LatencyProbe.objects.filter(site=site).count() - before
    after = {"source": source, "probes": len(probes), "new": new}
    audit.record(actor=actor, verb="site.probed", thing=site, at=at, after=after)
    return new


def _check(probe: Probe, number: int, *, at: datetime) -> None:
    if not 0 < probe.p50_us <= MOST_US:
        raise BadProbe(_("A round trip is from 1 to %(most)d µs.") % {"most": MOST_US}, fields={f"probes/{number}": ""})
    if not at - PROBES_COUNT_FOR < probe.measured_at <= at + AHEAD:
        wrong = _("Measured in the future, or too long ago.")
        raise BadProbe(wrong, fields={f"probes/{number}/measured_at": wrong})
