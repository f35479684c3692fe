"""The log beside the ledger, its guards, and a database that was tampered with."""

from datetime import timedelta
from importlib import import_module
from threading import Barrier

import pytest
from django.db import IntegrityError, connection, transaction

from ledger.models import Hold, Transfer
from tests import emptying
from tests.market.races import race, without_constraint
from tests.owning import as_owner
from tests.vouchers import cases, log, scenes
from tests.vouchers.scenes import AT, officer
from tests.vouchers.services.test_versions import amended
from tests.vouchers.test_races import without_trigger
from vouchers import canonical, merkle, reconciliation, selectors
from vouchers.merkle import Frontier
from vouchers.models import Checkpoint, Commitment, Grant, Log, LogEntry, LogNode, Movement, Programme
from vouchers.notes import Ed25519Signer
from vouchers.services import bundles, checkpoints, grants, receipts, recoveries, redemptions, sequencing, trees

SKIP_A_PLACE = """
INSERT INTO vouchers_logentry (log_id, seq, kind, payload, leaf_hash, logged_at)
SELECT id, size + 1, 'gift', '', '', now() FROM vouchers_log
"""


@pytest.fixture(autouse=True)
def _key_of_the_test(settings, tmp_path):
    settings.TRANSPARENCY_KEY_FILE = str(tmp_path / "log.key")


def live(programme: Programme) -> Grant:
    """Play the whole life of vouchers, every movement that exists; return the grant that expired."""
    grant, other = scenes.grant(programme), scenes.grant(programme)
    used, freed, late = (scenes.hold(grant, 1_000_000) for _ in range(3))
    scenes.capture(used, 100_000)
    scenes.capture(used, 200_000)
    redemptions.release(redemption=used, at=AT)
    redemptions.refund(redemption=used, reference="refund/1", amount_fen=50_000, at=AT)
    redemptions.release(redemption=freed, at=AT)
    scenes.capture(scenes.hold(other, 500_000), 40_000)
    grants.revoke(grant=other, actor=officer(1), at=AT)
    grant.refresh_from_db()
    grants.expire_due(at=grant.expires_at)
    scenes.capture(late, 70_000, at=grant.expires_at + timedelta(days=1))
    grants.expire_due(at=grant.expires_at + timedelta(days=7))
    redemptions.refund(redemption=late, reference="refund/2", amount_fen=5_000, at=grant.expires_at + timedelta(days=9))
    return grant


def test_the_log_replays_to_the_ledger_to_the_fen(programme, tmp_path):
    live(programme)
    log.published()

    verdict = log.verify(log.export(tmp_path), tmp_path / "log.pub")

    assert verdict.code == 0, verdict.said
    position = selectors.programme_positions(programmes=[programme])[0]
    names = ("budget", "unallocated", "available", "held", "redeemed", "expired")
    balances = " ".join(f"{name}={fen}" for name, fen in zip(names, position[2:8], strict=True))
    assert verdict.said.splitlines()[0] == f"{programme.code} {balances}"
    assert balances == ("budget=10000000000 unallocated=9997960000 available=0 held=0 redeemed=355000 expired=1685000")


def test_versions_and_budgets_that_change_replay_too(programme, tmp_path):
    early = scenes.grant(programme)
    raised = amended(programme, money__budget_fen=20_000_000_000, award__tiers=[{"code": "BASE", "bp": 5_000}])
    late = scenes.grant(raised)
    cut = amended(raised, money__budget_fen=4_000_000, caps__entity_annual_cap_fen=600_000)
    for grant in (early, late):
        scenes.capture(scenes.hold(grant, 1_000_000), 200_000)
    log.published()

    verdict = log.verify(log.export(tmp_path), tmp_path / "log.pub")

    assert verdict.code == 0, verdict.said
    assert selectors.programme_positions(programmes=[cut])[0].adds_up
    assert verdict.said.splitlines()[0] == (
        f"{programme.code} budget=4000000 unallocated=0 available=3200000 held=400000 redeemed=400000 expired=0"
    )


