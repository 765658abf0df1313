"""The key page in a frame of the provider's own site, and in one of a site that is not listed.

    portal_frame.py CHROMIUM AXE FOLDER SITE PORT LINK OTHER

SITE is by what the server is known, which is reached at PORT of this machine; LINK and OTHER are paths of links to
the page. Fails if it cannot be used in the first frame, or shows in the second. Leaves pictures in FOLDER.
"""

from __future__ import annotations

import sys
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

LISTED = "https://app.acme.example"
OTHER = "https://elsewhere.example"
# What the API says of its links.
ACCENT = "#0b6b5d"


def host(context: BrowserContext, origin: str, address: str) -> Page:
    """A page of another site that holds an address in a frame."""
    text = f'<!doctype html><title>App</title><h1>Settings</h1><iframe src="{address}" width=900 height=700></iframe>'
    context.route(f"{origin}/**", lambda route: route.fulfill(body=text, content_type="text/html"))
    page = context.new_page()
    page.goto(f"{origin}/settings")
    return page


def main(chromium: str, _axe: str, folder: str, site: str, port: str, link: str, other: str) -> None:
    """Look at both."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                # The server of a test is on this machine, and the site as good as in the world.
                "--disable-features=LocalNetworkAccessChecks",
                f"--host-resolver-rules=MAP {urlsplit(site).hostname}:443 127.0.0.1:{port}",
            ],
        )
        # Nobody vouches for the certificate of a test.
        context = browser.new_context(viewport={"width": 1000, "height": 900}, ignore_https_errors=True)
        page = host(context, LISTED, site + link)
        frame = page.frame_locator("iframe")
        expect(frame.locator("main h1")).to_have_text("Your keys")
        colour = page.frames[1].evaluate("getComputedStyle(document.documentElement).getPropertyValue('--accent')")
        assert colour == ACCENT, f"the brand's colour is let in by the page's policy: {colour}"
        frame.locator("summary", has_text="Make a key").click()
        frame.get_by_label("What it is for").fill("in a frame")
        frame.get_by_role("button", name="Make the key").click()
        expect(frame.locator("code.secret")).to_contain_text("acme_live_")
        frame.get_by_role("link", name="All keys").click()
        expect(frame.locator("a.key", has_text="in a frame")).to_have_count(1)
        page.screenshot(path=f"{folder}/frame.png")
        cookies = [one for one in context.cookies() if one["name"].startswith("__Host-keytender")]
        assert [one["sameSite"] for one in cookies] == ["None"], f"one cookie of the frame's own: {cookies}"
        # Whoever loads the site's page with the same link again is told so, in the frame.
        page.reload()
        expect(frame.locator("main h1")).to_have_text("Open this page again")
        # The frame's cookie is for this site's frames: in a window of its own nobody is in.
        alone = context.new_page()
        alone.goto(f"{site}/portal")
        expect(alone.locator("main h1")).to_have_text("Open this page from where your account is")
        # Another site shows nothing of it.
        strange = host(context, OTHER, site + other)
        strange.wait_for_load_state()
        shown = strange.frames[1]
        assert "Your keys" not in shown.content(), f"it shows in a frame of {OTHER}"
        strange.screenshot(path=f"{folder}/frame-refused.png")
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
