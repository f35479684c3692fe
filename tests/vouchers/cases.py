"""Cases of misuse: who is related, what was paid, and a clawback on its way."""

from datetime import date, datetime
from typing import Any

from msgspec.structs import replace

from accounts.models import Organization
from accounts.services import relations
from accounts.services.audit import SYSTEM, Actor
from tests.vouchers import scenes
from tests.vouchers.scenes import AT, officer
from vouchers.models import Capture, Clawback, Grant, Programme
from vouchers.services import clawbacks, programmes
from vouchers.services.clawbacks import Item

SINCE = date(2020, 1, 1)


def holds(holder: Organization, held: Organization, share_bp: int) -> None:
    """Let one firm hold a share of another since 2020."""
    named = {"holder": (holder.credit_code, holder.name), "held": (held.credit_code, held.name)}
    relations.record_shareholding(share_bp=share_bp, valid_from=SINCE, source="R", actor=SYSTEM, at=AT, **named)


def controlled_by(controller: str, *firms: Organization) -> None:
    """Put one controller on record behind several firms since 2020."""
    named = {"kind": "controller", "value": controller, "valid_from": SINCE, "source": "R"}
    for firm in firms:
        relations.record_trait(organization=firm, actor=SYSTEM, at=AT, **named)


def speaks_for(organization: Organization) -> Actor:
    """Return somebody of a firm."""
    return Actor(user=officer(9).user, organization=organization)


def minding(**integrity: Any) -> Programme:
    """Publish a programme open to all providers that looks for what it is told to."""
    plain = scenes.draft(open_registry=True)
    identity = replace(plain.parameters.identity, code=f"{plain.code}-M")
    asked = replace(plain.parameters, identity=identity, integrity=replace(plain.parameters.integrity, **integrity))
    drafted = programmes.draft_of(authority=plain.authority, parameters=asked, actor=officer(1), at=AT)
    return programmes.publish(programme=drafted, actor=officer(2), at=AT)


def paid(grant: Grant, *amounts_fen: int) -> list[Capture]:
    """Let a grant pay amounts that were all fictitious."""
    return [
        scenes.capture(scenes.hold(grant, fen * 10_000 // grant.programme.ratio_bp + 10), fen) for fen in amounts_fen
    ]


def owes(debtor: Organization, to: Organization, amount_fen: int, *, at: datetime) -> Clawback:
    """Let an organisation owe an authority what a grant of another programme paid for nothing."""
    granted = scenes.grant(scenes.published(authority=to), face_fen=amount_fen)
    return upheld(granted, paid(granted, amount_fen), at=at, debtor=debtor)


def suspected(
    grant: Grant, captures: list[Capture], *, at: datetime = AT, by: int = 1, debtor: Organization | None = None
) -> Clawback:
    """Open a case about all that some captures paid."""
    items = [Item(capture, capture.amount_fen) for capture in captures]
    return clawbacks.suspect(grant=grant, items=items, reason="fictitious", actor=officer(by), at=at, debtor=debtor)


def noticed(
    grant: Grant, captures: list[Capture], *, at: datetime = AT, debtor: Organization | None = None
) -> Clawback:
    """Bring a case to its notice."""
    opened = suspected(grant, captures, at=at, debtor=debtor)
    clawback = clawbacks.place_hold(clawback=opened, actor=officer(1), at=at)
    return clawbacks.send_notice(clawback=clawback, notice="Explain.", actor=officer(1), at=at)


def upheld(grant: Grant, captures: list[Capture], *, at: datetime, debtor: Organization | None = None) -> Clawback:
    """Bring a case to its demand, answered at once and upheld by officer 2."""
    clawback = noticed(grant, captures, at=at, debtor=debtor)
    clawbacks.respond(clawback=clawback, text="We did use it.", actor=speaks_for(clawback.debtor), at=at)
    return clawbacks.uphold(clawback=clawback, reason="No job ran.", actor=officer(2), at=at)
