"""What a customer does on its key page: makes a key, uses it, rotates it, and sees who still uses the old one.

    portal.py CHROMIUM AXE FOLDER LINK GATEWAY SCRIPT

LINK opens the page, once; GATEWAY is a token that asks about keys; SCRIPT is `on` or `off`. Fails if a secret is
shown a second time, or if a page breaks a rule of axe-core (AXE is its script). Leaves pictures and the credential
report in FOLDER.
"""

from __future__ import annotations

import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urljoin

from page import CONTRASTS, SCHEMES, WIDTHS
from playwright.sync_api import Page, expect, sync_playwright
from walk import AXE

# How long a use may take until it is seen, in seconds.
PATIENCE = 20


class Guest:
    """Somebody of the customer, at a browser."""

    def __init__(self, page: Page, start: str, axe: str, folder: str) -> None:
        """With the browser's page, where it begins, and how pages are looked at."""
        self.page, self.start, self.axe, self.folder = page, start, axe, folder

    def look(self, name: str) -> None:
        """The page, in each width and scheme."""
        if not self.axe:
            return
        page = self.page
        for width_name, width in WIDTHS.items():
            for scheme in SCHEMES:
                page.set_viewport_size({"width": width, "height": 800})
                page.emulate_media(color_scheme=scheme)
                where = f"{name}, {width_name}, {scheme}"
                overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                assert overflow <= 0, f"{where}: {overflow} pixels wider than the window"
                assert not (poor := page.evaluate(CONTRASTS)), f"{where}: contrast of {poor}"
                page.evaluate(self.axe)
                assert not (broken := page.evaluate(AXE)), f"{where}: axe: {broken}"
                page.screenshot(path=f"{self.folder}/{name}-{width_name}-{scheme}.png", full_page=True)

    def secret(self, button: str, name: str) -> str:
        """The secret that a form shows; loading its page again shows none."""
        page = self.page
        page.get_by_role("button", name=button).click()
        expect(page.locator("main")).to_contain_text("it is shown this once")
        secret = page.locator("code.secret").inner_text()
        assert secret.startswith("acme_live_"), "it is a key of the API"
        assert secret not in page.url, "no secret is in an address"
        self.look(name)
        page.reload()
        expect(page.get_by_role("alert")).to_contain_text("This form was sent before")
        assert secret not in page.content(), "the secret is shown again"
        return secret

    def sees(self, text: str) -> None:
        """Loads the page again until it says this."""
        ends = time.monotonic() + PATIENCE
        while text not in self.page.locator("main").inner_text():
            assert time.monotonic() < ends, f"`{text}` is not to be seen: {self.page.locator('main').inner_text()}"
            time.sleep(0.2)
            self.page.reload()


