"""Give back what came back of a demand that an appeal has remitted: a debt of the treasury, to the fen."""

from datetime import datetime

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from accounts.duties import Duty
from accounts.services import audit
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict
from core.money import format_yuan
from ledger.services import posting
from ledger.services.posting import KeyReused, Leg
from vouchers import chart
from vouchers.chart import Kind
from vouchers.models import Clawback, ClawbackAppeal, ClawbackRestitution
from vouchers.services import people
from vouchers.services.recoveries import NoReference


class NothingToGiveBack(Conflict):
    """Nothing is to be given back, or less; ``left_fen`` is how much."""

    code = "nothing-to-give-back"


class DeciderDoesNotPay(people.MakerIsChecker):
    """Nobody pays what they have decided."""


def left_fen(clawback: Clawback) -> int:
    """Return what an appeal gives back and the treasury has not paid yet."""
    given = clawback.restitutions.aggregate(fen=Sum("amount_fen"))["fen"] if clawback.restored_fen else 0
    return int(clawback.restored_fen - (given or 0))


@transaction.atomic
def give_back(
    *, clawback: Clawback, amount_fen: int, reference: str, actor: Actor, at: datetime
) -> ClawbackRestitution:
    """Write down that the treasury has paid the debtor a part of what an appeal gives back, once a reference.

    :raises NoReference: if it has none.
    :raises NothingToGiveBack: if that is more than is to be given back, or nothing.
    :raises KeyReused: if the reference stands for another amount.
    :raises DeciderDoesNotPay: if the same person decided the appeal.
    """
    if not reference.strip():
        needed = _("Name the reference.")
        raise NoReference(needed, fields={"reference": needed})
    clawback = Clawback.objects.locked().select_related("grant__programme__authority", "debtor").get(pk=clawback.pk)
    acting = people.officer(actor, Duty.PAY, of=clawback.grant.programme.authority)
    earlier = ClawbackRestitution.objects.filter(clawback=clawback, reference=reference).first()
    if earlier is not None:
        if earlier.amount_fen != amount_fen:
            raise KeyReused(_("The reference %(key)s was used for something else.") % {"key": reference})
        return earlier
    left = left_fen(clawback)
    if not 0 < amount_fen <= left:
        detail = _("At most ¥%(amount)s is to be given back.") % {"amount": format_yuan(left)}
        raise NothingToGiveBack(detail, left_fen=left)
    facts = {"reference": reference, "amount_fen": amount_fen, "recorded_by": acting, "paid_at": at}
    with refusing(clawback_restitution_by_another=DeciderDoesNotPay(_("Nobody pays what they have decided."))):
        made = ClawbackRestitution.objects.create(clawback=clawback, **facts)
    _post_restitution(made, at)
    audit.record(actor=actor, verb="clawback.given_back", thing=clawback, at=at, after={"amount_fen": amount_fen})
    return made


def post_remission(*, appeal: ClawbackAppeal, clawback: Clawback, at: datetime) -> None:
    """Post what an appeal remits: what is still owed is owed no more, and what came back is owed to the debtor."""
    programme_id = clawback.grant.programme_id
    demanded = posting.open_account(code=chart.demanded(programme_id), floor_fen=None)
    unpaid_fen, back_fen = clawback.remitted_fen - clawback.restored_fen, clawback.restored_fen
    if unpaid_fen:
        owed = posting.open_account(code=chart.clawback(clawback.pk), floor_fen=0)
        legs = [Leg(owed, -unpaid_fen), Leg(demanded, unpaid_fen)]
        posting.post(key=f"appeal/{appeal.pk}/remit", kind=Kind.REMIT, legs=legs, at=at)
    if back_fen:
        recovered = posting.open_account(code=chart.recovered(programme_id), floor_fen=None)
        due = posting.open_account(code=chart.restitution(clawback.pk), floor_fen=0)
        legs = [Leg(recovered, -back_fen), Leg(due, back_fen)]
        posting.post(key=f"appeal/{appeal.pk}/restore", kind=Kind.RESTORE, legs=legs, at=at)


def _post_restitution(made: ClawbackRestitution, at: datetime) -> None:
    demanded = posting.open_account(code=chart.demanded(made.clawback.grant.programme_id), floor_fen=None)
    due = posting.open_account(code=chart.restitution(made.clawback_id), floor_fen=0)
    legs = [Leg(due, -made.amount_fen), Leg(demanded, made.amount_fen)]
    posting.post(key=f"restitution/{made.pk}", kind=Kind.GIVE_BACK, legs=legs, at=at)
