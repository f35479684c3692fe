"""Whether bills add up: what constraints cannot see across tables, counted by SQL."""

from django.db import connection

from vouchers.reconciliation import Discrepancy

UNLISTED = """
SELECT count(*)
FROM (
    SELECT id AS charge_id, provider_id, buyer_id, hour FROM billing_charge charge
    WHERE NOT EXISTS (SELECT FROM billing_invoiceline line WHERE line.charge_id = charge.id)
) waiting
FULL JOIN billing_uninvoicedcharge listed USING (charge_id, provider_id, buyer_id, hour)
WHERE waiting IS NULL OR listed IS NULL
"""


def discrepancies() -> list[Discrepancy]:
    """Return every rule of billing that the tables break; an empty list is the answer."""
    with connection.cursor() as cursor:
        cursor.execute(UNLISTED)
        rows = cursor.fetchone()[0]
    return [Discrepancy("what waits for an invoice is what no invoice has", rows)] if rows else []
