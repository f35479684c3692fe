"""Requests for quotations: bids stay sealed until their time, and none comes after it."""

import json
from datetime import timedelta
from hashlib import sha256

import pytest
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import IntegrityError, connection, transaction

from accounts.models import AuditEntry, Onboarding, OnboardingStatus
from accounts.services.audit import SYSTEM, Actor
from core.errors import IllegalMove, NotFound
from market import sealing
from market.models import Bid, Rfq, RfqStatus, SealedBid, Unreadability, UnreadableBid
from market.services import bids, rfqs
from market.services.vetting import ProviderNotVerified
from tests.market import rfqs as scenes
from tests.market.rfqs import START, UNTIL
from tests.market.scenes import AT, draft, hours, listed
from tests.market.scenes import provider as new_provider
from tests.owning import as_owner

BID = ["rfq", "provider", "offering", "price_micro", "count", "starts_at", "valid_until", "note", "salt"]


@pytest.fixture
def rfq(buyer, offering):
    return scenes.publish(buyer, offering)


def test_a_bid_is_stored_as_nobody_can_read_it(rfq, offering):
    envelope = scenes.bid(rfq, offering, price_micro=1_234_567, note="InfiniBand")

    stored = SealedBid.objects.get()
    assert b"1234567" not in bytes(stored.sealed)
    assert b"InfiniBand" not in bytes(stored.sealed)
    assert not Bid.objects.exists()
    assert (stored.version, stored.submitted_at, len(envelope.sha256)) == (1, AT, 64)
    assert "1234567" not in json.dumps(list(AuditEntry.objects.values_list("after", flat=True)))
    assert bids.own(rfq, offering.provider)["price_micro"] == 1_234_567
    assert bids.own(rfq, new_provider()) is None


def test_another_key_opens_nothing():
    sealed = sealing.seal({"price_micro": 1}, key="ours")

    with pytest.raises(InvalidToken):
        sealing.unseal(sealed.ciphertext, key="theirs")


def test_a_bid_under_a_lost_key_is_neither_read_nor_opened(rfq, offering, settings):
    scenes.bid(rfq, offering)
    settings.BIDS_KEY = "another"

    with pytest.raises(bids.Unreadable):
        bids.own(rfq, offering.provider)
    with pytest.raises(rfqs.KeyMissingError):
        scenes.opened(rfq)
    assert Rfq.objects.get().status == RfqStatus.OPEN
    assert not UnreadableBid.objects.exists()

    rfqs.open_bids(rfq_id=rfq.pk, at=UNTIL + hours(24))
    rfq.refresh_from_db()
    assert (rfq.status, UnreadableBid.objects.get().why) == (RfqStatus.DECLINED, Unreadability.CIPHER)


def test_an_envelope_that_cannot_be_read_is_set_aside_and_holds_up_no_other(rfq, offering, card):
    good = scenes.bid(rfq, offering)
    said = bids.own(rfq, offering.provider)
    right = sealing.seal(said, key=settings.BIDS_KEY)
    damaged = right.ciphertext[:-9] + b"AAAAAAAA="
    forged = [
        (damaged, right.sha256),
        (right.ciphertext, "f" * 64),
        (right.ciphertext, right.sha256),  # the rival's own words under another name
        *((one.ciphertext, one.sha256) for one in (sealed(said | {"price_micro": 0}), sealed({}), sealed([]))),
    ]
    others = [new_provider() for _ in forged]
    for other, (ciphertext, sha256_) in zip(others, forged, strict=True):
        SealedBid.objects.create(rfq=rfq, provider=other, version=1, sealed=ciphertext, sha256=sha256_, submitted_at=AT)

    (bid,) = scenes.opened(rfq)

    assert (bid.envelope, rfq.status, len(rfq.bid_hashes)) == (good, RfqStatus.OPENED, 7)
    found = UnreadableBid.objects.of(rfq)
    assert [one.why for one in found] == ["cipher", "commitment", *["terms"] * 4]
    assert [one.envelope.provider for one in found] == others
    assert list(UnreadableBid.objects.visible_to(others[2])) == [found[2]]
    assert UnreadableBid.objects.visible_to(rfq.buyer).count() == 6
    audited = AuditEntry.objects.filter(verb="bid.unreadable")
    assert [(one.actor, one.after) for one in audited.order_by("pk")] == [(None, {"why": one.why}) for one in found]
    with pytest.raises(bids.Unreadable):
        bids.own(rfq, others[2])
    # Nobody makes it a bid later, nor what was read unreadable.
    with pytest.raises(IntegrityError, match="a bid or unreadable"), transaction.atomic():
        Bid.objects.create(**{name: getattr(bid, name) for name in BID} | {"envelope": found[0].envelope})
    with pytest.raises(IntegrityError, match="a bid or unreadable"), transaction.atomic():
        UnreadableBid.objects.create(envelope=good, why=Unreadability.CIPHER, found_at=UNTIL)


