"""A first-come round and thousands of drafts, for the benchmark of its opening.

Imported only once Django is set up for the benchmark's own server.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from stdnum.cn import uscc

from accounts.models import Organization, User
from accounts.services.audit import Actor
from ledger.models import Balance
from vouchers import chart, reconciliation
from vouchers.models import Application, ApplicationStatus, Round
from vouchers.services import programmes
from vouchers.services.applications import rounds, submitting

AT = datetime(2026, 7, 1, 4, tzinfo=UTC)
ASKED_FEN = 1_000_000


def seed(number: int, *, budget_fen: int) -> tuple[Round, list[Application], User]:
    """Open a round, and draft an application of each of ``number`` firms."""
    maker, checker, applicant = (User.objects.create(username=name) for name in ("maker", "checker", "applicant"))
    authority, *firms = Organization.objects.bulk_create(
        Organization(kind="buyer" if n else "authority", name=f"{n}", credit_code=credit_code(n))
        for n in range(number + 1)
    )
    programme = programmes.draft(
        authority=authority,
        actor=Actor(user=maker),
        at=AT,
        code="opening",
        name="Opening",
        budget_fen=budget_fen,
        ratio_bp=3_000,
        validity_days=365,
        eligible_categories=["GPU_TRAIN"],
        open_registry=True,
        opens_on=AT.date() - timedelta(days=90),
        closes_on=AT.date() + timedelta(days=90),
    )
    programme = programmes.publish(programme=programme, actor=Actor(user=checker), at=AT)
    terms = {"reviewers": 0, "publicity_days": 0, "required_evidence": [], "once_per_contract": True}
    drafted = rounds.draft(programme=programme, actor=Actor(user=maker), at=AT, budget_fen=budget_fen, **terms)
    procedure = rounds.open_(procedure=drafted, actor=Actor(user=checker), at=AT)
    drafts = Application.objects.bulk_create(
        Application(
            round=procedure,
            programme=programme,
            applicant=firm,
            status=ApplicationStatus.DRAFT,
            drafted_by=applicant,
            contract_no=f"C-{n}",
            contract_key=f"C{n}",
            contract_once=True,
            asked_fen=ASKED_FEN,
        )
        for n, firm in enumerate(firms)
    )
    return procedure, drafts, applicant


def submitting_of(drafts: Sequence[Application], applicant: User) -> Callable[[int], str]:
    """Return the act of handing the n-th draft in; it tells where the application went."""

    def submit(number: int) -> str:
        actor = Actor(user=applicant)
        return str(submitting.submit(application=drafts[number], actor=actor, at=AT).status)

    return submit


def committed(procedure: Round) -> tuple[int, int, list[reconciliation.Discrepancy]]:
    """Return what the round has committed, what the ledger holds for it, and what does not add up."""
    held_fen = Balance.objects.get(account__code=chart.budget(procedure.programme_id)).held_fen
    return Round.objects.get(pk=procedure.pk).committed_fen, held_fen, reconciliation.discrepancies()


def credit_code(number: int) -> str:
    """Return a credit code whose check character is right."""
    body = f"91440300{number:09d}"
    return str(body + uscc.calc_check_digit(body))
