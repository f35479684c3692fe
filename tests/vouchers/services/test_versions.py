"""New versions of a published programme: two people, pinned grants, a budget that keeps what is committed."""

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import AuditEntry
from core.constraints import constraint_name
from core.errors import IllegalMove
from tests.owning import as_owner
from tests.vouchers import scenes
from tests.vouchers.scenes import AT, officer
from vouchers import rules, selectors
from vouchers.models import EntityYear, ProgrammeVersion
from vouchers.parameters import codec
from vouchers.services import people, programmes, redemptions, versions

pytestmark = pytest.mark.django_db


def drafted(programme, reason="A better ratio", **values):
    changes = {path.replace("__", "."): value for path, value in values.items()}
    parameters = codec.changed(programme.parameters, changes)
    return versions.draft(programme=programme, parameters=parameters, reason=reason, actor=officer(1), at=AT)


def amended(programme, **values):
    return versions.publish(version=drafted(programme, **values), actor=officer(2), at=AT)


HALF = [{"code": "BASE", "bp": 5_000}]


def test_a_programme_is_published_as_its_version_one(programme):
    (version,) = ProgrammeVersion.objects.all()

    assert (version.number, version.status, version.supersedes) == (1, "published", None)
    assert version.parameters == programme.parameters
    assert (version.drafted_by, version.published_by) == (officer(1).user, officer(2).user)


def test_a_grant_keeps_the_version_under_which_it_was_approved(programme):
    early = scenes.grant(programme)
    waiting = scenes.grants.propose(
        programme=programme, owner=scenes.buyer(), face_fen=2_000_000, actor=officer(1), at=AT
    )

    programme = amended(programme, award__tiers=HALF)
    waiting = scenes.grants.approve(grant=waiting, actor=officer(2), at=AT)
    late = scenes.grant(programme)

    assert (programme.version, programme.ratio_bp) == (2, 5_000)
    held = [scenes.hold(one, 1_000_000) for one in (early, waiting, late)]
    assert [one.amount_fen for one in held] == [300_000, 500_000, 500_000]
    assert [one.explanation["terms"].get("version", 1) for one in held] == [1, 2, 2]
    assert [one.ratio_bp for one in held] == [3_000, 5_000, 5_000]
    for one in held:
        assert rules.replay(one.explanation).explanation() | {"providers": []} == one.explanation


def test_the_database_judges_a_redemption_by_the_version_of_its_grant(programme):
    early = scenes.grant(programme)
    amended(programme, award__tiers=HALF)

    with pytest.raises(IntegrityError) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT voucher_hold(uuidv7(), %s, %s, 'raw', 2025::smallint, 1000, 301, '{}', %s)",
            [early.pk, early.account_id, AT],
        )

    assert constraint_name(refusal.value) == "redemption_within_ratio"


def test_a_budget_grows_and_shrinks_down_to_what_is_committed(programme):
    scenes.grant(programme, face_fen=2_000_000)

    raised = amended(programme, money__budget_fen=20_000_000_000)
    assert selectors.programme_positions(programmes=[raised])[0][2:5] == (20_000_000_000, 19_998_000_000, 2_000_000)
    version = drafted(raised, money__budget_fen=1_999_999)
    with pytest.raises(versions.BudgetBelowCommitted):
        versions.publish(version=version, actor=officer(2), at=AT)
    versions.drop(version=version, actor=officer(1), at=AT)
    cut = amended(raised, money__budget_fen=2_000_000)

    assert (cut.version, cut.budget_fen) == (3, 2_000_000)
    assert selectors.programme_positions(programmes=[cut])[0][2:5] == (2_000_000, 0, 2_000_000)
    assert selectors.programme_positions(programmes=[cut])[0].adds_up


def test_a_yearly_cap_follows_the_new_version_but_never_below_what_is_used(programme):
    grant = scenes.grant(programme)
    scenes.hold(grant, 1_000_000)

    programme = amended(programme, caps__entity_annual_cap_fen=200_000)
    assert EntityYear.objects.get().cap_fen == 300_000
    with pytest.raises(redemptions.Short):
        scenes.hold(grant, 1_000_000)
    programme = amended(programme, caps__entity_annual_cap_fen=400_000)
    assert scenes.hold(grant, 1_000_000).amount_fen == 100_000
    amended(programme, caps__entity_annual_cap_fen=None)

    assert EntityYear.objects.get().cap_fen is None
    assert scenes.hold(grant, 1_000_000).amount_fen == 300_000


def test_nobody_publishes_the_version_they_drafted(programme):
    version = drafted(programme, award__tiers=HALF)

    with pytest.raises(people.MakerIsChecker):
        versions.publish(version=version, actor=officer(1), at=AT)

    version.refresh_from_db()
    programme.refresh_from_db()
    assert (version.status, programme.version) == ("draft", 1)