def sealed(content):
    """Seal anything at all, as somebody does who has the key."""
    text = sealing.canonical(content)
    return sealing.Sealed(sealing._cipher(settings.BIDS_KEY).encrypt(text), sha256(text).hexdigest())


def test_the_last_bid_of_each_provider_is_opened_at_the_time(rfq, offering, card):
    other = listed(new_provider(), card)
    third = listed(new_provider(), card)
    scenes.bid(rfq, offering, price_micro=1_900_000)
    scenes.bid(rfq, offering, price_micro=1_800_000, at=UNTIL - timedelta(microseconds=1))
    scenes.bid(rfq, other, price_micro=1_850_000)
    scenes.bid(rfq, third)
    bids.withdraw(rfq=rfq, provider=third.provider, actor=SYSTEM, at=AT)

    rfqs.open_bids(rfq_id=rfq.pk, at=UNTIL - timedelta(microseconds=1))
    assert not Bid.objects.exists()
    found = scenes.opened(rfq)
    rfqs.open_bids(rfq_id=rfq.pk, at=UNTIL + hours(1))

    assert [(one.provider, one.price_micro) for one in found] == [
        (offering.provider, 1_800_000),
        (other.provider, 1_850_000),
    ]
    assert Bid.objects.count() == 2
    assert (rfq.status, rfq.opened_at) == (RfqStatus.OPENED, UNTIL)
    assert rfq.bid_hashes == sorted(one.envelope.sha256 for one in found)


def test_a_bidder_can_check_that_the_bid_is_the_one_that_was_sealed(rfq, offering):
    receipt = scenes.bid(rfq, offering).sha256

    (bid,) = scenes.opened(rfq)

    said = {
        "offering": str(bid.offering_id),
        "price_micro": bid.price_micro,
        "count": bid.count,
        "starts_at": bid.starts_at.isoformat(),
        "valid_until": bid.valid_until.isoformat(),
        "note": bid.note,
        "salt": bid.salt,
    }
    assert sha256(sealing.canonical(said)).hexdigest() == receipt
    assert receipt in rfq.bid_hashes


def test_no_bid_comes_after_the_time_or_the_opening(rfq, offering):
    with pytest.raises(rfqs.BiddingOver):
        scenes.bid(rfq, offering, at=UNTIL)
    scenes.bid(rfq, offering)
    scenes.opened(rfq)

    with pytest.raises(rfqs.BiddingOver):
        scenes.bid(rfq, offering, at=AT)
    with pytest.raises(rfqs.BiddingOver):
        bids.withdraw(rfq=rfq, provider=offering.provider, actor=SYSTEM, at=AT)
    # Not even by somebody who writes into the table.
    for number, at in ((7, AT), (8, UNTIL)):
        with pytest.raises(IntegrityError, match="time for bids is over"), transaction.atomic():
            SealedBid.objects.create(
                rfq=rfq, provider=offering.provider, version=number, sealed=b"", sha256="", submitted_at=at
            )
    assert SealedBid.objects.count() == 1


def test_a_request_without_bids_ends_without_an_award(rfq):
    assert scenes.opened(rfq) == []

    assert (rfq.status, rfq.closed_at) == (RfqStatus.DECLINED, UNTIL)


def test_only_who_is_invited_bids(buyer, offering, card):
    invited = listed(new_provider(), card)
    rfq = scenes.publish(buyer, offering, invited=(invited.provider,))

    scenes.bid(rfq, invited)
    with pytest.raises(NotFound):
        scenes.bid(rfq, offering)

    assert list(Rfq.objects.visible_to(offering.provider)) == []
    assert list(Rfq.objects.visible_to(invited.provider)) == [rfq]
    assert list(Rfq.objects.visible_to(buyer)) == [rfq]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"count": 9}, "count"),
        ({"count": 0}, "count"),
        ({"starts_at": START - hours(1)}, "starts_at"),
        ({"starts_at": START + timedelta(minutes=30)}, "starts_at"),
        ({"valid_until": UNTIL}, "valid_until"),
        ({"price_micro": 0}, "price_micro"),
    ],
)
def test_a_bid_must_fit_the_request(rfq, offering, changes, field):
    with pytest.raises(bids.BadBid) as refusal:
        scenes.bid(rfq, offering, **changes)

    assert list(refusal.value.fields) == [field]
    assert not SealedBid.objects.exists()