def use(start: str, gateway: str, key: str, service: str, address: str) -> int:
    """What the server answers to a gateway that is shown this key."""
    url = urljoin(start, f"/v1/forward-auth?api=acme&service={service}&region=eu-west-1")
    headers = {"Keytender-Token": gateway, "Authorization": f"Bearer {key}", "X-Real-IP": address}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def journey(guest: Guest, gateway: str, report: Path) -> None:
    """From nothing to a key that was replaced and one that leaked."""
    page, start = guest.page, guest.start
    page.goto(start)
    expect(page.locator("main h1")).to_have_text("Your keys")
    expect(page.locator("main")).to_contain_text("No key yet. Make the first one")
    guest.look("empty")
    page.get_by_label("What it is for").fill("checkout server")
    page.get_by_label("orders:read").check()
    first = guest.secret("Make the key", "made")
    assert use(start, gateway, first, "orders", "203.0.113.20") == 200, "it works at once"
    page.goto(urljoin(start, "/portal"))
    guest.look("keys")
    page.locator("a.key", has_text="checkout server").click()
    guest.sees("Used 1 time in all")
    guest.sees("203.0.113.20")
    expect(page.locator("main")).to_contain_text("orders")
    guest.look("used")
    page.locator("summary", has_text="another name").click()
    page.get_by_label("Name", exact=True).fill("checkout")
    page.get_by_role("button", name="Rename it").click()
    expect(page.get_by_role("status")).to_have_text("The key has its new name.")
    page.get_by_role("button", name="Suspend it").click()
    expect(page.get_by_role("status")).to_contain_text("suspended")
    assert use(start, gateway, first, "orders", "203.0.113.20") == 401, "it is refused"
    page.get_by_role("button", name="Resume it").click()
    expect(page.get_by_role("status")).to_have_text("The key works again.")
    # A rotation: both work, and the old key shows who is late.
    page.locator("summary", has_text="Rotate it").click()
    page.get_by_label("How long both work").select_option("7")
    second = guest.secret("Make the new key", "rotated")
    assert second != first, "each key has a secret of its own"
    expect(page.locator("#rotation")).to_contain_text("waits for its first use")
    assert use(start, gateway, second, "orders", "203.0.113.20") == 200, "the new key works"
    guest.sees("works too")
    # What uses the old key later than the new one was first used is told, to a second.
    ends = time.monotonic() + PATIENCE
    while "nightly-export" not in page.locator("#rotation").inner_text():
        assert use(start, gateway, first, "nightly-export", "198.51.100.7") == 200, "the old key works"
        assert time.monotonic() < ends, page.locator("#rotation").inner_text()
        time.sleep(0.5)
        page.reload()
    expect(page.locator("#rotation")).to_contain_text("Who still uses the old key?")
    expect(page.locator("#rotation")).to_contain_text("nightly-export in eu-west-1")
    expect(page.locator("#rotation")).to_contain_text("last from 198.51.100.7")
    guest.look("overlap")
    page.get_by_role("link", name="Finish it…").click()
    expect(page.locator("main")).to_contain_text("It is in use")
    guest.look("finish")
    page.get_by_label("Type checkout to say that you mean it").fill("no")
    page.get_by_role("button", name="Stop the old key").click()
    expect(page.get_by_role("alert").first).to_contain_text("nothing was done")
    assert use(start, gateway, first, "orders", "203.0.113.20") == 200, "nothing was done"
    page.get_by_label("Type checkout to say that you mean it").fill("checkout")
    page.get_by_role("button", name="Stop the old key").click()
    expect(page.get_by_role("status")).to_contain_text("only the new key works")
    assert use(start, gateway, first, "orders", "203.0.113.20") == 401, "the old key is refused"
    assert use(start, gateway, second, "orders", "203.0.113.20") == 200, "the new key works on"
    # It leaked.
    page.get_by_role("link", name="Revoke…").click()
    guest.look("revoke")
    page.get_by_label("It leaked").check()
    page.get_by_label("Type checkout to say that you mean it").fill("checkout")
    page.get_by_role("button", name="Revoke it").click()
    expect(page.get_by_role("status")).to_contain_text("it is noted that it leaked")
    assert use(start, gateway, second, "orders", "203.0.113.20") == 401, "it is refused"
    guest.look("leaked")
    page.get_by_role("link", name="Your keys").click()
    page.get_by_label("Search").fill("checkout")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("main tbody tr")).to_have_count(2)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the credential report").click()
    download.value.save_as(report)
    page.get_by_role("button", name="Close this page").click()
    expect(page.locator("main h1")).to_have_text("This page is closed")
    expect(page.get_by_role("link", name="Back to app.example")).to_have_attribute(
        "href", "https://app.example/settings"
    )
    guest.look("closed")
    page.goto(urljoin(start, "/portal"))
    expect(page.locator("main h1")).to_have_text("Open this page again")
    guest.look("over")


def main(chromium: str, axe_file: str, folder: str, link: str, gateway: str, script: str) -> None:
    """Walk the whole way."""
    has_script = script == "on"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
        )
        context = browser.new_context(
            viewport={"width": 1280 if has_script else 360, "height": 800},
            java_script_enabled=has_script,
            bypass_csp=has_script,
        )
        axe = Path(axe_file).read_text(encoding="utf-8") if has_script else ""
        guest = Guest(context.new_page(), link, axe, folder)
        journey(guest, gateway, Path(folder) / f"report-{script}.csv")
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
