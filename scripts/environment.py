"""What the scripts stand on: virtual environments, the seeded moto, and a clean AWS environment.

Everything lands below `.tools/`, which is not part of the repository.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import platform
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
LOGS = TOOLS / "log"
REQUIREMENTS = ROOT / "scripts" / "requirements.txt"
SCANNERS = ROOT / "scripts" / "scanners.txt"
EXAMPLES = ROOT / "examples"
NODE_PACKAGES = ROOT / "scripts" / "node"
WEBHOOK_PACKAGES = ROOT / "scripts" / "node-webhooks"
# Others who issue keys: what verification is measured beside, and whose keys are imported.
DJANGO = ("Django==5.2.8", "djangorestframework==3.16.1", "djangorestframework-api-key==3.1.0", "gunicorn==23.0.0")
BETTER_AUTH = ROOT / "scripts" / "node-bench"

# The largest install, one with a few hundred packages, took four minutes on two cores.
INSTALL_TIMEOUT_SECONDS = 900
# moto seeds 1,000 users and listens within two seconds on an idle machine.
START_TIMEOUT_SECONDS = 60
STOP_TIMEOUT_SECONDS = 5
REQUEST_TIMEOUT_SECONDS = 30


class Unavailable(Exception):
    """A piece that cannot be had here; the message says which and what to do."""


def say(text: str) -> None:
    """One short line for the person who watches."""
    print(f"{Path(sys.argv[0]).name}: {text}", file=sys.stderr, flush=True)


def end_on_signals() -> None:
    """Turn a request to end into an exception, so that `finally` blocks run."""

    def end(number: int, _frame: Any) -> None:
        raise SystemExit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)


def pinned(file: Path) -> list[str]:
    """The requirements in a file, without its comments."""
    lines = (line.partition("#")[0].strip() for line in file.read_text().splitlines())
    return [line for line in lines if line]


def ensure_venv(name: str, requirements: Sequence[str]) -> Path:
    """Make `.tools/NAME` hold the requirements, and return its Python.

    A stamp tells what is installed, so that this costs nothing the second time.
    """
    folder = TOOLS / name
    python = folder / "bin" / "python"
    stamp = folder / "stamp"
    interpreter = [sys.executable, platform.python_version()]
    wanted = hashlib.sha256("\n".join([*requirements, *interpreter]).encode()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python
    say(f"installing {', '.join(requirements)} into {folder.relative_to(ROOT)}")
    logged(f"{name}-venv", [sys.executable, "-m", "venv", "--clear", str(folder)])
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
    logged(f"{name}-pip", [str(python), "-m", "pip", "install", *quiet, *requirements])
    stamp.write_text(wanted)
    return python


def ensure_node(name: str, lists: Path) -> Path:
    """Make `.tools/NAME` hold the packages of npm that LISTS pins, and return their folder."""
    folder = TOOLS / name
    modules = folder / "node_modules"
    stamp = folder / "stamp"
    files = [lists / "package.json", lists / "package-lock.json"]
    wanted = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    if modules.is_dir() and stamp.exists() and stamp.read_text() == wanted:
        return modules
    say(f"installing the packages of {lists.relative_to(ROOT)} into {folder.relative_to(ROOT)}")
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copy(file, folder)
    # What a package would run while it is installed is not needed, and not trusted.
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    logged(f"{name}-npm", ["npm", "ci", "--prefix", str(folder.resolve()), *quiet])
    stamp.write_text(wanted)
    return modules


def ensure_django() -> Path:
    """The Python of Django REST framework with its API-key app."""
    return ensure_venv("bench-django", DJANGO)


def ensure_better_auth() -> Path:
    """The packages of better-auth with its API-key plug-in."""
    return ensure_node("bench-node", BETTER_AUTH)


def logged(name: str, command: Sequence[str], environment: dict[str, str] | None = None) -> None:
    """Run an install step with its output in a log, which a failure names."""
    log = log_file(name)
    with log.open("w") as output:
        try:
            subprocess.run(
                command,
                check=True,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=INSTALL_TIMEOUT_SECONDS,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise Unavailable(
                f"`{' '.join(command[:4])} …` failed: see {log.relative_to(ROOT)}"
            ) from error


def log_file(name: str) -> Path:
    """The path of a log below `.tools/log`."""
    LOGS.mkdir(parents=True, exist_ok=True)
    return LOGS / f"{name}.log"


def environment_without_aws() -> dict[str, str]:
    """Our environment without the caller's AWS accounts: nothing here may ever reach them."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**kept, "AWS_EC2_METADATA_DISABLED": "true"}


def release_program(is_built_first: bool, given: Path | None) -> Path:
    """The program that a benchmark measures: the given one, or ours."""
    if given is not None:
        return given.resolve()
    if is_built_first:
        say("cargo build --release --locked")
        subprocess.run(["cargo", "build", "--release", "--locked"], cwd=ROOT, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return target / "release" / "keytender"


@dataclass(frozen=True)
class Moto:
    """A seeded moto that answers at `url`."""

    url: str
    users: int
    keys: int

    def request_counts(self) -> dict[str, int]:
        """How often each AWS action was called."""
        return self._requests("GET")

    def forget_requests(self) -> None:
        """Count from zero again."""
        self._requests("DELETE")

    def _requests(self, method: str) -> dict[str, int]:
        # Not urllib: it would send this through the proxy of the environment.
        address = urlsplit(self.url).netloc
        connection = http.client.HTTPConnection(address, timeout=REQUEST_TIMEOUT_SECONDS)
        try:
            connection.request(method, "/keytender-requests")
            counts: dict[str, int] = json.load(connection.getresponse())
            return counts
        finally:
            connection.close()


@contextmanager
def seeded_moto(python: Path, users: int, truth: Path | None = None) -> Iterator[Moto]:
    """Run `scripts/moto-seeded` on a free port for as long as the block lasts."""
    command = [str(python), str(ROOT / "scripts" / "moto-seeded"), f"--users={users}"]
    if truth is not None:
        command.append(f"--truth={truth}")
    log = log_file("moto")
    with log.open("w") as output:
        server = subprocess.Popen(
            command,
            env=environment_without_aws(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            start_new_session=True,  # Ctrl-C must not end it before those who use it.
        )
    try:
        yield _answering(server, log)
    finally:
        stop(server)


def _answering(server: subprocess.Popen[bytes], log: Path) -> Moto:
    """Wait until the server has said where it listens and answers there."""
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    assert server.stdout is not None
    ready, _, _ = select.select([server.stdout], [], [], START_TIMEOUT_SECONDS)
    line = server.stdout.readline() if ready else b""
    if not line:
        raise SystemExit(f"error: moto did not start: see {log.relative_to(ROOT)}")
    said = json.loads(line)
    moto = Moto(said["url"], said["users"], said["keys"])
    while True:
        try:
            moto.forget_requests()
            return moto
        except OSError:
            if time.monotonic() > deadline:
                raise SystemExit(f"error: {moto.url} does not answer") from None
            time.sleep(0.1)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End one process: politely, then for good."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
