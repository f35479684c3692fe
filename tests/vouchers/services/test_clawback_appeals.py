"""A debtor appeals once and in time; meanwhile nothing is enforced, and what is remitted comes back to the fen."""

from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.models import AuditEntry
from core.errors import NotFound
from core.periods import midnight
from ledger.models import Balance
from tests.vouchers import cases, log, scenes
from tests.vouchers.claims import fen
from tests.vouchers.scenes import AT, officer
from vouchers import chart, integrity
from vouchers.models import Blacklisting, ClawbackAppeal, ClawbackRemission, Redemption
from vouchers.parameters.integrity import Clawback, Interest
from vouchers.services import blacklisting, clawback_appeals, clawbacks, people, recoveries, restitutions
from vouchers.services.clawback_appeals import AppealDecided, AppealExists, AppealOver, BadReduction

DECIDED = datetime(2025, 7, 1, 2, tzinfo=UTC)  # 1 July 2025, 10:00 in Shanghai
DAYS_LATER = DECIDED + timedelta(days=5)
PDF = b"%PDF-1.7\n%%EOF\n"
STRANGER = 4

pytestmark = pytest.mark.django_db


def appealed(case, *, at=DECIDED, files=()):
    speaker = cases.speaks_for(case.debtor)
    return clawback_appeals.lodge(clawback=case, text="We did use it.", files=files, actor=speaker, at=at)


def recover(case, amount_fen, reference="bank/1", at=DECIDED):
    actor = officer(3)
    return recoveries.recover(clawback=case, amount_fen=amount_fen, reference=reference, actor=actor, at=at)


def quash(appeal, by=STRANGER, at=DAYS_LATER):
    return clawback_appeals.quash(appeal=appeal, reason="The logs prove it.", actor=officer(by), at=at)


def reduce(appeal, principal_fen, by=STRANGER, at=DAYS_LATER):
    actor = officer(by)
    return clawback_appeals.reduce(
        appeal=appeal, principal_fen=principal_fen, reason="One job ran.", actor=actor, at=at
    )


def uphold(appeal, by=STRANGER, at=DAYS_LATER):
    return clawback_appeals.uphold(appeal=appeal, reason="Nothing new.", actor=officer(by), at=at)


def give_back(case, amount_fen, reference="back/1", by=3):
    actor = officer(by)
    return restitutions.give_back(clawback=case, amount_fen=amount_fen, reference=reference, actor=actor, at=DAYS_LATER)


def sums(case):
    case.refresh_from_db()
    kept = (case.recovered_fen, case.offset_fen, case.remitted_fen, case.restored_fen, case.outstanding_fen)
    return case.status, *kept


def owed_back(case):
    return fen(chart.clawback(case.pk)), fen(chart.recovered(case.grant.programme_id)), fen(chart.restitution(case.pk))


def is_verified(tmp_path):
    log.published()
    return log.verify(log.export(tmp_path), tmp_path / "log.pub").code == 0


def test_while_an_appeal_waits_nothing_is_enforced_and_afterwards_what_stands_is(grant):
    case = cases.upheld(grant, cases.paid(grant, 1_000), at=DECIDED)
    first = case.blacklisting
    late = midnight(date(2025, 9, 1))
    assert case.appeal_until == midnight(date(2025, 7, 16))

    appeal = appealed(case, files=[("证明.pdf", PDF)])

    case.refresh_from_db()
    assert (case.suspended_at, case.status, case.outstanding_fen) == (DECIDED, "demanded", 1_000)
    assert not integrity.is_barred(organization_id=grant.owner_id, at=DECIDED)
    assert (recoveries.overdue_fen(case, at=late), recoveries.to_set_off_fen(case, at=late)) == (0, 0)
    with pytest.raises(recoveries.NothingOwed):
        recoveries.refer(clawback=case, to="court", actor=officer(2), at=late)
    assert [one.name for one in case.documents.all()] == ["证明.pdf"]

    uphold(appeal)

    case.refresh_from_db()
    assert (case.suspended_at, case.pay_by) == (None, midnight(date(2025, 8, 6)))
    assert (case.blacklisting == first, case.blacklisting.ends_at) == (False, first.ends_at)
    assert integrity.is_barred(organization_id=grant.owner_id, at=DAYS_LATER)
    assert recoveries.overdue_fen(case, at=late) == recoveries.to_set_off_fen(case, at=late) == 1_000
    verbs = AuditEntry.objects.filter(object_id=str(case.pk)).order_by("-pk").values_list("verb", flat=True)
    assert list(verbs[:3]) == ["clawback.appeal_decided", "clawback.appealed", "clawback.document_added"]


