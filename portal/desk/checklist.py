"""What a reviewer goes through beside the documents: what the pre-check found, what is there, who judged before."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from core.money import format_yuan
from vouchers import hints
from vouchers.models import Application, ApplicationDocument, Evidence


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the checklist: ``good`` is whether there is nothing to look at."""

    good: bool
    text: str


def of(application: Application, documents: list[ApplicationDocument]) -> list[Check]:
    """Return the checklist of an application."""
    lines = [Check(good=False, text=hints.sentence(one)) for one in application.findings]
    if not lines:
        lines.append(Check(good=True, text=_("The automatic pre-check found nothing.")))
    there = {one.kind for one in documents}
    lines += [Check(good=kind in there, text=str(Evidence(kind).label)) for kind in application.round.required_evidence]
    within = application.asked_fen <= application.entitled_fen
    asked = {"asked": format_yuan(application.asked_fen), "entitled": format_yuan(application.entitled_fen)}
    return [*lines, Check(good=within, text=_("Asked ¥%(asked)s, entitled to ¥%(entitled)s at most.") % asked)]
