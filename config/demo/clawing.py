"""One clawback to its end: what was paid for compute that was never used is demanded, and half of it comes back."""

from datetime import datetime, timedelta

from accounts.services.audit import SYSTEM
from config.demo.applying import officer
from vouchers.models import Capture, Clawback, Grant, Programme
from vouchers.services import clawbacks, recoveries
from vouchers.services.demands import Item

DAY = timedelta(days=1)
SUSPICION = "计费 100 % 的卡时内加速卡利用率低于 5 %"
NOTICE = "请说明该订单的实际用途并提交作业记录。"
ANSWER = "任务未实际运行，愿意退回。"
DECISION = "经核实为闲置占用，追回已付款项。"


def play(*, programme: Programme, at: datetime) -> Clawback:
    """Take back what one order of a firm was paid: notice, answer, decision, demand, and a first repayment."""
    grant = _grant(programme)
    order = grant.redemptions.filter(captured_fen__gt=0).order_by("pk")[0]
    captures = Capture.objects.filter(redemption=order)
    items = [Item(capture, capture.amount_fen) for capture in captures]
    owner = officer("officer2", programme.authority)
    clawback = clawbacks.suspect(grant=grant, items=items, reason=SUSPICION, actor=SYSTEM, at=at)
    clawback = clawbacks.place_hold(clawback=clawback, actor=owner, at=at)
    clawback = clawbacks.send_notice(clawback=clawback, notice=NOTICE, actor=owner, at=at)
    clawbacks.respond(clawback=clawback, text=ANSWER, actor=officer("buyer", grant.owner), at=at + DAY)
    clawback = clawbacks.uphold(clawback=clawback, reason=DECISION, actor=owner, at=at + 2 * DAY)
    recoveries.recover(
        clawback=clawback,
        amount_fen=clawback.demand_fen // 2,
        reference=f"DEMO-{clawback.pk.int % 10**8:08d}",
        actor=officer("treasurer1", programme.authority),
        at=at + 3 * DAY,
    )
    return Clawback.objects.get(pk=clawback.pk)


def _grant(programme: Programme) -> Grant:
    """Return the last grant of which something was redeemed: not that of the buyer whom ``make up`` lets you be."""
    redeemed = Grant.objects.filter(programme=programme, redemptions__captured_fen__gt=0)
    return redeemed.select_related("owner").order_by("-approved_at", "-pk").distinct()[0]
