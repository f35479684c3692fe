"""Tell what a rehearsal did, in tables that a manager reads: Chinese, or English where LANG asks for it."""

import os
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from config.demo import report as reports
from core.money import format_yuan

HEADINGS = {
    "title": ("算易演练：{scenario}", "Suanyi rehearsal: {scenario}"),
    "flow": ("一个月的经过", "The month"),
    "money": ("钱从哪里来，到哪里去（元）", "Where the money came from and went (yuan)"),
    "auctions": ("集合竞价（元）", "Call auctions (yuan)"),
    "programmes": ("算力券（元）", "Vouchers (yuan)"),
    "claims": ("兑付（元）", "Claims (yuan)"),
    "clawbacks": ("追回（元）", "Clawbacks (yuan)"),
    "demanded": ("应追回", "Demanded"),
    "returned": ("已收回", "Came back"),
    "number": ("份数", "Number"),
    "claimed": ("申报", "Claimed"),
    "approved": ("核定", "Approved"),
    "paid": ("已支付", "Paid"),
    "providers": ("结算单：前八家供给方（元）", "Settlements: the eight largest providers (yuan)"),
    "unmatched": ("未成交的订单", "Orders without a match"),
    "answers": ("平台对上报与下单的答复", "What the platform answered"),
    "checks": ("核对（全部由 SQL 计算）", "Checks (all computed by SQL)"),
    "offerings": ("挂牌", "Offerings"),
    "orders": ("订单", "Orders"),
    "matched": ("成交", "Matched"),
    "usage_events": ("用量事件", "Usage events"),
    "charges": ("计费明细", "Charges"),
    "invoices": ("账单", "Invoices"),
    "settlements": ("结算单", "Settlements"),
    "buyers": ("需求方", "Buyers"),
    "gross": ("总额", "Gross"),
    "voucher": ("其中：算力券", "of which vouchers"),
    "wallet": ("其中：自有资金", "of which own money"),
    "provider_net": ("供给方净得", "Providers, net"),
    "commission": ("平台佣金（不含税）", "Commission without VAT"),
    "vat": ("佣金增值税", "VAT of the commission"),
    "authority_payable": ("主管部门应付", "Payable by authorities"),
    "held": ("场次", "Held"),
    "welfare": ("成交剩余", "Surplus of the trades"),
    "bound": ("可证上限", "Certified bound"),
    "gap_bp": ("差距", "Gap"),
    "code": ("活动", "Programme"),
    "budget": ("预算", "Budget"),
    "granted": ("已发券", "Granted"),
    "redeemed": ("已核销", "Redeemed"),
    "provider": ("供给方", "Provider"),
    "fee": ("佣金与税", "Commission and VAT"),
    "net": ("净额", "Net"),
    "reason": ("原因", "Reason"),
    "count": ("数量", "Count"),
    "check": ("核对项", "Check"),
    "result": ("结果", "Result"),
    "good": ("成立", "holds"),
    "bad": ("不成立", "FAILS"),
    "no-model": ("没有可接受的型号", "no acceptable model"),
    "no-provider": ("没有可接受的供给方", "no accepted provider"),
    "no-category": ("没有该用途的挂牌", "no offering of the category"),
    "window": ("时间窗内没有开放", "not open in the window"),
    "price-gap": ("限价低于可用报价", "limit below every free ask"),
    "capacity": ("时间窗内没有足够的卡", "not enough cards free"),
    "outranked": ("他人出价更高", "others were worth more"),
    "cancelled": ("已取消", "cancelled"),
    "Stripe top-ups": ("Stripe 充值", "Stripe top-ups"),
    "order refused: limit-below-every-price": (
        "未受理的订单：限价低于所有挂牌价",
        "orders refused: limit below every price",
    ),
    "orders placed": ("已受理的订单", "orders placed"),
    "orders cancelled": ("已取消的订单", "orders cancelled"),
    "claims of public money": ("兑付申请", "claims of public money"),
    "batches": ("用量上报", "reports of usage"),
    "replayed batches": ("重发的用量上报，只计一次", "reports sent again, counted once"),
    "accepted": ("已接受的用量事件", "usage events accepted"),
    "duplicates": ("重复的用量事件，不再计费", "usage events twice, billed once"),
    "conflicts": ("冲突的用量事件，已冻结", "usage events in conflict, frozen"),
    "rejected": ("已拒绝的用量事件", "usage events rejected"),
    "left out: not-built": ("未挂牌的算力中心：尚未建成", "centres left out: not built yet"),
    "left out: no-capacity": ("未挂牌的算力中心：未公布规模", "centres left out: no capacity published"),
    "left out: no-precision": ("未挂牌的算力中心：未说明精度", "centres left out: no precision published"),
    "left out: card-unknown": ("未挂牌的算力中心：未公布卡型", "centres left out: no card published"),
    "left out: cards-mixed": ("未挂牌的算力中心：多种卡混用", "centres left out: cards mixed"),
    "left out: no-peak": ("未挂牌的算力中心：未公布卡的峰值", "centres left out: no peak of the card published"),
}


