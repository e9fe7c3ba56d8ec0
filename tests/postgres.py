"""A throw-away PostgreSQL server for tests: own data folder, own port on loopback, gone afterwards.

The server refuses to run as root, so under root it runs as the `postgres` account that Debian's package makes.
Durability is off: the data outlives nothing.
"""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 20
#: Another process may take a free port between our look and the server's bind.
PORT_TRIES = 5


class PostgresUnavailableError(RuntimeError):
    """No server binaries, or the server would not start."""


def find_binaries() -> Path | None:
    """The folder with `initdb` and `postgres`: the newest one where packages put them, else on PATH."""
    roots = [
        *Path("/usr/lib/postgresql").glob("*/bin"),
        *Path("/opt/homebrew/opt").glob("postgresql*/bin"),
        *Path("/usr/local/opt").glob("postgresql*/bin"),
        *Path("/usr").glob("pgsql-*/bin"),
    ]
    if on_path := shutil.which("initdb"):
        roots.append(Path(on_path).resolve().parent)
    usable = [root for root in roots if (root / "initdb").exists() and (root / "postgres").exists()]

    def version(root: Path) -> int:
        digits = "".join(c for c in root.parent.name if c.isdigit())
        return int(digits) if digits else 0

    return max(usable, key=version, default=None)


@dataclass
class PostgresServer:
    """One running server; `fresh_database()` gives empty databases on it."""

    binaries: Path
    folder: Path
    port: int = 0
    #: Loopback is shared with every local account, so even a test server asks for a password.
    password: str = field(default_factory=lambda: secrets.token_hex(16))
    process: subprocess.Popen[bytes] | None = None
    _databases: int = 0

    @property
    def log_path(self) -> Path:
        return self.folder / "server.log"

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres:{self.password}@127.0.0.1:{self.port}/{database}"

    def _run_as(self) -> dict[str, object]:
        if os.name == "nt" or os.geteuid() != 0:
            return {}
        return {"user": "postgres", "group": "postgres", "extra_groups": []}

    def initialise(self) -> None:
        password_file = self.folder / "password"
        password_file.write_text(self.password, encoding="utf-8")
        if self._run_as():
            shutil.chown(self.folder, "postgres", "postgres")
            shutil.chown(password_file, "postgres", "postgres")
        locale = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"
        command = [
            str(self.binaries / "initdb"),
            f"--pgdata={self.folder / 'data'}",
            "--username=postgres",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            f"--locale={locale}",
            "--no-sync",
        ]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False, **self._run_as())  # type: ignore[call-overload]  # the options are a dict on purpose
        if done.returncode != 0:
            raise PostgresUnavailableError(f"initdb failed:\n{done.stdout}{done.stderr}")

    def start(self) -> None:
        for _ in range(PORT_TRIES):
            self.port = free_port()
            self._launch()
            if self._wait_ready():
                return
        raise PostgresUnavailableError(
            f"PostgreSQL did not start:\n{self.log_path.read_text(errors='replace')[-4000:]}"
        )

    def _launch(self) -> None:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "shared_buffers": "64MB",
            "max_connections": "200",
            "max_wal_size": "256MB",
            "timezone": "UTC",
        }
        command = [str(self.binaries / "postgres"), "-D", str(self.folder / "data")]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(  # type: ignore[call-overload]  # the options are a dict on purpose
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self._run_as()
            )

    def _wait_ready(self) -> bool:
        assert self.process is not None
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                return False
            try:
                self._connect().close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return True
        self.stop()
        return False

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(2)  # SIGINT: "fast" shutdown, which does not wait for clients
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="postgres",
            password=self.password,
            dbname="postgres",
            autocommit=True,
            connect_timeout=10,
        )

    @contextlib.contextmanager
    def fresh_database(self) -> Iterator[str]:
        """The URL of a new empty database, dropped afterwards even when connections are still open."""
        self._databases += 1
        name = f"readback_test_{self._databases}"
        with self._connect() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        try:
            yield self.url(name)
        finally:
            with self._connect() as connection:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def free_port() -> int:
    """A loopback port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextlib.contextmanager
def temporary_server() -> Iterator[PostgresServer]:
    binaries = find_binaries()
    if binaries is None:
        raise PostgresUnavailableError("No PostgreSQL server binaries found; `make prepare` installs them.")
    # Not pytest's tmp_path: its parents are closed to the account the server runs as.
    folder = Path(tempfile.mkdtemp(prefix="readback-pg-"))
    server = PostgresServer(binaries=binaries, folder=folder)
    try:
        server.initialise()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
