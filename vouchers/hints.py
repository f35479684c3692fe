"""Findings of the pre-check and conditions of eligibility in the reader's language."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.money import format_yuan
from vouchers.models import Evidence

FINDINGS: dict[str, Promise] = {
    "ROUND_NOT_OPEN": gettext_lazy("The round takes no applications now."),
    "CREDIT_CODE": gettext_lazy("The unified social credit code %(credit_code)s is not valid."),
    "TOO_MANY_APPLICATIONS": gettext_lazy("A firm hands in at most %(most)s applications in this round."),
    "NOT_ELIGIBLE": gettext_lazy("A condition is not met: %(condition)s. Asked: %(asked)s, stated: %(known)s."),
    "NOT_STATED": gettext_lazy("A condition is not shown to be met: %(condition)s. Asked: %(asked)s."),
    "EVIDENCE_MISSING": gettext_lazy("Evidence is missing: %(kinds)s."),
    "DUPLICATE_CONTRACT": gettext_lazy("The contract %(contract_no)s has been applied for in this programme."),
    "CONTRACT_SEEN": gettext_lazy("The contract %(contract_no)s has been applied for in this programme before."),
    "CONTRACT_ELSEWHERE": gettext_lazy("The contract has been applied for in other programmes: %(programmes)s."),
    "CONTRACT_TOO_EARLY": gettext_lazy("The contract has to be signed on or after %(from)s."),
    "CONTRACT_TOO_LONG": gettext_lazy("The contract runs for at most %(most)s months."),
    "FILE_OF_ANOTHER": gettext_lazy("%(count)s files are the same as those of another firm."),
    "RELATED_PARTY": gettext_lazy("Applicant and provider are tied: share %(share)s, grounds: %(grounds)s."),
    "BARRED": gettext_lazy("The applicant is barred from support until %(until)s."),
    "BELOW_MINIMUM": gettext_lazy("The least that may be asked for is ¥%(least)s."),
    "NOTHING_ELIGIBLE": gettext_lazy("The programme's rules leave nothing to award: %(reason)s."),
    "ASKED_ABOVE_ENTITLED": gettext_lazy("More is asked for than the rules allow: at most ¥%(entitled)s."),
}
CONDITIONS: dict[str, Promise] = {
    "ORG_TYPE": gettext_lazy("kind of organisation"),
    "REGISTRATION_REGION": gettext_lazy("region of registration"),
    "TAX_REGION": gettext_lazy("region of taxation"),
    "SIZE": gettext_lazy("size of the enterprise"),
    "INDUSTRY": gettext_lazy("industry"),
    "QUALIFICATION": gettext_lazy("qualification"),
    "ESTABLISHED_MIN_DAYS": gettext_lazy("established for at least so many days"),
    "ESTABLISHED_MAX_DAYS": gettext_lazy("established for at most so many days"),
    "NO_DISHONESTY": gettext_lazy("not on a list of serious dishonesty"),
    "CLEAN_YEARS": gettext_lazy("years without a dishonesty record"),
    "ACCIDENT_FREE_YEARS": gettext_lazy("years without a major accident"),
    "PENALTY_FREE_YEARS": gettext_lazy("years without a penalty"),
    "NOT_A_PROVIDER": gettext_lazy("not a listed provider"),
    "ATTESTATIONS": gettext_lazy("declarations"),
    "FIRST_PURCHASE": gettext_lazy("first purchase of compute"),
    "CONDITION": gettext_lazy("the programme's further condition"),
}


def sentence(finding: Mapping[str, Any]) -> str:
    """Return one finding as a sentence."""
    params = dict(finding["params"])
    params |= {name.removesuffix("_fen"): format_yuan(value) for name, value in params.items() if name.endswith("_fen")}
    if "share_bp" in params:
        params["share"] = f"{params['share_bp'] // 100}.{params['share_bp'] % 100:02d} %"
    if "condition" in params:
        params["condition"] = CONDITIONS.get(params["condition"], params["condition"])
    if finding["code"] == "EVIDENCE_MISSING":
        params["kinds"] = [str(Evidence(kind).label) for kind in params["kinds"]]
    worded = {name: _word(value) for name, value in params.items()}
    return str(FINDINGS[finding["code"]]) % worded


def sentences(findings: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return findings as sentences, in their order."""
    return [sentence(finding) for finding in findings]


def _word(value: Any) -> str:
    if value is None:
        return _("not stated")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, (list, tuple)):
        return _(", ").join(str(one) for one in value) or _("none")
    return str(value)