def test_no_movement_is_without_its_entry(programme):
    live(programme)
    log.published()

    logged = LogEntry.objects.exclude(kind="key")
    assert logged.count() == Transfer.objects.count() + 2 * Hold.objects.count()
    assert set(logged.values_list("kind", flat=True)) == {
        *("appropriate", "grant", "hold", "capture", "release", "refund", "lapse", "revoke")
    }
    assert list(LogEntry.objects.order_by("seq").values_list("seq", flat=True)) == list(range(logged.count() + 1))
    assert not Movement.objects.exists()


def test_a_movement_that_is_undone_leaves_no_entry(grant):
    with transaction.atomic():
        scenes.hold(grant, 1_000)
        transaction.set_rollback(True)

    assert sequencing.sequence(at=AT) == 2
    assert not LogEntry.objects.filter(kind="hold").exists()


def test_an_entry_holds_no_name_and_its_commitments_open(grant, tmp_path):
    redemption = scenes.hold(grant, 1_000_000, "order/secret")
    log.published()

    written = b"".join(bytes(payload) for payload in LogEntry.objects.values_list("payload", flat=True)).decode()
    assert grant.owner.credit_code not in written
    assert grant.owner.name not in written
    assert "order/secret" not in written
    salt = Commitment.objects.get(subject_id=grant.owner_id).salt
    digest = canonical.commitment(salt=bytes(salt), document={"credit_code": grant.owner.credit_code})
    assert digest in written
    (receipt,) = receipts.of_redemption(redemption=redemption)
    assert receipt["opening"]["document"]["reference"] == "order/secret"


def test_two_grants_of_one_firm_show_one_entity(programme):
    owner = scenes.buyer()
    scenes.grant(programme, owner)
    sequencing.sequence(at=AT)
    scenes.grant(programme, owner)
    sequencing.sequence(at=AT)

    payloads = LogEntry.objects.filter(kind="grant").values_list("payload", flat=True)
    assert len({canonical.decode(bytes(payload))["entity"] for payload in payloads}) == 1


def test_a_log_of_each_hash_holds_the_same_entries(programme, settings, tmp_path):
    live(programme)
    sequencing.sequence(at=AT)
    settings.TRANSPARENCY_ALGORITHMS = ["sha256", "sm3"]
    scenes.grant(programme)
    log.published("sm3")

    first, second = (
        list(LogEntry.objects.filter(log__algorithm=name).order_by("seq").values_list("payload", flat=True))
        for name in ("sha256", "sm3")
    )
    assert [bytes(payload) for payload in first] == [bytes(payload) for payload in second]
    bundles.export(log=Log.objects.get(algorithm="sm3"), out=tmp_path / "sm3.zip")
    (tmp_path / "log.pub").write_text(checkpoints.signer().public(), encoding="utf-8")
    assert log.verify(tmp_path / "sm3.zip", tmp_path / "log.pub").code == 0


def test_proofs_come_from_kept_nodes(grant):
    sequencing.logs()
    head = Log.objects.get()
    made = [sequencing.Entry("key", canonical.encode({"n": number})) for number in range(1_100)]
    for start in (0, 7, 600):
        end = {0: 7, 7: 600, 600: 1_100}[start]
        sequencing.append(log=head, new=made[start:end], at=AT)
    tree = merkle.Tree(merkle.sha256, [merkle.leaf_hash(merkle.sha256, entry.payload) for entry in made])

    for size in (1, 255, 256, 700, 1_100):
        assert trees.root(log=head, size=size) == merkle.range_root(merkle.sha256, tree, 0, size)
        proof = trees.inclusion(log=head, seq=size - 1, size=1_100)
        assert proof == merkle.inclusion(merkle.sha256, tree, size - 1, 1_100)
        assert trees.consistency(log=head, old=size, new=1_100) == merkle.consistency(merkle.sha256, tree, size, 1_100)
    assert LogNode.objects.filter(level=8).count() == 4
    with pytest.raises(trees.NoSuchTree):
        trees.root(log=head, size=1_101)


