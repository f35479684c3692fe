"""Play random stories against the real ledger and the oracle: 200 stories of 50 steps, on real PostgreSQL."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from core.errors import DomainError
from ledger import selectors
from ledger.models import Balance, Hold, Transfer
from ledger.services import posting
from ledger.services.posting import Entry, Leg
from tests import tracing
from tests.ledger import oracle
from tests.ledger.scenes import AT

FLOORS = {"bank": None, "sink": None, "wallet": 0, "grant": 0, "credit": -50}
BOUNDED = sorted(code for code, floor in FLOORS.items() if floor is not None)
CLOSERS = {"posted": posting.settle, "voided": posting.void, "expired": posting.expire}
STORIES, STEPS = 200, 50

accounts = st.sampled_from(sorted(FLOORS))
amounts = st.integers(1, 120)
parts = st.integers(1, 30)
dues = st.none() | st.integers(0, 20)


class LedgerMachine(RuleBasedStateMachine):
    """Every step does the same to both and compares the answers; every invariant compares the balances."""

    transfers = Bundle("transfers")
    holds = Bundle("holds")

    def __init__(self) -> None:
        super().__init__()
        self.story = transaction.atomic()
        self.story.__enter__()
        self.accounts = posting.open_accounts(floors=FLOORS)
        self.oracle = oracle.Oracle(floors=FLOORS)
        self.count = 0

    def teardown(self) -> None:
        differences = selectors.reconcile()
        transaction.set_rollback(True)
        self.story.__exit__(None, None, None)
        assert differences == []

    def new_key(self) -> str:
        self.count += 1
        return f"k{self.count}"

    def legs(self, moves: dict[str, int]) -> list[Leg]:
        return [Leg(self.accounts[code], fen) for code, fen in moves.items()]

    def post(self, entry: oracle.Entry) -> Any:
        """Post to both, as a capture if a hold is named, and return the key as a new transfer if both agree to."""
        asked = {"key": entry.key, "kind": "x", "legs": self.legs(entry.moves), "at": AT}
        if entry.hold:
            act = partial(posting.capture, hold=Hold.objects.get(key=entry.hold), **asked)
        else:
            act = partial(posting.post, **asked)
        return entry.key if self.agree(act, partial(self.oracle.post, entry)) else multiple()

    def agree(self, act: Callable[[], Any], ask: Callable[[], int | None]) -> bool:
        """Return whether the ledger did what the oracle did; fail if they disagree."""
        try:
            expected, refusals = ask(), ()
        except oracle.Refused as refused:
            expected, refusals = None, refused.args
        try:
            answer = act()
        except DomainError as refusal:
            answer, code = None, refusal.code
        else:
            code = None
        assert code in refusals if refusals else code is None
        assert expected is None or answer == expected
        return code is None

    @initialize(target=transfers, fen=st.integers(200, 800))
    def top_up(self, fen: int) -> Any:
        return self.post(oracle.Entry(self.new_key(), {"bank": -2 * fen, "wallet": fen, "grant": fen}))

    @rule(target=transfers, giver=accounts, taker=accounts, fen=amounts)
    def move(self, giver: str, taker: str, fen: int) -> Any:
        if giver == taker:
            return multiple()
        return self.post(oracle.Entry(self.new_key(), {giver: -fen, taker: fen}))

    @rule(key=transfers, factor=st.sampled_from([1, 1, 2]))
    def repeat(self, key: str, factor: int) -> None:
        first = self.oracle.transfers[key]
        if first.reverses is None:
            self.post(first._replace(moves={code: factor * fen for code, fen in first.moves.items()}))

    @rule(target=transfers, key=transfers, repeatable=st.booleans())
    def reverse(self, key: str, repeatable: bool) -> Any:
        moves = {code: -fen for code, fen in self.oracle.transfers[key].moves.items()}
        new = f"back/{key}" if repeatable else self.new_key()
        act = partial(posting.reverse, transfer=Transfer.objects.get(key=key), key=new, at=AT)
        done = self.agree(act, partial(self.oracle.post, oracle.Entry(new, moves, reverses=key)))
        return new if done and not repeatable else multiple()

    @rule(target=holds, account=st.sampled_from(BOUNDED), fen=amounts, due=dues)
    def hold(self, account: str, fen: int, due: int | None) -> Any:
        key = self.new_key()
        expires_at = None if due is None else AT + timedelta(hours=due)
        asked = {"key": key, "account": self.accounts[account], "amount_fen": fen, "expires_at": expires_at}
        done = self.agree(partial(posting.hold, **asked), partial(self.oracle.hold, key, account, fen, due))
        return key if done else multiple()

    @rule(target=transfers, hold=holds, taker=accounts, fen=parts)
    def capture(self, hold: str, taker: str, fen: int) -> Any:
        giver = self.oracle.holds[hold].account
        return (
            self.post(oracle.Entry(self.new_key(), {giver: -fen, taker: fen}, hold)) if giver != taker else multiple()
        )

    @rule(hold=holds)
    def capture_without_debit(self, hold: str) -> None:
        self.post(oracle.Entry(self.new_key(), {"bank": -1, "sink": 1}, hold))

    @rule(
        captures=st.lists(st.tuples(holds, parts), min_size=1, max_size=3),
        moves=st.lists(st.tuples(st.sampled_from(BOUNDED), parts), max_size=2),
    )
    def bulk(self, captures: list[tuple[str, int]], moves: list[tuple[str, int]]) -> None:
        parts = [(self.oracle.holds[hold].account, fen, hold) for hold, fen in captures]
        parts += [(giver, fen, None) for giver, fen in moves]
        asked = [oracle.Entry(self.new_key(), {giver: -fen, "sink": fen}, hold) for giver, fen, hold in parts]
        ids = dict(Hold.objects.values_list("key", "pk"))
        entries = [Entry(key, "x", self.legs(move), AT, hold and ids[hold]) for key, move, hold, _reverses in asked]
        self.agree(partial(posting.post_many, entries=entries), partial(self.oracle.post, *asked))

    @rule(hold=holds, status=st.sampled_from(sorted(CLOSERS)))
    def close(self, hold: str, status: str) -> None:
        act = partial(CLOSERS[status], hold=Hold.objects.get(key=hold))
        self.agree(act, partial(self.oracle.close, hold, status))

    @rule(hold=holds, fen=st.integers(0, 120))
    def resize(self, hold: str, fen: int) -> None:
        act = partial(posting.resize, hold=Hold.objects.get(key=hold), amount_fen=fen)
        self.agree(act, partial(self.oracle.resize, hold, fen))

    @rule(now=st.integers(0, 3))
    def expire_due(self, now: int) -> None:
        at = AT + timedelta(hours=now)
        self.agree(partial(posting.expire_due, at=at), partial(self.oracle.expire_due, now))

    @invariant()
    def the_balances_agree(self) -> None:
        kept = set(Balance.objects.values_list("account__code", "posted_fen", "held_fen"))
        assert kept == {(code, self.oracle.posted[code], self.oracle.held(code)) for code in BOUNDED}


def test_the_ledger_agrees_with_the_oracle_in_every_story(db):
    play(tracing.STORIES)
    with tracing.paused():
        play(STORIES - tracing.STORIES)


def play(stories: int) -> None:
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=stories,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
