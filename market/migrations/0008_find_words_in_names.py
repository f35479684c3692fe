"""Find words, Chinese ones too, in the names of offerings and sites without reading them all."""

from django.db import migrations


def words_of(table):
    """Return the operation that indexes the trigrams of a table's names as ``icontains`` asks for them."""
    return migrations.RunSQL(
        f"CREATE INDEX {table}_name_words ON {table} USING gin (upper(name::text) gin_trgm_ops)",
        f"DROP INDEX {table}_name_words",
    )


class Migration(migrations.Migration):
    dependencies = [("market", "0007_keep_figures_and_measures")]

    operations = [
        # Trusted: the owner of the database may create it. Others may use it as well, so going back leaves it.
        migrations.RunSQL("CREATE EXTENSION IF NOT EXISTS pg_trgm", migrations.RunSQL.noop),
        words_of("market_offering"),
        words_of("market_site"),
    ]
