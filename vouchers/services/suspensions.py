"""Suspend a provider after so many upheld findings about it, as its programme says; another person resumes it."""

from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _

from vouchers.models import Finding, FindingStatus, ProviderListing
from vouchers.services import registry


def follow(*, finding: Finding, at: datetime) -> int:
    """Suspend the listings of whom an upheld finding is about, if there are enough of them; return how many.

    The listings are locked first, so that of two findings that are upheld at once the second counts both.
    """
    programme = finding.programme or (finding.grant.programme if finding.grant else None)
    most = programme.parameters.providers.suspend_on_findings if programme is not None else None
    if programme is None or not most or finding.subject is None:
        return 0
    rows = ProviderListing.objects.filter(programme=programme, provider=finding.subject)
    listings = list(rows.locked())
    about = Finding.objects.filter(Q(programme=programme) | Q(grant__programme=programme), subject=finding.subject)
    upheld = about.filter(status=FindingStatus.UPHELD).count()
    if upheld < most:
        return 0
    reason = _("Findings about the provider that were upheld: %(number)d") % {"number": upheld}
    return sum(registry.suspend_by_rule(listing=one, reason=reason, at=at) for one in listings)