@pytest.mark.parametrize(
    ("statement", "refusing"),
    [
        ("UPDATE vouchers_logentry SET seq = seq", "vouchers_logentry_append_only"),
        ("DELETE FROM vouchers_logentry", "vouchers_logentry_append_only"),
        ("TRUNCATE vouchers_logentry", "vouchers_logentry_append_only"),
        ("DELETE FROM vouchers_checkpoint", "vouchers_checkpoint_append_only"),
        ("UPDATE vouchers_lognode SET level = 9", "vouchers_lognode_append_only"),
        ("UPDATE vouchers_log SET size = size - 1", "log_grows_by_entries"),
        ("DELETE FROM vouchers_log", "vouchers_log_append_only"),
        ("DELETE FROM vouchers_movement", "movement_leaves_for_the_log"),
        ("UPDATE vouchers_movement SET amount_fen = 1", "movement_kept"),
        ("TRUNCATE vouchers_movement", "movement_kept"),
        ("INSERT INTO vouchers_movement (kind, source_id, amount_fen) VALUES ('gift', 1, 1)", "movement_written_by"),
        (SKIP_A_PLACE, "log_entry_takes_the_next_place"),
    ],
)
def test_the_database_refuses_to_forget(grant, statement, refusing):
    log.published()
    scenes.hold(grant, 1_000)

    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(IntegrityError) as refusal, transaction.atomic():
            cursor.execute(statement)

    assert refusal.value.__cause__.diag.constraint_name.startswith(refusing)


def test_a_checkpoint_comes_when_it_is_due(grant, settings):
    settings.CHECKPOINT_ENTRIES = 4
    sequencing.sequence(at=AT)
    assert [made.size for made in checkpoints.publish_due(at=AT)] == [3]  # the first, with the key's own entry
    assert checkpoints.publish_due(at=AT + timedelta(days=1)) == []

    scenes.hold(grant, 1_000)
    sequencing.sequence(at=AT)

    assert checkpoints.publish_due(at=AT + timedelta(minutes=4)) == []
    assert [made.size for made in checkpoints.publish_due(at=AT + timedelta(minutes=5))] == [4]
    for _ in range(4):
        scenes.hold(grant, 1_000)
    sequencing.sequence(at=AT)
    assert [made.size for made in checkpoints.publish_due(at=AT + timedelta(minutes=6))] == [8]


def test_a_new_key_is_announced_in_the_log_before_it_signs(grant, settings, tmp_path):
    old = log.published()
    settings.TRANSPARENCY_KEY = Ed25519Signer(settings.TRANSPARENCY_ORIGIN, bytes(32)).private()
    new = checkpoints.publish(log=Log.objects.get(), at=AT)

    assert (old.size, new.size) == (3, 4)
    assert canonical.decode(bytes(LogEntry.objects.get(seq=3).payload))["key"] == checkpoints.signer().public()


@pytest.mark.django_db(transaction=True)
def test_what_moved_before_there_was_a_log_is_told_and_adds_up(tmp_path):
    programme = scenes.published()
    live(programme)
    tell = import_module("vouchers.migrations.0007_transparency_log").TELL

    log.as_superuser("DELETE FROM vouchers_movement", tell)
    log.published()

    assert reconciliation.discrepancies() == []
    verdict = log.verify(log.export(tmp_path), tmp_path / "log.pub")
    assert verdict.code == 0, verdict.said
    assert "redeemed=355000 expired=1685000" in verdict.said


@pytest.mark.django_db(transaction=True)
def test_three_tamperings_of_the_database_give_three_answers(tmp_path):
    grant = scenes.grant(scenes.published())
    scenes.capture(scenes.hold(grant, 1_000_000), 240_000)
    old = log.kept(tmp_path, log.published().note)
    pub, size = tmp_path / "log.pub", Checkpoint.objects.get().size
    log.export(tmp_path)

    # An administrator edits an entry.
    log.as_superuser(
        "UPDATE vouchers_logentry SET payload = convert_to(replace(convert_from(payload, 'UTF8'), '240000', '24000'),"
        " 'UTF8') WHERE kind = 'capture'"
    )
    edited = log.verify(log.export(tmp_path, "edited"), pub, "--trusted", old)
    # An administrator who has the log's key cuts the tail off and has the rest signed.
    left = Frontier(merkle.sha256)
    for leaf in LogEntry.objects.order_by("seq").values_list("leaf_hash", flat=True)[: size - 2]:
        left.append(bytes(leaf))
    peaks = ", ".join(f"'\\x{peak.hex()}'::bytea" for peak in left.peaks)
    log.as_superuser(
        f"DELETE FROM vouchers_logentry WHERE seq >= {left.size}",
        "DELETE FROM vouchers_checkpoint",
        f"UPDATE vouchers_log SET size = {left.size}, peaks = ARRAY[{peaks}]",
    )
    checkpoints.publish(log=Log.objects.get(), at=AT)
    cut = log.verify(log.export(tmp_path, "cut"), pub, "--trusted", old)
    # Someone writes another history, honestly hashed, and signs it with a key of their own.
    bundle = log.forge(tmp_path, log.story(), by=Ed25519Signer(checkpoints.signer().name, bytes(32)))
    rewritten = log.verify(bundle, pub, "--trusted", old)

    emptying.empty()
    assert [edited.code, cut.code, rewritten.code] == [3, 4, 2], (edited, cut, rewritten)


