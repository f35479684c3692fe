"""Orders that a voucher pays say so to the auction, also those that wait already."""

from django.db import migrations

MARK = """
UPDATE market_order SET by_voucher = true FROM billing_funding AS funding
WHERE funding.order_id = market_order.id AND funding.redemption_id IS NOT NULL
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0005_service_credits"),
        ("market", "0018_publish_auction_rules"),
    ]

    operations = [migrations.RunSQL(MARK, migrations.RunSQL.noop)]
