"""What a stranger sees on a phone: which key matters most, why, and when it was last used.

    riskiest.py CHROMIUM LINK FOLDER

LINK signs somebody in, once. Fails unless the overview shows the name of the most serious key, why it is there
and its last use on the first screen, without a move of the page, and the page of that key, a click away, shows
name and last use on its first screen too. Leaves pictures in FOLDER, and prints the name and the last use.
"""

from __future__ import annotations

import sys
from urllib.parse import urljoin

from clicks import clicks_in
from playwright.sync_api import Locator, Page, expect, sync_playwright

WIDTH, HEIGHT = 360, 800
SEVERITIES = ("low", "medium", "high", "critical")


def seen(page: Page, what: str, part: Locator) -> str:
    """The text of a part of the page, if nobody has to move the page to read it."""
    box = part.bounding_box()
    assert box is not None, f"{what} is not shown"
    right, bottom = box["x"] + box["width"], box["y"] + box["height"]
    assert box["x"] >= 0 and right <= WIDTH, f"{what} is beside the window: {box}"
    assert bottom <= HEIGHT, f"{what} is below the window: {box}"
    assert page.evaluate("scrollX + scrollY") == 0, "the page was moved"
    text = part.inner_text().strip()
    assert text, f"{what} is empty"
    return text


def most_serious(page: Page, link: str) -> tuple[str, str]:
    """The path of the first of the keys that are due, and its severity: none has a worse one."""
    keys = page.context.request.get(urljoin(link, "/keys.json?due=true")).json()["keys"]
    first = keys[0]["severity"]
    assert first == max((key["severity"] for key in keys), key=SEVERITIES.index), first
    return f"/keys/{keys[0]['key']}", first


def main(chromium: str, link: str, folder: str) -> None:
    """From the overview to the key."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
        )
        context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
        clicks = clicks_in(context)
        page = context.new_page()
        page.goto(link)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/me*")
        before = len(clicks)
        page.goto(urljoin(link, "/"))
        page.screenshot(path=f"{folder}/riskiest-overview.png")
        first = page.locator("main table.cards tbody tr").first
        name = seen(page, "the key's name", first.locator("a.key"))
        used = seen(page, "its last use", first.locator("td[data-label='Last used']"))
        seen(page, "why it is there", first.locator("td[data-label='Why']"))
        severity = seen(page, "how serious it is", first.locator(".severity"))
        path = first.locator("a.key").get_attribute("href")
        assert (path, severity) == most_serious(page, link), f"{name} is not the most serious key"
        first.locator("a.key").click()
        expect(page.locator("main h1")).to_have_text(name)
        page.screenshot(path=f"{folder}/riskiest-key.png")
        seen(page, "the name on its page", page.locator("main h1"))
        seen(page, "the last use on its page", page.locator("main p", has_text="Last used:"))
        assert len(clicks) - before == 1, clicks
        browser.close()
    print(name)
    print(*used.split())


if __name__ == "__main__":
    main(*sys.argv[1:])
