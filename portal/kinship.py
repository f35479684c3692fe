"""What ties organisations, in the reader's language: grounds, and the facts of each chain as sentences."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import TraitKind
from core.money import format_yuan

GROUNDS: dict[str, Any] = {
    "shareholding": gettext_lazy("One holds shares of the other"),
    "representative": gettext_lazy("Same legal representative"),
    "controller": gettext_lazy("Same controller"),
    "manager": gettext_lazy("Same director, supervisor or senior manager"),
    "person": gettext_lazy("One person leads both"),
    "bank_account": gettext_lazy("Same bank account"),
    "phone": gettext_lazy("Same phone"),
    "address": gettext_lazy("Same address"),
    "domain": gettext_lazy("Same domain"),
    "device": gettext_lazy("Same payment device"),
    "other": gettext_lazy("Another relation"),
}
TRAITS = dict(TraitKind.choices)


@dataclass(frozen=True, slots=True)
class Chain:
    """One way in which two organisations are tied, and the facts that prove it."""

    ground: str
    share_bp: int | None
    facts: list[str]


def ground(code: str) -> str:
    """Name what ties two organisations."""
    return str(GROUNDS.get(code, code))


def chains(found: Iterable[Mapping[str, Any]]) -> list[Chain]:
    """Return chains of evidence as people read them."""
    return [
        Chain(ground(str(one.get("ground", ""))), one.get("share_bp"), [_sentence(fact) for fact in one["facts"]])
        for one in found
    ]


def _sentence(fact: Mapping[str, Any]) -> str:
    kind, terms = str(fact.get("kind", "")), dict(fact)
    if kind in ("shareholding", "branch"):
        terms["share"] = format_yuan(int(fact["share_bp"]))  # basis points are hundredths of a per cent
        if kind == "branch":
            return _("%(held)s is a branch of %(holder)s since %(valid_from)s (%(source)s).") % terms
        return _("%(holder)s holds %(share)s%% of %(held)s since %(valid_from)s (%(source)s).") % terms
    if kind == "declared":
        return _("Found by a person: %(ground)s (%(source)s).") % (terms | {"ground": ground(str(fact["ground"]))})
    terms["kind"] = TRAITS.get(kind, kind)
    return _("%(organization)s, %(kind)s: %(value)s since %(valid_from)s (%(source)s).") % terms
