"""Published rules of the auction: who is served at what price, and that batches replay with them."""

from datetime import timedelta
from functools import partial

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import AuditEntry, OrganizationSize, User
from accounts.services.audit import SYSTEM, Actor
from core.constraints import constraint_name
from core.errors import Forbidden
from market.matching.auction import pricing
from market.models import AuctionProposal, AuctionRules, MatchBatch, MatchInput, OrderStatus, UnmatchedReason
from market.selectors import fairness
from market.services import auction_rules, auctions, replays
from tests.gathering import FEW, look_instead_of_locking
from tests.market import scenes
from tests.market.races import race
from tests.market.scenes import AT, hours
from tests.market.services.test_auctions import YUAN, bid, status
from tests.owning import as_owner

BEFORE = AT - hours(1)


def clerks() -> tuple[Actor, Actor]:
    """Return who proposes and who approves."""
    maker, checker = scenes.clerks()
    return Actor(user=maker), Actor(user=checker)


def propose(**terms) -> AuctionProposal:
    told = {"starts_at": AT, "reserve_bp": 0, "ageing_bp": 0, "k_bp": 0, "grounds": "Notice 12"}
    return auction_rules.propose(**(told | {"actor": clerks()[0], "at": BEFORE} | terms))


def publish(*, at=BEFORE, **terms) -> AuctionRules:
    return auction_rules.approve(proposal=propose(at=at, **terms), actor=clerks()[1], at=at)


def free_cards(order) -> int:
    order.refresh_from_db()
    return order.unmatched_detail["free_cards"]


def test_a_share_is_for_small_firms_and_vouchers(buyer, offering, card):
    rules = publish(reserve_bp=5_000)
    large, small = scenes.buyer(), scenes.buyer()
    small.size = OrganizationSize.MICRO
    small.save(update_fields=["size"])
    too_much = bid(large, card, limit=9 * YUAN, count=8)
    rich = [bid(large, card, limit=8 * YUAN, count=4) for _ in range(2)]
    poor, voucher = bid(small, card, count=2), bid(buyer, card, count=2, by_voucher=True)

    batch = auctions.hold(at=AT)

    assert (batch.rules, batch.matched) == (rules, 3)
    assert status(poor) == status(voucher) == (OrderStatus.MATCHED, "")
    assert sorted(status(one) for one in rich)[1] == (OrderStatus.OPEN, UnmatchedReason.OUTRANKED)
    assert status(too_much) == (OrderStatus.OPEN, UnmatchedReason.CAPACITY)
    assert free_cards(too_much) == 4
    assert replays.replay(batch).same


def test_what_is_reserved_is_not_counted_as_free_for_others(offering, card):
    publish(reserve_bp=5_000)
    large = scenes.buyer()
    first, second = bid(large, card, limit=8 * YUAN, count=4), bid(large, card, limit=3 * YUAN, count=4)

    auctions.hold(at=AT)

    assert status(first) == (OrderStatus.MATCHED, "")
    assert (status(second)[1], free_cards(second)) == (UnmatchedReason.OUTRANKED, 0)