def test_an_appeal_comes_once_in_time_from_the_debtor_and_against_a_decision(grant):
    open_still = cases.noticed(grant, cases.paid(grant, 400))
    with pytest.raises(AppealOver):
        appealed(open_still)
    case = cases.upheld(other := scenes.grant(grant.programme), cases.paid(other, 1_000), at=DECIDED)
    with pytest.raises(NotFound):
        clawback_appeals.lodge(clawback=case, text="No.", actor=cases.speaks_for(grant.programme.authority), at=DECIDED)
    with pytest.raises(AppealOver):
        appealed(case, at=case.appeal_until)
    appeal = appealed(case, at=case.appeal_until - timedelta(microseconds=1))
    with pytest.raises(AppealExists):
        appealed(case)
    uphold(appeal)
    with pytest.raises(AppealExists):
        appealed(case)
    assert ClawbackAppeal.objects.count() == 1


def test_nobody_with_a_hand_in_the_case_decides_and_no_appeal_is_decided_twice(grant):
    appeal = appealed(case := cases.upheld(grant, cases.paid(grant, 1_000), at=DECIDED))
    for hand in (1, 2, 9):
        for act in (uphold, quash, lambda one, by: reduce(one, 400, by=by)):
            with pytest.raises(people.MakerIsChecker):
                act(appeal, by=hand)
    for principal_fen in (-1, 0, 1_000, 1_001):
        with pytest.raises(BadReduction):
            reduce(appeal, principal_fen)
    assert (ClawbackRemission.objects.exists(), sums(case)) == (False, ("demanded", 0, 0, 0, 0, 1_000))
    reduce(appeal, 999)
    for again in (uphold, quash, lambda one: reduce(one, 1)):
        with pytest.raises(AppealDecided):
            again(appeal)
    assert sums(case) == ("demanded", 0, 0, 1, 0, 999)


def test_a_quashed_decision_gives_back_what_was_repaid_and_frees_what_it_took(grant, tmp_path):
    captures = cases.paid(grant, 600, 400)
    case = cases.upheld(grant, captures, at=DECIDED)
    recover(case, 300)
    appeal = appealed(case)
    recover(case, 50, "bank/2")

    quash(appeal)

    assert sums(case) == ("quashed", 350, 0, 1_000, 350, 0)
    assert (case.closed_at, owed_back(case)) == (DAYS_LATER, (0, 0, 350))
    assert not Blacklisting.objects.standing(DAYS_LATER).exists()
    assert integrity.withheld(owed=[(one.redemption_id, grant.owner_id) for one in captures]) == set()
    assert set(Redemption.objects.values_list("clawed_back_fen", flat=True)) == {0}
    with pytest.raises(recoveries.NothingOwed):
        recover(case, 1, "bank/3")
    for amount_fen in (0, 351):
        with pytest.raises(restitutions.NothingToGiveBack):
            give_back(case, amount_fen)
    with pytest.raises(people.MakerIsChecker):
        give_back(case, 1, by=STRANGER)
    with pytest.raises(recoveries.NoReference):
        give_back(case, 1, reference=" ")
    assert give_back(case, 100).pk == give_back(case, 100).pk
    with pytest.raises(recoveries.KeyReused):
        give_back(case, 99)
    give_back(case, 250, "back/2")
    assert (restitutions.left_fen(case), owed_back(case)) == (0, (0, 0, 0))
    assert fen(chart.demanded(grant.programme_id)) == 0
    assert is_verified(tmp_path)
    again = cases.suspected(grant, captures, at=DAYS_LATER, by=2)
    assert clawbacks.suspected_fen(again) == 1_000


def test_a_reduced_demand_keeps_the_latest_captures_with_their_interest_to_the_fen(tmp_path):
    terms = Clawback(interest=Interest.FIXED, interest_bp=3_650)
    granted = scenes.grant(cases.minding(clawback=terms), face_fen=10_000_000)
    captures = cases.paid(granted, 600_000, 400_000)
    case = cases.upheld(granted, captures, at=AT + timedelta(days=10))
    assert (case.principal_fen, case.interest_fen) == (1_000_000, 10_000)
    recover(case, 700_000, at=AT + timedelta(days=11))
    appeal = appealed(case, at=AT + timedelta(days=11))

    reduce(appeal, 500_000, at=AT + timedelta(days=20))

    assert sums(case) == ("recovered", 700_000, 0, 505_000, 195_000, 0)
    appeal.refresh_from_db()
    assert (appeal.remitted_principal_fen, appeal.remitted_interest_fen) == (500_000, 5_000)
    assert sum(one["interest_fen"] for one in appeal.calculation["steps"]) == 5_000
    left = sorted(Redemption.objects.values_list("clawed_back_fen", flat=True))
    assert (sum(left), left) in ((500_000, [0, 500_000]), (500_000, [100_000, 400_000]))
    assert Balance.objects.get(pk=case.account_id).posted_fen == 0
    assert is_verified(tmp_path)


def test_a_bar_that_is_over_meanwhile_does_not_come_again(grant):
    case = cases.upheld(grant, cases.paid(grant, 1_000), at=DECIDED)
    blacklisting.lift(blacklisting=case.blacklisting, reason="Mercy.", actor=officer(5), at=DECIDED)
    appeal = appealed(case)
    uphold(appeal, at=case.blacklisting.ends_at)
    case.refresh_from_db()
    assert (case.blacklisting.lift_reason, Blacklisting.objects.count()) == ("Mercy.", 1)
