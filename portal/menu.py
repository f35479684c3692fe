"""The left menu, by what the current organisation does."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.duties import Duty
from accounts.models import OrganizationKind

Entry = tuple[Promise, str, str]

MARKET: Entry = (_("Market"), "portal:market", "building-store")
PRICES: Entry = (_("Prices"), "portal:prices", "chart-bar")
# What everyone may read, in the order of a first visit; other rooms' public pages are listed with them.
VISITOR: list[Entry] = [
    MARKET,
    PRICES,
    (_("Service levels"), "portal:service", "shield-check"),
    (_("Transparency log"), "portal:transparency", "scale"),
    (_("Report misuse of vouchers"), "portal:tip", "gavel"),
]
DEVELOPER: Entry = (_("API and signing keys"), "portal:developer", "key")
MEMBERS: Entry = (_("People"), "portal:members", "user")
CLAIMS: Entry = (_("Claims"), "portal:claims", "receipt-yuan")
INTEGRITY: list[Entry] = [
    (_("Findings"), "portal:findings", "alert-triangle"),
    (_("Freezes"), "portal:freezes", "lock"),
    (_("Clawbacks"), "portal:clawbacks", "gavel"),
    (_("Firms and related parties"), "portal:firms", "building"),
]
NOTICES: Entry = (_("Notices"), "portal:notices", "alert-triangle")
MENUS: dict[str, list[tuple[Promise, list[Entry]]]] = {
    OrganizationKind.BUYER: [
        (_("Compute"), [(_("Overview"), "portal:overview", "layout-dashboard"), MARKET, PRICES]),
        (
            _("Orders"),
            [
                (_("My orders"), "portal:orders", "clipboard-list"),
                (_("Approvals"), "portal:approvals", "shield-check"),
                (_("Requests for quotations"), "portal:rfqs", "gavel"),
            ],
        ),
        (
            _("Money"),
            [
                (_("Compute vouchers"), "portal:vouchers", "ticket"),
                (_("Apply for vouchers"), "portal:rounds", "clipboard-list"),
                (_("My applications"), "portal:my-applications", "file-invoice"),
                (_("Wallet"), "portal:wallet", "wallet"),
                (_("Bills"), "portal:bills", "file-invoice"),
                CLAIMS,
                NOTICES,
            ],
        ),
        (_("Organisation"), [MEMBERS, DEVELOPER]),
    ],
    OrganizationKind.PROVIDER: [
        (_("Compute"), [(_("Overview"), "portal:seller", "layout-dashboard"), MARKET, PRICES]),
        (
            _("Supply"),
            [
                (_("Offerings"), "portal:offerings", "server-2"),
                (_("Orders on my cards"), "portal:reservations", "calendar-time"),
                (_("Requests for quotations"), "portal:rfqs-seen", "gavel"),
                (_("Usage reports"), "portal:usage", "activity"),
                (_("Sites"), "portal:sites", "map-pin"),
                (_("Measured figures"), "portal:measurements", "chart-bar"),
                (_("Verification"), "portal:onboarding", "shield-check"),
            ],
        ),
        (_("Money"), [(_("Settlements"), "portal:settlements", "cash"), CLAIMS, NOTICES]),
        (_("Organisation"), [MEMBERS, DEVELOPER]),
    ],
    OrganizationKind.AUTHORITY: [
        (
            _("Compute vouchers"),
            [
                (_("Programmes"), "portal:programmes", "scale"),
                (_("Rounds"), "portal:rounds-desk", "calendar-time"),
                (_("Simulator"), "portal:simulations", "adjustments-horizontal"),
                (_("Figures"), "portal:kpis", "chart-bar"),
                (_("Applications"), "portal:applications", "inbox"),
                (_("Grants"), "portal:grants", "ticket"),
                (_("Claims to decide"), "portal:claims-desk", "file-invoice"),
                (_("Payment batches"), "portal:payments-desk", "cash"),
                (_("Registry of providers"), "portal:registry", "server-2"),
            ],
        ),
        (_("Integrity"), INTEGRITY),
        (_("My duties"), [(_("Conflicts of interest"), "portal:interests", "shield-check")]),
        (_("Compute"), [MARKET, PRICES]),
    ],
    OrganizationKind.OPERATOR: [
        (
            _("Money"),
            [
                (_("Bank transfers"), "portal:transfers", "building-bank"),
                (_("Claims to decide"), "portal:claims-desk", "file-invoice"),
                (_("Payout accounts"), "portal:accounts-desk", "wallet"),
            ],
        ),
        (_("Integrity"), INTEGRITY),
        (
            _("Quality"),
            [
                (_("Contested downtimes"), "portal:downtimes", "activity"),
                (_("Reviews"), "portal:reviews", "clipboard-list"),
            ],
        ),
        (
            _("Supply"),
            [
                (_("Providers to verify"), "portal:onboardings", "shield-check"),
                (_("Offerings to review"), "portal:listings", "server-2"),
                (_("Registry of providers"), "portal:registry", "clipboard-list"),
                (_("Measured figures"), "portal:measurements-desk", "chart-bar"),
            ],
        ),
        (_("Compute"), [MARKET, PRICES]),
    ],
}
# Pages that only some roles of an authority or of the operator open.
NEEDS: dict[str, frozenset[Duty]] = {
    "portal:grants": frozenset({Duty.READ}),
    "portal:simulations": frozenset({Duty.READ}),
    "portal:rounds-desk": frozenset({Duty.READ}),
    "portal:kpis": frozenset({Duty.READ}),
    "portal:claims-desk": frozenset({Duty.READ, Duty.CHECK_CLAIMS}),
    "portal:payments-desk": frozenset({Duty.READ}),
    "portal:accounts-desk": frozenset({Duty.CHECK_CLAIMS}),
    "portal:registry": frozenset({Duty.READ, Duty.LIST_PROVIDERS}),
    **{name: frozenset({Duty.READ, Duty.FIND}) for _label, name, _icon in INTEGRITY},
    "portal:applications": frozenset({Duty.READ, Duty.REVIEW_DISTRICT, Duty.SCORE}),
}


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the menu."""

    label: Promise
    url: str
    icon: str
    current: bool


def groups(request: Any) -> list[tuple[Promise, list[Item]]]:
    """Return the menu of the request's organisation, or nothing for a visitor."""
    organization = getattr(request, "organization", None)
    if organization is None:
        return []
    menus = [(title, _open(entries, request.rights.duties)) for title, entries in MENUS[organization.kind]]
    urls = [reverse(name) for _title, entries in menus for _label, name, _icon in entries]
    # One entry may lie below another: the longest address is the page's own.
    here = max((url for url in urls if request.path.startswith(url)), key=len, default="")
    return [(title, [_item(entry, here) for entry in entries]) for title, entries in menus if entries]


def visitor(request: Any) -> list[Item]:
    """Return the pages that are open to everyone."""
    return [_item(entry, request.path) for entry in VISITOR]


def _open(entries: list[Entry], duties: frozenset[str]) -> list[Entry]:
    return [entry for entry in entries if entry[1] not in NEEDS or NEEDS[entry[1]] & duties]


def home_of(organization: Any) -> str:
    """Return the name of the page on which a member of the organisation starts."""
    return next(iter(next(iter(MENUS[organization.kind]))[1]))[1]


def _item(entry: Entry, here: str) -> Item:
    label, name, icon = entry
    url = reverse(name)
    return Item(label, url, icon, url == here)
