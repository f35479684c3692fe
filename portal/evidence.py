"""What a finding rests on, as people read it: named lines, tables, and the chains that tie parties."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Organization
from portal import kinship
from portal.kinship import Chain
from portal.templatetags.portal import card_hours, percent, price, yuan
from vouchers.models import ClaimantKind


@dataclass(frozen=True, slots=True)
class Line:
    """A fact with its name."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Table:
    """Several facts of one kind."""

    title: str
    header: list[str]
    rows: list[list[str]]


@dataclass(slots=True)
class Shown:
    """Everything that a finding rests on."""

    lines: list[Line] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    chains: list[Chain] = field(default_factory=list)


def _trade(value: Any) -> str:
    kind, _slash, number = str(value).partition("/")
    return _("Contract %(number)s") % {"number": number} if kind == "contract" else str(value)


def _grounds(codes: Iterable[str]) -> str:
    return _(", ").join(kinship.ground(code) for code in codes) or "–"


PLAIN: Callable[[Any], str] = str
# In the order in which they are shown; what no rule of ours writes is shown last, by its own name.
NAMED: dict[str, tuple[Any, Callable[[Any], str]]] = {
    "text": (gettext_lazy("What was reported"), PLAIN),
    "about": (gettext_lazy("Firm that was named"), PLAIN),
    "share_bp": (gettext_lazy("Largest share that one holds of the other"), percent),
    "grounds": (gettext_lazy("Other grounds"), _grounds),
    "number": (gettext_lazy("Number"), PLAIN),
    "trade": (gettext_lazy("Trade"), _trade),
    "product": (gettext_lazy("Offering"), PLAIN),
    "granted_on": (gettext_lazy("Granted on"), PLAIN),
    "on": (gettext_lazy("Day"), PLAIN),
    "price_micro": (gettext_lazy("Price paid"), price),
    "list_micro": (gettext_lazy("List price"), price),
    "median_micro": (gettext_lazy("Median of the market"), price),
    "limit_bp": (gettext_lazy("Allowed above it"), percent),
    "before_micro": (gettext_lazy("Price before"), price),
    "after_micro": (gettext_lazy("Price after"), price),
    "rise_bp": (gettext_lazy("Rise"), percent),
    "metered_ms": (gettext_lazy("Metered (card-hours)"), card_hours),
    "billed_ms": (gettext_lazy("Billed (card-hours)"), card_hours),
    "reserved_ms": (gettext_lazy("Reserved (card-hours)"), card_hours),
    "busy_bp": (gettext_lazy("Cards busy"), percent),
    "billed_bp": (gettext_lazy("Billed of what was reserved"), percent),
    "hours": (gettext_lazy("Hours before the expiry"), PLAIN),
    "used_fen": (gettext_lazy("Used in these hours"), yuan),
    "face_fen": (gettext_lazy("Face value"), yuan),
    "most_fen": (gettext_lazy("Most that the programme grants"), yuan),
    "age_days": (gettext_lazy("Age of the firm in days"), PLAIN),
    "within_days": (gettext_lazy("Days that are looked at"), PLAIN),
    "times": (gettext_lazy("Times"), PLAIN),
    "digest": (gettext_lazy("Job"), PLAIN),
    "reference": (gettext_lazy("Reference"), PLAIN),
    "amount_fen": (gettext_lazy("Amount"), yuan),
}


def of(evidence: Mapping[str, Any]) -> Shown:
    """Return the evidence of a finding for people."""
    names = _names(evidence)
    shown = Shown(chains=kinship.chains(evidence.get("chains", ())))
    shown.tables = list(_tables(evidence, names))
    told = {"chains", "sold_back", "firms", "sides", "places"}
    known = [(name, *terms) for name, terms in NAMED.items() if name in evidence]
    shown.lines = [Line(str(label), write(evidence[name])) for name, label, write in known if evidence[name] != ""]
    shown.lines += [Line(name, str(value)) for name, value in evidence.items() if name not in told | NAMED.keys()]
    return shown


def _tables(evidence: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[Table]:
    if "sold_back" in evidence:
        rows = [[names.get(one["to"], one["to"]), one["on"], yuan(one["amount_fen"])] for one in evidence["sold_back"]]
        yield Table(_("Compute that the buyer sold back"), [_("To"), _("On"), _("Amount")], rows)
    if "firms" in evidence:
        firms = evidence["firms"]
        rows = [[names.get(one["id"], one["id"]), one["founded_on"], yuan(one["face_fen"])] for one in firms]
        yield Table(_("Firms under one controller"), [_("Firm"), _("Known here since"), _("Face value")], rows)
    if "sides" in evidence:
        kinds = dict(ClaimantKind.choices)
        rows = [[str(kinds.get(side, side)), yuan(fen)] for side, fen in evidence["sides"].items()]
        yield Table(_("Who claims"), [_("Side"), _("Claimed")], rows)
    if "places" in evidence:
        rows = [[_place(str(one), names)] for one in evidence["places"]]
        yield Table(_("Where the number is used"), [_("Place")], rows)


def _place(place: str, names: Mapping[str, str]) -> str:
    kind, _slash, rest = place.partition("/")
    if kind == "application" and rest:
        firm = rest.rpartition("/")[2]
        return _("Application of %(firm)s") % {"firm": names.get(firm, firm)}
    if kind == "claim" and rest:
        return _("Claim %(number)s") % {"number": rest[-8:].upper()}
    return place


def _names(evidence: Mapping[str, Any]) -> dict[str, str]:
    """Return the names of the organisations that evidence names by their keys."""
    wanted = [one["to"] for one in evidence.get("sold_back", ())] + [one["id"] for one in evidence.get("firms", ())]
    wanted += [place.rpartition("/")[2] for place in evidence.get("places", ()) if place.startswith("application/")]
    keys = {key for key in wanted if _is_key(key)}
    if not keys:
        return {}
    return {str(pk): name for pk, name in Organization.objects.filter(pk__in=keys).values_list("pk", "name")}


def _is_key(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
