"""Draft programmes modelled on published ones. They are demonstrations, never a city's legal text."""

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization
from accounts.services.audit import Actor
from core.errors import NotFound
from vouchers import complaints
from vouchers.models import Programme
from vouchers.parameters import published
from vouchers.services import programmes
from vouchers.services.programmes import BadRules

FACTS = Path(__file__).resolve().parent.parent / "reference" / "programmes.json"


class UnknownReference(NotFound):
    """No programme of this code is among the reference facts."""

    code = "unknown-reference-programme"


def known() -> dict[str, Mapping[str, Any]]:
    """Return the facts of every reference programme by its code."""
    return {facts["code"]: facts for facts in json.loads(FACTS.read_text(encoding="utf-8"))["programs"]}


@transaction.atomic
def draft(
    *,
    code: str,
    authority: Organization,
    opens_on: date,
    closes_on: date,
    actor: Actor,
    at: datetime,
    providers: Iterable[Organization] = (),
) -> Programme:
    """Draft the programme of this code for an authority, with a list of providers.

    It is open on the days given and on those of its own published windows.

    :raises UnknownReference: if there is no such code.
    """
    facts = known().get(code)
    if facts is None:
        raise UnknownReference(_("There is no reference programme %(code)s.") % {"code": code})
    with complaints.refusing_bad(BadRules):
        parameters = published.parameters_of(facts, opens_on=opens_on, closes_on=closes_on)
    programme = programmes.draft_of(authority=authority, parameters=parameters, actor=actor, at=at)
    programmes.list_providers(programme=programme, providers=providers, actor=actor, at=at)
    return programme
