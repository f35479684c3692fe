"""How the pages of integrity name severities and what happened to findings, cases and freezes."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.templatetags.portal import short
from vouchers.models import Finding, Severity

register = template.Library()
TONES = {Severity.HIGH: "red", Severity.MEDIUM: "orange", Severity.LOW: "grey"}
EVENTS = {
    "finding.raised": _("Raised by hand"),
    "finding.assigned": _("Assigned"),
    "finding.asked": _("Firm asked to explain"),
    "finding.answered": _("Firm answered"),
    "finding.decided": _("Decided"),
    "finding.handed_over": _("Handed over to a programme"),
    "grant.frozen": _("Frozen"),
    "grant.kept_frozen": _("Looked at again, stays frozen"),
    "grant.thawed": _("Freeze lifted"),
    "grant.taken_back": _("Voucher taken back unused"),
    "grant.extended": _("Voucher extended"),
    "clawback.suspected": _("Case opened"),
    "clawback.held": _("Value frozen"),
    "clawback.notified": _("Notice sent"),
    "clawback.answered": _("Debtor answered"),
    "clawback.document_added": _("File added"),
    "clawback.dismissed": _("Dismissed"),
    "clawback.upheld": _("Upheld"),
    "clawback.demanded": _("Repayment demanded"),
    "clawback.planned": _("Instalments agreed"),
    "clawback.recovered": _("Something came back"),
    "clawback.referred": _("Referred"),
    "clawback.appealed": _("Debtor appealed"),
    "clawback.appeal_decided": _("Appeal decided"),
    "clawback.given_back": _("Given back to the debtor"),
}


@register.filter
def event(verb: str) -> str:
    """Name what happened; what is newer than these words is named by its code."""
    return str(EVENTS.get(verb, verb))


@register.filter
def paid_for(reference: str) -> str:
    """Name what a redemption paid for: an order by the number that its pages show."""
    kind, _slash, number = reference.partition("/")
    return gettext("Order %(number)s") % {"number": short(number)} if kind == "order" and number else reference


@register.simple_tag
def severity(finding: Finding) -> SafeString:
    """Show how soon somebody should look."""
    tone = TONES.get(Severity(finding.severity), "grey")
    return format_html('<span class="badge tone-{}">{}</span>', tone, finding.get_severity_display())
