"""Publish the rules of the auction, and know which of them count."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.services import audit
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError
from core.money import BP_WHOLE
from market.models import AuctionRules
from market.models.auction_rules import MOST_RESERVED_BP

LIMITS = {"reserve_bp": MOST_RESERVED_BP, "ageing_bp": BP_WHOLE, "k_bp": BP_WHOLE}


class BadAuctionRules(DomainError):
    """A share is none, nobody says why, or the rules would begin before people could know them."""

    code = "bad-auction-rules"


class AuctionRulesTaken(Conflict):
    """Other rules begin at this instant."""

    code = "auction-rules-taken"


@transaction.atomic
def publish(
    *, starts_at: datetime, reserve_bp: int, ageing_bp: int, k_bp: int, grounds: str, actor: Actor, at: datetime
) -> AuctionRules:
    """Publish the rules by which auctions are held from an instant to come.

    :raises BadAuctionRules: if they make no sense, or begin in the past.
    :raises AuctionRulesTaken: if others begin at this instant.
    """
    shares = {"reserve_bp": reserve_bp, "ageing_bp": ageing_bp, "k_bp": k_bp}
    _check(shares, grounds, starts_at=starts_at, at=at)
    with refusing(auction_rules_once=AuctionRulesTaken(_("Other rules begin at this instant."))):
        rules = AuctionRules.objects.create(
            starts_at=starts_at, grounds=grounds.strip(), published_at=at, published_by=actor.user, **shares
        )
    after = shares | {"starts_at": starts_at.isoformat()}
    audit.record(actor=actor, verb="auction-rules.published", thing=rules, at=at, after=after)
    return rules


def in_effect(at: datetime) -> AuctionRules | None:
    """Return the rules that count at an instant; without any, nothing is reserved, waiting has no weight, k is 0."""
    return AuctionRules.objects.in_effect(at).first()


def _check(shares: dict[str, int], grounds: str, *, starts_at: datetime, at: datetime) -> None:
    wrong = {
        name: _("From %(least)d to %(most)d.") % {"least": 0, "most": most}
        for name, most in LIMITS.items()
        if not 0 <= shares[name] <= most
    }
    if not grounds.strip():
        wrong["grounds"] = _("Say why.")
    if starts_at <= at:
        wrong["starts_at"] = _("Rules begin at an instant to come.")
    if wrong:
        raise BadAuctionRules(_("The rules make no sense."), fields=wrong)
