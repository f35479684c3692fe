"""Post charges to the ledger: from the order's hold, else from the wallet, else advanced by the platform."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from accounts.models import Organization
from billing import accounts
from billing.models import Charge
from billing.services import arrears
from billing.services.purses import Purse
from ledger.models import Account, Hold, HoldStatus
from ledger.services import posting
from ledger.services.posting import Entry, Leg


def reference(charge: Charge) -> str:
    """Return the name by which the ledger and the vouchers know a charge."""
    return f"charge/{charge.pk}"


def post(*, charges: Sequence[Charge], purse: Purse, provider: Organization, at: datetime) -> None:
    """Write one transfer a charge; charges of nothing move nothing, unless what they are split into has shifted."""
    moving = [one for one in charges if any((one.voucher_fen, one.wallet_fen, one.provider_fen, one.commission_fen))]
    if not moving:
        return
    chart = chart_of(purse, provider)
    entries = _entries(moving, chart, purse.hold, at=at)
    beyond = [entry for entry in entries if _draws_on_wallet(entry, chart)]
    posting.post_many(entries=[entry for entry in entries if not _draws_on_wallet(entry, chart)])
    if beyond:
        _post_beyond(beyond, chart, purse, at=at)


def chart_of(purse: Purse, provider: Organization) -> dict[str, Account]:
    """Return the accounts between which the charges of a purse move money, by what they are to a charge."""
    codes = {
        "wallet": accounts.wallet(purse.buyer),
        "arrears": accounts.arrears(purse.buyer),
        "provider": accounts.provider_payable(provider),
        "commission": accounts.COMMISSION,
        "vat": accounts.OUTPUT_VAT,
    }
    if purse.redemption:
        codes["authority"] = accounts.authority_receivable(purse.redemption.grant.programme)
    opened = posting.open_accounts(floors=accounts.floors(codes.values()))
    return {name: opened[code] for name, code in codes.items()}


def _entries(
    charges: Sequence[Charge],
    chart: Mapping[str, Account],
    hold: Hold | None,
    *,
    at: datetime,
) -> list[Entry]:
    """Return the transfers; those that the hold can bear whole are captures of it."""
    left_fen = hold.remaining_fen if hold else 0
    entries = []
    for charge in charges:
        covered = 0 < charge.wallet_fen <= left_fen
        left_fen -= charge.wallet_fen if covered else 0
        hold_id = hold.pk if hold and covered else None
        entries.append(Entry(reference(charge), "charge", legs(charge, chart), at, hold_id=hold_id))
    return entries


def legs(charge: Charge, chart: Mapping[str, Account]) -> list[Leg]:
    """Return who pays a charge and who earns it."""
    amounts = {
        "wallet": -charge.wallet_fen,
        "authority": -charge.voucher_fen,
        "provider": charge.provider_fen,
        "commission": charge.commission_fen,
        "vat": charge.vat_fen,
    }
    return [Leg(chart[name], amount) for name, amount in amounts.items() if amount]


def _draws_on_wallet(entry: Entry, chart: Mapping[str, Account]) -> bool:
    return entry.hold_id is None and _wallet_fen(entry, chart) != 0


def _wallet_fen(entry: Entry, chart: Mapping[str, Account]) -> int:
    return sum(leg.amount_fen for leg in entry.legs if leg.account == chart["wallet"])


def _post_beyond(entries: Sequence[Entry], chart: Mapping[str, Account], purse: Purse, *, at: datetime) -> None:
    """Post what the hold cannot bear: first from what the wallet has free, then from the hold's rest, then lent."""
    key = entries[0].key
    needed_fen = -sum(_wallet_fen(entry, chart) for entry in entries)
    if needed_fen > arrears.available_fen(chart["wallet"]):
        _free_rest(purse.hold)
        arrears.make_up(wallet=chart["wallet"], arrears=chart["arrears"], needed_fen=needed_fen, key=key, at=at)
    posting.post_many(entries=entries)
    if needed_fen < 0:
        arrears.repay(buyer=purse.buyer, key=key, at=at)


def _free_rest(hold: Hold | None) -> None:
    """Close a hold whose rest cannot bear the next charge, as it stands after the captures made from it."""
    open_hold = Hold.objects.filter(pk=hold.pk, status=HoldStatus.PENDING).first() if hold else None
    if open_hold:
        posting.settle(hold=open_hold)
