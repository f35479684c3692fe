"""Capture nothing of a grant that is over, where its version counts captures, not usage, before the expiry."""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("vouchers.migrations.0005_keep_redemptions").FOLD.partition("CREATE TRIGGER")[0]
BEFORE = BEFORE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
LATE = """WHERE captured.used_at >= vouchers_grant.expires_at
            OR captured.captured_at >= vouchers_grant.expires_at AND EXISTS (
                SELECT FROM vouchers_programmeversion version
                WHERE version.programme_id = vouchers_grant.programme_id AND version.number = vouchers_grant.version
                    AND version.status = 'published'
                    AND version.parameters #>> '{validity,usage_cutoff_basis}' = 'CAPTURE_TIME'
            )"""
FOLD = BEFORE.replace("WHERE captured.used_at >= vouchers_grant.expires_at", LATE)


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0035_hear_appeals_of_debtors")]

    operations = [migrations.RunSQL(FOLD, BEFORE)]
