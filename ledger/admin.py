"""The ledger as registers: everyone with the permission reads, nobody writes."""

from collections.abc import Iterable

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from core.admin import ReadOnlyAdmin, yuan
from core.money import format_yuan
from ledger import selectors
from ledger.models import Account, Balance, Hold, Transfer

FLOOR = yuan("floor_fen", _("floor"))
AMOUNT = yuan("amount_fen", _("amount"))


def t_account(moves: Iterable[tuple[object, int]]) -> SafeString:
    """Return named moves in fen as a table: given on the left, gained on the right."""
    sides = ((name, format_yuan(-fen) if fen < 0 else "", format_yuan(fen) if fen > 0 else "") for name, fen in moves)
    rows = format_html_join("", "<tr><td>{}</td><td>{}</td><td>{}</td></tr>", sides)
    head = format_html("<tr><th></th><th>{}</th><th>{}</th></tr>", _("given (yuan)"), _("gained (yuan)"))
    return format_html("<table>{}{}</table>", head, rows)


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    """Accounts, each with its last movements."""

    list_display = ("code", FLOOR, "created_at")
    search_fields = ("code",)
    ordering = ("code",)
    fields = ("code", "floor_fen", "created_at", "balance_yuan", "movements")
    readonly_fields = ("balance_yuan", "movements")

    @admin.display(description=_("balance (yuan)"))
    def balance_yuan(self, account: Account) -> str:
        return format_yuan(selectors.balance_fen(account=account))

    @admin.display(description=_("last movements"))
    def movements(self, account: Account) -> SafeString:
        return t_account((line.key, line.amount_fen) for line in selectors.statement(account=account))


@admin.register(Balance)
class BalanceAdmin(ReadOnlyAdmin):
    """Balances of accounts with a floor."""

    list_display = (
        "account",
        yuan("posted_fen", _("posted")),
        yuan("held_fen", _("held")),
        FLOOR,
        "available_yuan",
    )
    list_select_related = ("account",)
    search_fields = ("account__code",)
    ordering = ("account",)

    @admin.display(description=_("available (yuan)"))
    def available_yuan(self, balance: Balance) -> str:
        return format_yuan(balance.available_fen)


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin):
    """Value set aside."""

    list_display = (
        "key",
        "account",
        "status",
        AMOUNT,
        yuan("captured_fen", _("captured")),
        "expires_at",
    )
    list_select_related = ("account",)
    list_filter = ("status",)
    search_fields = ("key", "account__code")
    ordering = ("-pk",)


@admin.register(Transfer)
class TransferAdmin(ReadOnlyAdmin):
    """Movements of value, each with its postings."""

    list_display = ("key", "kind", AMOUNT, "effective_at")
    list_filter = ("kind",)
    search_fields = ("key",)
    ordering = ("-pk",)
    fields = ("key", "kind", "amount_fen", "hold", "reverses", "effective_at", "created_at", "postings")
    readonly_fields = ("postings",)

    @admin.display(description=_("postings"))
    def postings(self, transfer: Transfer) -> SafeString:
        accounts = Account.objects.in_bulk(transfer.account_ids)
        return t_account((accounts[account_id], amount_fen) for account_id, amount_fen in transfer.moves.items())
