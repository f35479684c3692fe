"""The published rules of the auction, and which orders a voucher pays."""

import core.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from core.triggers import append_only


class Migration(migrations.Migration):
    dependencies = [
        ("market", "0017_order_parts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="order",
            name="by_voucher",
            field=models.BooleanField(db_default=False, default=False, verbose_name="paid with a voucher"),
        ),
        migrations.CreateModel(
            name="AuctionRules",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("starts_at", models.DateTimeField(verbose_name="in effect from")),
                (
                    "reserve_bp",
                    models.PositiveIntegerField(
                        default=0, verbose_name="reserved for small firms and vouchers (basis points)"
                    ),
                ),
                (
                    "ageing_bp",
                    models.PositiveIntegerField(
                        default=0, verbose_name="weight of waiting, per auction (basis points)"
                    ),
                ),
                (
                    "k_bp",
                    models.PositiveIntegerField(
                        default=0, verbose_name="share of the limit above the ask (basis points)"
                    ),
                ),
                ("grounds", models.CharField(max_length=200, verbose_name="grounds")),
                ("published_at", models.DateTimeField(verbose_name="published at")),
                (
                    "published_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "rules of the auction",
                "verbose_name_plural": "rules of the auction",
                "constraints": [
                    models.UniqueConstraint(fields=("starts_at",), name="auction_rules_once"),
                    models.CheckConstraint(
                        condition=models.Q(("reserve_bp__lte", 5000)), name="auction_rules_reserve_half"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("ageing_bp__lte", 10000)), name="auction_rules_ageing_a_share"
                    ),
                    models.CheckConstraint(condition=models.Q(("k_bp__lte", 10000)), name="auction_rules_k_a_share"),
                    models.CheckConstraint(
                        condition=models.Q(("starts_at__gt", models.F("published_at"))), name="auction_rules_to_come"
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="matchbatch",
            name="rules",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="batches", to="market.auctionrules"
            ),
        ),
        append_only("market_auctionrules"),
    ]
