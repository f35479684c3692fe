"""The three flows of public money, each to its end: deducted at once, granted and then claimed, reimbursed.

One payment of the first turns out to have been wrong, and is taken back.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from accounts.models import Organization
from config.demo import applying, claiming, clawing
from config.demo.applying import Wish
from config.demo.cast import Cast
from config.demo.claiming import Desk
from config.demo.funds import programme
from core.periods import date_of
from vouchers.models import Claim, Grant, Programme

AT_ONCE, GRANTED, REIMBURSED = "CD-2025", "BJ-2023", "HN-2025"
WITH_GRANT = 0  # which buyer claims from the second programme; from the third it is the other one that paid most
CONTRACTS = {GRANTED: "演练-北京-001", REIMBURSED: "演练-河南-001"}
CONTRACT_FEN, ASKED_FEN = 2_000_000_00, 400_000_00
CLAIMS_AFTER = timedelta(days=11)


def prepare(
    *,
    authorities: dict[str, Organization],
    providers: Sequence[Organization],
    buyers: Sequence[Organization],
    at: datetime,
) -> None:
    """Publish the two programmes in which firms claim, and award the grant that one of them applies for."""
    for code in (GRANTED, REIMBURSED):
        programme(code, authorities[code], providers, at=at - applying.TAKES)
    grants_of = Programme.objects.get(code=GRANTED)
    wish = Wish(providers[0], CONTRACTS[GRANTED], "GPU_TRAIN", contract_fen=CONTRACT_FEN, asked_fen=ASKED_FEN)
    applying.granted(programme=grants_of, applicant=buyers[WITH_GRANT], wish=wish, at=at)


def play(cast: Cast, *, since: datetime, at: datetime) -> list[Claim]:
    """Claim, decide and pay what the month cost the authorities, and take one payment back; return the claims."""
    desk = Desk(cast.operator, at)
    claims = claiming.of_providers(programme=Programme.objects.get(code=AT_ONCE), since=date_of(since), desk=desk)
    grant = Grant.objects.get(programme__code=GRANTED, owner=cast.buyers[WITH_GRANT])
    without = claiming.pays_most([buyer for buyer in cast.buyers if buyer != grant.owner])
    buyers = [(GRANTED, grant.owner, grant), (REIMBURSED, without, None)]
    by_programme = [claims]
    for code, claimant, voucher in buyers:
        claim = claiming.of_buyer(
            programme=Programme.objects.get(code=code),
            claimant=claimant,
            contract_no=CONTRACTS[code],
            grant=voucher,
            desk=desk,
        )
        by_programme.append([claim])
    for made in by_programme:
        desk.settle(made)
    clawing.play(programme=Programme.objects.get(code=AT_ONCE), at=at)
    return [claim for made in by_programme for claim in made]
