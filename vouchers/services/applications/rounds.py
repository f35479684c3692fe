"""Draft, open, close and allocate the rounds in which a programme takes applications."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypedDict, Unpack
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.duties import Duty
from accounts.services import audit
from accounts.services.audit import SYSTEM, Actor
from core.constraints import refusing
from core.errors import IllegalMove
from core.periods import midnight
from vouchers import allocation, pools, tranches
from vouchers.allocation import Award, Candidate, Method
from vouchers.models import Application, Evidence, Programme, Round, RoundStatus
from vouchers.models.application import REVIEWS, S
from vouchers.parameters.allocation import Method as Rule
from vouchers.parameters.money import Oversubscription
from vouchers.parameters.settlement import Paper
from vouchers.services import people
from vouchers.services.applications import amounts, forwarding, moves
from vouchers.services.applications.refusals import BadRound, Undecided, WindowsOverlap, WrongSeed
from vouchers.services.applications.submitting import ONE_BY_ONE

METHODS = {
    Rule.FCFS: Method.FIRST_COME,
    Rule.WINDOW_BATCH: Method.BATCH,
    Rule.RANK: Method.RANKED,
    Rule.LOTTERY: Method.LOTTERY,
    Rule.EXEMPT: Method.EXEMPT,
}
PAPERS = {
    Paper.CONTRACT: Evidence.CONTRACT,
    Paper.INVOICE: Evidence.INVOICE,
    Paper.PAYMENT: Evidence.PAYMENT,
    Paper.USAGE: Evidence.USAGE,
    Paper.DELIVERY_ACCEPTANCE: Evidence.DELIVERY,
    Paper.MODEL_FILING: Evidence.FILING,
    Paper.ELECTRICITY: Evidence.ELECTRICITY,
    Paper.COMMITMENT_LETTER: Evidence.COMMITMENT,
    Paper.NON_DUPLICATION_STATEMENT: Evidence.NON_DUPLICATION,
    Paper.NON_RELATED_STATEMENT: Evidence.NON_RELATED,
}


class Procedure(TypedDict, total=False):
    """The parameters of a round, as its draft names them."""

    name: str
    opens_at: datetime
    closes_at: datetime
    method: str
    budget_fen: int | None
    most_fen: int | None
    per_applicant: int | None
    once_per_contract: bool
    partly: bool
    required_evidence: list[str]
    district_review: bool
    reviewers: int
    panel_size: int
    review_days: int
    supplement_days: int
    publicity_days: int
    appeal_days: int
    seed_commitment: str


@transaction.atomic
def draft(*, programme: Programme, actor: Actor, at: datetime, **procedure: Unpack[Procedure]) -> Round:
    """Write a round down that a second person may open.

    :raises WindowsOverlap: if the programme has another round at this time.
    :raises BadRound: if the procedure contradicts itself.
    """
    person = people.officer(actor, Duty.DRAFT, of=programme.authority)
    _require_evidence(procedure)
    written = {**defaults(programme), **procedure}
    with _refusing_bad_rounds():
        made = Round.objects.create(programme=programme, status=RoundStatus.DRAFT, drafted_by=person, **written)
    after = {"programme": programme.code, "name": made.name, "method": made.method}
    audit.record(actor=actor, verb="round.drafted", thing=made, at=at, after=after)
    return made


def defaults(programme: Programme) -> dict[str, Any]:
    """Return the procedure that a programme's parameters say; a round may say otherwise."""
    chosen = programme.parameters.allocation
    window = chosen.window
    opens_on, closes_on = (window.opens_on, window.closes_on) if window else (programme.opens_on, programme.closes_on)
    scored = chosen.expert_panel or chosen.method is Rule.RANK
    return {
        "name": programme.name,
        "opens_at": midnight(opens_on),
        "closes_at": midnight(closes_on),
        "method": _method(programme).value,
        "required_evidence": [PAPERS[paper] for paper in programme.parameters.evidence.for_application],
        "district_review": chosen.district_first_review,
        "reviewers": min(chosen.reviewers_required, 2),
        "panel_size": max(chosen.panel_size, 1) if scored else 0,
        "supplement_days": chosen.supplement_days,
        "publicity_days": chosen.publicity_days,
        "appeal_days": chosen.appeal_days,
        "seed_commitment": chosen.lottery_seed_commitment,
        "once_per_contract": programme.parameters.caps.one_grant_per_contract,
    }


