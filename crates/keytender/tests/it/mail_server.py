"""A mail server for the tests: STARTTLS and a password are asked for; each mail is a line of JSON.

    python mail_server.py CERTIFICATE KEY

Some recipients are special: `refused@…` is not known, `busy@…` is refused the first time, of the
first mail to `lost@…` the answer gets lost after it was taken, and to that of `silent@…` nothing is
said for a long time.
"""

import asyncio
import json
import ssl
import sys
from email import message_from_bytes
from email.policy import default

from aiosmtpd.smtp import SMTP, AuthResult


LONG_SECONDS = 60


class Inbox:
    """Says each mail that comes in."""

    def __init__(self, met):
        self.met = met

    def is_first(self, name):
        """Whether somebody is written to for the first time."""
        is_first = name not in self.met
        self.met.add(name)
        return is_first

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        name = address.split("@")[0]
        if name == "refused":
            return "550 5.1.1 nobody of that name"
        if name == "busy" and self.is_first(name):
            return "451 4.3.0 later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 known"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        mail = message_from_bytes(envelope.content, policy=default)
        parts = {part.get_content_type(): part.get_content() for part in mail.iter_parts()}
        said = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "headers": {name.lower(): str(value) for name, value in mail.items()},
            "parts": parts,
            "tls": session.ssl is not None,
            "hello": session.host_name,
        }
        name = envelope.rcpt_tos[0].split("@")[0]
        if name == "silent" and self.is_first(name):
            await asyncio.sleep(LONG_SECONDS)
            return "451 4.3.0 too late"
        print(json.dumps(said), flush=True)
        if name == "lost" and self.is_first(name):
            server.transport.abort()
        return "250 2.0.0 taken"


def authenticate(server, session, envelope, mechanism, data):
    """One user, one password."""
    good = (data.login, data.password) == (b"keytender", "pass wörd".encode())
    return AuthResult(success=good, handled=False)


async def serve(certificate, key):
    """Listen on a free port until the test ends."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    met = set()

    def session():
        return SMTP(
            Inbox(met),
            tls_context=context,
            require_starttls=True,
            authenticator=authenticate,
            auth_required=True,
        )

    server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


asyncio.run(serve(sys.argv[1], sys.argv[2]))
