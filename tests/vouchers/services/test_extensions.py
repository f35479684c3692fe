"""A later last day: proposed by one person, approved by another, in time, and only where the version says so."""

from datetime import date, timedelta
from threading import Event

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import translation

from accounts.models import AuditEntry, Membership, Role
from core.constraints import constraint_name
from core.errors import IllegalMove
from core.models import EntityQuerySet
from core.periods import midnight
from tests import emptying
from tests.gathering import FEW
from tests.market.races import race
from tests.owning import as_owner
from tests.vouchers import log, scenes
from tests.vouchers.scenes import AT, officer
from tests.vouchers.services.test_versions import amended
from vouchers import canonical, selectors
from vouchers.models import Capture, Extension, Grant, GrantStatus, LogEntry, Programme
from vouchers.parameters import codec
from vouchers.services import captures, extensions, freezing, grants, programmes, redemptions, reissues
from vouchers.services.people import MakerIsChecker

pytestmark = pytest.mark.django_db
LAST, LATER = date(2026, 6, 29), date(2026, 9, 30)  # a grant of 365 days ends with the first


@pytest.fixture(autouse=True)
def _english(settings, tmp_path):
    settings.TRANSPARENCY_KEY_FILE = str(tmp_path / "log.key")
    with translation.override("en"):
        yield


def extendable(**values) -> Programme:
    plain = scenes.draft(open_registry=True)
    terms = {"identity.code": f"{plain.code}-E", "validity.extension_allowed": True} | values
    parameters = codec.changed(plain.parameters, terms)
    drafted = programmes.draft_of(authority=plain.authority, parameters=parameters, actor=officer(1), at=AT)
    return programmes.publish(programme=drafted, actor=officer(2), at=AT)


def proposed(grant, last_on=LATER, at=AT, **terms):
    said = {"reason": "The centre was closed for a month.", "actor": officer(1)} | terms
    return extensions.propose(grant=grant, last_on=last_on, at=at, **said)


def test_an_extended_grant_pays_what_is_used_until_its_new_end_and_a_stranger_verifies_it(tmp_path):
    grant = scenes.grant(extendable())
    end, later = midnight(LAST + timedelta(days=1)), midnight(LATER + timedelta(days=1))
    held = scenes.hold(grant, 1_000_000)
    made = proposed(grant, at=end - timedelta(seconds=1))
    assert (grant.expires_at, made.was_last_on, made.last_on) == (end, LAST, LATER)
    with pytest.raises(extensions.ExtensionProposed):
        proposed(grant)
    with pytest.raises(MakerIsChecker):
        extensions.approve(extension=made, actor=officer(1), at=AT)

    grant = extensions.approve(extension=made, actor=officer(2), at=end - timedelta(microseconds=1))

    assert (grant.status, grant.expires_at) == (GrantStatus.ACTIVE, later)
    assert grants.expire_due(at=end) == 0
    scenes.capture(held, 1_000, at=end, used_at=end)
    scenes.hold(grant, 2_000, at=later - timedelta(microseconds=1))
    with pytest.raises(IllegalMove):
        extensions.approve(extension=made, actor=officer(2), at=end)
    with pytest.raises(captures.UsedAfterExpiry):
        scenes.capture(held, 1_000, at=later, used_at=later)
    with pytest.raises(redemptions.GrantNotUsable):
        scenes.hold(grant, 1_000, at=later)
    grants.expire_due(at=later)
    log.published()
    verdict = log.verify(log.export(tmp_path), tmp_path / "log.pub")
    assert verdict.code == 0, verdict.said
    entry = canonical.decode(bytes(LogEntry.objects.get(kind="extend").payload))
    assert entry.items() >= {"grant": str(grant.pk), "expires_at": canonical.instant(later), "amount_fen": 0}.items()
    told = AuditEntry.objects.get(verb="grant.extended")
    assert (told.object_id, told.actor.username, told.before["expires_at"]) == (
        str(grant.pk),
        "officer2",
        end.isoformat(),
    )


def test_only_a_living_grant_whose_own_version_allows_it_ends_later_and_never_beyond_the_programmes_last_day():
    programme = extendable(**{"validity.fixed_last_on": "2026-08-31"})
    grant, plain = scenes.grant(programme), scenes.grant(scenes.published())
    for wrong, refusal in {
        LAST: "after the present last day, 2026-06-29",
        date(2026, 9, 1): "of every voucher of this programme is 2026-08-31",
        date(9999, 12, 31): "2026-08-31",
    }.items():
        with pytest.raises(extensions.BadLastDay, match=refusal) as said:
            proposed(grant, wrong)
        assert set(said.value.fields) == {"last_on"}
    with pytest.raises(extensions.BadLastDay, match="ten years"):
        proposed(scenes.grant(extendable()), date(9999, 12, 31))
    with pytest.raises(extensions.NotExtendable):
        proposed(plain)
    amended(plain.programme, **{"validity.extension_allowed": True})
    with pytest.raises(extensions.NotExtendable):
        proposed(plain)
    with pytest.raises(extensions.ReasonMissing):
        proposed(grant, date(2026, 8, 31), reason=" ")
    with pytest.raises(extensions.GrantOver):
        proposed(grant, date(2026, 8, 31), at=grant.expires_at)
    assert proposed(grant, date(2026, 8, 31)).last_on == date(2026, 8, 31)
    assert Extension.objects.count() == 1
    assert extensions.extendable([grant, plain], AT) == {grant.pk}
    assert extensions.extendable([grant, plain], grant.expires_at) == set()


