"""Let each period of a periodic job be claimed once."""

from datetime import datetime

from django.db import connection

CLAIM = """
INSERT INTO accounts_jobrun (job, period_start) VALUES (%s, %s)
ON CONFLICT (job) DO UPDATE SET period_start = excluded.period_start
WHERE accounts_jobrun.period_start < excluded.period_start
RETURNING job
"""


def claim(*, job: str, period_start: datetime) -> bool:
    """Claim a period of a job; only the first caller for this or a later period is told yes.

    The claim saves work, it does not make the work correct: every job can be repeated.
    """
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [job, period_start])
        return cursor.fetchone() is not None
