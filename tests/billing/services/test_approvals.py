"""Orders above a buyer's own limit: they hold nothing until another person approves them."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.models import AuditEntry, Membership, Role
from accounts.services import keys
from accounts.services.audit import SYSTEM, Actor
from billing import selectors
from billing.models import ApprovalRequest, SpendingLimit, Supplement
from billing.services import approvals, asking, checkout, extending, held_quotes, spending_limits
from billing.services.approvals import ApprovalOver, ReasonNeeded, SecondApproverNeeded
from billing.services.asking import NoTimeLeft
from billing.services.held_quotes import Chosen
from billing.services.refusals import WalletTooLow
from billing.services.spending_limits import ApprovalNeeded, BadLimit
from core.errors import Forbidden, NotFound
from ledger.services import posting
from market.models import Order
from market.services import conditions, kept_demands, matching, reservations
from market.services.orders import BadWindow
from market.services.splits import Split
from tests.billing import scenes
from tests.billing.scenes import AT, HOUR, START
from tests.billing.test_races import belted
from tests.gathering import FEW, look_instead_of_locking
from tests.market import scenes as markets
from tests.market.races import THREADS, race


def member(buyer, role, name=""):
    person = scenes.person(name)
    Membership.objects.create(user=person, organization=buyer, role=role)
    return Actor(user=person, organization=buyer)


@pytest.fixture
def owner(buyer):
    return member(buyer, Role.OWNER)


@pytest.fixture
def trader(buyer):
    return member(buyer, Role.TRADER)


@pytest.fixture
def reviewer(buyer):
    return member(buyer, Role.REVIEWER)


@pytest.fixture
def limited(buyer, owner):
    """A buyer one of whose orders may cost ¥10.00 without a second person; the usual one costs ¥12.00."""
    spending_limits.set_limit(organization=buyer, limit_fen=1_000, actor=owner, at=AT)
    return buyer


def ask(buyer, offering, actor, *, voucher=None, **terms):
    demand = scenes.demand(offering, **terms)
    return asking.place(buyer=buyer, demand=demand, grant=voucher, actor=actor, at=AT)


def test_up_to_the_limit_an_order_is_placed_and_above_it_waits_and_holds_nothing(limited, offering, trader):
    at_the_limit = ask(limited, offering, trader, count=1, hours=5)
    assert isinstance(at_the_limit, Order)

    waiting = ask(limited, offering, trader)

    assert (waiting.status, waiting.estimate_fen, waiting.limit_fen) == ("awaiting_approval", 1_200, 1_000)
    assert waiting.expires_at == START + 2 * HOUR
    assert (Order.objects.count(), selectors.wallet(limited).held_fen) == (1, 1_000)
    assert AuditEntry.objects.filter(verb="approval.requested").exists()


def test_another_person_approves_and_the_order_goes_through_checkout(limited, offering, grant, trader, reviewer):
    waiting = ask(limited, offering, trader, voucher=grant, name="big")

    (order,) = approvals.approve(request=waiting, actor=reviewer, at=AT + timedelta(minutes=5))

    waiting.refresh_from_db()
    assert (waiting.status, waiting.decided_by, waiting.order) == ("approved", reviewer.user, order)
    assert (order.status, order.name, order.limit_micro) == ("open", "big", 2_000_000)
    assert (order.funding.voucher_fen, order.funding.wallet_fen) == (600, 600)
    matching.run(at=AT + timedelta(minutes=6))
    reservation = order.reservations.get()
    with pytest.raises(ApprovalNeeded):
        extending.extend(reservation=reservation, hours=1, grant=None, actor=trader, at=AT)
    assert scenes.broken() == []


@pytest.mark.parametrize("role", [Role.TRADER, Role.FINANCE, Role.VIEWER])
def test_who_is_neither_owner_nor_reviewer_does_not_decide(limited, offering, trader, role):
    waiting = ask(limited, offering, trader)

    with pytest.raises(Forbidden):
        approvals.approve(request=waiting, actor=member(limited, role), at=AT)


def test_who_asked_does_not_approve_not_even_with_a_key_or_past_the_service(limited, offering, owner):
    waiting = ask(limited, offering, owner)
    key, _token = keys.issue(organization=limited, name="k", scopes=["orders"], actor=owner, at=AT)

    for actor in (owner, Actor(key=key, organization=limited)):
        with pytest.raises(SecondApproverNeeded):
            approvals.approve(request=waiting, actor=actor, at=AT)
        with pytest.raises(SecondApproverNeeded):
            approvals.reject(request=waiting, reason="x", actor=actor, at=AT)
    with pytest.raises(IntegrityError, match="approval_maker_is_not_checker"), transaction.atomic():
        ApprovalRequest.objects.update(status="rejected", decided_by=owner.user, decided_at=AT, reason="because I can")


def test_a_rejection_has_a_reason_and_is_the_end(limited, offering, trader, reviewer):
    waiting = ask(limited, offering, trader)
    with pytest.raises(ReasonNeeded):
        approvals.reject(request=waiting, reason=" ", actor=reviewer, at=AT)

    approvals.reject(request=waiting, reason="Use the other project", actor=reviewer, at=AT)

    waiting.refresh_from_db()
    assert (waiting.status, waiting.reason) == ("rejected", "Use the other project")
    for act in (approvals.approve, approvals.withdraw):
        with pytest.raises(ApprovalOver):
            act(request=waiting, actor=reviewer, at=AT)
    with pytest.raises(IntegrityError), transaction.atomic():
        ApprovalRequest.objects.update(estimate_fen=9_999_999)


def test_it_is_taken_back_or_runs_out_of_time(limited, offering, trader, reviewer):
    back, late = ask(limited, offering, trader), ask(limited, offering, trader)
    approvals.withdraw(request=back, actor=trader, at=AT)

    with pytest.raises(ApprovalOver):
        approvals.approve(request=late, actor=reviewer, at=late.expires_at)
    assert approvals.expire_overdue(at=late.expires_at) == 1

    assert sorted(ApprovalRequest.objects.values_list("status", flat=True)) == ["expired", "withdrawn"]


def test_what_checkout_refuses_goes_on_waiting(limited, offering, trader, reviewer):
    waiting = ask(limited, offering, trader, count=8, hours=100)
    before = scenes.rows()

    with pytest.raises(WalletTooLow):
        approvals.approve(request=waiting, actor=reviewer, at=AT)

    assert scenes.rows() == before


def test_a_wish_that_makes_no_sense_is_refused_before_anybody_is_asked(limited, offering, trader):
    with pytest.raises(BadWindow):
        ask(limited, offering, trader, start_min=AT - 2 * HOUR, start_max=AT - HOUR)
    _key, _token = keys.issue(organization=limited, name="k", scopes=["orders"], actor=SYSTEM, at=AT)
    with pytest.raises(Forbidden):
        ask(limited, offering, Actor(key=_key, organization=limited))

    assert not ApprovalRequest.objects.exists()


def test_no_way_of_buying_leads_around_the_limit(limited, offering, trader):
    demand = scenes.demand(offering)
    with pytest.raises(ApprovalNeeded):
        checkout.place(buyer=limited, demand=demand, grant=None, actor=trader, at=AT)
    with pytest.raises(ApprovalNeeded):
        held_quotes.buy(offering=offering, buyer=limited, demand=demand, chosen=Chosen(), actor=trader, at=AT)
    order = scenes.place(limited, offering, count=1)
    matching.run(at=AT)
    reservations.advance(at=START)
    reservation = order.reservations.get()
    with pytest.raises(ApprovalNeeded):
        extending.extend(reservation=reservation, hours=3, grant=None, actor=trader, at=START)
    extending.extend(reservation=reservation, hours=2, grant=None, actor=trader, at=START)
    with pytest.raises(IntegrityError, match="costs more than one person may order"), transaction.atomic():
        Supplement.objects.create(**unpaid(reservation))


def unpaid(reservation):
    """Return another hour that somebody writes past every service."""
    hour = {"starts_at": reservation.ends_at, "ends_at": reservation.ends_at + HOUR}
    hold = posting.hold(key="past", account=posting.open_account(code="past", floor_fen=-900), amount_fen=900)
    money = {"estimate_fen": 900, "wallet_fen": 900, "voucher_fen": 0, "wallet_hold": hold}
    return {"funding": reservation.order.funding, "reservation": reservation, "number": 9, **hour, **money}


def test_only_an_owner_sets_the_limit_and_may_lift_it(buyer, offering, owner, trader, reviewer):
    for actor in (trader, reviewer, Actor(user=owner.user, organization=markets.buyer())):
        with pytest.raises(Forbidden):
            spending_limits.set_limit(organization=buyer, limit_fen=1, actor=actor, at=AT)
    with pytest.raises(BadLimit):
        spending_limits.set_limit(organization=buyer, limit_fen=-1, actor=owner, at=AT)
    spending_limits.set_limit(organization=buyer, limit_fen=0, actor=owner, at=AT)
    assert isinstance(ask(buyer, offering, trader), ApprovalRequest)

    spending_limits.set_limit(organization=buyer, limit_fen=None, actor=owner, at=AT)

    assert isinstance(ask(buyer, offering, trader), Order)
    assert SpendingLimit.objects.count() == 1
    changes = AuditEntry.objects.filter(verb="spending-limit.set").order_by("pk").values_list("before", "after")
    assert list(changes)[-1] == ({"limit_fen": 0}, {"limit_fen": None})


def test_what_starts_now_or_never_is_refused_instead_of_waiting(limited, offering, trader):
    with pytest.raises(NoTimeLeft):
        ask(limited, offering, trader, start_min=AT, start_max=AT)

    assert not ApprovalRequest.objects.exists()
    assert not AuditEntry.objects.filter(verb="approval.requested").exists()


def test_strangers_find_no_request(limited, offering, trader):
    waiting = ask(limited, offering, trader)
    stranger = member(markets.buyer(), Role.OWNER)

    for act in (approvals.approve, approvals.withdraw):
        with pytest.raises(NotFound):
            act(request=waiting, actor=stranger, at=AT)


def test_every_wish_is_read_again_as_it_was_kept(offering, provider):
    wish = scenes.demand(
        offering,
        providers=(provider,),
        refused=(provider,),
        conditions=conditions.Conditions(domestic=True, memory_gib=64),
        time_in_force="good-till-time",
        good_till=START,
        split=Split(parts=2, cards=1, hours=1),
    )

    assert kept_demands.unpack(kept_demands.pack(wish)) == wish
    assert kept_demands.unpack(kept_demands.pack(scenes.demand(offering))) == scenes.demand(offering)


def decided(limited, offering, trader, reviewer):
    waiting = ask(limited, offering, trader)

    def act(number: int) -> None:
        if number % 2:
            approvals.approve(request=waiting, actor=reviewer, at=AT)
        else:
            approvals.reject(request=waiting, reason="no", actor=reviewer, at=AT)

    return act


def test_many_decide_at_once_and_one_decision_stands(transactional_db, limited, offering, trader, reviewer):
    outcomes = race(decided(limited, offering, trader, reviewer))

    assert outcomes == {"ok": 1, "approval-over": THREADS - 1}
    approved = ApprovalRequest.objects.get().status == "approved"
    assert (Order.objects.count(), selectors.wallet(limited).held_fen) == ((1, 1_200) if approved else (0, 0))


def test_without_its_lock_decisions_reach_the_last_guard(
    transactional_db, limited, offering, trader, reviewer, monkeypatch
):
    look_instead_of_locking(monkeypatch, parties=FEW)

    outcomes = race(belted(decided(limited, offering, trader, reviewer)), threads=FEW)

    assert outcomes["ok"] == 1
    assert outcomes["illegal-move"] + outcomes["constraint"] > 0
