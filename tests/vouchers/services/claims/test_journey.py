"""A quarter's claim from captured redemptions to money on the provider's account, and what comes back afterwards."""

import pytest

from ledger.selectors import balance_fen
from ledger.models import Account
from tests.vouchers import claims, scenes
from tests.vouchers.claims import LATER, OPERATOR, SECOND, FINANCE, APPROVER, days_later
from tests.vouchers.scenes import officer
from vouchers import chart
from vouchers.models import Claim, ClaimLine, ClaimStatus, LineStatus, Reason, Redemption
from vouchers.services import redemptions
from vouchers.services.claims import answers, assembly, decisions, payments
from vouchers.services.claims.decisions import Refusal

pytestmark = pytest.mark.django_db


@pytest.fixture
def courier():
    return claims.courier()


@pytest.fixture
def provider(db):
    return scenes.provider()


@pytest.fixture
def quarter(courier, provider):
    """A programme of 30 % with a grant of 60,000 yuan; S23's claim: 50,000 yuan in three redemptions."""
    programme = scenes.published(providers=[provider])
    grant = scenes.grant(programme, face_fen=6_000_000)
    for eligible_fen in (1_234_567, 7_000_000, 8_432_100):
        claims.captured(grant, eligible_fen, courier, provider)
    return programme


def fen(code):
    account = Account.objects.filter(code=code).first()
    return balance_fen(account=account) if account else 0


def test_s23_a_claim_is_approved_in_part_paid_to_the_fen_and_its_refused_line_reversed(quarter, courier, provider):
    claim = claims.assembled(quarter)
    amounts = list(claim.lines.order_by("number").values_list("amount_fen", flat=True))
    assert (claim.amount_fen, amounts) == (5_000_000, [370_370, 2_100_000, 2_529_630])
    assert (claim.number, claim.claimant, len(claim.digest)) == (1, provider, 64)
    (refused,) = claim.lines.filter(amount_fen=370_370)

    claim = claims.decided(
        claims.sampled(claims.submitted(claim)), {refused.number: Refusal(Reason.NO_USAGE_PROOF, "no batch")}
    )

    assert (claim.status, claim.approved_fen) == (ClaimStatus.PARTLY_APPROVED, 4_629_630)
    assert fen(chart.payable("provider", quarter.pk, provider.pk)) == 4_629_630

    claim = claims.paid(claim)

    assert claim.status == ClaimStatus.PAID
    assert claim.payments.get().amount_fen == 4_629_630
    assert (fen(chart.paid(quarter.pk)), fen(chart.claimed(quarter.pk))) == (4_629_630, -4_629_630)
    assert courier.told == [("paid", 4_629_630)]

    refused.refresh_from_db()
    assert answers.reverse_due(at=refused.resubmit_by.replace(microsecond=0) - claims.timedelta(milliseconds=1)) == 0
    assert answers.reverse_due(at=refused.resubmit_by) == 1
    refused.refresh_from_db()
    assert refused.status == LineStatus.REVERSED
    assert refused.redemption.refunded_fen == 370_370
    assert courier.told == [("paid", 4_629_630), ("denied", 370_370)]
    assert assembly.assemble(programme=quarter, period=claims.Q2, at=days_later(40)) == []
