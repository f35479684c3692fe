"""Commands share the embedded servers, and step aside for servers that the environment names."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from config import runtime
from config.runtime.places import CHECKOUT

LOCK_AND_WAIT = """
import sys; from pathlib import Path; from config import runtime
with runtime.serving(Path(sys.argv[1])):
    print("in", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture(autouse=True)
def _nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ["DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "SUANYI_ENV"]:
        monkeypatch.delenv(name, raising=False)


def servers(home: Path) -> list[runtime.Postgres | runtime.Valkey]:
    return [runtime.Postgres(home), runtime.Valkey(home)]


def test_a_command_finds_its_servers_in_the_environment_and_leaves_none_behind(home: Path) -> None:
    with runtime.serving(home):
        assert os.environ["DATABASE_URL"] == runtime.Postgres(home).url()
        assert os.environ["DATABASE_OWNER_URL"] == runtime.Postgres(home).owner_url()
        assert os.environ["REDIS_URL"] == runtime.Valkey(home).url()
        assert [server.answers() for server in servers(home)] == [True, True]

    assert not {"DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"} & set(os.environ)
    assert [server.answers() for server in servers(home)] == [False, False]


def test_the_last_command_out_stops_the_servers_also_when_another_started_them(home: Path) -> None:
    with another_command(home) as first:
        with runtime.serving(home):
            first.communicate("\n", timeout=60)
            assert [server.answers() for server in servers(home)] == [True, True]

        assert [server.answers() for server in servers(home)] == [False, False]


def test_servers_of_a_killed_command_are_stopped_by_the_next_one(home: Path) -> None:
    with another_command(home) as first:
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert [server.answers() for server in servers(home)] == [True, True]

    with runtime.serving(home):
        pass

    assert [server.answers() for server in servers(home)] == [False, False]


def test_servers_that_somebody_started_on_purpose_keep_running(home: Path) -> None:
    for server in servers(home):
        server.start()

    with runtime.serving(home):
        pass

    assert [server.answers() for server in servers(home)] == [True, True]
    for server in servers(home):
        server.stop()


def test_servers_named_in_the_environment_win(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere/suanyi")

    with runtime.serving(home):
        assert os.environ["DATABASE_URL"] == "postgres://elsewhere/suanyi"
        assert os.environ["REDIS_URL"] == runtime.Valkey(home).url()

    assert os.environ["DATABASE_URL"] == "postgres://elsewhere/suanyi"
    assert "DATABASE_OWNER_URL" not in os.environ
    assert not (home / "postgres").exists()


def test_production_refuses_embedded_servers(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUANYI_ENV", "production")
    monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere/suanyi")

    with pytest.raises(runtime.EmbeddedServersRefused, match="set REDIS_URL"), runtime.serving(home):
        pytest.fail("the block must not run")

    assert list(home.iterdir()) == []


def another_command(home: Path) -> "subprocess.Popen[str]":
    """Start a process that shares the servers until it reads a line."""
    command = subprocess.Popen(
        [sys.executable, "-c", LOCK_AND_WAIT, str(home)],
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert command.stdout is not None
    assert command.stdout.readline() == "in\n"
    return command


def test_only_the_database_that_we_serve_is_embedded(home, monkeypatch):
    monkeypatch.setenv("SUANYI_DATA_DIR", str(home))
    somebodys = {"HOST": "127.0.0.1", "PORT": 5432}
    assert not runtime.is_embedded(somebodys)

    with runtime.serving():
        ours = {"HOST": "127.0.0.1", "PORT": runtime.Postgres(home).seat.port}

        assert runtime.is_embedded(ours)
        assert not runtime.is_embedded(somebodys)
        assert not runtime.is_embedded(ours | {"HOST": "db.example"})

        monkeypatch.setenv("SUANYI_ENV", "production")
        assert not runtime.is_embedded(ours)
