"""What is looked up before anybody reviews: each check yields a finding, and some findings bar the application."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError

from accounts import selectors
from accounts.models import Organization
from accounts.models.people import validate_credit_code
from core.periods import date_of
from vouchers.models import Application, ApplicationDocument, Round
from vouchers.models.application import OVER, S
from vouchers.services.applications import amounts, documents


class Finding(NamedTuple):
    """What a check found; ``bars`` means that the application cannot be handed in like this."""

    code: str
    bars: bool
    params: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Return the finding as it is kept and answered."""
        return {"code": self.code, "bars": self.bars, "params": self.params}


def of_applicant(*, procedure: Round, applicant: Organization, at: datetime) -> list[Finding]:
    """Return what bars a firm from a round before it has written anything: the eligibility check."""
    found: list[Finding] = []
    if not procedure.takes(at) or not procedure.programme.pays:
        found.append(Finding("ROUND_NOT_OPEN", bars=True, params={}))
    for check in OF_APPLICANT:
        found.extend(check(procedure, applicant, at))
    return found


def of_application(*, application: Application, at: datetime) -> list[Finding]:
    """Return everything that the pre-check finds in an application."""
    found = of_applicant(procedure=application.round, applicant=application.applicant, at=at)
    if application.status == S.SUPPLEMENT:  # its window was open when it was handed in
        found = [one for one in found if one.code not in ("ROUND_NOT_OPEN", "TOO_MANY_APPLICATIONS")]
    for check in OF_APPLICATION:
        found.extend(check(application, at))
    return found


def _credit_code(_procedure: Round, applicant: Organization, _at: datetime) -> Iterator[Finding]:
    try:
        validate_credit_code(applicant.credit_code)
    except ValidationError:
        yield Finding("CREDIT_CODE", bars=True, params={"credit_code": applicant.credit_code})


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
    here = live.filter(programme=application.programme_id)
    if here.exists():
        yield Finding("DUPLICATE_CONTRACT", bars=True, params={"contract_no": application.contract_no})
    elsewhere = live.exclude(programme=application.programme_id).values_list("programme__name", flat=True)
    names = sorted(set(elsewhere))
    if names:
        yield Finding("CONTRACT_ELSEWHERE", bars=False, params={"programmes": names})


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
    one_id, others = application.applicant_id, [application.provider_id]
    for found in selectors.relatedness(one_id=one_id, others=others, on=date_of(at)):
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


OF_APPLICANT: list[Callable[[Round, Organization, datetime], Iterator[Finding]]] = [_credit_code, _too_many]
OF_APPLICATION: list[Callable[[Application, datetime], Iterator[Finding]]] = [
    _evidence,
    _contract,
    _files,
    _related,
    _amount,
]
