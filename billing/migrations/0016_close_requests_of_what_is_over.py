"""Say why a request for an extension waits no more although nobody decided it: what it was for is over."""

from django.db import migrations, models
from django.db.models import Q

OVER = (
    Q(end_code="")
    | Q(end_code="over", kind="extension", status="expired")
    | Q(end_code="instruction", kind="extension", status="withdrawn")
)
FIX = """
CREATE OR REPLACE TRIGGER approval_request_identity BEFORE UPDATE ON billing_approvalrequest
FOR EACH ROW WHEN (
    to_jsonb(OLD) - '{{status,decided_by_id,decided_at,reason,order_id{more}}}'::text[]
    IS DISTINCT FROM to_jsonb(NEW) - '{{status,decided_by_id,decided_at,reason,order_id{more}}}'::text[]
    OR OLD.status <> 'awaiting_approval'
)
EXECUTE FUNCTION billing_refuse('what is asked for stays as it was asked');
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0015_wait_no_longer_than_vouchers")]

    operations = [
        migrations.AddField(
            model_name="approvalrequest",
            name="end_code",
            field=models.CharField(
                blank=True,
                choices=[("over", "The reservation is over"), ("instruction", "Its automatic extension has ended")],
                db_default="",
                default="",
                max_length=16,
                verbose_name="why it is over",
            ),
        ),
        migrations.AddConstraint(
            model_name="approvalrequest",
            constraint=models.CheckConstraint(condition=OVER, name="approval_over_without_decision"),
        ),
        migrations.RunSQL(FIX.format(more=",end_code"), FIX.format(more="")),
    ]
