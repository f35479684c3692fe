"""What is known of an applicant: what it states itself, and what the platform knows better."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import msgspec
from django.utils.translation import gettext as _

from accounts.models import Organization
from core.periods import date_of
from vouchers.models import Application, Grant, Programme
from vouchers.parameters import Facts
from vouchers.rules import Case, Terms
from vouchers.services.applications.refusals import BadApplication

STATED = frozenset(
    {
        "org_type",
        "size",
        "is_sme",
        "industry",
        "qualifications",
        "registration_region",
        "tax_region",
        "employees",
        "revenue_fen",
        "annual_contract_sum_fen",
        "annual_spend_fen",
        "first_purchase",
        "in_incubator",
        "project_leader",
        "base_model_firm",
        "clean_years",
        "accident_free_years",
        "penalty_free_years",
        "support_years",
        "attestations",
        "contract_months",
        "purpose",
        "service_layer",
        "compute_kind",
        "facility_type",
        "chip_domestic",
        "filed_model_service",
        "fast_matched",
    }
)


def checked(stated: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a firm states, once every name and kind of it is known.

    :raises BadApplication: if a name is unknown, or a value is of another kind.
    """
    stated = {name: value for name, value in stated.items() if value not in (None, "", [], ())}
    unknown = sorted(set(stated) - STATED - {"established_on"})
    if unknown:
        text = _("Nobody asks for this: %(names)s.") % {"names": ", ".join(unknown)}
        raise BadApplication(text, fields={"facts": text})
    try:
        msgspec.convert({name: value for name, value in stated.items() if name in STATED}, Facts)
        date.fromisoformat(stated.get("established_on", "2000-01-01"))
    except (msgspec.ValidationError, TypeError, ValueError) as error:
        text = _("Something stated is of another kind: %(what)s") % {"what": error}
        raise BadApplication(text, fields={"facts": text}) from error
    return stated


def facts(
    *, programme: Programme, applicant: Organization, stated: Mapping[str, Any], at: datetime, **more: Any
) -> Facts:
    """Return the facts by which a firm is judged: its own, below those that the platform knows."""
    known = {name: value for name, value in stated.items() if name in STATED} | more
    if stated.get("established_on"):
        known["established_days"] = (date_of(at) - date.fromisoformat(stated["established_on"])).days
    known["is_listed_provider"] = programme.providers.filter(credit_code=applicant.credit_code).exists()
    known["grants_before"] = Grant.objects.of_owner(applicant).filter(programme=programme, approved_at__lte=at).count()
    return msgspec.convert(known, Facts)


def asked(application: Application, terms: Terms, *, at: datetime) -> Facts:
    """Return what terms ask of an application, as it was when it was handed in: a firm grows older while it waits."""
    names = {*terms.asked_facts, "first_purchase"} if terms.first_purchase_only else terms.asked_facts
    if not names:
        return Facts()
    known = msgspec.to_builtins(of_application(application, at=application.submitted_at or at))
    return msgspec.convert({name: value for name, value in known.items() if name in names}, Facts)


def known(case: Case, *, grant: Grant, terms: Terms, at: datetime) -> Case:
    """Return a case with what the firm stated when it applied for a grant, where the ratio depends on it."""
    application = Application.objects.filter(grant=grant).first() if terms.asked_facts else None
    if application is None:
        return case
    stated = msgspec.to_builtins(asked(application, terms, at=at)) | msgspec.to_builtins(case.facts)
    return msgspec.structs.replace(case, facts=msgspec.convert(stated, Facts))


def of_application(application: Application, *, at: datetime) -> Facts:
    """Return the facts of an application."""
    signed_on = application.contract_signed_on
    more = {"district": application.district or None, "contract_signed_on": signed_on and signed_on.isoformat()}
    return facts(
        programme=application.programme, applicant=application.applicant, stated=application.facts, at=at, **more
    )
