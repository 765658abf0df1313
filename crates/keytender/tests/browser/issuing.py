"""What a person does to issue a key in the console: an API, a customer, an app, a key, and its successor.

    issuing.py CHROMIUM LINK AXE FOLDER SCRIPT

LINK signs an administrator in, once; SCRIPT is `on` or `off`. Fails if a secret is shown a second time, by
loading its page again or elsewhere, or if its page breaks a rule of axe-core (AXE is its script). Leaves
pictures in FOLDER.
"""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import urljoin

from page import CONTRASTS, SCHEMES, WIDTHS
from playwright.sync_api import Page, expect, sync_playwright
from walk import AXE


def to_the_app(page: Page, link: str) -> None:
    """From nothing to an app."""
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()
    page.goto(urljoin(link, "/apis"))
    page.locator("summary", has_text="Add an API").click()
    page.get_by_label("Name", exact=True).fill("acme")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("acme was added")
    page.locator("summary", has_text="Add a customer").click()
    page.get_by_label("Name", exact=True).fill("globex")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("acme/globex was added")
    page.locator("summary", has_text="Add an app").click()
    page.get_by_label("Name", exact=True).fill("web-shop")
    page.get_by_label("What its keys may do at most").fill("orders:read orders:write")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("web-shop was added")


def shown(page: Page, button: str) -> str:
    """The secret that a form shows; loading its page again shows none."""
    page.get_by_role("button", name=button).click()
    expect(page.locator("main")).to_contain_text("it is shown this once")
    secret = page.locator("code.secret").inner_text()
    assert secret.startswith("acme_live_"), "it is a key of the API"
    assert secret not in page.url, "no secret is in an address"
    return secret


def look(page: Page, axe: str, folder: str) -> None:
    """The page with the secret, in each width and scheme."""
    for name, width in WIDTHS.items():
        for scheme in SCHEMES:
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert overflow <= 0, f"{overflow} pixels wider than the window"
            assert not (poor := page.evaluate(CONTRASTS)), f"contrast of {poor}"
            page.evaluate(axe)
            assert not (broken := page.evaluate(AXE)), f"axe: {broken}"
            page.screenshot(path=f"{folder}/secret-{name}-{scheme}.png", full_page=True)


def again(page: Page, secret: str) -> None:
    """Whoever loads the page again gets no secret."""
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("This form was sent before")
    assert secret not in page.content(), "the secret is shown again"


def main(chromium: str, link: str, axe_file: str, folder: str, script: str) -> None:
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
            bypass_csp=True,
        )
        page = context.new_page()
        to_the_app(page, link)
        page.locator("summary", has_text="Make a key").click()
        page.get_by_label("What it is for").fill("checkout")
        page.get_by_label("orders:read").check()
        secret = shown(page, "Make it")
        expect(page.get_by_role("button", name="Copy")).to_have_count(1 if has_script else 0)
        if has_script:
            look(page, Path(axe_file).read_text(encoding="utf-8"), folder)
        again(page, secret)
        page.locator("main tbody a.key").first.click()
        expect(page.locator("main h1")).to_contain_text("web-shop/checkout")
        page.locator("summary", has_text="Rotate it").click()
        page.get_by_label("How long both work").fill("2w")
        second = shown(page, "Make the new key")
        assert second != secret, "each key has a secret of its own"
        again(page, second)
        expect(page.locator("#rotation")).to_contain_text("waits for its first use")
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
