"""A PostgreSQL server of its own, from Debian's package, for as long as a block lasts."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

sys.dont_write_bytecode = True  # Leaves no __pycache__ beside the scripts.

from environment import Unavailable, environment_without_aws, log_file, logged, stop

# The user that the package makes: PostgreSQL refuses to run as root.
SERVICE_USER = "postgres"
DATABASE_USER = "keytender"
START_TIMEOUT_SECONDS = 30
# Faster, and nothing is lost by it: the data end with the block.
SETTINGS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")


def program(name: str) -> str:
    """The path of one of PostgreSQL's programs, which Debian keeps off the search path."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    path = str(installed[-1]) if installed else shutil.which(name)
    if path is None:
        raise Unavailable(f"no `{name}`: install the Debian package postgresql")
    return path


@contextmanager
def postgres() -> Iterator[str]:
    """Run a server on a free port and give its URL without the name of a database."""
    initdb, server = program("initdb"), program("postgres")
    folder = Path(tempfile.mkdtemp(prefix="keytender-postgres-"))
    prefix = as_service_user(folder)
    environment = {**environment_without_aws(), "LC_ALL": "C.UTF-8"}
    try:
        data = folder / "data"
        make = [initdb, "-D", str(data), "-U", DATABASE_USER, "--auth=trust", "-E", "UTF8"]
        logged("initdb", [*prefix, *make, "--no-sync"], environment)
        port = free_port()
        settings = [word for setting in SETTINGS for word in ("-c", setting)]
        places = ["-p", str(port), "-k", str(folder), "-c", "listen_addresses=127.0.0.1"]
        log = log_file("postgres")
        with log.open("w") as output:
            process = subprocess.Popen(
                [*prefix, server, "-D", str(data), *places, *settings],
                env=environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C must not end it before those who use it.
            )
        try:
            wait_for(process, port, log)
            yield f"postgres://{DATABASE_USER}@127.0.0.1:{port}"
        finally:
            stop(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def as_service_user(folder: Path) -> list[str]:
    """The words before a command that keep it from running as root, who gives `folder` away."""
    if os.geteuid() != 0:
        return []
    try:
        shutil.chown(folder, SERVICE_USER)
    except LookupError:
        raise Unavailable(f"no user `{SERVICE_USER}`, and PostgreSQL refuses root") from None
    # setpriv takes the place of itself by the server: a signal reaches it.
    return ["setpriv", f"--reuid={SERVICE_USER}", f"--regid={SERVICE_USER}", "--init-groups"]


def free_port() -> int:
    """A port on which nobody listens now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until the server takes connections."""
    ask = [program("pg_isready"), "--quiet", "--host=127.0.0.1", f"--port={port}"]
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while subprocess.run(ask, check=False).returncode != 0:
        if process.poll() is not None or time.monotonic() > deadline:
            raise Unavailable(f"PostgreSQL did not start: see {log}")
        time.sleep(0.05)