def test_who_has_waited_comes_before_who_pays_a_little_more(buyer, offering, card):
    publish(ageing_bp=1_000)
    waiting = bid(buyer, card, limit=30 * YUAN // 10)
    bid(buyer, card, limit=9 * YUAN, start_max=AT + hours(1))
    auctions.hold(at=AT)
    assert status(waiting)[1] == UnmatchedReason.OUTRANKED
    scenes.listed(offering.provider, card, name="later", opens_at=AT - timedelta(days=1))
    newer = bid(buyer, card, limit=32 * YUAN // 10, at=AT + timedelta(minutes=1))

    batch = auctions.hold(at=AT + timedelta(minutes=2))

    assert (status(waiting)[0], status(newer)[0]) == (OrderStatus.MATCHED, OrderStatus.OPEN)
    assert replays.replay(batch).same


@pytest.mark.parametrize(("by_voucher", "price"), [(False, 3_500_000), (True, 2_000_000)])
def test_cash_pays_a_share_of_its_limit_and_a_voucher_the_ask(buyer, offering, card, by_voucher, price):
    publish(k_bp=5_000)
    order = bid(buyer, card, limit=5 * YUAN, by_voucher=by_voucher)

    auctions.hold(at=AT)

    order.refresh_from_db()
    assert (order.reservation.price_micro, order.match.price_micro) == (price, price)


@given(
    st.lists(st.integers(0, 10**12), min_size=1, max_size=50), st.integers(0, 10**12), st.integers(0, 10_000),
)  # fmt: skip
def test_all_hours_together_cost_no_more_than_the_limit_and_no_less_than_the_asks(asks, room, k_bp):
    limit = -(-sum(asks) // len(asks)) + room

    paid = pricing.contract_prices_micro(asks, limit_micro=limit, k_bp=k_bp)

    assert sum(asks) <= sum(paid) <= limit * len(asks)
    assert all(price >= ask for price, ask in zip(paid, asks, strict=True))
    assert pricing.contract_prices_micro(asks, limit_micro=limit, k_bp=k_bp, voucher=True) == tuple(asks)


@pytest.mark.parametrize(("before", "after"), [(0, 0), (0, 2_500), (2_500, 2_500), (2_500, 0)])
def test_prices_are_carried_over_and_replayed(buyer, offering, card, provider, before, after):
    publish(reserve_bp=before)
    publish(reserve_bp=after, starts_at=AT + hours(1), at=AT)
    for number in range(8):
        bid(buyer, card, limit=(3 + number) * YUAN, count=3, start_max=AT + hours(4), by_voucher=number % 2 == 0)
    first = auctions.hold(at=AT)
    scenes.listed(provider, card)

    second = auctions.hold(at=AT + hours(1))

    assert [replays.is_warm(one) for one in (first, second)] == [False, True]
    assert all(replays.replay(one).same for one in (first, second))
    found, begun = (replays.arrays(one)["price"] for one in (first.input.outcome, second.input.instance))
    left = min(found.shape[-1] - 1, begun.shape[-1])
    assert found[0].any()
    assert (begun[0, :, :left] == found[0, :, 1 : left + 1]).all()


def test_after_a_day_prices_are_found_anew(buyer, offering, card):
    bid(buyer, card, limit=3 * YUAN)
    auctions.hold(at=AT)
    bid(buyer, card, start_min=AT + hours(26), start_max=AT + hours(26), at=AT + hours(25))

    assert not replays.is_warm(auctions.hold(at=AT + hours(25)))


def test_another_engines_batch_is_not_replayed_by_this_one(buyer, offering, card):
    bid(buyer, card)
    batch = auctions.hold(at=AT)
    older = MatchBatch.objects.create(at=AT, engine="call-auction/1", input_sha256="", orders=1, matched=0)
    MatchInput.objects.create(batch=older, instance=batch.input.instance, outcome=batch.input.outcome)

    with pytest.raises(replays.HeldByAnother):
        replays.replay(older)


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"reserve_bp": 5_001}, "reserve_bp"),
        ({"ageing_bp": -1}, "ageing_bp"),
        ({"k_bp": 10_001}, "k_bp"),
        ({"grounds": " "}, "grounds"),
        ({"starts_at": BEFORE}, "starts_at"),
    ],
)
def test_rules_that_make_no_sense_are_refused(db, terms, field):
    with pytest.raises(auction_rules.BadAuctionRules) as refused:
        propose(**terms)

    assert set(refused.value.fields) == {field}
    assert not AuctionProposal.objects.exists()


def test_rules_count_once_another_person_has_approved_them_and_are_never_changed(db):
    maker, checker = clerks()
    proposal = propose(reserve_bp=1_000)
    assert auction_rules.in_effect(AT) is None
    with pytest.raises(auction_rules.AuctionRulesProposed):
        propose(k_bp=1, actor=checker)
    with pytest.raises(auction_rules.SamePerson):
        auction_rules.approve(proposal=proposal, actor=maker, at=BEFORE)
    with pytest.raises(auction_rules.ProposalTooLate):
        auction_rules.approve(proposal=proposal, actor=checker, at=AT)

    rules = auction_rules.approve(proposal=proposal, actor=checker, at=BEFORE)

    assert (rules.proposal.status, rules.proposal.proposed_by, rules.published_by) == (
        "approved", maker.user, checker.user,
    )  # fmt: skip
    assert (rules.terms, rules.published_at) == (proposal.terms, BEFORE)
    assert auction_rules.in_effect(AT) == rules
    assert auction_rules.in_effect(BEFORE) is None
    with pytest.raises(auction_rules.ProposalDecided):
        auction_rules.withdraw(proposal=proposal, actor=maker, at=BEFORE)
    with pytest.raises(auction_rules.AuctionRulesTaken):
        propose(k_bp=1)
    entries = AuditEntry.objects.filter(verb__startswith="auction-rules.").order_by("pk")
    assert [(one.verb, one.actor, one.object_id) for one in entries] == [
        ("auction-rules.proposed", maker.user, str(proposal.pk)),
        ("auction-rules.published", checker.user, str(rules.pk)),
    ]
    with as_owner(), pytest.raises(IntegrityError), transaction.atomic():
        AuctionRules.objects.update(k_bp=1)