def test_a_grant_ends_with_the_fixed_last_day_and_none_is_approved_after_it():
    programme = extendable(**{"validity.fixed_last_on": "2025-12-31"})
    first, late = (
        grants.propose(programme=programme, owner=scenes.buyer(), face_fen=900_000, actor=officer(1), at=AT)
        for _ in range(2)
    )
    new_year = midnight(date(2026, 1, 1))

    assert grants.approve(grant=first, actor=officer(2), at=AT).expires_at == new_year
    assert scenes.grant(extendable(**{"validity.fixed_last_on": "2027-12-31"})).expires_at == midnight(
        date(2026, 6, 30)
    )
    with pytest.raises(grants.NotGranting):
        grants.approve(grant=late, actor=officer(2), at=new_year)
    with pytest.raises(grants.NotGranting):
        grants.approve(grant=late, actor=officer(2), at=AT, until=new_year + timedelta(days=1))
    moved = reissues.propose(grant=first, successor=scenes.buyer(), reason="Merger", actor=officer(1), at=AT)
    amended(programme, **{"identity.closes_on": "2025-10-01", "validity.fixed_last_on": "2025-09-30"})
    assert reissues.approve(reissue=moved, actor=officer(2), at=AT).expires_at == new_year


def test_where_captures_have_to_come_before_the_expiry_nothing_is_paid_after_it():
    grant = scenes.grant(extendable(**{"validity.usage_cutoff_basis": "CAPTURE_TIME"}))
    held, end = scenes.hold(grant, 1_000_000), grant.expires_at
    held.grant = grant
    before = end - timedelta(microseconds=1)
    scenes.capture(held, 1_000, at=before, used_at=AT)
    assert [redemptions.payable_fen(held, at=at) for at in (before, end)] == [300_000, 0]

    with pytest.raises(captures.UsedAfterExpiry):
        scenes.capture(held, 1_000, at=end, used_at=AT)
    late = {"reference": "raw", "amount_fen": 1, "used_at": AT, "captured_at": end}
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        Capture.objects.create(redemption=held, **late)
    assert constraint_name(refusal.value) == "capture_used_before_expiry"
    assert grants.expire_due(at=end) == 2
    assert selectors.grant_balance(grant).expired_fen == 1_999_000


def test_a_frozen_grant_is_extended_and_one_that_was_revoked_or_whose_owner_is_barred_is_not():
    programme = extendable()
    frozen, revoked, barred = (scenes.grant(programme) for _ in range(3))
    made = [proposed(one) for one in (frozen, revoked, barred)]
    freezing.freeze(grant=frozen, reason="?", actor=officer(3), at=AT)
    grants.revoke(grant=revoked, actor=officer(1), at=AT)
    barred.owner.blacklistings.create(
        reason="x", starts_at=AT, ends_at=AT + timedelta(days=9), decided_by=officer(3).user
    )

    assert extensions.approve(extension=made[0], actor=officer(2), at=AT).expires_at == midnight(date(2026, 10, 1))
    with pytest.raises(extensions.GrantOver):
        extensions.approve(extension=made[1], actor=officer(2), at=AT)
    with pytest.raises(grants.Barred):
        extensions.approve(extension=made[2], actor=officer(2), at=AT)
    for one in made[1:]:
        extensions.reject(extension=one, actor=officer(2), at=AT)
    with pytest.raises(IllegalMove):
        extensions.reject(extension=made[1], actor=officer(2), at=AT)
    assert [one.status for one in Extension.objects.order_by("pk")] == ["approved", "rejected", "rejected"]


def test_all_grants_of_a_programme_that_end_earlier_are_proposed_at_once():
    programme = extendable()
    waiting, later, *rest = (scenes.grant(programme) for _ in range(4))
    proposed(waiting)
    extensions.approve(extension=proposed(later, date(2027, 1, 1)), actor=officer(2), at=AT)
    terms = {"programme": programme, "reason": "Flood", "actor": officer(1), "at": AT}

    made = extensions.propose_all(last_on=LATER, **terms)

    assert [one.grant for one in made] == rest
    with pytest.raises(extensions.NothingToExtend):
        extensions.propose_all(last_on=LATER, **terms)
    with pytest.raises(extensions.NothingToExtend):
        extensions.propose_all(last_on=LATER, **terms | {"programme": scenes.published()})
    with pytest.raises(extensions.BadLastDay):
        extensions.propose_all(last_on=date(9999, 12, 31), **terms)