def _method(programme: Programme) -> Method:
    """Return how a programme shares what is short: in a window everybody gets the same share if it says so."""
    parameters = programme.parameters
    if parameters.money.oversubscription is Oversubscription.PRO_RATA:
        return Method.PRO_RATA
    return METHODS[parameters.allocation.method]


@transaction.atomic
def open_(*, procedure: Round, actor: Actor, at: datetime) -> Round:
    """Fix a round's procedure; applications are taken in its window. Who drafted it does not open it.

    :raises MakerIsChecker: if the same person drafted it.
    :raises IllegalMove: if it is no draft.
    """
    found = _locked(procedure)
    person = people.judge(actor, Duty.PUBLISH, maker=found.drafted_by, of=found.programme.authority)
    found.move_to(RoundStatus.OPEN, opened_by=person, opened_at=at)
    audit.record(actor=actor, verb="round.opened", thing=found, at=at)
    return found


@transaction.atomic
def close(*, procedure: Round, at: datetime) -> Round:
    """Close a round whose window is over; repeating it changes nothing."""
    found = _locked(procedure)
    if found.status == RoundStatus.OPEN and found.closes_at <= at:
        found.move_to(RoundStatus.CLOSED)
        audit.record(actor=SYSTEM, verb="round.closed", thing=found, at=at)
    return found


@transaction.atomic
def allocate(*, procedure: Round, actor: Actor, at: datetime, seed: str = "") -> list[Award]:
    """Propose awards to those who passed, by the round's method; who gets nothing stays on the waiting list.

    :raises IllegalMove: if the round is not closed.
    :raises Undecided: if some of its applications are still reviewed, or to be supplemented.
    :raises WrongSeed: if the seed of a lottery is not the one committed to.
    """
    found = _locked(procedure)
    person = people.officer(actor, Duty.PROPOSE, of=found.programme.authority)
    _require_allocable(found, seed)
    waiting = _waiting(found)
    awards = _awards(found, waiting, seed, at)
    for award in awards:
        application = waiting[award.key]
        if award.amount_fen:
            fen, place = award.amount_fen, award.place
            forwarding.propose(application, amount_fen=fen, by=person, actor=actor, at=at, place=place)
        else:
            Application.objects.filter(pk=application.pk).update(place=award.place)
    found.applications.waiting().filter(decided_at=None).update(decided_at=at)
    found.move_to(RoundStatus.ALLOCATED, allocated_by=person, allocated_at=at, seed=seed)
    after = {"awarded": sum(bool(award.amount_fen) for award in awards), "waiting": len(awards)}
    audit.record(actor=actor, verb="round.allocated", thing=found, at=at, after=after)
    return awards


def offer_freed_budget(*, procedure: Round, at: datetime) -> int:
    """Propose those who wait, in their order, as far as budget came free; return how many.

    Nobody overtakes who is served from the same pool, or from the budget as a whole where it has no pools.
    """
    ordering = ("place", "submitted_at", "pk")
    offered, short = 0, set[str]()
    for pk in procedure.applications.waiting().order_by(*ordering).values_list("pk", flat=True):
        with transaction.atomic():
            application = moves.locked(Application(pk=pk))
            pooled = application.programme.parameters.money
            pool = pooled.pool_of(application.district)
            if pool in short:
                continue
            if application.status != S.WAITLISTED or not forwarding.offer(application, at=at):
                if not pooled.pools:
                    break
                short.add(pool)
                continue
        offered += 1
    return offered


def _require_allocable(found: Round, seed: str) -> None:
    if found.status != RoundStatus.CLOSED or found.method == Method.FIRST_COME:
        raise IllegalMove(_("Only a closed round that is not first come, first served is allocated."))
    pending = found.applications.filter(status__in=[S.SUBMITTED, S.SUPPLEMENT, *REVIEWS]).count()
    if pending:
        raise Undecided(_("%(count)d applications are not decided yet.") % {"count": pending}, pending=pending)
    if found.method == Method.LOTTERY and allocation.seed_commitment(seed) != found.seed_commitment:
        raise WrongSeed(_("This is not the seed that was committed to."), fields={"seed": _("Not this seed.")})


