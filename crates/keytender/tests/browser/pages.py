"""Look at pages of the console in Chromium, also at what their forms answer: wide and narrow, light and dark.

    pages.py CHROMIUM LINK FOLDER < VIEWS

LINK signs an administrator in, once. VIEWS is a list in JSON: each view has a `name`, a `path`, and the names
of what is to be clicked there, in this order (`clicks`). Fails if a page asks for anything of another host,
logs an error, is wider than the window, has text that cannot be told from its background, a field without a
name, or not one heading of the first level. Leaves a picture of each in FOLDER.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

from page import CONTRASTS, SCHEMES, WIDTHS

# Fields that nobody can name, and ids that stand twice.
UNNAMED = """() => [...document.querySelectorAll('input:not([type=hidden]), select, textarea')]
  .filter(field => !field.labels.length && !field.ariaLabel).map(field => field.name)"""
TWICE = """() => [...document.querySelectorAll('[id]')].map(one => one.id).filter((id, place, all) => all.indexOf(id) !== place)"""


def signed_in(browser: Browser, link: str) -> list[dict[str, object]]:
    """The cookies of whoever follows the link."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/me*")
    cookies = context.cookies()
    context.close()
    return cookies


def show(page: Page, start: str, view: dict[str, object]) -> None:
    """Go to a view: to its path, and then wherever the clicks lead."""
    page.goto(urljoin(start, str(view["path"])))
    for name in view.get("clicks", []):
        begins_so = re.compile(rf"^\s*{re.escape(str(name))}")
        target = page.locator("main").locator("button, summary, a").filter(has_text=begins_so).first
        target.click()
        page.wait_for_load_state()


def faults(page: Page) -> list[str]:
    """What is wrong with the page that is shown."""
    said = []
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if overflow > 0:
        said.append(f"{overflow} pixels wider than the window")
    said += [f"contrast of {poor}" for poor in page.evaluate(CONTRASTS)]
    said += [f"no name for the field {name}" for name in page.evaluate(UNNAMED)]
    said += [f"the id {name} twice" for name in page.evaluate(TWICE)]
    if (count := page.locator("main h1").count()) != 1:
        said.append(f"{count} headings of the first level")
    return said


def main(chromium: str, link: str, folder: str) -> None:
    """Look at everything, and say what is wrong."""
    views, start, wrong = json.load(sys.stdin), urljoin(link, "/"), []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
        )
        cookies = signed_in(browser, link)
        for width_name, width in WIDTHS.items():
            for scheme in SCHEMES:
                context = browser.new_context(
                    bypass_csp=True, viewport={"width": width, "height": 800}, color_scheme=scheme
                )
                context.add_cookies(cookies)
                for view in views:
                    page = context.new_page()
                    said: list[str] = []
                    page.on("pageerror", lambda error, said=said: said.append(f"error: {error}"))
                    page.on(
                        "request",
                        lambda request, said=said: said.append(f"asked for {request.url}")
                        if urlsplit(request.url).netloc != urlsplit(start).netloc
                        else None,
                    )
                    show(page, start, view)
                    said += faults(page)
                    page.screenshot(path=Path(folder) / f"{view['name']}-{width_name}-{scheme}.png", full_page=True)
                    page.close()
                    wrong += [f"{view['name']}, {width_name}, {scheme}: {what}" for what in said]
                context.close()
        browser.close()
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main(*sys.argv[1:])
