"""Search the market: structured filters, the query language, words in names, and three ways to sort."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import IntegerField, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.errors import DomainError
from market import query
from market.models.offering import OfferingQuerySet
from market.query import Condition, Kind, Misread, Reason
from market.selectors import conditions, measures, words

SORTS = {
    "price": ("price_micro", "pk"),
    "sch": ("sch_rank", "price_micro", "pk"),
    "start": ("opens_at", "price_micro", "pk"),
    "reliability": ("-reliability_rank", "price_micro", "pk"),
}
"""How lists are ordered: each order ends with a unique column, as keyset pages need."""

UNKNOWN = -1
"""Where offerings of which there is too little to say are sorted."""
NEEDED: dict[str, Any] = {
    Kind.TEXT: gettext_lazy("a text"),
    Kind.WHOLE: gettext_lazy("a whole number up to 1,000,000"),
    Kind.PRICE: gettext_lazy("yuan with at most six decimals"),
    Kind.RATIO: gettext_lazy("a number with at most three decimals"),
    Kind.SHARE: gettext_lazy("a percentage with at most two decimals"),
    Kind.SWITCH: gettext_lazy("true or false"),
    Kind.CATEGORY: gettext_lazy("train, infer or hpc"),
    Kind.DAY: gettext_lazy("a day as 2026-10-05"),
}
SAID = {
    Reason.TOO_LONG: gettext_lazy("The query has more than %(expected)s characters."),
    Reason.TOO_MANY: gettext_lazy("The query has more than %(expected)s conditions; “%(word)s” is one too many."),
    Reason.UNKNOWN_FIELD: gettext_lazy("There is no field “%(word)s”. Fields are: %(expected)s."),
    Reason.UNKNOWN_OPERATOR: gettext_lazy("There is no operator “%(word)s”. Here it may be: %(expected)s."),
    Reason.UNFIT_OPERATOR: gettext_lazy("“%(word)s” does not fit this field. Here it may be: %(expected)s."),
    Reason.MISSING_OPERATOR: gettext_lazy("There should be an operator instead of “%(word)s”: %(expected)s."),
    Reason.MISSING_VALUE: gettext_lazy("There should be a value instead of “%(word)s”: %(expected)s."),
    Reason.BAD_VALUE: gettext_lazy("“%(word)s” is not what this field needs: %(expected)s."),
    Reason.BAD_LIST: gettext_lazy("“%(word)s” does not fit a list, which looks like [a, b] and has at most 50 values."),
    Reason.OPEN_QUOTE: gettext_lazy("The quotation mark %(word)s has no partner."),
}


class BadQuery(DomainError):
    """The query cannot be read."""

    code = "bad-query"
    status = 400


@dataclass(frozen=True, slots=True)
class Wish:
    """What is looked for; what is empty does not narrow. Certificates must be good ``on`` a day."""

    query: str = ""
    text: str = ""
    vendor: str = ""
    model: str = ""
    city: str = ""
    hub: str = ""
    category: str = ""
    domestic: bool | None = None
    max_price_micro: int | None = None
    min_cards: int | None = None
    on: date | None = None


COLUMN_OF = {
    "vendor": "accelerator__vendor",
    "model": "accelerator__code",
    "city": "site__city",
    "hub": "site__hub_name",
    "category": "category",
    "domestic": "accelerator__domestic",
    "max_price_micro": "price_micro__lte",
    "min_cards": "count__gte",
}


def found(rows: OfferingQuerySet, wish: Wish) -> OfferingQuerySet:
    """Return the offerings that fit, with their standings; ``SORTS`` orders them.

    :raises BadQuery: if the query cannot be read, naming the word.
    """
    rank = Coalesce("reliability_bp", Value(UNKNOWN), output_field=IntegerField())
    return _narrowed(measures.with_measures(rows).annotate(reliability_rank=rank), wish, read(wish.query))


def counted(rows: OfferingQuerySet, wish: Wish) -> OfferingQuerySet:
    """Return the offerings that fit, for counting: their standings only where the query asks for their prices.

    :raises BadQuery: if the query cannot be read, naming the word.
    """
    wanted = read(wish.query)
    priced = any(condition.field == "sch_price" for condition in wanted)
    return _narrowed(measures.with_measures(rows) if priced else rows, wish, wanted)


def _narrowed(rows: OfferingQuerySet, wish: Wish, wanted: Sequence[Condition]) -> OfferingQuerySet:
    given: dict[str, Any] = {column: getattr(wish, name) for name, column in COLUMN_OF.items()}
    rows = rows.filter(**{column: value for column, value in given.items() if value not in (None, "")})
    for condition in wanted:
        rows = rows.filter(conditions.condition(condition, on=wish.on))
    for named in words.named(wish.text):
        rows = rows.filter(named)
    return rows


def read(text: str) -> tuple[Condition, ...]:
    """Read a query.

    :raises BadQuery: in the reader's language, with the word, its place and what would do there.
    """
    try:
        return query.parse(text)
    except Misread as misread:
        detail = _said(misread)
        raise BadQuery(
            detail,
            fields={"q": detail},
            reason=misread.reason.value,
            word=misread.word.encode("utf-8", "replace").decode(),
            position=misread.position,
        ) from misread


def _said(misread: Misread) -> str:
    of_value = misread.reason in (Reason.MISSING_VALUE, Reason.BAD_VALUE)
    expected = [str(NEEDED[one]) if of_value else one for one in misread.expected]
    at_end = _("the end of the query")
    word = misread.word.encode("utf-8", "replace").decode().replace("\x00", "�") or at_end
    return str(SAID[misread.reason]) % {"word": word, "expected": ", ".join(expected)}
