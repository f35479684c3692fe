"""Words in the names of offerings, sites, providers and card models, Chinese ones too."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet, Value

from accounts.models import Organization, OrganizationKind
from market.models import Accelerator, Site

MOST_WORDS = 8


def named(text: str) -> list[Q]:
    """Return a condition for each word: it is in the name of the offering, its site, its provider or its cards.

    What has such a name is looked up first, in one query for all words: with its keys PostgreSQL can join the index of
    trigrams to those of the keys, or walk the prices if a word is frequent.
    """
    words = text.split()[:MOST_WORDS]
    if not words:
        return []
    first, *others = (arm for number, word in enumerate(words) for arm in _arms(number, word))
    keys: dict[tuple[int, str], list[UUID]] = defaultdict(list)
    for number, column, key in first.union(*others, all=True):
        keys[number, column].append(key)
    return [_any(number, word, keys) for number, word in enumerate(words)]


def _arms(number: int, word: str) -> Iterator[QuerySet[Any, Any]]:
    """Yield what to look through for a word: rows of its number, the column of an offering, and the key it holds."""
    card = Q(name__icontains=word) | Q(vendor__icontains=word) | Q(code__icontains=word)
    providers = Organization.objects.filter(kind=OrganizationKind.PROVIDER, name__icontains=word)
    yield _arm(Site.objects.filter(name__icontains=word), number, "site")
    yield _arm(providers, number, "provider")
    yield _arm(Accelerator.objects.filter(card), number, "accelerator")


def _arm(rows: QuerySet[Any, Any], number: int, column: str) -> QuerySet[Any, Any]:
    arm: QuerySet[Any, Any] = rows.annotate(number=Value(number), column=Value(column)).values_list(
        "number", "column", "pk"
    )
    return arm


def _any(number: int, word: str, keys: dict[tuple[int, str], list[UUID]]) -> Q:
    found = Q(name__icontains=word)
    for column in ("site", "provider", "accelerator"):
        found |= Q(**{f"{column}__in": keys[number, column]})
    return found
