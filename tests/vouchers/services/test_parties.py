"""Vouchers pay nothing between related parties: asked at the grant, at the hold and at the claim."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.services import relations
from accounts.services.audit import SYSTEM
from core import afterwards
from tests.vouchers import cases, scenes
from tests.vouchers.scenes import AT
from vouchers.models import Finding, FindingRule, Redemption
from vouchers.parameters.integrity import RelatedParty, RelatedRule
from vouchers.rules import Refusal
from vouchers.services import redemptions, related_claims


def test_a_share_of_3000_bp_refuses_a_hold_and_leaves_a_finding(grant):
    provider = scenes.provider()
    cases.holds(grant.owner, provider, 3_000)

    with pytest.raises(redemptions.RelatedParty) as refused:
        scenes.hold(grant, 1_000_000, providers=[provider])
    with pytest.raises(redemptions.RelatedParty):
        scenes.hold(grant, 1_000_000, providers=[scenes.provider(), provider])

    assert (refused.value.code, refused.value.status) == ("related-party", 409)
    assert not Redemption.objects.exists()
    finding = Finding.objects.get()
    assert (finding.rule, finding.severity, finding.amount_fen) == (FindingRule.RELATED_PARTY, "high", 1_000_000)
    assert (finding.subject, finding.counterparty, finding.grant) == (grant.owner, provider, grant)
    assert finding.evidence["share_bp"] == 3_000
    quoted = redemptions.quote(**scenes.wish(grant, 1_000_000, providers=[provider]))
    assert (quoted.refused, quoted.amount_fen) == (Refusal.RELATED_PARTY, 0)


def test_a_share_of_2499_bp_is_allowed_and_flagged(grant):
    provider = scenes.provider()
    cases.holds(provider, grant.owner, 2_499)

    held = scenes.hold(grant, 1_000_000, providers=[provider])

    assert held.amount_fen == 300_000
    finding = Finding.objects.get()
    assert (finding.rule, finding.severity) == (FindingRule.RELATED_FLAG, "low")
    assert finding.evidence["share_bp"] == 2_499


def test_one_of_2500_bp_is_refused(grant):
    provider = scenes.provider()
    cases.holds(provider, grant.owner, 2_500)

    with pytest.raises(redemptions.RelatedParty):
        scenes.hold(grant, 1_000_000, providers=[provider])


def test_a_programme_may_only_flag_related_parties_or_overlook_a_ground(db):
    owner, provider = scenes.buyer(), scenes.provider()
    for one in (owner, provider):
        relations.record_trait(
            organization=one, kind="address", value="1", valid_from=cases.SINCE, source="R", actor=SYSTEM, at=AT
        )
    strict, flagging, overlooking = (
        scenes.grant(cases.minding(related_party=terms), owner)
        for terms in (RelatedParty(), RelatedParty(rule=RelatedRule.FLAG), RelatedParty(same_address=False))
    )

    with pytest.raises(redemptions.RelatedParty):
        scenes.hold(strict, 1_000, providers=[provider])
    scenes.hold(flagging, 1_000, providers=[provider])
    scenes.hold(overlooking, 1_000, providers=[provider])

    assert {one.rule: one.grant for one in Finding.objects.all()} == {"RELATED_PARTY": strict, "RELATED_FLAG": flagging}


def test_the_note_of_a_refusal_survives_what_the_refusal_undoes(grant):
    provider = scenes.provider()
    cases.holds(grant.owner, provider, 3_000)

    with afterwards.keeping(), pytest.raises(redemptions.RelatedParty), transaction.atomic():
        scenes.hold(grant, 1_000_000, providers=[provider])

    assert Finding.objects.count() == 1


def test_postgresql_refuses_a_hold_between_related_parties_that_nobody_asked_about(grant):
    provider = scenes.provider()
    relations.declare(
        first=grant.owner, second=provider, ground="controller", source="R", actor=SYSTEM, at=AT - timedelta(days=1)
    )
    row = [grant.pk, grant.account_id, "order/x", AT.year, 1_000, 300, f'{{"providers": ["{provider.pk}"]}}', AT]

    with pytest.raises(IntegrityError, match="grant_usable"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT voucher_hold(uuidv7(), %s, %s, %s, %s::smallint, %s, %s, %s, %s)", row)

    assert not Redemption.objects.exists()


def test_a_relation_that_is_known_only_after_the_capture_is_found_at_the_claim(grant):
    provider = scenes.provider()
    (capture,) = cases.paid(grant, 300_000)
    redemption = Redemption.objects.select_related("grant__programme").get()
    assert related_claims.note_at_claim(redemption=redemption, provider=provider, at=AT) is None

    cases.holds(grant.owner, provider, 3_000)
    clawback = related_claims.suspect_at_claim(redemption=redemption, provider=provider, at=AT)
    again = related_claims.suspect_at_claim(redemption=redemption, provider=provider, at=AT)

    assert clawback is not None
    assert again == clawback
    assert (clawback.status, clawback.raised_by, clawback.finding.amount_fen) == ("suspected", None, 300_000)
    assert [(item.capture, item.amount_fen) for item in clawback.items.all()] == [(capture, 300_000)]


def test_a_grant_to_a_related_party_of_a_listed_provider_is_flagged(db):
    owner, provider = scenes.buyer(), scenes.provider()
    cases.holds(owner, provider, 10_000)

    grant = scenes.grant(scenes.published(providers=[provider]), owner)

    assert Finding.objects.get().grant == grant
