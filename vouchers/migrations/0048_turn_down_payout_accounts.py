"""Let the operator turn down an account that a claimant declared, with a reason that the claimant reads."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0010_seal_second_factors"),
        ("vouchers", "0047_bars_belong_to_who_set_them"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="payoutaccount",
            name="refusal",
            field=models.CharField(db_default="", default="", max_length=500, verbose_name="why it was turned down"),
        ),
        migrations.AddField(
            model_name="payoutaccount",
            name="refused_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("refusal", ""), ("refused_by", None)),
                    models.Q(
                        ("refused_by__isnull", False),
                        ("retired_at__isnull", False),
                        ("verified_by", None),
                        models.Q(("refusal", ""), _negated=True),
                        models.Q(("refused_by", models.F("declared_by")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="payout_account_refused_by_another_with_reason",
            ),
        ),
    ]
