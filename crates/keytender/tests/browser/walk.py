"""Walk through the console in Chromium: every page, wide and narrow, light and dark, and without a script.

    walk.py CHROMIUM LINK AXE FOLDER [NAME=PATH…]

LINK signs an administrator in, once. From the overview on, every link is followed; of pages of one kind,
such as keys, one is looked at. Where paths are given, these pages are looked at instead. Fails if a page asks for anything of another host, logs an error, is wider
than the window, has text that cannot be told from its background, or breaks a rule of axe-core (AXE is its
script). Leaves a picture of each in FOLDER.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from page import CONTRASTS, SCHEMES, WIDTHS

IDS = re.compile(r"\b[a-z]{3}_[0-9a-z]{13}\b")
# Who runs APIs, by a name of theirs.
ENTRY = re.compile(r"^/catalog/[^/]+$")
# What a page of each kind is called in the name of its picture.
UNSAFE = re.compile(r"[^a-z0-9]+")
# Rules of axe-core that are asked for: WCAG 2.2 A and AA, and what is good practice.
AXE = "async () => (await axe.run()).violations.map(one => one.id + ': ' + one.nodes.map(node => node.target).join(', '))"
# Where what programs read begins.
NO_PAGES = ("/v1", "/docs", "/openapi", "/.well-known")


def kind(address: str) -> str:
    """What tells pages of one kind from others: the path without ids, and which filters there are."""
    parts = urlsplit(address)
    names = sorted({pair.split("=")[0] for pair in parts.query.split("&") if pair})
    filtered = "?filtered" if parts.path == "/keys" and names else ""
    path = ENTRY.sub("/catalog/*", parts.path)
    return IDS.sub("*", path) + filtered


def links(page: Page) -> Iterator[str]:
    """Where the links of a page of ours lead that show another page."""
    for address in page.eval_on_selector_all("a[href]:not([download])", "all => all.map(one => one.href)"):
        is_ours = urlsplit(address).netloc == urlsplit(page.url).netloc
        path = urlsplit(address).path
        if is_ours and not path.startswith(NO_PAGES) and not path.endswith((".csv", ".json")):
            yield address.split("#")[0]


def signed_in(browser: Browser, link: str) -> list[dict[str, object]]:
    """The cookies of whoever follows `link`; the pages on the way are looked at as they are."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/me*")
    cookies = context.cookies()
    context.close()
    return cookies


def faults(page: Page, axe: str, address: str) -> list[str]:
    """What is wrong with a page, once it is shown."""
    said: list[str] = []
    page.on("console", lambda message: said.append(f"console: {message.text}") if message.type == "error" else None)
    page.on("request", lambda request: said.append(f"asked for {request.url}") if urlsplit(request.url).netloc != urlsplit(address).netloc else None)
    response = page.goto(address)
    if response is None or response.status >= 400:
        return [f"answered {response.status if response else 'nothing'}"]
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if overflow > 0:
        said.append(f"{overflow} pixels wider than the window")
    said += [f"contrast of {poor}" for poor in page.evaluate(CONTRASTS)]
    page.evaluate(axe)
    said += [f"axe: {rule}" for rule in page.evaluate(AXE)]
    return said


def walk(browser: Browser, cookies: list[dict[str, object]], start: str) -> dict[str, str]:
    """One address of each kind of page."""
    context = context_of(browser, cookies)
    page = context.new_page()
    found, waiting = {kind(start): start}, [start]
    while waiting:
        page.goto(waiting.pop(0))
        for address in links(page):
            if kind(address) not in found:
                found[kind(address)] = address
                waiting.append(address)
    context.close()
    return found


def context_of(browser: Browser, cookies: list[dict[str, object]], **more: object) -> BrowserContext:
    """A browser of its own in which somebody is signed in."""
    context = browser.new_context(bypass_csp=True, **more)
    context.add_cookies(cookies)
    return context


def look(browser: Browser, cookies: list[dict[str, object]], pages: dict[str, str], axe: str, folder: Path) -> list[str]:
    """What is wrong with the pages in each width and scheme."""
    wrong: list[str] = []
    for width_name, width in WIDTHS.items():
        for scheme in SCHEMES:
            context = context_of(browser, cookies, viewport={"width": width, "height": 800}, color_scheme=scheme)
            for name, address in pages.items():
                page = context.new_page()
                wrong += [f"{name}, {width_name}, {scheme}: {what}" for what in faults(page, axe, address)]
                file = UNSAFE.sub("-", name.replace("*", "one")).strip("-") or "overview"
                page.screenshot(path=f"{folder}/{file}-{width_name}-{scheme}.png", full_page=True)
                page.close()
            context.close()
    return wrong


def without_script(browser: Browser, cookies: list[dict[str, object]], pages: dict[str, str]) -> list[str]:
    """What is wrong with the pages where no script runs."""
    context = context_of(browser, cookies, java_script_enabled=False)
    page = context.new_page()
    wrong = []
    for name, address in pages.items():
        page.goto(address)
        if page.locator("main h1").count() != 1:
            wrong.append(f"{name}: {page.locator('main h1').count()} headings without a script")
    context.close()
    return wrong


def main(chromium: str, link: str, axe_file: str, folder: str, *given: str) -> None:
    """Look at everything, and say what is wrong."""
    axe = Path(axe_file).read_text(encoding="utf-8")
    start = urljoin(link, "/")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
        )
        cookies = signed_in(browser, link)
        named = (one.partition("=") for one in given)
        pages = {name: urljoin(link, path) for name, _, path in named} or walk(browser, cookies, start)
        wrong = look(browser, cookies, pages, axe, Path(folder))
        wrong += without_script(browser, cookies, pages)
        outside = {"/sign-in": urljoin(link, "/sign-in")}
        wrong += look(browser, [], outside, axe, Path(folder))
        browser.close()
    print("\n".join([*pages, *outside]))
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main(*sys.argv[1:])
