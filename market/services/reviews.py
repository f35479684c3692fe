"""Reviews by buyers who really used a reservation, one answer of the provider, and what the operator hides."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Membership, Organization
from accounts.selectors import relatedness
from accounts.services import audit, organizations
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError, Forbidden, NotFound
from core.periods import date_of
from market.models import MeteredHour, Reservation, Review
from market.models.reservation import SERVED
from market.services import lifecycle


class NotUsed(Conflict):
    """Only who used a reservation to its end can review it."""

    code = "nothing-used"


class NotApart(Forbidden):
    """The buyer is a related party of the provider, or they share a member."""

    code = "related-party"


class ReviewedBefore(Conflict):
    """A reservation is reviewed once."""

    code = "reviewed-before"


class AnsweredBefore(Conflict):
    """A review is answered once."""

    code = "answered-before"


class HiddenBefore(Conflict):
    """The review is hidden."""

    code = "hidden-before"


class TextMissing(DomainError):
    """An answer, or a reason to hide something, has words."""

    code = "text-missing"


@transaction.atomic
def write(*, reservation: Reservation, stars: int, text: str, actor: Actor, at: datetime) -> Review:
    """Let a buyer review what it used.

    :raises NotUsed: if the reservation is not over, or nothing was used.
    :raises NotApart: if the buyer and the provider belong together: what they do counts for no reputation either.
    :raises ReviewedBefore: if it has a review.
    """
    buyer = lifecycle.buyer_of(reservation, actor)
    used = MeteredHour.objects.filter(reservation=reservation, accelerator_ms__gt=0)
    if reservation.status not in SERVED or not used.exists():
        raise NotUsed(_("Only what was used, and is over, can be reviewed."))
    if not _are_apart(buyer, reservation):
        raise NotApart(_("Whoever belongs together with a provider does not review it."))
    with refusing(market_review_reservation_id_key=ReviewedBefore(_("This reservation has a review."))):
        return Review.objects.create(
            reservation=reservation,
            offering_id=reservation.offering_id,
            provider_id=reservation.provider_id,
            author=buyer,
            stars=stars,
            text=text.strip(),
            written_at=at,
        )


def _are_apart(buyer: Organization, reservation: Reservation) -> bool:
    """Whether a buyer and the provider of a reservation share no member and were no related parties at its start."""
    theirs = Membership.objects.filter(organization=reservation.provider_id).values("user")
    ties = relatedness(one_id=buyer.pk, on=date_of(reservation.starts_at), others=[reservation.provider_id])
    shared = Membership.objects.filter(organization=buyer, user__in=theirs)
    return not any(tie.is_related() for tie in ties) and not shared.exists()


@transaction.atomic
def answer(*, review: Review, text: str, actor: Actor, at: datetime) -> Review:
    """Let the provider answer, once.

    :raises AnsweredBefore: if it has.
    :raises TextMissing: if it says nothing.
    """
    if actor.organization is None or actor.organization.pk != review.provider_id:
        raise NotFound(_("There is no such review."))
    if not text.strip():
        raise TextMissing(_("Write something."), fields={"text": _("Write something.")})
    if not Review.objects.filter(pk=review.pk, answered_at=None).update(answer=text.strip(), answered_at=at):
        raise AnsweredBefore(_("The review has an answer."))
    review.refresh_from_db()
    return review


@transaction.atomic
def hide(*, review: Review, reason: str, actor: Actor, at: datetime) -> Review:
    """Let the operator hide a review, with a reason that its author reads.

    :raises Forbidden: if the actor is no person of the operator, or has an interest in the provider or the author.
    :raises HiddenBefore: if it is hidden.
    :raises TextMissing: if no reason is given.
    """
    for party in (review.provider, review.author):
        organizations.require_operator(actor=actor, of=party)
    if not reason.strip():
        raise TextMissing(_("Say why."), fields={"reason": _("Say why.")})
    if not Review.objects.filter(pk=review.pk, hidden_at=None).update(hidden_reason=reason.strip(), hidden_at=at):
        raise HiddenBefore(_("The review is hidden."))
    audit.record(actor=actor, verb="review.hidden", thing=review, at=at, after={"reason": reason.strip()})
    review.refresh_from_db()
    return review
