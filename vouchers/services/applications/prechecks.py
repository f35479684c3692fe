"""What is looked up before anybody reviews: each check yields a finding, and some findings bar the application."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError

from accounts import selectors
from accounts.models import Organization
from accounts.models.people import validate_credit_code
from core.periods import date_of
from vouchers import eligibility
from vouchers.models import Application, ApplicationDocument, Blacklisting, Round
from vouchers.models.application import OVER, S
from vouchers.parameters import Facts
from vouchers.services.applications import amounts, documents, stating


class Finding(NamedTuple):
    """What a check found; ``bars`` means that the application cannot be handed in like this."""

    code: str
    bars: bool
    params: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Return the finding as it is kept and answered."""
        return {"code": self.code, "bars": self.bars, "params": self.params}


def of_applicant(
    *, procedure: Round, applicant: Organization, stated: Mapping[str, Any], at: datetime
) -> list[Finding]:
    """Return what bars a firm from a round, by what it states, before it writes anything: the check."""
    facts = stating.facts(programme=procedure.programme, applicant=applicant, stated=stated, at=at)
    found = [finding for check in OF_APPLICANT for finding in check(procedure, applicant, at)]
    return [*found, *_eligible(procedure, facts)]


def _not_open(procedure: Round, _applicant: Organization, at: datetime) -> Iterator[Finding]:
    if not procedure.takes(at) or not procedure.programme.pays:
        yield Finding("ROUND_NOT_OPEN", bars=True, params={})


def of_application(*, application: Application, at: datetime) -> list[Finding]:
    """Return everything that the pre-check finds in an application."""
    # What is supplemented was handed in while its window was open.
    checks = OF_FIRM if application.status == S.SUPPLEMENT else OF_APPLICANT
    found = [finding for check in checks for finding in check(application.round, application.applicant, at)]
    found.extend(_eligible(application.round, stating.of_application(application, at=at)))
    for check in OF_APPLICATION:
        found.extend(check(application, at))
    return found


def _eligible(procedure: Round, facts: Facts) -> Iterator[Finding]:
    for one in eligibility.unmet(procedure.programme.parameters, facts):
        params = {"condition": one.code, "asked": one.asked, "known": one.known}
        yield Finding("NOT_ELIGIBLE" if one.met is False else "NOT_STATED", bars=True, params=params)


def _credit_code(_procedure: Round, applicant: Organization, _at: datetime) -> Iterator[Finding]:
    try:
        validate_credit_code(applicant.credit_code)
    except ValidationError:
        yield Finding("CREDIT_CODE", bars=True, params={"credit_code": applicant.credit_code})


def _barred(_procedure: Round, applicant: Organization, at: datetime) -> Iterator[Finding]:
    barred = Blacklisting.objects.standing(at).filter(organization=applicant).order_by("-ends_at").first()
    if barred is not None:
        yield Finding("BARRED", bars=True, params={"until": date_of(barred.ends_at).isoformat()})


def _too_many(procedure: Round, applicant: Organization, _at: datetime) -> Iterator[Finding]:
    if procedure.per_applicant is None:
        return
    handed_in = Application.objects.of_applicant(applicant).filter(round=procedure).exclude(status__in=[S.DRAFT, *OVER])
    if handed_in.count() >= procedure.per_applicant:
        yield Finding("TOO_MANY_APPLICATIONS", bars=True, params={"most": procedure.per_applicant})


def _evidence(application: Application, _at: datetime) -> Iterator[Finding]:
    lacking = documents.missing(application)
    if lacking:
        yield Finding("EVIDENCE_MISSING", bars=True, params={"kinds": [kind.value for kind in lacking]})


def _contract(application: Application, _at: datetime) -> Iterator[Finding]:
    if not application.contract_key:
        return
    live = Application.objects.filter(contract_key=application.contract_key).exclude(pk=application.pk)
    live = live.exclude(status__in=[S.DRAFT, *OVER])
    found = set(live.values_list("programme", "programme__name").distinct())
    if any(programme_id == application.programme_id for programme_id, _name in found):
        code = "DUPLICATE_CONTRACT" if application.contract_once else "CONTRACT_SEEN"
        yield Finding(code, bars=application.contract_once, params={"contract_no": application.contract_no})
    names = sorted({name for programme_id, name in found if programme_id != application.programme_id})
    if names:
        yield Finding("CONTRACT_ELSEWHERE", bars=False, params={"programmes": names})


def _contract_terms(application: Application, _at: datetime) -> Iterator[Finding]:
    caps = application.programme.parameters.caps
    signed_on = application.contract_signed_on
    if caps.contract_signed_from and (signed_on is None or signed_on < caps.contract_signed_from):
        yield Finding("CONTRACT_TOO_EARLY", bars=True, params={"from": caps.contract_signed_from.isoformat()})
    months = application.facts.get("contract_months")
    if caps.contract_max_months and (months is None or months > caps.contract_max_months):
        yield Finding("CONTRACT_TOO_LONG", bars=True, params={"most": caps.contract_max_months})


def _files(application: Application, _at: datetime) -> Iterator[Finding]:
    mine = ApplicationDocument.objects.filter(application=application, withdrawn_at=None).values("sha256")
    others = ApplicationDocument.objects.filter(sha256__in=mine, withdrawn_at=None).exclude(
        application__applicant=application.applicant_id
    )
    seen = others.exclude(application__status__in=[S.DRAFT]).count()
    if seen:
        yield Finding("FILE_OF_ANOTHER", bars=False, params={"count": seen})


def _related(application: Application, at: datetime) -> Iterator[Finding]:
    if application.provider_id is None:
        return
    pair = (application.applicant_id, application.provider_id)
    for found in selectors.joined(pairs=[pair], on=date_of(at)):
        params = {"share_bp": found.share_bp, "grounds": list(found.grounds)}
        yield Finding("RELATED_PARTY", bars=found.is_related(), params=params)


def _amount(application: Application, at: datetime) -> Iterator[Finding]:
    entitlement = amounts.entitlement(application=application, at=at)
    least_fen = max(application.programme.min_grant_fen, 1)
    if application.asked_fen < least_fen:
        yield Finding("BELOW_MINIMUM", bars=True, params={"least_fen": least_fen})
    elif entitlement.amount_fen < least_fen:
        yield Finding("NOTHING_ELIGIBLE", bars=True, params={"reason": entitlement.refused})
    elif application.asked_fen > entitlement.amount_fen:
        yield Finding("ASKED_ABOVE_ENTITLED", bars=False, params={"entitled_fen": entitlement.amount_fen})


OF_FIRM: list[Callable[[Round, Organization, datetime], Iterator[Finding]]] = [_credit_code, _barred]
OF_APPLICANT = [_not_open, *OF_FIRM, _too_many]
OF_APPLICATION: list[Callable[[Application, datetime], Iterator[Finding]]] = [
    _evidence,
    _contract,
    _contract_terms,
    _files,
    _related,
    _amount,
]
