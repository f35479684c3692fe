"""Give cases a clock: before when the authority has to decide, and when it did."""

from django.db import migrations, models
from django.db.models import Q

# What was decided before there was a clock was decided at its last proposal or rejection; it never had a day to keep.
BACKFILL = """
UPDATE vouchers_application application SET decided_at = coalesce((
    SELECT max(at) FROM vouchers_step step
    WHERE step.application_id = application.id AND step.status IN ('proposed', 'rejected')
), submitted_at, created_at)
WHERE status IN ('proposed', 'publicity', 'objected', 'approved', 'granted', 'rejected');
"""

KEEP = """
CREATE TRIGGER application_clock_begins BEFORE UPDATE ON vouchers_application
FOR EACH ROW WHEN (OLD.status = 'draft' AND NEW.status = 'submitted' AND NEW.decide_by IS NULL)
EXECUTE FUNCTION voucher_refuse('what is handed in is decided before some day');

CREATE TRIGGER application_clock_goes_on BEFORE UPDATE ON vouchers_application
FOR EACH ROW WHEN (
    OLD.decide_by IS DISTINCT FROM NEW.decide_by AND OLD.status NOT IN ('draft', 'supplement') AND OLD.cycle = NEW.cycle
)
EXECUTE FUNCTION voucher_refuse('the clock stops for a supplement, and begins anew with a new review only');
"""

UNKEEP = """
DROP TRIGGER application_clock_goes_on ON vouchers_application;
DROP TRIGGER application_clock_begins ON vouchers_application;
"""

REVIEWED = ["district_review", "review_1", "review_2", "panel"]
AWARDED = ["proposed", "publicity", "objected", "approved", "granted"]
AS_IT_STANDS = (
    Q(status__in=["draft", "submitted", *REVIEWED, "supplement"], decided_at=None)
    | Q(status__in=[*AWARDED, "rejected"], decided_at__isnull=False)
    | Q(status__in=["waitlisted", "withdrawn", "lapsed"])
)


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0037_keep_tranches")]

    operations = [
        migrations.AddField(
            model_name="application",
            name="decide_by",
            field=models.DateTimeField(editable=False, null=True, verbose_name="to be decided before"),
        ),
        migrations.AddField(
            model_name="application",
            name="decided_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="decided at"),
        ),
        migrations.RunSQL(BACKFILL, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="application",
            constraint=models.CheckConstraint(condition=AS_IT_STANDS, name="application_decided_as_it_stands"),
        ),
        migrations.RunSQL(KEEP, UNKEEP),
    ]