def _waiting(found: Round) -> dict[str, Application]:
    """Lock those who passed, firm by firm, before any budget: their caps are counted while nobody else moves them."""
    rows = found.applications.waiting()
    firms = sorted({str(pk) for pk in rows.values_list("applicant_id", flat=True)})
    with connection.cursor() as cursor:
        for firm in firms:
            cursor.execute(ONE_BY_ONE, [f"application/{found.programme_id}/{firm}"])
    return {str(one.pk): one for one in rows.locked().select_related(*moves.RELATED)}


def _awards(found: Round, waiting: Mapping[str, Application], seed: str, at: datetime) -> list[Award]:
    bounded = amounts.within_caps(list(waiting.values()), at=at)
    return allocation.allocate(
        terms(found, left_fen=left_fen(found, at=at), seed=seed), candidates(waiting.values(), bounded)
    )


def candidates(waiting: Iterable[Application], bounded: Mapping[UUID, int]) -> list[Candidate]:
    """Return those who passed and may get something, as an allocation takes them."""
    return [
        Candidate(
            key=str(one.pk),
            asked_fen=bounded[one.pk],
            arrived=int(one.submitted_at.timestamp() * 1_000_000) if one.submitted_at else 0,
            score=one.score or 0,
            part=pools.part(one.programme, one.district),
        )
        for one in waiting
        if bounded[one.pk] > 0
    ]


def terms(procedure: Round, *, left_fen: int, seed: str, method: Method | None = None) -> allocation.Terms:
    """Return what bounds the awards of a round, by its own method or as another would."""
    return allocation.Terms(
        method=method or Method(procedure.method),
        budget_fen=left_fen,
        partly=procedure.partly,
        least_fen=max(procedure.programme.min_grant_fen, 1),
        unit_fen=procedure.programme.round_unit_fen,
        seed=seed,
        quotas_fen=pools.parts_fen(procedure.programme),
    )


def left_fen(found: Round, *, at: datetime) -> int:
    """Return what a round may still award: what is left of its own budget, and of what the programme has released."""
    released_fen = tranches.left_fen(found.programme, at=at)
    return released_fen if found.budget_fen is None else min(released_fen, found.budget_fen - found.committed_fen)


def _locked(procedure: Round) -> Round:
    return Round.objects.locked().select_related("programme__authority", "drafted_by").get(pk=procedure.pk)


def _require_evidence(procedure: Mapping[str, Any]) -> None:
    unknown = set(procedure.get("required_evidence", [])) - set(Evidence.values)
    if unknown:
        text = _("Unknown kinds of evidence: %(kinds)s.") % {"kinds": ", ".join(sorted(unknown))}
        raise BadRound(text, fields={"required_evidence": text})


def _refusing_bad_rounds() -> Any:
    overlap = WindowsOverlap(_("The programme has another round at this time."))
    bad = {
        "round_name_once": ("name", _("The programme has a round of this name.")),
        "round_window_not_empty": ("closes_at", _("A round ends after it begins.")),
        "round_budget_positive": ("budget_fen", _("The budget is more than nothing.")),
        "round_largest_award_positive": ("most_fen", _("A cap is more than nothing, or absent.")),
        "round_method_known": ("method", _("There is no such method.")),
        "round_at_most_two_reviewers": ("reviewers", _("One or two people review, or none.")),
        "round_panel_not_too_large": ("panel_size", _("At most 15 experts score.")),
        "round_ranks_by_scores": ("panel_size", _("A ranking needs experts who score.")),
        "round_lottery_commits_to_its_seed": ("seed_commitment", _("A lottery commits to its seed beforehand.")),
    }
    errors = {name: BadRound(text, fields={field: text}) for name, (field, text) in bad.items()}
    return refusing(round_windows_do_not_overlap=overlap, **errors)
