"""Let PostgreSQL refuse to change or delete an audit entry."""

from django.db import migrations

from core.triggers import append_only


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_schema")]

    operations = [append_only("accounts_auditentry")]