def test_a_bid_may_offer_cards_that_are_not_on_sale_but_only_its_own(rfq, offering, provider, card):
    scenes.bid(rfq, draft(provider, card))

    with pytest.raises(bids.BadBid):
        bids.submit(rfq=rfq, provider=new_provider(), terms=scenes.terms(offering), actor=SYSTEM, at=AT)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"count": 0}, "count"),
        ({"hours": 10**6}, "start_max"),
        ({"bids_until": AT}, "bids_until"),
        ({"bids_until": START + hours(12)}, "start_max"),
        ({"start_max": START - hours(1)}, "start_max"),
        ({"accelerators": ()}, "requirement"),
    ],
)
def test_a_request_must_make_sense(buyer, offering, changes, field):
    with pytest.raises(rfqs.BadRfq) as refusal:
        scenes.publish(buyer, offering, **changes)

    assert list(refusal.value.fields) == [field]
    assert not Rfq.objects.exists()


def test_only_a_buyer_asks(provider, offering):
    with pytest.raises(rfqs.NotABuyer):
        scenes.publish(provider, offering)


def test_questions_are_answered_once_for_all(rfq, offering):
    question = rfqs.ask(rfq=rfq, asker=offering.provider, text="Which network?", actor=SYSTEM, at=AT)

    rfqs.answer(question=question, text="RoCE will do.", actor=SYSTEM, at=AT)

    question.refresh_from_db()
    assert question.answer == "RoCE will do."
    with pytest.raises(rfqs.AlreadyAnswered):
        rfqs.answer(question=question, text="No.", actor=SYSTEM, at=AT)
    with pytest.raises(rfqs.BiddingOver):
        rfqs.ask(rfq=rfq, asker=offering.provider, text="Late?", actor=SYSTEM, at=UNTIL)


def test_a_cancelled_request_is_never_opened(rfq, offering):
    scenes.bid(rfq, offering)
    rfqs.cancel(rfq=rfq, reason="", actor=Actor(organization=rfq.buyer), at=AT)

    assert scenes.opened(rfq) == []
    assert rfq.status == RfqStatus.CANCELLED
    with pytest.raises(rfqs.BiddingOver):
        scenes.bid(rfq, offering)


def test_nothing_is_awarded_only_with_a_reason_and_once_bids_are_open(rfq, offering):
    with pytest.raises(IllegalMove):
        rfqs.decline(rfq=rfq, reason="Too dear.", actor=SYSTEM, at=AT)
    scenes.bid(rfq, offering)
    scenes.opened(rfq)
    with pytest.raises(rfqs.BadRfq):
        rfqs.decline(rfq=rfq, reason=" ", actor=SYSTEM, at=UNTIL)
    with pytest.raises(IllegalMove):
        rfqs.cancel(rfq=rfq, reason="", actor=SYSTEM, at=UNTIL)

    rfqs.decline(rfq=rfq, reason="Too dear.", actor=SYSTEM, at=UNTIL)

    rfq.refresh_from_db()
    assert (rfq.status, rfq.reason) == (RfqStatus.DECLINED, "Too dear.")


@pytest.mark.parametrize("old", RfqStatus.values)
def test_a_request_moves_along_its_table_and_no_other_way(rfq, old):
    moves = {(one.value, other.value) for one, others in Rfq.MOVES.items() for other in others}
    for new in set(RfqStatus.values) - {old}:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM pg_trigger WHERE tgname = 'market_rfq_moves' AND pg_get_triggerdef(oid) LIKE %s",
                [f"%''{old} {new}''%".replace("''", "'")],
            )
            assert bool(cursor.fetchone()) == ((old, new) in moves)


@pytest.mark.parametrize("table", ["market_sealedbid", "market_bid", "market_unreadablebid"])
def test_bids_are_never_changed_or_deleted(rfq, offering, table):
    scenes.bid(rfq, offering)
    scenes.opened(rfq)

    key = "envelope_id" if table == "market_unreadablebid" else "id"
    for statement in (f"UPDATE {table} SET {key} = {key}", f"DELETE FROM {table}"):
        with as_owner(), pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_a_provider_that_is_not_verified_seals_no_bid(rfq, card):
    stranger = new_provider()
    Onboarding.objects.filter(organization=stranger).update(status=OnboardingStatus.APPLIED)

    with pytest.raises(ProviderNotVerified):
        scenes.bid(rfq, draft(stranger, card))

    assert not SealedBid.objects.exists()
