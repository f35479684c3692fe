"""Let PostgreSQL keep decisions and reports as they were written, and never lose a promise."""

from django.db import migrations

from core.triggers import append_only, never_deleted

FACTS = ["market_match", "market_matchbatch", "market_usage", "market_usagebatch", "market_usageconflict"]
PROMISES = ["market_offering", "market_calendarhour", "market_order", "market_reservation", "market_meteredhour"]


class Migration(migrations.Migration):
    dependencies = [("market", "0001_schema")]

    operations = [*map(append_only, FACTS), *map(never_deleted, PROMISES)]
