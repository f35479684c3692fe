"""A grant from application to award: papers, district, reviewer, expert, the public, and the officer who approves."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.models import Organization, User
from accounts.services.audit import Actor
from core.periods import HOUR
from vouchers.allocation import Method
from vouchers.models import Application, ApplicationStatus, Evidence, Grant, Programme, Round
from vouchers.services.applications import deciding, documents, drafting, publicity, reviewing, rounds, submitting

DAY = timedelta(days=1)
TAKES = 20 * DAY
PUBLICITY_DAYS = 5
DISTRICT = "高新区"
FACTS = {"industry": "软件信息服务业", "clean_years": 3, "contract_months": 12}
PAPERS = (Evidence.CONTRACT, Evidence.COMMITMENT)
PAGE = "%PDF-1.4\n% a rehearsal's {kind} of {name}: made up\n%%EOF\n"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a firm applies for: a share of a contract signed before."""

    provider: Organization
    contract_no: str
    category: str
    contract_fen: int
    asked_fen: int


def granted(*, programme: Programme, applicant: Organization, wish: Wish, at: datetime) -> Grant:
    """Return the grant of a firm, applied for and awarded in the days before ``at`` if there is none yet."""
    known = Grant.objects.filter(programme=programme, owner=applicant).first()
    if known:
        return known
    began = at - TAKES
    application = _handed_in(_open_round(programme, began), applicant, wish, at=began + HOUR)
    for day, (username, stage) in enumerate(_stages(), start=1):
        score = 85 if stage == ApplicationStatus.PANEL else None
        application = reviewing.approve(
            application=application,
            stage=stage,
            actor=officer(username, programme.authority),
            at=began + day * DAY,
            no_interest=True,
            score=score,
        )
    publicity.publish(applications=[application], actor=officer("officer1", programme.authority), at=began + 4 * DAY)
    over = began + timedelta(days=PUBLICITY_DAYS + 6)
    deciding.approve(application=application, actor=officer("officer2", programme.authority), at=over)
    return Grant.objects.get(programme=programme, owner=applicant)


def officer(username: str, authority: Organization) -> Actor:
    """Return a person of an authority, acting for it."""
    return Actor(user=User.objects.get(username=username), organization=authority)


def _stages() -> list[tuple[str, ApplicationStatus]]:
    return [
        ("district1", ApplicationStatus.DISTRICT_REVIEW),
        ("officer1", ApplicationStatus.REVIEW_1),
        ("expert1", ApplicationStatus.PANEL),
    ]


def _open_round(programme: Programme, at: datetime) -> Round:
    procedure = rounds.draft(
        programme=programme,
        actor=officer("officer1", programme.authority),
        at=at,
        name="演练批次",
        opens_at=at,
        closes_at=at + TAKES,
        method=Method.FIRST_COME,
        required_evidence=list(PAPERS),
        district_review=True,
        reviewers=1,
        panel_size=1,
        publicity_days=PUBLICITY_DAYS,
    )
    return rounds.open_(procedure=procedure, actor=officer("officer2", programme.authority), at=at)


def _handed_in(procedure: Round, applicant: Organization, wish: Wish, *, at: datetime) -> Application:
    who = officer("buyer", applicant)
    application = drafting.draft(
        procedure=procedure,
        applicant=applicant,
        actor=who,
        at=at,
        provider=wish.provider,
        district=DISTRICT,
        purpose="训练行业模型",
        contract_no=wish.contract_no,
        contract_signed_on=at.date(),
        lines=[{"category": wish.category, "amount_fen": wish.contract_fen}],
        facts=FACTS,
        asked_fen=wish.asked_fen,
    )
    for kind in PAPERS:
        page = PAGE.format(kind=kind.value, name=applicant.name).encode()
        documents.upload(application=application, kind=kind, name=f"{kind.value}.pdf", content=page, actor=who, at=at)
    return submitting.submit(application=application, actor=who, at=at)
