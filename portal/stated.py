"""The form in which a firm states what a programme's conditions ask of it: only what matters there is asked."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.forms import ConsoleForm
from vouchers.models import Programme
from vouchers.parameters.eligibility import OrgType, Size
from vouchers.parameters.facts import KINDS
from vouchers.parameters.predicates import walk
from vouchers.services.applications.stating import STATED

PREFIX = "fact_"
LABELS: dict[str, Any] = {
    "org_type": _("Kind of organisation"),
    "size": _("Size of the enterprise"),
    "is_sme": _("Small or medium-sized enterprise"),
    "industry": _("Industry (code of GB/T 4754)"),
    "qualifications": _("Qualifications"),
    "registration_region": _("Region of registration"),
    "tax_region": _("Region of taxation"),
    "established_on": _("Established on"),
    "employees": _("Employees"),
    "revenue_fen": _("Revenue of last year (fen)"),
    "annual_contract_sum_fen": _("Compute contracts of the year (fen)"),
    "annual_spend_fen": _("Paid for compute in the year (fen)"),
    "first_purchase": _("First purchase of compute"),
    "in_incubator": _("In an incubator"),
    "project_leader": _("Leads a national or provincial project"),
    "base_model_firm": _("Develops base models"),
    "clean_years": _("Years without a dishonesty record"),
    "accident_free_years": _("Years without a major accident"),
    "penalty_free_years": _("Years without a penalty"),
    "support_years": _("Years supported before"),
    "attestations": _("Declarations"),
    "contract_months": _("Months of the contract"),
    "purpose": _("Purpose (code)"),
    "service_layer": _("Layer of the service"),
    "compute_kind": _("Kind of compute"),
    "facility_type": _("Kind of facility"),
    "chip_domestic": _("Domestic chips"),
    "filed_model_service": _("Service of a filed model"),
    "fast_matched": _("Matched by the platform"),
}
ORG_TYPES: dict[OrgType, Promise] = {
    OrgType.ENTERPRISE: _("Enterprise"),
    OrgType.UNIVERSITY: _("University"),
    OrgType.INSTITUTE: _("Research institute"),
    OrgType.MAKER: _("Maker without legal personality"),
    OrgType.OPC: _("One-person company"),
    OrgType.MICRO: _("Micro enterprise"),
    OrgType.INTERMEDIARY: _("Intermediary"),
}
SIZES: dict[Size, Promise] = {
    Size.LARGE: _("Large"),
    Size.MEDIUM: _("Medium"),
    Size.SMALL: _("Small"),
    Size.MICRO: _("Micro"),
}
UNKNOWN = ("", _("not stated"))


def asked(programme: Programme) -> list[str]:
    """Return the facts that matter in a programme, in the order of the labels."""
    wanted = set(_asked(programme))
    return [name for name in LABELS if name in wanted]


def _asked(programme: Programme) -> Iterator[str]:
    conditions, caps = programme.parameters.eligibility, programme.parameters.caps
    lists = {
        "org_type": conditions.org_types,
        "registration_region": conditions.registration_regions,
        "tax_region": conditions.tax_regions,
        "size": conditions.sizes,
        "industry": conditions.industries,
        "qualifications": conditions.qualifications,
        "attestations": conditions.attestations,
        "clean_years": conditions.credit.clean_years,
        "accident_free_years": conditions.credit.no_accident_years,
        "penalty_free_years": conditions.credit.no_penalty_years,
        "contract_months": caps.contract_max_months,
        "first_purchase": caps.first_purchase_only,
    }
    yield from (name for name, wanted in lists.items() if wanted)
    if conditions.established_min_days is not None or conditions.established_max_days is not None:
        yield "established_on"
    for predicate in (conditions.when, *(tier.when for tier in programme.parameters.award.tiers)):
        for node, _depth in walk(predicate) if predicate is not None else ():
            fact = getattr(node, "fact", "")
            if fact in STATED:
                yield fact
            elif fact == "established_days":
                yield "established_on"


class StatedForm(ConsoleForm):
    """What a firm states of itself, for one programme."""

    def __init__(self, *args: Any, programme: Programme, stated: dict[str, Any] | None = None, **kwargs: Any) -> None:
        initial = {f"{PREFIX}{name}": value for name, value in (stated or {}).items()}
        super().__init__(*args, initial=initial, **kwargs)
        self.fields.update({f"{PREFIX}{name}": _field(name, programme) for name in asked(programme)})
        self._dress()

    def stated(self) -> dict[str, Any]:
        """Return the valid form as what is stated; what is left empty is not."""
        return plain(self.cleaned_data)


def plain(cleaned: dict[str, Any]) -> dict[str, Any]:
    """Return cleaned fields as what is stated, by the names of the facts."""
    given = {name.removeprefix(PREFIX): value for name, value in cleaned.items() if name.startswith(PREFIX)}
    return {name: _plain(value) for name, value in given.items() if value not in (None, "", [])}


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return {"yes": True, "no": False}.get(value, value) if isinstance(value, str) else value


def _field(name: str, programme: Programme) -> forms.Field:
    conditions = programme.parameters.eligibility
    if name == "established_on":
        return forms.DateField(
            label=LABELS[name], required=False, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
        )
    choices: dict[str, list[Any]] = {
        "org_type": [(str(one), label) for one, label in ORG_TYPES.items()],
        "size": [(str(one), label) for one, label in SIZES.items()],
        "qualifications": [(one, one) for one in conditions.qualifications],
        "attestations": [(one, one) for one in conditions.attestations],
    }
    if KINDS[name] is tuple:
        listed, several = choices.get(name, []), forms.CheckboxSelectMultiple
        return forms.MultipleChoiceField(label=LABELS[name], required=False, choices=listed, widget=several)
    if name in choices:
        return forms.ChoiceField(label=LABELS[name], required=False, choices=[UNKNOWN, *choices[name]])
    if KINDS[name] is bool:
        answers = [UNKNOWN, ("yes", _("yes")), ("no", _("no"))]
        return forms.ChoiceField(label=LABELS[name], required=False, choices=answers)
    if KINDS[name] is int:
        return forms.IntegerField(label=LABELS[name], required=False, min_value=0, max_value=10**15)
    return forms.CharField(label=LABELS[name], required=False, max_length=80)
