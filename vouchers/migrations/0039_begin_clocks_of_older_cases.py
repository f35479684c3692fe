"""Give cases a clock that were handed in before there was one, so that none lies undecided without being late.

Days count from when a case last came to the authority: handed in, supplemented, or reviewed anew. Days before that are
forgiven, those of a window that all wait for as well. Who passed and waits for budget only was decided on then.
"""

from django.db import migrations

from core.periods import date_of, midnight
from vouchers import workdays

OFF = "ALTER TABLE vouchers_application DISABLE TRIGGER application_clock_goes_on"
ON = "SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE vouchers_application ENABLE TRIGGER application_clock_goes_on"
USUAL_DAYS = 20
DECIDED = """
UPDATE vouchers_application application SET decided_at = coalesce((
    SELECT max(at) FROM vouchers_step step WHERE step.application_id = application.id AND step.status = 'waitlisted'
), submitted_at)
FROM vouchers_round round WHERE round.id = application.round_id AND application.status = 'waitlisted'
    AND (round.method = 'first_come' OR round.status = 'allocated')
    AND application.decided_at IS NULL AND application.decide_by IS NULL
"""
WITHOUT = """
SELECT application.id, coalesce(came.at, application.submitted_at),
    CASE WHEN round.method <> 'first_come' THEN round.closes_at END,
    coalesce((programme.parameters #>> '{allocation,decide_within_days}')::int, %s)
FROM vouchers_application application
JOIN vouchers_round round ON round.id = application.round_id
JOIN vouchers_programme programme ON programme.id = application.programme_id
LEFT JOIN LATERAL (
    SELECT max(at) AS at FROM (
        SELECT at, by_applicant, lag(status) OVER (ORDER BY id) AS before FROM vouchers_step
        WHERE application_id = application.id
    ) step WHERE by_applicant OR before IN ('objected', 'rejected')
) came ON true
WHERE application.status IN ('submitted', 'district_review', 'review_1', 'review_2', 'panel', 'waitlisted')
    AND application.decided_at IS NULL AND application.decide_by IS NULL
"""


def last_on(came, closes_at, days):
    """Return the last day on which a case is decided in time."""
    begins_on = date_of(came)
    if closes_at is not None:
        begins_on = max(begins_on, date_of(closes_at - closes_at.resolution))
    return workdays.after(begins_on, days)


def begin(_apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(DECIDED)
        cursor.execute(WITHOUT, [USUAL_DAYS])
        clocks = [(midnight(workdays.next_day(last_on(*case))), key) for key, *case in cursor.fetchall()]
        cursor.executemany("UPDATE vouchers_application SET decide_by = %s WHERE id = %s", clocks)


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0038_decide_within_days")]

    operations = [
        migrations.RunSQL(OFF, ON),
        migrations.RunPython(begin, migrations.RunPython.noop),
        migrations.RunSQL(ON, OFF),
    ]
