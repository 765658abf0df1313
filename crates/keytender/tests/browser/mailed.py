"""What an owner does who gets a mail about a key: follow its link on a phone, and disable the key.

    mailed.py CHROMIUM MAIL SITE PORT FOLDER

MAIL is the mail's page in a file; its links lead to SITE, a name that is reached at PORT of this machine.
Leaves pictures in FOLDER, and prints each click that it took, the one in the mail included.
"""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import urlsplit

from clicks import clicks_in
from playwright.sync_api import expect, sync_playwright


def main(chromium: str, mail: str, site: str, port: str, folder: str) -> None:
    """From the mail to the disabled key."""
    with sync_playwright() as playwright:
        name = urlsplit(site).hostname
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                f"--host-resolver-rules=MAP {name}:443 127.0.0.1:{port}",
            ],
        )
        # Nobody vouches for the certificate of a test.
        context = browser.new_context(viewport={"width": 360, "height": 800}, ignore_https_errors=True)
        clicks = clicks_in(context)
        page = context.new_page()
        page.goto(Path(mail).resolve().as_uri())
        page.locator(f'a[href^="{site}/mail/"]').first.click()
        expect(page.locator("main h1")).to_have_text("Your keys")
        page.screenshot(path=f"{folder}/mailed-asked.png")
        page.get_by_role("button", name="Open the keys").click()
        page.wait_for_url(f"{site}/keys/key_*")
        page.screenshot(path=f"{folder}/mailed-key.png")
        page.get_by_role("link", name="Disable…").click()
        page.wait_for_url("**/acts/disable")
        page.screenshot(path=f"{folder}/mailed-disable.png", full_page=True)
        page.get_by_role("button", name="Disable it").click()
        expect(page.get_by_role("status")).to_contain_text("It is disabled")
        page.screenshot(path=f"{folder}/mailed-disabled.png", full_page=True)
        browser.close()
    print("\n".join(clicks))


if __name__ == "__main__":
    main(*sys.argv[1:])
