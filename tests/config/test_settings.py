"""Production starts only with its own servers, its own secret and the present time; development needs nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.runtime.places import CHECKOUT

PRODUCTION = {
    "SUANYI_ENV": "production",
    "SECRET_KEY": "s" * 10 + "e-cr-et-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEF",
    "ALLOWED_HOSTS": "suanyi.example",
    "DATABASE_URL": "postgres://suanyi_app@database.example/suanyi",
    "DATABASE_OWNER_URL": "postgres://suanyi@database.example/suanyi",
    "REDIS_URL": "redis://broker.example/0",
    "TRANSPARENCY_KEY": "a signer's key",
    "SUANYI_MEDIA_ROOT": "/media",
}
NAMES = ["DEBUG", "SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_HSTS_SECONDS"]
PRINT = f"""
import json; from django.conf import settings
print(json.dumps([getattr(settings, name) for name in {NAMES}]))
"""


def python(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run Python in an environment of nothing but these variables."""
    base = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=base | environment, cwd=CHECKOUT, capture_output=True, text=True, check=False)


def test_production_is_closed_to_plain_http_and_strangers() -> None:
    outcome = python("-c", PRINT, **PRODUCTION)

    assert json.loads(outcome.stdout) == [False, True, True, True, 31_536_000]


def test_production_passes_the_deployment_checks_without_a_warning() -> None:
    outcome = python("manage.py", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)

    assert outcome.returncode == 0, outcome.stderr


def test_one_role_no_key_and_evidence_beside_the_code_are_warned_of_and_work(tmp_path: Path) -> None:
    unsaid = ("DATABASE_OWNER_URL", "TRANSPARENCY_KEY", "SUANYI_MEDIA_ROOT")
    plain = {name: value for name, value in PRODUCTION.items() if name not in unsaid}

    outcome = python("manage.py", "check", "--deploy", **plain, TRANSPARENCY_KEY_FILE=str(tmp_path / "none.key"))

    assert outcome.returncode == 0
    assert "(config.W001) The application's role owns the tables" in outcome.stderr
    assert "(config.W002) The transparency log has no key" in outcome.stderr
    assert "(config.W003) Evidence is kept below the code" in outcome.stderr


@pytest.mark.parametrize("missing", ["SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL"])
def test_production_does_not_start_without(missing: str) -> None:
    environment = {name: value for name, value in PRODUCTION.items() if name != missing}

    outcome = python("-c", PRINT, **environment)

    assert outcome.returncode == 1
    assert "ImproperlyConfigured" in outcome.stderr
    assert missing in outcome.stderr


def test_production_refuses_a_rehearsals_clock() -> None:
    outcome = python("-c", PRINT, **PRODUCTION, SUANYI_REHEARSAL_CLOCK="/somewhere/clock")

    assert outcome.returncode == 1
    assert "unset SUANYI_REHEARSAL_CLOCK" in outcome.stderr


@pytest.mark.parametrize("environment", [{**PRODUCTION, "SUANYI_BEAT_SPEED": "20"}, {"SUANYI_BEAT_SPEED": "0"}])
def test_periodic_jobs_run_at_their_own_pace_in_production_and_never_at_none(environment: dict[str, str]) -> None:
    outcome = python("-c", PRINT, **environment)

    assert outcome.returncode == 1
    assert "unset SUANYI_BEAT_SPEED" in outcome.stderr


def test_development_needs_no_environment(tmp_path_factory: pytest.TempPathFactory) -> None:
    never_used = tmp_path_factory.mktemp("never-used")

    outcome = python("-c", PRINT, SUANYI_DATA_DIR=str(never_used))

    assert json.loads(outcome.stdout) == [False, False, False, False, 0]
    assert list(never_used.iterdir()) == []
