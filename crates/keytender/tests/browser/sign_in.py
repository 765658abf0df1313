"""Sign in at the console in Chromium, by everything that there is.

    sign_in.py CHROMIUM AXE FOLDER URL LINK

LINK opens the page of the first administrator; `mia` is a user who has the address mia@example.com.
Fails at the first thing that is not as it should be. Leaves pictures in FOLDER.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import sys
import time
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from playwright.sync_api import Browser, CDPSession, Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parent))
from page import CONTRASTS, SCHEMES, WIDTHS  # noqa: E402

PASSWORD = "three geese and a lamp"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Desk:
    """A browser at the console."""

    def __init__(self, browser: Browser, url: str, axe: str, folder: Path) -> None:
        self.browser = browser
        self.url = url
        self.axe = axe
        self.folder = folder
        self.context = browser.new_context()
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.page.on("console", lambda message: self.said.append(f"console: {message.text}"))

    def look(self, name: str) -> None:
        """Check the page that is open in each width and scheme, and keep pictures of it."""
        for width_name, width in WIDTHS.items():
            for scheme in SCHEMES:
                self.page.set_viewport_size({"width": width, "height": 800})
                self.page.emulate_media(color_scheme=scheme)
                where = f"{name}, {width_name}, {scheme}"
                overflow = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
                assert overflow <= 0, f"{where}: {overflow} pixels wider than the window"
                poor = self.page.evaluate(CONTRASTS)
                assert not poor, f"{where}: contrast of {poor}"
                self.page.evaluate(self.axe)
                found = self.page.evaluate(
                    "rules => axe.run({runOnly: rules}).then(found => found.violations.map("
                    "one => `${one.id}: ${one.nodes.map(node => node.html).join(' ')}`))",
                    RULES,
                )
                assert not found, f"{where}: {found}"
                self.page.screenshot(path=self.folder / f"{name}-{width_name}-{scheme}.png", full_page=True)
        self.page.set_viewport_size({"width": WIDTHS["wide"], "height": 800})
        self.page.emulate_media(color_scheme="light")

    def goto(self, path: str) -> None:
        self.page.goto(self.url + path)

    def sign_out(self) -> None:
        self.goto("/me")
        self.page.get_by_role("button", name="Sign out", exact=True).click()
        expect(self.page.get_by_role("heading", name="Sign in")).to_be_visible()

    def sign_in(self, name: str) -> None:
        self.goto("/sign-in")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in", exact=True).click()

    def expect_in(self, how: str) -> None:
        """Somebody is signed in with this browser, so."""
        expect(self.page).to_have_url(self.url + "/")
        self.goto("/me")
        own = self.page.locator("li", has=self.page.get_by_text("this browser"))
        expect(own).to_contain_text(f"by {how},")


def code(secret: str, steps: int) -> str:
    """The code of RFC 6238, so many steps after now."""
    counter = struct.pack(">Q", int(time.time()) // 30 + steps)
    digest = hmac.digest(base64.b32decode(secret), counter, hashlib.sha1)
    offset = digest[-1] & 15
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def by_link(desk: Desk, link: str) -> None:
    """The first administrator comes in, and sets a password."""
    desk.goto(link)
    desk.look("enter")
    desk.page.get_by_role("button", name="Sign in").click()
    expect(desk.page).to_have_url(desk.url + "/me")
    desk.look("me-first")
    desk.page.get_by_label("New password").fill(PASSWORD)
    desk.page.get_by_role("button", name="Set the password").click()
    expect(desk.page.get_by_role("status")).to_contain_text("The password is set")


def by_code(desk: Desk) -> None:
    """Codes are turned on, and asked after the password."""
    desk.page.get_by_role("button", name="Turn codes on").click()
    secret = desk.page.locator("dl code").first.inner_text()
    desk.look("codes")
    desk.page.get_by_label("Code", exact=True).fill(code(secret, 0))
    desk.page.get_by_role("button", name="Turn on").click()
    expect(desk.page.get_by_role("status")).to_contain_text("Codes are on")
    desk.look("me")
    desk.sign_out()
    desk.look("sign-in")
    desk.page.get_by_label("Name").fill("administrator")
    desk.page.get_by_label("Password").fill("not the password at all")
    desk.page.get_by_role("button", name="Sign in", exact=True).click()
    expect(desk.page.get_by_role("alert")).to_contain_text("Name and password do not belong together")
    desk.look("sign-in-wrong")
    desk.sign_in("administrator")
    desk.look("code")
    desk.page.get_by_label("Code", exact=True).fill(code(secret, 1))
    desk.page.get_by_role("button", name="Sign in").click()
    desk.expect_in("password and code")


def authenticator(devtools: CDPSession) -> str:
    """Something that keeps passkeys, and says that its user is there."""
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.enable")
    return devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]


def by_passkey(desk: Desk) -> None:
    """A passkey is added and signs in, without a name; a copy of it does not."""
    devtools = desk.context.new_cdp_session(desk.page)
    where = {"authenticatorId": authenticator(devtools)}
    desk.goto("/me")
    form = desk.page.locator("form[data-passkey=create]")
    form.get_by_label("What to call it").fill("laptop")
    form.get_by_label("Present password").fill("not the password at all")
    form.get_by_role("button").click()
    expect(form.get_by_role("alert")).to_contain_text("not your present password")
    form.get_by_label("Present password").fill(PASSWORD)
    form.get_by_role("button").click()
    expect(desk.page.get_by_role("status")).to_contain_text("The passkey is added")
    desk.look("me-passkey")
    # The same one is not added twice.
    form.get_by_label("Present password").fill(PASSWORD)
    form.get_by_role("button").click()
    expect(form.get_by_role("alert")).to_contain_text("added already")
    enter = desk.page.get_by_role("button", name="Sign in with a passkey")
    for _ in range(2):
        desk.sign_out()
        enter.click()
        desk.expect_in("passkey")
    old = devtools.send("WebAuthn.getCredentials", where)["credentials"][0]
    # What was answered once is no answer any more.
    desk.sign_out()
    with desk.page.expect_request("**/sign-in/passkey") as sent:
        enter.click()
    desk.expect_in("passkey")
    answer = dict(parse_qsl(sent.value.post_data))["answer"]
    desk.sign_out()
    again = desk.page.evaluate(
        """async answer => {
          const proof = document.querySelector("[name=proof]").value;
          const body = new URLSearchParams({ proof, answer });
          return (await fetch("/sign-in/passkey", { method: "POST", body })).status;
        }""",
        answer,
    )
    assert again == 404, again
    # Whoever copied it before shows a count that was there already.
    devtools.send("WebAuthn.removeCredential", {**where, "credentialId": old["credentialId"]})
    devtools.send("WebAuthn.addCredential", {**where, "credential": {**old, "signCount": old["signCount"] - 1}})
    enter.click()
    expect(desk.page.get_by_text("this passkey is not taken here")).to_be_visible()
    devtools.send("WebAuthn.removeVirtualAuthenticator", where)
    # On an address instead of a name there are none.
    port = urlsplit(desk.url).port
    desk.page.goto(f"http://127.0.0.1:{port}/sign-in")
    expect(desk.page.get_by_text("Passkeys belong to a name")).to_be_visible()
    desk.look("sign-in-address")


def at_provider(desk: Desk, name: str) -> None:
    desk.goto("/sign-in")
    desk.page.get_by_role("link", name="Sign in with localhost").click()
    desk.page.locator("input[name=login]").fill(name)
    desk.page.locator("input[name=password]").fill("any")
    desk.page.locator("button[type=submit]").click()
    desk.page.get_by_role("button", name="Continue").click()


def by_openid(desk: Desk) -> None:
    """Whoever is known there, and has a verified address that is a user's here, comes in."""
    desk.goto("/sign-in?next=/me")
    at_provider(desk, "mia")
    desk.expect_in("openid")
    desk.look("me-openid")
    desk.sign_out()
    desk.page.get_by_role("link", name="Sign in with localhost").click()
    desk.expect_in("openid")
    for name in ["tim", "unverified-mia"]:
        other = Desk(desk.browser, desk.url, desk.axe, desk.folder)
        at_provider(other, name)
        expect(other.page.get_by_text("nobody here is who localhost says you are")).to_be_visible()
        other.context.close()


def main(chromium: str, axe: str, folder: str, url: str, link: str) -> None:
    """The whole story, in one browser after the other."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
        )
        script = Path(axe).read_text()
        desk = Desk(browser, url, script, Path(folder))
        by_link(desk, link)
        by_code(desk)
        by_passkey(desk)
        visitor = Desk(browser, url, script, Path(folder))
        by_openid(visitor)
        browser.close()
        errors = [line for line in desk.said if line.startswith("error: ")]
        assert not errors, errors


if __name__ == "__main__":
    main(*sys.argv[1:])
