"""The clock: the present, unless a rehearsal says otherwise."""

from datetime import UTC, datetime, timedelta

from core import clock


def test_the_clock_shows_the_present():
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_rehearsal_sets_the_clock(settings, tmp_path):
    file = tmp_path / "clock"
    file.write_text("2026-09-01T00:00:00+00:00\n", encoding="ascii")
    settings.REHEARSAL_CLOCK = str(file)

    assert clock.now() == datetime(2026, 9, 1, tzinfo=UTC)
