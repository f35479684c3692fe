"""What has become a trade between related parties by the time it is claimed: withheld, and a case for a clawback."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization
from accounts.selectors import Relatedness
from accounts.services.audit import SYSTEM
from core.periods import date_of
from vouchers import integrity
from vouchers.fraud.suspicions import Rule, Weight
from vouchers.models import Clawback, Finding, Redemption
from vouchers.services import clawbacks, findings, parties
from vouchers.services.demands import Item


def note_at_claim(*, redemption: Redemption, provider: Organization, at: datetime) -> Relatedness | None:
    """Return what makes a redemption's parties related by now, written down; nothing of it is paid out meanwhile."""
    grant = redemption.grant
    tie = integrity.related(grant=grant, provider_id=provider.pk, on=date_of(at))
    if tie is None:
        return None
    net_fen = redemption.captured_fen - redemption.refunded_fen
    found = parties.suspicion(
        Rule.RELATED_PARTY, Weight.HIGH, f"claim/{redemption.pk}", grant, tie, net_fen, redemption.pk
    )
    findings.record(suspicions=[found], at=at)
    return tie


@transaction.atomic
def suspect_at_claim(*, redemption: Redemption, provider: Organization, at: datetime) -> Clawback | None:
    """Open a case about a redemption whose parties are related by now, once; or return nothing if they are not."""
    if note_at_claim(redemption=redemption, provider=provider, at=at) is None:
        return None
    redemption = Redemption.objects.locked().select_related("grant").get(pk=redemption.pk)
    earlier = Clawback.objects.filter(items__capture__redemption=redemption).order_by("-pk").first()
    if earlier:
        return earlier
    left_fen, items = redemption.captured_fen - redemption.refunded_fen, []
    for capture in redemption.captures.order_by("-pk"):
        taken_fen = min(capture.amount_fen, left_fen)
        left_fen -= taken_fen
        if taken_fen:
            items.append(Item(capture, taken_fen))
    if not items:
        return None
    finding = Finding.objects.get(dedupe_key=f"{Rule.RELATED_PARTY}/claim/{redemption.pk}/{provider.pk}")
    reason = _("Buyer and provider are related parties.")
    return clawbacks.suspect(grant=redemption.grant, items=items, reason=reason, actor=SYSTEM, at=at, finding=finding)
