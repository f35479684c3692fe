"""Fold every posting, hold and voucher anew, and name each kept number, rule of public money or list that disagrees."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing import reconciliation as billing
from ledger import selectors as ledger
from vouchers import reconciliation as vouchers


class Command(BaseCommand):
    """``manage.py check_books``: exits with 0 if the books are whole, with 1 if not; it locks and changes nothing."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Look, and print what is found, a line each."""
        wrong = [
            f"{one.what} {one.row_id}: {one.kept_fen} fen kept, {one.folded_fen} fen by the facts"
            for one in ledger.reconcile()
        ]
        broken = [*vouchers.discrepancies(), *billing.discrepancies()]
        wrong += [f"{one.rule}: {one.rows} rows" for one in broken]
        if wrong:
            raise CommandError("\n".join(wrong))
        self.stdout.write("The books are whole.")