def test_a_proposal_is_rejected_by_another_with_a_reason_or_taken_back_by_who_made_it(db):
    maker, checker = clerks()
    bad, own = propose(reserve_bp=5_000), propose(starts_at=AT + hours(1))
    with pytest.raises(auction_rules.ReasonMissing):
        auction_rules.reject(proposal=bad, note=" ", actor=checker, at=BEFORE)
    for act, who in [(partial(auction_rules.reject, note="mine"), maker), (auction_rules.withdraw, checker)]:
        with pytest.raises(Forbidden):
            act(proposal=bad, actor=who, at=BEFORE)
    for act in (auction_rules.approve, auction_rules.withdraw):
        with pytest.raises(Forbidden):
            act(proposal=bad, actor=SYSTEM, at=BEFORE)

    rejected = auction_rules.reject(proposal=bad, note="Half is too much.", actor=checker, at=BEFORE)
    taken_back = auction_rules.withdraw(proposal=own, actor=maker, at=BEFORE)

    assert (rejected.status, rejected.decided_by, rejected.note) == ("rejected", checker.user, "Half is too much.")
    assert (taken_back.status, taken_back.decided_by, taken_back.decided_at) == ("withdrawn", None, BEFORE)
    assert not AuctionRules.objects.exists()
    assert propose(reserve_bp=2_000).status == "proposed"  # for the instant whose proposal was rejected


def test_the_database_publishes_nothing_that_another_person_has_not_approved(db):
    maker, checker = (one.user for one in clerks())
    waiting, approved = propose(), publish(starts_at=AT + hours(1)).proposal
    late, alone = {"published_at": BEFORE, "published_by": checker}, {"published_at": BEFORE, "published_by": maker}
    moved = {"status": "approved", "decided_at": BEFORE}

    refusals = {
        "auction_rules_approved": [
            lambda: AuctionRules.objects.create(proposal=None, **waiting.terms, **late),
            lambda: AuctionRules.objects.create(proposal=waiting, **waiting.terms, **late),
            lambda: AuctionRules.objects.create(proposal=waiting, **waiting.terms, **alone),
            lambda: AuctionRules.objects.create(proposal=approved, **(approved.terms | {"k_bp": 1}), **late),
            lambda: AuctionRules.objects.create(proposal=approved, **approved.terms, **alone),
        ],
        "auction_proposal_maker_is_not_checker": [
            lambda: AuctionProposal.objects.filter(pk=waiting.pk).update(**moved, decided_by=maker),
        ],
        "auction_proposal_decided": [
            lambda: AuctionProposal.objects.filter(pk=waiting.pk).update(**moved),
            lambda: AuctionProposal.objects.filter(pk=waiting.pk).update(status="rejected", decided_at=BEFORE),
        ],
        "auction_proposal_starts_proposed": [
            lambda: AuctionProposal.objects.create(
                **moved, decided_by=checker, proposed_by=maker, proposed_at=BEFORE, **waiting.terms
            ),
        ],
        "auction_proposal_decided_once": [
            lambda: AuctionProposal.objects.filter(pk=waiting.pk).update(k_bp=1),
            lambda: AuctionProposal.objects.filter(pk=approved.pk).update(note="late"),
        ],
        "auction_proposal_publishes": [lambda: approve_only(waiting, **moved, decided_by=checker)],
        "market_auctionproposal_append_only": [lambda: AuctionProposal.objects.all()._raw_delete("default")],
    }  # fmt: skip
    for name, acts in refusals.items():
        for act in acts:
            with as_owner(), pytest.raises(IntegrityError) as refused, transaction.atomic():
                act()
            assert constraint_name(refused.value) == name


def approve_only(proposal, **moved):
    with connection.cursor() as cursor:
        AuctionProposal.objects.filter(pk=proposal.pk).update(**moved)
        cursor.execute("SET CONSTRAINTS auction_proposal_publishes IMMEDIATE")


