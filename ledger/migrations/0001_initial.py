"""Create the tables of the ledger."""

import django.db.models.deletion
from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models
from django.db.models import F, Q
from django.db.models.functions import Now

import core.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Account",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("code", models.CharField(max_length=120, verbose_name="code")),
                (
                    "floor_fen",
                    core.fields.FenField(editable=False, null=True, verbose_name="floor (fen)"),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=Now(), editable=False, verbose_name="created at"),
                ),
            ],
            options={
                "verbose_name": "account",
                "verbose_name_plural": "accounts",
                "constraints": [
                    models.UniqueConstraint(fields=("code",), name="ledger_account_code_once"),
                    models.CheckConstraint(condition=~Q(code=""), name="ledger_account_code_given"),
                    models.CheckConstraint(
                        condition=Q(floor_fen__lte=0),
                        name="ledger_account_floor_not_positive",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Balance",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        serialize=False,
                        to="ledger.account",
                        verbose_name="account",
                    ),
                ),
                ("posted_fen", core.fields.FenField(verbose_name="posted (fen)")),
                ("held_fen", core.fields.FenField(verbose_name="held (fen)")),
                ("floor_fen", core.fields.FenField(verbose_name="floor (fen)")),
            ],
            options={
                "verbose_name": "balance",
                "verbose_name_plural": "balances",
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(posted_fen__gte=F("floor_fen") + F("held_fen")),
                        name="ledger_balance_floor",
                    ),
                    models.CheckConstraint(
                        condition=Q(held_fen__gte=0),
                        name="ledger_balance_held_not_negative",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Hold",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("status", core.fields.StatusField(max_length=16)),
                ("key", models.CharField(db_collation="C", max_length=200, verbose_name="key")),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="holds",
                        to="ledger.account",
                        verbose_name="account",
                    ),
                ),
                ("asked_fen", core.fields.FenField(verbose_name="asked (fen)")),
                ("amount_fen", core.fields.FenField(verbose_name="amount (fen)")),
                (
                    "captured_fen",
                    core.fields.FenField(db_default=0, verbose_name="captured (fen)"),
                ),
                (
                    "expires_at",
                    models.DateTimeField(null=True, verbose_name="expires at"),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=Now(), editable=False, verbose_name="created at"),
                ),
            ],
            options={
                "verbose_name": "hold",
                "verbose_name_plural": "holds",
                "indexes": [
                    models.Index(
                        condition=Q(status="pending"),
                        fields=["expires_at"],
                        name="ledger_hold_due",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("key",), name="ledger_hold_key_once"),
                    models.CheckConstraint(condition=~Q(key=""), name="ledger_hold_key_given"),
                    models.CheckConstraint(
                        condition=Q(status__in=["pending", "posted", "voided", "expired"]),
                        name="ledger_hold_status_known",
                    ),
                    models.CheckConstraint(
                        condition=Q(amount_fen__gt=0, amount_fen__lte=F("asked_fen")),
                        name="ledger_hold_amount_positive",
                    ),
                    models.CheckConstraint(
                        condition=Q(captured_fen__gte=0, captured_fen__lte=F("amount_fen")),
                        name="ledger_hold_captured_within",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Transfer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("key", models.CharField(db_collation="C", max_length=200, verbose_name="key")),
                ("kind", models.CharField(max_length=40, verbose_name="kind")),
                ("amount_fen", core.fields.FenField(verbose_name="amount (fen)")),
                ("account_ids", ArrayField(base_field=models.BigIntegerField(), size=None, verbose_name="accounts")),
                ("amounts_fen", ArrayField(base_field=core.fields.FenField(), size=None, verbose_name="amounts (fen)")),
                (
                    "hold",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="captures",
                        to="ledger.hold",
                        verbose_name="hold",
                    ),
                ),
                (
                    "reverses",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversals",
                        to="ledger.transfer",
                        verbose_name="reverses",
                    ),
                ),
                ("effective_at", models.DateTimeField(verbose_name="effective at")),
                (
                    "created_at",
                    models.DateTimeField(db_default=Now(), editable=False, verbose_name="created at"),
                ),
            ],
            options={
                "verbose_name": "transfer",
                "verbose_name_plural": "transfers",
                "indexes": [
                    models.Index(
                        condition=Q(hold__isnull=False),
                        fields=["hold"],
                        name="ledger_transfer_by_hold",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("key",), name="ledger_transfer_key_once"),
                    models.UniqueConstraint(
                        condition=Q(reverses__isnull=False),
                        fields=("reverses",),
                        name="ledger_transfer_reversed_once",
                    ),
                    models.CheckConstraint(
                        condition=~Q(key="") & ~Q(kind=""),
                        name="ledger_transfer_key_and_kind_given",
                    ),
                    models.CheckConstraint(
                        condition=Q(amount_fen__gt=0),
                        name="ledger_transfer_amount_positive",
                    ),
                    models.CheckConstraint(
                        condition=Q(hold__isnull=True) | Q(reverses__isnull=True),
                        name="ledger_transfer_capture_or_reversal",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Posting",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "account_id", "transfer_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="postings",
                        to="ledger.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "transfer",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.transfer",
                        verbose_name="transfer",
                    ),
                ),
                ("amount_fen", core.fields.FenField(verbose_name="amount (fen)")),
            ],
            options={
                "verbose_name": "posting",
                "verbose_name_plural": "postings",
                "constraints": [
                    models.CheckConstraint(condition=~Q(amount_fen=0), name="ledger_posting_amount_not_zero"),
                ],
            },
        ),
    ]
