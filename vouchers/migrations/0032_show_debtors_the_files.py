"""Let debtors see the files that are held against them, but for what is withheld with a ground.

Files that officers added before did so when debtors saw none: they stay withheld, and say why.
"""

from django.db import migrations, models

KEEP = """
ALTER TABLE vouchers_clawbackdocument DISABLE TRIGGER USER;
UPDATE vouchers_clawbackdocument SET withheld_because = '在向当事人公开案卷之前归档' WHERE answer_id IS NULL;
ALTER TABLE vouchers_clawbackdocument ENABLE TRIGGER USER;
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0031_keep_simulations_in_line")]

    operations = [
        migrations.AddField(
            model_name="clawbackdocument",
            name="withheld_because",
            field=models.CharField(
                blank=True, default="", max_length=300, verbose_name="withheld from the debtor because"
            ),
        ),
        migrations.RunSQL(KEEP, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="clawbackdocument",
            constraint=models.CheckConstraint(
                condition=models.Q(answer=None) | models.Q(withheld_because=""),
                name="clawback_document_withholds_officers_files_only",
            ),
        ),
    ]
