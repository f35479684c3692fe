"""Take what people report about misuse, without asking who they are."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization
from core.errors import DomainError
from core.ids import uuid7
from core.periods import date_of
from vouchers.models import Finding, FindingRule, FindingStatus, Severity, Tip
from vouchers.services import findings

MOST_TEXT = 5_000


class NothingSaid(DomainError):
    """A tip says what happened."""

    code = "nothing-said"


@transaction.atomic
def receive(*, text: str, about: str, contact: str, at: datetime) -> Tip:
    """Keep a tip and put a finding into the queue; a firm named exactly by name or code is the one it concerns.

    :raises NothingSaid: if it says nothing.
    """
    said = text.replace("\x00", "").strip()[:MOST_TEXT]
    if not said:
        raise NothingSaid(_("Say what happened."), fields={"text": _("Say what happened.")})
    about, contact = about.replace("\x00", "").strip()[:200], contact.replace("\x00", "").strip()[:200]
    number = uuid7()
    finding = Finding.objects.create(
        status=FindingStatus.OPEN,
        rule=FindingRule.TIP,
        severity=Severity.MEDIUM,
        dedupe_key=f"{FindingRule.TIP}/{number}",
        subject=_named(about),
        evidence={"text": said, "about": about},
        found_at=at,
        due_at=findings.decide_by(Severity.MEDIUM, date_of(at)),
    )
    return Tip.objects.create(id=number, text=said, about=about, contact=contact, finding=finding, received_at=at)


def _named(about: str) -> Organization | None:
    if not about:
        return None
    named = Organization.objects.filter(name=about) | Organization.objects.filter(credit_code=about.upper())
    return named.order_by("pk").first()