def test_the_database_lets_nothing_but_an_approved_extension_move_an_end():
    programme = extendable(**{"validity.fixed_last_on": "2026-12-31"})
    grant, strict = scenes.grant(programme), scenes.grant(scenes.published())
    made, checker = proposed(grant), officer(2).user
    auditor = officer(4).user
    Membership.objects.create(user=auditor, organization=programme.authority, role=Role.AUDITOR)
    decided = "decided_at = was_at - interval '1 second', decided_by_id"
    columns = "status, grant_id, was_at, until_at, reason, proposed_by_id, proposed_at"
    insert = f"INSERT INTO vouchers_extension ({columns}) SELECT"
    approved = "UPDATE vouchers_extension SET status = 'approved',"
    other = "id, expires_at, expires_at + interval '1 day', 'x', approved_by_id, approved_at FROM vouchers_grant"
    other = f"{other} WHERE id = '{strict.pk}'"
    for statement, constraint in {
        f"UPDATE vouchers_grant SET expires_at = '{made.until_at}'": "grant_approved_once",
        f"{approved} {decided} = proposed_by_id": "extension_maker_is_not_checker",
        f"{approved} {decided} = '{auditor.pk}'": "voucher_decider_has_the_duty",
        f"{approved} decided_at = was_at, decided_by_id = '{checker.pk}'": ("extension_decided_in_time"),
        "UPDATE vouchers_extension SET until_at = until_at + interval '1 day'": "extension_decided_once",
        "DELETE FROM vouchers_extension": "vouchers_extension_append_only",
        f"{insert} 'approved', {other}": "extension_allowed_by_version",
        f"{insert} 'proposed', {other.replace(', expires_at,', ', approved_at,')}": "extension_of_a_living_grant",
        f"{insert} 'approved', {other.replace(str(strict.pk), str(grant.pk))}": "extension_starts_proposed",
        f"{insert} 'proposed', {other.replace(str(strict.pk), str(grant.pk)).replace('1 day', '1 year')}": (
            "extension_within_fixed_day"
        ),
    }.items():
        with (
            as_owner(),
            connection.cursor() as cursor,
            pytest.raises(IntegrityError) as refusal,
            transaction.atomic(),
        ):
            cursor.execute(statement)
        assert (statement, constraint_name(refusal.value)) == (statement, constraint)
    extensions.approve(extension=made, actor=officer(2), at=AT)
    with connection.cursor() as cursor, pytest.raises(IntegrityError), transaction.atomic():
        cursor.execute(
            f"UPDATE vouchers_grant SET expires_at = expires_at - interval '93 days' WHERE id = '{grant.pk}'"
        )


@pytest.mark.django_db(transaction=True)
def test_who_extends_a_grant_and_who_ends_it_never_both_win():
    grant = scenes.grant(extendable())
    made, end = proposed(grant), grant.expires_at
    officer(2)

    def extend_or_expire(number):
        if number % 2:
            grants.expire_due(at=end)
        else:
            extensions.approve(extension=made, actor=officer(2), at=end - timedelta(microseconds=1))

    outcomes = race(extend_or_expire, threads=FEW)

    grant.refresh_from_db()
    made.refresh_from_db()
    assert (grant.status, made.status, outcomes["ok"]) in [("active", "approved", 3), ("expired", "proposed", 2)]
    assert selectors.grant_balance(grant).available_fen == (2_000_000 if grant.status == "active" else 0)


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_a_grant_expires_that_was_extended_meanwhile(monkeypatch):
    grant = scenes.grant(extendable())
    made, end = proposed(grant), grant.expires_at
    officer(2)
    seen_as_due, extended, move = Event(), Event(), Grant.move_to

    def move_late(self, *told, **terms):
        seen_as_due.set()
        assert extended.wait(timeout=60)
        move(self, *told, **terms)

    def extend_or_expire(number):
        if number:
            return grants.expire_due(at=end)
        assert seen_as_due.wait(timeout=60)
        extensions.approve(extension=made, actor=officer(2), at=end - timedelta(microseconds=1))
        return extended.set()

    monkeypatch.setattr(EntityQuerySet, "locked", lambda rows: rows.order_by("pk"))
    monkeypatch.setattr(Grant, "move_to", move_late)
    assert race(extend_or_expire, threads=2) == {"ok": 2}

    grant.refresh_from_db()
    assert (grant.status, grant.expires_at) == (GrantStatus.EXPIRED, midnight(LATER + timedelta(days=1)))
    emptying.empty()
