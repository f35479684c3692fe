"""Caps that counters share over years, firms of one controller or programmes; and how often a firm is helped."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from core.constraints import constraint_name
from tests.vouchers import cases, scenes
from tests.vouchers.scenes import AT, officer
from vouchers.models import Grant, Programme
from vouchers.parameters import codec
from vouchers.rules.steps import Cap
from vouchers.services import grants, programmes, redemptions

pytestmark = pytest.mark.django_db

NEXT_YEAR = datetime(2026, 1, 2, tzinfo=UTC)


def published(**caps) -> Programme:
    """Publish a programme for everyone that pays 30 % within these caps."""
    draft = scenes.draft(open_registry=True, entity_year_cap_fen=caps.pop("year_fen", None))
    changes = {f"caps.{name}": value for name, value in caps.items()}
    changes |= {"identity.code": f"{draft.code}-X", "identity.closes_on": "2027-01-01"}
    parameters = codec.changed(draft.parameters, changes)
    again = programmes.draft_of(authority=draft.authority, parameters=parameters, actor=officer(1), at=AT)
    return programmes.publish(programme=again, actor=officer(2), at=AT)


def binding(grant: Grant, amount_fen: int, **fields) -> tuple[int, str | None]:
    quoted = redemptions.quote(**scenes.wish(grant, amount_fen, **fields))
    return quoted.amount_fen, quoted.binding_cap


def test_a_cap_over_all_years_counts_what_earlier_years_used():
    grant = scenes.grant(published(entity_lifetime_cap_fen=500_000))
    scenes.hold(grant, 1_000_000)

    assert binding(grant, 1_000_000, at=NEXT_YEAR) == (200_000, Cap.ENTITY_LIFETIME)
    assert scenes.hold(grant, 1_000_000, at=NEXT_YEAR).amount_fen == 200_000
    with pytest.raises(redemptions.Short):
        scenes.hold(grant, 1_000_000)


def test_what_is_given_back_counts_no_longer():
    grant = scenes.grant(published(entity_lifetime_cap_fen=500_000))
    first = scenes.hold(grant, 1_000_000)
    redemptions.release(redemption=first, at=AT)

    assert binding(grant, 2_000_000) == (500_000, Cap.ENTITY_LIFETIME)


def test_firms_of_one_controller_share_the_yearly_cap_and_others_do_not():
    programme = published(year_fen=500_000, group_counts_together=True)
    first, second, stranger = (scenes.grant(programme) for _ in range(3))
    cases.controlled_by("Zhang San", first.owner, second.owner)
    cases.holds(second.owner, third := scenes.buyer(), 5_001)
    cases.holds(second.owner, half := scenes.buyer(), 5_000)
    scenes.hold(first, 1_000_000)

    assert binding(second, 1_000_000) == (200_000, Cap.GROUP)
    assert binding(scenes.grant(programme, third), 1_000_000) == (200_000, Cap.GROUP)
    assert binding(scenes.grant(programme, half), 1_000_000) == (300_000, None)
    assert binding(stranger, 1_000_000) == (300_000, None)
    assert binding(second, 1_000_000, at=NEXT_YEAR) == (300_000, None)


def test_programmes_of_one_group_share_a_cap():
    combined = {"group": "OPC", "annual_cap_fen": 400_000}
    owner = scenes.buyer()
    first, second = (scenes.grant(published(combined=combined), owner) for _ in range(2))
    apart = scenes.grant(published(combined=combined | {"group": "OTHER"}), owner)
    scenes.hold(first, 1_000_000)

    assert binding(second, 1_000_000) == (100_000, Cap.COMBINED)
    assert binding(apart, 1_000_000) == (300_000, None)


@pytest.mark.parametrize(
    "caps",
    [
        {"entity_lifetime_cap_fen": 500_000},
        {"combined": {"group": "OPC", "annual_cap_fen": 500_000}},
        {"year_fen": 500_000, "group_counts_together": True},
    ],
    ids=["lifetime", "combined", "group"],
)
def test_raw_sql_passes_no_shared_cap(caps):
    programme = published(**caps)
    grant, other = scenes.grant(programme), scenes.grant(programme)
    cases.controlled_by("Zhang San", grant.owner, other.owner)
    scenes.hold(other if "year_fen" in caps else grant, 1_000_000)
    row = [grant.pk, grant.account_id, AT.year, 1_000_000, 200_001, AT]

    with pytest.raises(IntegrityError) as refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT voucher_hold(uuidv7(), %s, %s, 'raw', %s::smallint, %s, %s, '{}', %s)", row)

    assert constraint_name(refused.value) == "redemption_within_shared_caps"


def test_a_version_says_the_shared_caps_that_its_parameters_say():
    version = published(entity_lifetime_cap_fen=500_000).versions.get()
    version.supersedes_id, version.pk, version.number, version.lifetime_cap_fen = version.pk, None, 2, 1

    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        version.save(force_insert=True)

    assert constraint_name(refused.value) == "version_shared_caps_as_written"


def test_a_firm_gets_no_more_grants_than_the_rules_say():
    programme, owner = published(max_grants_per_entity=2), scenes.buyer()
    for _ in range(2):
        scenes.grant(programme, owner)

    with pytest.raises(grants.SupportedEnough):
        scenes.grant(programme, owner)
    assert scenes.grant(programme).status == "active"


def test_a_firm_is_supported_for_so_many_calendar_years():
    programme, owner = published(max_support_years=1), scenes.buyer()
    scenes.grant(programme, owner)
    scenes.grant(programme, owner)
    later = AT + timedelta(days=200)
    proposed = grants.propose(programme=programme, owner=owner, face_fen=1, actor=officer(1), at=AT)

    with pytest.raises(grants.SupportedEnough):
        grants.approve(grant=proposed, actor=officer(2), at=later)


def test_a_yearly_cap_on_grants_counts_what_was_given_and_not_what_was_taken_back():
    programme, owner = published(year_fen=1_000_000, cap_basis=["GRANT", "REDEEM"]), scenes.buyer()
    first = scenes.grant(programme, owner, face_fen=700_000)
    with pytest.raises(grants.SupportedEnough):
        scenes.grant(programme, owner, face_fen=300_001)
    scenes.capture(scenes.hold(first, 1_000_000), 100_000)
    grants.revoke(grant=first, actor=officer(2), at=AT)

    with pytest.raises(grants.SupportedEnough):
        scenes.grant(programme, owner, face_fen=900_001)
    assert scenes.grant(programme, owner, face_fen=900_000).status == "active"
