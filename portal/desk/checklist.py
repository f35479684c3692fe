"""What a reviewer goes through beside the documents: what the pre-check found, what is there, who judged before."""

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.money import format_yuan
from vouchers.models import Application, ApplicationDocument, Evidence

WORDS: dict[str, Promise] = {
    "CREDIT_CODE": gettext_lazy("The credit code of the firm does not check."),
    "TOO_MANY_APPLICATIONS": gettext_lazy("The firm has handed in as many applications as a round takes."),
    "EVIDENCE_MISSING": gettext_lazy("Evidence is missing."),
    "DUPLICATE_CONTRACT": gettext_lazy("Another application of this programme is for the same contract."),
    "CONTRACT_ELSEWHERE": gettext_lazy("The same contract is applied for under: %(programmes)s."),
    "FILE_OF_ANOTHER": gettext_lazy("Another firm handed in the same file (%(count)s)."),
    "RELATED_PARTY": gettext_lazy("Buyer and provider are related or may be."),
    "BELOW_MINIMUM": gettext_lazy("Less is asked than the programme grants."),
    "NOTHING_ELIGIBLE": gettext_lazy("Nothing of the contract is eligible."),
    "ASKED_ABOVE_ENTITLED": gettext_lazy("More is asked than the rules give: at most ¥%(entitled)s."),
    "ROUND_NOT_OPEN": gettext_lazy("The round was not open."),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the checklist: ``good`` is whether there is nothing to look at."""

    good: bool
    text: str


def of(application: Application, documents: list[ApplicationDocument]) -> list[Check]:
    """Return the checklist of an application."""
    lines = [Check(good=False, text=finding(one)) for one in application.findings]
    if not lines:
        lines.append(Check(good=True, text=_("The automatic pre-check found nothing.")))
    there = {one.kind for one in documents}
    lines += [Check(good=kind in there, text=str(Evidence(kind).label)) for kind in application.round.required_evidence]
    within = application.asked_fen <= application.entitled_fen
    asked = {"asked": format_yuan(application.asked_fen), "entitled": format_yuan(application.entitled_fen)}
    return [*lines, Check(good=within, text=_("Asked ¥%(asked)s, entitled to ¥%(entitled)s at most.") % asked)]


def finding(found: dict[str, Any]) -> str:
    """Say what a check found; a check that is newer than these words is named by its code."""
    params = found.get("params", {})
    words = {name: ", ".join(map(str, value)) if isinstance(value, list) else value for name, value in params.items()}
    words["entitled"] = format_yuan(int(params.get("entitled_fen", 0)))
    sentence = WORDS.get(found["code"])
    return str(sentence) % words if sentence else str(found["code"])
