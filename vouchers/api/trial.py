"""Ask a programme what it would pay of a case, and whether an applicant may apply, without any effect."""

from datetime import datetime
from typing import Any, TypeVar

import msgspec
from django.utils.translation import gettext as _
from msgspec import Struct
from rest_framework import serializers

from core.errors import DomainError
from vouchers import complaints, eligibility, explanations, labels, pools, rules, tranches
from vouchers.models import Programme, ProgrammeVersion
from vouchers.parameters import Facts, codec
from vouchers.parameters.codec import BadParameters
from vouchers.parameters.differences import differences
from vouchers.rules import BadSpending, Case, Limits, Quote, Spending
from vouchers.rules.quoting import NOTHING_MORE

MOST_LINES = 200
MOST = 10**15
T = TypeVar("T")


class BadCase(DomainError):
    """What is asked has a form that no programme can judge; ``fields`` names what is wrong."""

    code = "bad-case"


class Asked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A case to be quoted: its lines, what is around them, and what would be left of which limit."""

    spending: tuple[Spending, ...]
    case: Case = NOTHING_MORE
    limits: Limits = Limits()


class Applicant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An applicant by its facts."""

    facts: Facts


class AskTrial(serializers.Serializer[Any]):
    """Lines to be quoted; ``case`` has facts, discounts, other support and the contract, ``limits`` what is left."""

    spending = serializers.ListField(child=serializers.DictField(), min_length=1, max_length=MOST_LINES)
    case = serializers.DictField(required=False)
    limits = serializers.DictField(required=False)


class AskEligibility(serializers.Serializer[Any]):
    """Facts about an applicant, by the names that conditions use."""

    facts = serializers.DictField()


class TrialOut(serializers.Serializer[Quote]):
    """What the programme would pay, why, and who would bear it."""

    amount_fen = serializers.IntegerField()
    cash_fen = serializers.IntegerField()
    eligible_fen = serializers.IntegerField()
    base_fen = serializers.IntegerField()
    ratio_bp = serializers.IntegerField()
    shares = serializers.DictField(child=serializers.IntegerField())
    binding_cap = serializers.ChoiceField(choices=[str(cap) for cap in rules.Cap], allow_null=True)
    refused = serializers.ChoiceField(choices=[str(refusal) for refusal in rules.Refusal], allow_null=True)
    explanation = serializers.SerializerMethodField()
    sentences = serializers.SerializerMethodField()

    def get_explanation(self, quote: Quote) -> dict[str, Any]:
        """Return the inputs and every step."""
        return quote.explanation()

    def get_sentences(self, quote: Quote) -> list[str]:
        """Return every step in the language of the request."""
        return explanations.sentences(quote.explanation())


class ConditionOut(serializers.Serializer[Any]):
    """One condition of a programme; ``met`` is null where the facts do not tell."""

    code = serializers.CharField()
    asked = serializers.JSONField()
    known = serializers.JSONField(allow_null=True)
    met = serializers.BooleanField(allow_null=True)


class EligibilityOut(serializers.Serializer[Any]):
    """Whether an applicant meets every condition, and each of them."""

    eligible = serializers.BooleanField(allow_null=True)
    conditions = ConditionOut(many=True)


class VersionOut(serializers.ModelSerializer[ProgrammeVersion]):
    """A version, and what it changes; ``parameters`` says everything."""

    changes = serializers.SerializerMethodField()
    parameters = serializers.SerializerMethodField()

    class Meta:
        model = ProgrammeVersion
        fields = ["number", "status", "reason", "drafted_at", "published_at", "changes", "parameters"]
        read_only_fields = fields

    def get_changes(self, version: ProgrammeVersion) -> list[str]:
        """Return what changes from the version before, in the language of the request."""
        before = version.supersedes
        return labels.sentences(differences(before.parameters, version.parameters)) if before else []

    def get_parameters(self, version: ProgrammeVersion) -> dict[str, Any]:
        """Return every parameter as JSON."""
        return codec.dump(version.parameters)


def quote(programme: Programme, body: Any, *, at: datetime) -> Quote:
    """Return what a programme would pay of a case, within what the district's pool and what was released have left.

    :raises BadCase: if the case has a form that nobody can judge.
    """
    asked = _read(body, Asked)
    if not 0 < len(asked.spending) <= MOST_LINES:
        text = _("A case has between 1 and %(most)d lines.") % {"most": MOST_LINES}
        raise BadCase(text, fields={"spending": text})
    limits = pools.within(asked.limits, programme=programme, district=asked.case.facts.district)
    limits = tranches.within(limits, programme=programme, at=at)
    try:
        return rules.quote(terms=programme.terms, spending=asked.spending, limits=limits, case=asked.case)
    except BadSpending as error:
        text = _("The discounts are above the price.")
        raise BadCase(text, fields={"case.discounts": text}) from error


def examine(programme: Programme, body: Any) -> dict[str, Any]:
    """Return whether an applicant meets a programme's conditions, and each of them.

    :raises BadCase: if the facts are unknown or of another kind.
    """
    facts = _read(body, Applicant).facts
    answers = eligibility.answers(programme.parameters, facts)
    met = [answer.met for answer in answers]
    eligible = False if False in met else None if None in met else True
    return {"eligible": eligible, "conditions": [answer._asdict() for answer in answers]}


def _read(body: Any, kind: type[T]) -> T:
    """Read a body strictly, and in the caller's language where it cannot be read."""
    _require_bounded(body)
    try:
        return msgspec.convert(body, kind)
    except msgspec.ValidationError as error:
        problems = [codec.problem_of(error)]
    except RecursionError as error:
        raise BadCase(_("This cannot be read.")) from error
    with complaints.refusing_bad(BadCase):
        raise BadParameters(problems)


def _require_bounded(value: Any, depth: int = 0) -> None:
    """Refuse numbers that no amount reaches, and nesting that no case has.

    :raises BadCase: if there are any.
    """
    if (isinstance(value, int) and abs(value) > MOST) or depth > 20:
        raise BadCase(_("A number is too large, or the case is nested too deeply."))
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in parts:
        _require_bounded(part, depth + 1)
