"""Whether organisations are related parties, and by which chain of facts."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from accounts import traits
from accounts.models import Relation, Shareholding, Tie, Trait

RELATED_BP = 2_500


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


def relatedness(*, one_id: UUID, others: Iterable[UUID], on: date) -> list[Relatedness]:
    """Return what joins an organisation to each of some others on a day; those that nothing joins are left out."""
    wanted = set(others)
    ties = [tie for tie in Tie.objects.of(one_id).on(on).order_by("pk") if _other(tie, one_id) in wanted]
    facts = _facts(ties)
    found: dict[UUID, list[Tie]] = {}
    for tie in ties:
        found.setdefault(_other(tie, one_id), []).append(tie)
    return [_judged(one_id, other_id, joined, facts) for other_id, joined in sorted(found.items())]


def related_ids(*, one_id: UUID, on: date, least_bp: int = RELATED_BP) -> set[UUID]:
    """Return every organisation that is a related party of one on a day."""
    ties = Tie.objects.of(one_id).on(on).values_list("first_id", "second_id")
    others = {second if first == one_id else first for first, second in ties}
    found = relatedness(one_id=one_id, others=others, on=on)
    return {each.other_id for each in found if each.is_related(least_bp)}


def _other(tie: Tie, one_id: UUID) -> UUID:
    return UUID(str(tie.second_id if tie.first_id == one_id else tie.first_id))


def _judged(one_id: UUID, other_id: UUID, ties: list[Tie], facts: dict[UUID, dict[str, Any]]) -> Relatedness:
    shares = {way: sum(tie.share_bp or 0 for tie in ties if tie.downward is way) for way in (True, False)}
    grounds = tuple(sorted({tie.ground for tie in ties if tie.share_bp is None}))
    chains = tuple(
        {"ground": tie.ground, "share_bp": tie.share_bp, "facts": [facts[fact] for fact in tie.facts]} for tie in ties
    )
    return Relatedness(one_id, other_id, max(shares.values()), grounds, chains)


def _facts(ties: Iterable[Tie]) -> dict[UUID, dict[str, Any]]:
    """Return every fact of some ties as a line of evidence."""
    wanted = {fact for tie in ties for fact in tie.facts}
    if not wanted:
        return {}
    lines = {one.pk: _of_shareholding(one) for one in Shareholding.objects.filter(pk__in=wanted)}
    lines |= {one.pk: _of_trait(one) for one in Trait.objects.filter(pk__in=wanted).select_related("organization")}
    for one in Relation.objects.filter(pk__in=wanted):
        lines[one.pk] = {"kind": "declared", "ground": one.ground, "source": one.source}
    return lines


def _of_shareholding(one: Shareholding) -> dict[str, Any]:
    return {
        "kind": "branch" if one.is_branch else "shareholding",
        "holder": one.holder_name,
        "holder_code": one.holder_code,
        "held": one.held_name,
        "held_code": one.held_code,
        "share_bp": one.share_bp,
        "valid_from": one.valid_from.isoformat(),
        "source": one.source,
    }


def _of_trait(one: Trait) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "organization": one.organization.name,
        "value": traits.masked(one.value),
        "valid_from": one.valid_from.isoformat(),
        "source": one.source,
    }