def is_english() -> bool:
    """Tell whether the terminal's language is English."""
    language = os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return language.lower().startswith("en")


def say(name: str) -> str:
    """Return a heading in the terminal's language; what has none is its own heading."""
    return HEADINGS[name][is_english()] if name in HEADINGS else name


def tell(report: dict[str, Any], console: Console) -> None:
    """Print the whole story of a report."""
    console.rule(say("title").format(scenario=report["scenario"]))
    flow = ["offerings", "buyers", "orders", "matched", "usage_events", "charges", "invoices", "settlements"]
    _print(console, "flow", [say(name) for name in flow], [[f"{report[name]:,}" for name in flow]])
    money = ["gross", "voucher", "wallet", "provider_net", "commission", "vat", "authority_payable"]
    _print(console, "money", [say(name) for name in money], [[format_yuan(report[name]) for name in money]])
    _print(console, "auctions", [say(name) for name in report["auctions"]], [_auctions(report["auctions"])])
    _print(console, "programmes", _headings("code", "budget", "granted", "redeemed"), _yuan(reports.PROGRAMMES))
    _print(console, "claims", _headings("code", "number", "claimed", "approved", "paid"), _cases(reports.CLAIMS))
    _print(console, "clawbacks", _headings("code", "number", "demanded", "returned"), _cases(reports.CLAWBACKS))
    _print(console, "providers", _headings("provider", "gross", "fee", "net"), _yuan(reports.PROVIDERS))
    _print(console, "unmatched", _headings("reason", "count"), _counts(report["unmatched"]))
    _print(console, "answers", _headings("reason", "count"), _counts(report["answers"]))
    verdicts = [[name, say("good" if holds else "bad")] for name, holds in report["checks"].items()]
    _print(console, "checks", _headings("check", "result"), verdicts)


def _headings(*names: str) -> list[str]:
    return [say(name) for name in names]


def _auctions(figures: dict[str, int]) -> list[str]:
    shown = {name: f"{number:,}" for name, number in figures.items()}
    shown |= {name: format_yuan(figures[name]) for name in ("welfare", "bound")}
    return [*(shown | {"gap_bp": f"{figures['gap_bp'] / 100:.2f} %"}).values()]


def _yuan(sql: str) -> list[list[str]]:
    return [[name, *(format_yuan(int(fen)) for fen in amounts)] for name, *amounts in reports.rows(sql)]


def _cases(sql: str) -> list[list[str]]:
    return [[code, str(number), *(format_yuan(int(fen)) for fen in sums)] for code, number, *sums in reports.rows(sql)]


def _counts(counts: dict[str, int]) -> list[list[str]]:
    return [[say(name), f"{count:,}"] for name, count in counts.items()]


def _print(console: Console, title: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(title=say(title), title_justify="left")
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="left" if index == 0 and len(headings) < 7 else "right")
    for row in rows:
        table.add_row(*row)
    console.print(table)
