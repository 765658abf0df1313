"""What a person does in the console to replace a key: see the plan, begin, watch, approve, and see the old key stop.

    rotating.py CHROMIUM LINK KEY FILE AXE FOLDER SCRIPT

LINK signs an administrator in, once; KEY is Keytender's id of an active key that stands in FILE, a .env with
KEY_ID and KEY; SCRIPT is `on` or `off`. Leaves pictures in FOLDER, and looks at each page with AXE, in both
widths and schemes.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from urllib.parse import urljoin

from page import CONTRASTS, SCHEMES, WIDTHS
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from walk import AXE

# Longer than a rotation takes to its first wait.
PATIENCE_MS = 60_000


def is_there(page: Page, text: str, script: str) -> None:
    """Wait for a text: by itself with a script, by loading the page again without."""
    if script == "on":
        expect(page.locator("main")).to_contain_text(text, timeout=PATIENCE_MS)
        return
    end = time.monotonic() + PATIENCE_MS / 1000
    while text not in page.locator("main").inner_text():
        assert time.monotonic() < end, f"{text} never came"
        page.wait_for_timeout(500)
        page.reload()


def look(browser: Browser, context: BrowserContext, page: Page, axe: str, folder: Path, name: str) -> list[str]:
    """What is wrong with the page that is shown, in each width and scheme."""
    wrong = []
    for width_name, width in WIDTHS.items():
        for scheme in SCHEMES:
            other = browser.new_context(
                bypass_csp=True, viewport={"width": width, "height": 800}, color_scheme=scheme
            )
            other.add_cookies(context.cookies())
            seen = other.new_page()
            seen.goto(page.url)
            overflow = seen.evaluate("document.documentElement.scrollWidth - innerWidth")
            faults = [f"{overflow} pixels too wide"] if overflow > 0 else []
            faults += [f"contrast of {poor}" for poor in seen.evaluate(CONTRASTS)]
            seen.evaluate(axe)
            faults += seen.evaluate(AXE)
            wrong += [f"{name}, {width_name}, {scheme}: {what}" for what in faults]
            seen.screenshot(path=f"{folder}/rotating-{name}-{width_name}-{scheme}.png", full_page=True)
            other.close()
    return wrong


def add_destination(page: Page, file: str) -> None:
    """Tell where the key is used, and have it checked."""
    page.locator("summary", has_text="Add a destination").click()
    page.locator("#place-name").fill("shop")
    page.get_by_label("Kind").select_option("env")
    page.get_by_label("How to get there").fill(f"path={file}\nid=KEY_ID\nsecret=KEY")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("status")).to_contain_text("It is added")
    page.get_by_role("button", name="Check them").click()
    expect(page.get_by_role("status")).to_contain_text("Each can be written")


def main(chromium: str, link: str, key: str, file: str, axe_file: str, folder: str, script: str) -> None:
    """Walk the whole way."""
    axe, pictures = Path(axe_file).read_text(encoding="utf-8"), Path(folder)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
        )
        width = 1280 if script == "on" else 360
        context = browser.new_context(
            viewport={"width": width, "height": 800}, java_script_enabled=script == "on"
        )
        page = context.new_page()
        page.goto(link)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/me*")
        page.goto(urljoin(link, f"/keys/{key}"))
        add_destination(page, file)
        wrong = look(browser, context, page, axe, pictures, "key")
        page.get_by_role("link", name="Rotate…").click()
        expect(page.locator("main")).to_contain_text("What would be done")
        wrong += look(browser, context, page, axe, pictures, "plan")
        page.get_by_label("Because").fill("a year old")
        page.get_by_role("button", name="Begin").click()
        expect(page.locator("main")).to_contain_text("Rotation of")
        is_there(page, "Both keys work", script)
        is_there(page, "Cut the wait short", script)
        expect(page.locator("main")).to_contain_text("Has the new key")
        wrong += look(browser, context, page, axe, pictures, "overlap")
        page.locator("summary", has_text="Cut the wait short").click()
        form = page.locator("form", has=page.get_by_role("button", name="Disable it now"))
        form.get_by_label("Because").fill("the shop was asked")
        form.get_by_role("button", name="Disable it now").click()
        is_there(page, "Disabled and held", script)
        wrong += look(browser, context, page, axe, pictures, "held")
        page.goto(urljoin(link, "/rotations"))
        expect(page.locator("main")).to_contain_text("Delete the old key")
        wrong += look(browser, context, page, axe, pictures, "list")
        browser.close()
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main(*sys.argv[1:])
