"""Post charges to the ledger: from the order's hold, else from the wallet, else advanced by the platform."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from accounts.models import Organization
from billing import accounts
from billing.models import Charge, Funding
from ledger import selectors as ledger_selectors
from ledger.models import Account, Hold
from ledger.services import posting
from ledger.services.posting import Entry, Leg


def reference(charge: Charge) -> str:
    """Return the name by which the ledger and the vouchers know a charge."""
    return f"charge/{charge.pk}"


def post(*, charges: Sequence[Charge], funding: Funding, provider: Organization, at: datetime) -> None:
    """Write one transfer a charge; charges of nothing move nothing."""
    moving = [charge for charge in charges if charge.amount_fen]
    if not moving:
        return
    chart = _chart(funding, provider)
    entries = _entries(moving, chart, funding.wallet_hold, at=at)
    _advance_shortfall(entries, chart, at=at)
    posting.post_many(entries=entries)


def _chart(funding: Funding, provider: Organization) -> dict[str, Account]:
    buyer = funding.order.buyer
    codes = {
        "wallet": accounts.wallet(buyer),
        "arrears": accounts.arrears(buyer),
        "provider": accounts.provider_payable(provider),
        "commission": accounts.COMMISSION,
        "vat": accounts.OUTPUT_VAT,
    }
    if funding.redemption:
        codes["authority"] = accounts.authority_receivable(funding.redemption.grant.programme)
    opened = posting.open_accounts(floors=accounts.floors(codes.values()))
    return {name: opened[code] for name, code in codes.items()}


def _entries(
    charges: Sequence[Charge],
    chart: Mapping[str, Account],
    hold: Hold | None,
    *,
    at: datetime,
) -> list[Entry]:
    left_fen = hold.remaining_fen if hold else 0
    entries = []
    for charge in charges:
        covered = hold is not None and 0 < charge.wallet_fen <= left_fen
        left_fen -= charge.wallet_fen if covered else 0
        hold_id = hold.pk if hold and covered else None
        entries.append(Entry(reference(charge), "charge", _legs(charge, chart), at, hold_id=hold_id))
    return entries


def _legs(charge: Charge, chart: Mapping[str, Account]) -> list[Leg]:
    amounts = {
        "wallet": -charge.wallet_fen,
        "authority": -charge.voucher_fen,
        "provider": charge.provider_fen,
        "commission": charge.commission_fen,
        "vat": charge.vat_fen,
    }
    return [Leg(chart[name], amount) for name, amount in amounts.items() if amount]


def _advance_shortfall(entries: Sequence[Entry], chart: Mapping[str, Account], *, at: datetime) -> None:
    """Lend the wallet what usage beyond the hold costs: the meter is never ignored because a wallet is empty."""
    wallet = chart["wallet"]
    beyond_hold = [entry for entry in entries if entry.hold_id is None]
    needed_fen = -sum(leg.amount_fen for entry in beyond_hold for leg in entry.legs if leg.account == wallet)
    short_fen = needed_fen - ledger_selectors.available_fen(wallet) if needed_fen > 0 else 0
    if short_fen > 0:
        legs = [Leg(chart["arrears"], -short_fen), Leg(wallet, short_fen)]
        posting.post(key=f"advance/{beyond_hold[0].key}", kind="advance", legs=legs, at=at)
