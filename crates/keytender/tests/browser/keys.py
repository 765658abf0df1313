"""Look at pages of the console in Chromium, wide and narrow, light and dark.

    keys.py CHROMIUM URL COOKIE FOLDER NAME=PATH…

COOKIE is `name=value` of somebody who is signed in. Each page must ask nothing of other hosts, log no
error, fit its window, have text that can be told from its background, and give axe nothing to say, with
everything closed and with everything open. Leaves pictures of each in FOLDER. Then the list of keys at
/keys is used by keyboard alone.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from page import CONTRASTS, SCHEMES, WIDTHS
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

OPEN = "for (const one of document.querySelectorAll('details:not(.menu)')) one.open = true"
# What a screen reader needs beside what axe asks: one name for each thing that can be chosen.
TWICE = """() => {
  const names = [...document.querySelectorAll('tbody input')].map(one => one.getAttribute('aria-label'));
  return names.filter((name, place) => names.indexOf(name) !== place);
}"""


def context(browser: Browser, url: str, cookie: str, width: int, scheme: str) -> BrowserContext:
    """A window of this width in which somebody is signed in."""
    made = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    name, value = cookie.split("=", 1)
    made.add_cookies([{"name": name, "value": value, "url": url}])
    return made


def axe() -> str:
    """The script of axe-core."""
    modules = Path(os.environ["KEYTENDER_TEST_NODE_MODULES"])
    return (modules / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def faults(page: Page) -> list[str]:
    """What is wrong with the page as it is shown now."""
    wrong = []
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if overflow > 0:
        wrong.append(f"{overflow} pixels wider than the window")
    wrong += [f"contrast of {poor}" for poor in page.evaluate(CONTRASTS)]
    wrong += [f"twice: {name}" for name in page.evaluate(TWICE)]
    page.evaluate(axe())
    for violation in page.evaluate("axe.run()")["violations"]:
        places = [", ".join(node["target"]) for node in violation["nodes"][:3]]
        wrong.append(f"axe: {violation['help']}: {'; '.join(places)}")
    return wrong


def look(browser: Browser, url: str, cookie: str, folder: str, name: str, path: str) -> list[str]:
    """What is wrong with a page in each width and scheme."""
    wrong: list[str] = []
    for width_name, width in WIDTHS.items():
        for scheme in SCHEMES:
            window = context(browser, url, cookie, width, scheme)
            page = window.new_page()
            said: list[str] = []
            page.on("console", lambda message, said=said: said.append(f"console: {message.text}"))
            page.on("pageerror", lambda error, said=said: said.append(f"script: {error}"))
            page.on(
                "request",
                lambda request, said=said: None
                if request.url.startswith(url)
                else said.append(f"asked for {request.url}"),
            )
            page.goto(url + path)
            said += faults(page)
            page.screenshot(path=f"{folder}/{name}-{width_name}-{scheme}.png", full_page=True)
            page.evaluate(OPEN)
            said += [f"opened: {what}" for what in faults(page)]
            page.screenshot(path=f"{folder}/{name}-{width_name}-{scheme}-open.png", full_page=True)
            window.close()
            wrong += [f"{name}, {width_name}, {scheme}: {what}" for what in said]
    return wrong


def by_keyboard(browser: Browser, url: str, cookie: str) -> list[str]:
    """The list of keys without a mouse: skip, search, choose all, see what would happen."""
    wrong = []
    window = context(browser, url, cookie, 1280, "light")
    page = window.new_page()
    page.goto(url + "/keys")
    page.keyboard.press("Tab")
    if page.evaluate("document.activeElement.className") != "skip":
        wrong.append("the first thing is not the way to the content")
    page.keyboard.press("/")
    if page.evaluate("document.activeElement.name") != "text":
        wrong.append("a slash does not go to the search")
    page.keyboard.type("shop")
    page.keyboard.press("Enter")
    page.wait_for_url("**text=shop**")
    page.locator("[data-all]").focus()
    page.keyboard.press("Space")
    count = page.locator("tbody input:checked").count()
    said = page.locator("[data-chosen]").inner_text()
    if count == 0 or str(count) not in said:
        wrong.append(f"{count} keys are chosen, and it says: {said}")
    page.locator("button[value=disable]").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/keys/chosen")
    if page.locator("h1").inner_text() != "Disable keys":
        wrong.append("the page before disabling is another one")
    window.close()
    return wrong


def main(chromium: str, url: str, cookie: str, folder: str, *pages: str) -> None:
    """Each page, then the keyboard."""
    wrong: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
        )
        for page in pages:
            name, path = page.split("=", 1)
            wrong += look(browser, url, cookie, folder, name, path)
        wrong += by_keyboard(browser, url, cookie)
        browser.close()
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main(*sys.argv[1:])