def test_rules_from_before_they_were_proposed_still_count(db):
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE market_auctionrules DISABLE TRIGGER auction_rules_approved")
        old = AuctionRules.objects.create(starts_at=AT - hours(2), k_bp=5_000, published_at=AT - hours(3))
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE market_auctionrules ENABLE TRIGGER auction_rules_approved")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")

    assert auction_rules.in_effect(BEFORE) == old
    new = publish(reserve_bp=100)
    assert (auction_rules.in_effect(AT), fairness.published()) == (new, [new, old])


def decisions(number_of_people=FEW):
    """Return an act in which people of whom nobody proposed it decide one proposal at once, and who proposed it too."""
    proposal, (maker, _checker) = propose(), clerks()
    people = [User.objects.create(username=f"clerk {number}") for number in range(number_of_people)]

    def act(number: int) -> None:
        told = {"proposal": proposal, "actor": Actor(user=people[number]), "at": BEFORE}
        if number == 0:
            auction_rules.withdraw(**(told | {"actor": maker}))
        elif number == 1:
            auction_rules.reject(**told, note="no")
        else:
            auction_rules.approve(**told)

    return act


def decided_once() -> bool:
    proposal = AuctionProposal.objects.get()
    return AuctionRules.objects.count() == (proposal.status == "approved")


def test_many_decide_at_once_and_one_decision_stands(transactional_db):
    assert race(decisions(), threads=FEW) == {"ok": 1, "proposal-decided": FEW - 1}
    assert decided_once()


def test_without_its_lock_decisions_reach_the_last_guard(transactional_db, monkeypatch):
    look_instead_of_locking(monkeypatch, parties=FEW)

    outcomes = race(decisions(), threads=FEW)

    assert outcomes["ok"] == 1
    assert outcomes["illegal-move"] > 0
    assert decided_once()


def desk(user) -> Client:
    user.is_staff = True
    user.save(update_fields=["is_staff"])
    user.user_permissions.set(Permission.objects.filter(codename__endswith="_auctionproposal"))
    client = Client(headers={"accept-language": "en"})
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def decide(client, action, proposal, **told) -> list[str]:
    address = reverse("admin:market_auctionproposal_changelist")
    answer = client.post(address, {"action": action, "_selected_action": [str(proposal.pk)], **told}, follow=True)
    return [str(message).partition(": ")[2] for message in answer.context["messages"]]


def test_one_person_proposes_in_the_console_another_publishes_and_everybody_reads_the_rules(db, client):
    one, other = (desk(person) for person in scenes.clerks())
    address = reverse("admin:market_auctionproposal_add")
    told = {"reserve_bp": 1_000, "ageing_bp": 200, "k_bp": 0, "grounds": "Notice 12", "starts_at_0": "2099-01-01"}
    told |= {"starts_at_1": "00:00"}

    refused = one.post(address, told | {"reserve_bp": 9_000, "starts_at_0": "2001-01-01"})
    assert {name: list(said) for name, said in refused.context["adminform"].form.errors.items()} == {
        "reserve_bp": ["From 0 to 5000."],
        "starts_at": ["Rules begin at an instant to come."],
    }
    for _twice in range(2):
        answer = one.post(address, told, follow=True)
    assert "Other rules that would begin at this instant wait" in answer.content.decode()
    proposal = AuctionProposal.objects.get()
    assert "Why, if you reject it" in other.get(reverse("admin:market_auctionproposal_changelist")).content.decode()
    assert decide(one, "approve", proposal) == ["Another person must approve what you proposed."]
    assert decide(other, "reject", proposal) == ["Say why."]
    assert not AuctionRules.objects.exists()

    assert decide(other, "approve", proposal) == ["Noted."]
    assert AuctionRules.objects.get().reserve_bp == 1_000
    assert decide(other, "reject", proposal, note="Late") == ["This proposal was decided, or taken back."]
    assert decide(one, "withdraw", proposal) == ["This proposal was decided, or taken back."]
    shown = one.get(reverse("admin:market_auctionproposal_change", args=[proposal.pk])).content
    assert b"Approved" in shown
    assert b'name="_save"' not in shown
    assert one.get(reverse("admin:market_auctionrules_add")).status_code == 403
    assert "Notice 12" in client.get(reverse("portal:measure")).content.decode()
