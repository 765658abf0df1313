"""What a person does in the console: find a key, keep it for a while, disable it, take the report along.

    journey.py CHROMIUM LINK KEY FOLDER SCRIPT

LINK signs an administrator in, once; KEY is the id of an active key; SCRIPT is `on` or `off`. Leaves
pictures in FOLDER, and prints each click that it took from the key's page to the disabled key.
"""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import urljoin

from clicks import clicks_in, loads_of
from playwright.sync_api import Page, expect, sync_playwright

PASSWORD = "three geese and a lamp"


def sign_in(page: Page, link: str) -> None:
    """By the link; then by the password that was set."""
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_role("status")).to_contain_text("The password is set")
    page.goto(urljoin(link, "/"))
    visible_menu(page)
    page.get_by_role("button", name="Sign out").locator("visible=true").first.click()
    page.goto(urljoin(link, "/keys?due=true"))
    page.get_by_label("Name").fill("administrator")
    page.get_by_label("Password").fill("three geese and a lemon")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("do not belong together")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    # Where they were going.
    expect(page).to_have_url(urljoin(link, "/keys?due=true"))


def visible_menu(page: Page) -> None:
    """Open the menu where the window is narrow."""
    menu = page.locator("details.menu > summary")
    if menu.is_visible():
        menu.click()


def find(page: Page, link: str, key: str) -> None:
    """Search for a key, and open it."""
    page.goto(urljoin(link, "/keys"))
    search = page.get_by_role("searchbox")
    search.fill(key)
    search.press("Enter")
    rows = page.locator("main tbody tr")
    expect(rows).to_have_count(1)
    rows.first.locator("a.key").click()
    expect(page.locator("main")).to_contain_text(key)


def keep(page: Page) -> None:
    """Keep the key for some weeks, and take that back."""
    page.locator("summary", has_text="Keep it").click()
    page.get_by_label("Until").fill("2099-01-31")
    page.locator("#keep-because").fill("the nightly import moves in January")
    page.get_by_role("button", name="Keep it").click()
    expect(page.locator("main")).to_contain_text("the nightly import moves in January")
    page.get_by_role("button", name="Do not keep it any more").click()
    expect(page.locator("summary", has_text="Keep it")).to_be_visible()


def disable(page: Page) -> None:
    """Disable the key."""
    page.get_by_role("link", name="Disable…").click()
    expect(page.locator("main h1")).to_contain_text("Disable")
    page.get_by_label("Because").fill("nobody uses it any more")
    page.get_by_role("button", name="Disable it").click()
    expect(page.get_by_role("status")).to_contain_text("It is disabled")
    expect(page.get_by_role("link", name="Enable…")).to_be_visible()


def report(page: Page, link: str, key: str, folder: Path) -> None:
    """Take the credential report along."""
    page.goto(urljoin(link, "/reports"))
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    file = folder / "report.csv"
    download.value.save_as(file)
    assert key in file.read_text(encoding="utf-8"), "the report does not name the key"


def main(chromium: str, link: str, key: str, folder: str, script: str) -> None:
    """Walk the whole way."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
        )
        width = 1280 if script == "on" else 360
        context = browser.new_context(
            viewport={"width": width, "height": 800}, java_script_enabled=script == "on", accept_downloads=True
        )
        clicks = clicks_in(context) if script == "on" else []
        page = context.new_page()
        if script == "off":
            clicks = loads_of(page)
        sign_in(page, link)
        find(page, link, key)
        page.screenshot(path=f"{folder}/found-{script}.png", full_page=True)
        keep(page)
        before = len(clicks)
        disable(page)
        clicks = clicks[before:]
        page.screenshot(path=f"{folder}/disabled-{script}.png", full_page=True)
        report(page, link, key, Path(folder))
        browser.close()
    print("\n".join(clicks))


if __name__ == "__main__":
    main(*sys.argv[1:])
