"""Note with a report the events that were not accepted, instead of keeping the answer to all of a thousand.

The accepted ones are the usage of the batch, which an index of ranges finds now.
"""

from django.contrib.postgres.indexes import BrinIndex
from django.db import migrations, models

# Under no hand but the owner's, and only here: what was answered stays as it was, in fewer words.
NOTE = """
ALTER TABLE market_usagebatch DISABLE TRIGGER market_usagebatch_append_only;
UPDATE market_usagebatch AS batch SET not_accepted = (
    SELECT jsonb_object_agg((place - 1)::text, answer)
    FROM jsonb_array_elements(convert_from(batch.response, 'UTF8')::jsonb -> 'results')
        WITH ORDINALITY AS result (answer, place)
    WHERE answer ->> 'status' <> 'accepted'
)
WHERE duplicates + conflicts + rejected > 0;
ALTER TABLE market_usagebatch ENABLE TRIGGER market_usagebatch_append_only;
"""


class Migration(migrations.Migration):
    dependencies = [("market", "0028_find_what_may_be_reclaimed")]

    operations = [
        migrations.AddField("usagebatch", "not_accepted", models.JSONField(default=dict, verbose_name="not accepted")),
        migrations.RunSQL(NOTE),
        migrations.RemoveField("usagebatch", "response"),
        migrations.AddIndex(
            "usage", BrinIndex(fields=["batch"], name="usage_by_batch", pages_per_range=32, autosummarize=True)
        ),
    ]
