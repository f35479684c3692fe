"""What is said about single lines of a claim: read from the page, and shown again where it was refused."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.errors import DomainError
from portal.access import PortalRequest
from portal.forms import ConsoleForm
from vouchers.models import Claim, ClaimLine, Reason
from vouchers.services.claims.decisions import Refusal

FIELD_OF = {"note": "opinion"}
UNCHOSEN = gettext_lazy("Choose one of the buttons.")


class LineForm(ConsoleForm):
    """What a person finds of one line, yes or no, with a word; ``verb`` names the buttons."""

    opinion = forms.CharField(label=gettext_lazy("Reason"), max_length=1_000, required=False)

    def __init__(self, *args: Any, verb: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        errors = dict.fromkeys(("required", "invalid_choice"), UNCHOSEN)
        self.fields[verb] = forms.ChoiceField(choices=[("yes", ""), ("no", "")], error_messages=errors)


class UnknownGround(DomainError):
    """A line is refused on a ground that there is none of."""

    code = "unknown-ground"


@dataclass(frozen=True, slots=True)
class Said:
    """What was typed about lines and refused: the grounds of all, or the word about one and why it was refused."""

    grounds: Mapping[int, str] | None = None
    number: int = 0
    note: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A line with what is typed about it, and why that was refused."""

    line: ClaimLine
    ground: str
    note: str = ""
    error: str = ""


NOTHING = Said()


def rows(lines: Iterable[ClaimLine], said: Said) -> list[Row]:
    """Return the lines, each with what was typed about it; a line that failed its audit starts as refused."""
    return [_row(line, said) for line in lines]


def _row(line: ClaimLine, said: Said) -> Row:
    failed = Reason.AUDIT_FAILED.value if line.sample_passed is False else ""
    ground = failed if said.grounds is None else said.grounds.get(line.number, "")
    if line.number != said.number:
        return Row(line, ground)
    return Row(line, ground, said.note, said.error)


def grounds(request: PortalRequest, claim: Claim) -> dict[int, str]:
    """Return the grounds that were chosen, by the number of the line."""
    numbers = claim.lines.values_list("number", flat=True)
    named = {number: request.POST.get(f"line-{number}", "") for number in numbers}
    return {number: code for number, code in named.items() if code}


def refusals(chosen: Mapping[int, str], note: str) -> dict[int, Refusal]:
    """Return what the chosen grounds refuse.

    :raises UnknownGround: if one is not among those to choose from: what nobody could read accepts nothing.
    """
    strange = [number for number, code in chosen.items() if code not in Reason.values]
    if strange:
        raise UnknownGround(_("Choose the ground for line %(number)d from the list.") % {"number": min(strange)})
    return {number: Refusal(Reason(code), note) for number, code in chosen.items()}