@pytest.mark.django_db(transaction=True)
def test_two_sequencers_at_once_give_every_movement_one_place():
    grant = scenes.grant(scenes.published())
    for _ in range(20):
        scenes.hold(grant, 1_000)

    assert race(lambda _n: sequencing.sequence(at=AT), threads=8) == {"ok": 8}

    assert list(LogEntry.objects.order_by("seq").values_list("seq", flat=True)) == list(range(22))
    assert LogEntry.objects.values("movement_id").distinct().count() == 22


@pytest.mark.django_db(transaction=True)
def test_without_its_lock_and_constraints_two_sequencers_fork_the_log(monkeypatch):
    grant = scenes.grant(scenes.published())
    sequencing.sequence(at=AT)
    scenes.grant(grant.programme, grant.owner)
    both_have_read = Barrier(2)
    append = sequencing.append

    def append_late(**named):
        both_have_read.wait(timeout=60)
        append(**named)

    monkeypatch.setattr(sequencing, "try_lock", lambda: True)
    monkeypatch.setattr(sequencing, "append", append_late)
    with (
        without_constraint("vouchers_logentry", "log_entry_place_once"),
        without_constraint("vouchers_logentry", "log_entry_movement_once"),
        without_trigger("vouchers_logentry", "log_entry_takes_the_next_place"),
    ):
        race(lambda _n: sequencing._sequence_batch(AT), threads=2)

        assert sorted(LogEntry.objects.values_list("seq", flat=True)) == [0, 1, 2, 2]


def test_clawbacks_are_in_the_log_and_the_verifier_adds_them_up(programme, tmp_path):
    grant = scenes.grant(programme)
    clawback = cases.upheld(grant, cases.paid(grant, 1_000, 500), at=AT)
    for amount_fen in (400, 1_100):
        reference = f"bank/{amount_fen}"
        recoveries.recover(clawback=clawback, amount_fen=amount_fen, reference=reference, actor=officer(3), at=AT)
    log.published()

    assert log.verify(log.export(tmp_path), tmp_path / "log.pub").code == 0

    entries = [canonical.decode(bytes(row.payload)) for row in LogEntry.objects.order_by("seq")]
    demanded, *came_back = [entry for entry in entries if "clawback" in entry]
    named = {"clawback": str(clawback.pk), "grant": str(grant.pk), "principal_fen": 1_500}
    assert demanded.items() >= {"type": "demand", "amount_fen": 1_500, **named}.items()
    assert [(one["type"], one["amount_fen"]) for one in came_back] == [("recover", 400), ("recover", 1_100)]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"demand": {"amount_fen": 240_001, "principal_fen": 240_001}}, "more is taken back than the grant has paid"),
        ({"recover": {"amount_fen": 240_001}}, "more comes back than was demanded"),
        ({"demand": {"principal_fen": 240_001}}, "a principal is a part of what is demanded"),
    ],
)
def test_the_verifier_refuses_clawbacks_that_do_not_add_up(tmp_path, changes, said):
    about = {"v": 1, "at": "2026-07-03T00:00:00Z", "grant": log.IDS["g"], "clawback": "c", "principal_fen": 240_000}
    told = [
        canonical.encode({"type": kind, "amount_fen": 240_000, **about, **changes.get(kind, {})})
        for kind in ("demand", "recover")
    ]

    verdict = log.verify(log.forge(tmp_path, [*log.story(), *told]), tmp_path / "forged.pub")

    assert verdict.code == 6
    assert said in verdict.said
