"""Whether organisations are related parties, and by which chain of facts."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Case, Value, When
from django.db.models.functions import JSONObject

from accounts import traits
from accounts.models import Relation, Shareholding, Tie, Trait, TraitKind

RELATED_BP = 2_500
# What evidence says of each kind of fact.
SHAREHOLDING: dict[str, Any] = {
    "kind": Case(When(is_branch=True, then=Value("branch")), default=Value("shareholding")),
    "holder": "holder_name",
    "holder_code": "holder_code",
    "held": "held_name",
    "held_code": "held_code",
    "share_bp": "share_bp",
    "valid_from": "valid_from",
    "source": "source",
}
TRAIT: dict[str, Any] = {
    "kind": "kind",
    "organization": "organization__name",
    "value": "value",
    "valid_from": "valid_from",
    "source": "source",
}
DECLARED: dict[str, Any] = {"kind": Value("declared"), "ground": "ground", "source": "source"}


@dataclass(frozen=True, slots=True)
class Relatedness:
    """What joins two organisations on a day: the largest share that one has of the other, and what else there is."""

    one_id: UUID
    other_id: UUID
    share_bp: int
    grounds: tuple[str, ...]
    chains: tuple[dict[str, Any], ...]

    def is_related(self, least_bp: int = RELATED_BP, *, overlooking: Collection[str] = ()) -> bool:
        """Tell whether they are related parties: by a share of ``least_bp``, or by another ground that counts."""
        return self.share_bp >= least_bp or any(ground not in overlooking for ground in self.grounds)

    def evidence(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"share_bp": self.share_bp, "grounds": list(self.grounds), "chains": list(self.chains)}


def relatedness(*, one_id: UUID, on: date, others: Iterable[UUID] | None = None) -> list[Relatedness]:
    """Return what joins an organisation to some others, or to any, on a day; those that nothing joins are left out."""
    ties = list(Tie.objects.of(one_id).on(on).order_by("pk"))
    wanted = {_other(tie, one_id) for tie in ties} if others is None else set(others)
    found: dict[UUID, list[Tie]] = {}
    for tie in ties:
        if _other(tie, one_id) in wanted:
            found.setdefault(_other(tie, one_id), []).append(tie)
    facts = _facts(tie for joined in found.values() for tie in joined)
    return [_judged(one_id, other_id, joined, facts) for other_id, joined in sorted(found.items())]


def joined(*, pairs: Iterable[tuple[UUID, UUID]], on: date) -> list[Relatedness]:
    """Return what joins the two of each pair on a day, without the facts: one look, however many pairs there are."""
    wanted = set(pairs)
    everyone = {one for pair in wanted for one in pair}
    found: dict[tuple[UUID, UUID], list[Tie]] = {}
    for tie in Tie.objects.on(on).filter(first__in=everyone, second__in=everyone).order_by("pk"):
        for pair in {(tie.first_id, tie.second_id), (tie.second_id, tie.first_id)} & wanted:
            found.setdefault(pair, []).append(tie)
    return [_weighed(*pair, ties) for pair, ties in sorted(found.items())]


def related_ids(*, one_id: UUID, on: date, least_bp: int = RELATED_BP) -> set[UUID]:
    """Return every organisation that is a related party of one on a day."""
    return {each.other_id for each in relatedness(one_id=one_id, on=on) if each.is_related(least_bp)}


def _other(tie: Tie, one_id: UUID) -> UUID:
    return UUID(str(tie.second_id if tie.first_id == one_id else tie.first_id))


def _weighed(one_id: UUID, other_id: UUID, ties: list[Tie]) -> Relatedness:
    shares = {way: sum(tie.share_bp or 0 for tie in ties if tie.downward is way) for way in (True, False)}
    grounds = tuple(sorted({tie.ground for tie in ties if tie.share_bp is None}))
    return Relatedness(one_id, other_id, max(shares.values()), grounds, ())


def _judged(one_id: UUID, other_id: UUID, ties: list[Tie], facts: dict[UUID, dict[str, Any]]) -> Relatedness:
    chains = tuple(
        {"ground": tie.ground, "share_bp": tie.share_bp, "facts": [facts[fact] for fact in tie.facts]} for tie in ties
    )
    return replace(_weighed(one_id, other_id, ties), chains=chains)


def _facts(ties: Iterable[Tie]) -> dict[UUID, dict[str, Any]]:
    """Return every fact of some ties as a line of evidence, from one look at all kinds of facts."""
    wanted = {fact for tie in ties for fact in tie.facts}
    if not wanted:
        return {}
    kinds = [
        model.objects.filter(pk__in=wanted).values_list("pk", JSONObject(**line))
        for model, line in ((Shareholding, SHAREHOLDING), (Trait, TRAIT), (Relation, DECLARED))
    ]
    return {pk: _said(line) for pk, line in kinds[0].union(*kinds[1:], all=True)}


def _said(line: dict[str, Any]) -> dict[str, Any]:
    """Return a line of evidence without what nobody need read."""
    if line["kind"] in TraitKind.values:
        return line | {"value": traits.masked(line["value"])}
    return line
