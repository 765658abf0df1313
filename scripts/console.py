"""A server with its console, and a browser of few words that is signed in there."""

from __future__ import annotations

import re
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path

from environment import STOP_TIMEOUT_SECONDS

LINK = re.compile(r"(http://\S+)/enter/(\S+)")
PROOF = re.compile(r'name="proof" value="([0-9a-f]+)"')


class Console:
    """Somebody who is signed in."""

    def __init__(self, url: str, secret: str) -> None:
        self.url = url
        cookies = urllib.request.HTTPCookieProcessor(CookieJar())
        # Without a proxy, whatever the environment says: the server is on this machine.
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies)
        link = f"/enter/{secret}"
        match = PROOF.search(self.get(link))
        if match is None:
            raise SystemExit("error: the console's link leads to no form")
        body = urllib.parse.urlencode({"proof": match[1]}).encode()
        self.opener.open(f"{self.url}{link}", body).close()

    def get(self, path: str) -> str:
        """The page at `path`."""
        with self.opener.open(f"{self.url}{path}") as answer:
            return str(answer.read().decode())

    def seconds(self, path: str) -> float:
        """How long the page at `path` takes, to its last byte."""
        start = time.perf_counter()
        self.get(path)
        return time.perf_counter() - start


@contextmanager
def console(program: Path, environment: dict[str, str]) -> Iterator[Console]:
    """Serve an inventory that nobody was let into yet, and sign in."""
    command = [str(program), "serve", "--listen", "127.0.0.1:0", "--log", "none"]
    server = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        match = None
        while match is None:
            line = server.stderr.readline() if server.stderr else ""
            if not line:
                raise SystemExit("error: the server says no link to its console")
            match = LINK.search(line)
        yield Console(match[1], match[2].strip())
    finally:
        server.terminate()
        server.wait(STOP_TIMEOUT_SECONDS)