def test_one_version_is_drafted_at_a_time_until_it_is_dropped(programme):
    version = drafted(programme, award__tiers=HALF)
    with pytest.raises(versions.AnotherDraft):
        drafted(programme, money__budget_fen=1)

    versions.drop(version=version, actor=officer(1), at=AT)
    with pytest.raises(IllegalMove):
        versions.publish(version=version, actor=officer(2), at=AT)

    assert amended(programme, award__tiers=HALF).version == 2


@pytest.mark.parametrize(
    ("values", "error", "field"),
    [
        ({}, versions.NothingChanged, None),
        ({"identity__code": "OTHER"}, versions.BadRules, "identity.code"),
        ({"identity__mode": "REIMBURSE"}, versions.BadRules, "identity.mode"),
    ],
)
def test_what_identifies_a_programme_stays(programme, values, error, field):
    with pytest.raises(error) as refusal:
        drafted(programme, **values)

    assert field is None or list(refusal.value.fields) == [field]
    assert ProgrammeVersion.objects.count() == 1


def test_contradictions_are_refused_with_every_parameter_at_fault(programme):
    broken = codec.read(codec.dump(programme.parameters) | {"money": {"budget_fen": 1, "min_grant_fen": 2}})

    with pytest.raises(versions.BadRules) as refusal:
        versions.draft(programme=programme, parameters=broken, reason="", actor=officer(1), at=AT)

    assert list(refusal.value.fields) == ["money.min_grant_fen"]


def test_drafts_and_closed_programmes_get_no_versions(programme):
    with pytest.raises(versions.NotLive):
        drafted(scenes.draft(), award__tiers=HALF)
    version = drafted(programme, award__tiers=HALF)
    programmes.close(programme=programme, actor=officer(1), at=AT)

    with pytest.raises(versions.NotLive):
        versions.publish(version=version, actor=officer(2), at=AT)


def test_what_changed_is_kept_with_who_changed_it(programme):
    amended(programme, award__tiers=HALF, caps__order_cap_fen=7)

    entry = AuditEntry.objects.get(verb="programme.version_published")
    assert entry.after == {
        "version": 2,
        "changes": [
            {"path": "award.tiers[BASE].bp", "before": 3_000, "after": 5_000},
            {"path": "caps.order_cap_fen", "before": None, "after": 7},
        ],
    }


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE vouchers_programme SET version = 2", "programme_rules_fixed"),
        ("UPDATE vouchers_programme SET version = 2, budget_fen = 1", "programme_rules_fixed"),
        ("UPDATE vouchers_programmeversion SET ratio_bp = 1", "version_fixed"),
        ("UPDATE vouchers_programmeversion SET status = 'draft'", "version_fixed"),
        ("DELETE FROM vouchers_programmeversion", "vouchers_programmeversion_append_only"),
        ("UPDATE vouchers_grant SET version = 2", "grant_keeps_its_version"),
    ],
)
def test_no_statement_changes_a_version_or_what_is_pinned_to_it(grant, statement, constraint):
    with (
        as_owner(),
        pytest.raises(IntegrityError) as refusal,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)

    assert constraint_name(refusal.value) == constraint


def test_columns_cannot_say_what_the_parameters_do_not():
    scenes.draft()

    for change in (
        "ratio_bp = 1",
        "budget_fen = 1",
        "eligible_categories = '{X}'",
        "open_registry = NOT open_registry",
    ):
        with pytest.raises(IntegrityError) as refusal, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE vouchers_programme SET {change}")
        assert constraint_name(refusal.value) == "programme_columns_agree"


@pytest.mark.parametrize(
    ("why", "constraint"),
    [
        ("{}", "redemption_shares_add_up"),
        ('{"shares": {"PROVINCE": 150, "CITY": 149}}', "redemption_shares_add_up"),
        (
            '{"shares": {"PROVINCE": 150, "CITY": 150}, "other_support_fen": 1, "ceiling_fen": 300}',
            "redemption_within_public_support",
        ),
    ],
)
def test_shares_add_up_and_ceilings_hold_in_the_database(programme, why, constraint):
    shared = amended(programme, money__funders=[{"code": "PROVINCE"}, {"code": "CITY"}])
    grant = scenes.grant(shared)

    with pytest.raises(IntegrityError) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT voucher_hold(uuidv7(), %s, %s, 'raw', 2025::smallint, 1000, 300, %s, %s)",
            [grant.pk, grant.account_id, why, AT],
        )

    assert constraint_name(refusal.value) == constraint


def test_what_funders_bear_is_kept_with_the_redemption(programme):
    shared = amended(programme, money__funders=[{"code": "PROVINCE"}, {"code": "CITY"}])

    held = scenes.hold(scenes.grant(shared), 1_000_010)

    assert held.amount_fen == 300_003
    assert held.explanation["shares"] == {"PROVINCE": 150_002, "CITY": 150_001}
