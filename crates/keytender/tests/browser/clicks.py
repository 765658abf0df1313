"""Counts what a person clicks: the pages themselves tell of each click, whoever wrote them."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, Page, Request

LISTENER = """addEventListener('click', event => {
  if (event.isTrusted) toldOfClick(`${event.target.textContent.trim()} at ${location.pathname}`);
}, true)"""


def clicks_in(context: BrowserContext) -> list[str]:
    """The clicks in all pages that the browser opens from now on; the list grows."""
    clicks: list[str] = []
    context.expose_binding("toldOfClick", lambda _source, what: clicks.append(what))
    context.add_init_script(LISTENER)
    return clicks


def loads_of(page: Page) -> list[str]:
    """What the page loads from now on, where no script can tell of clicks: a click loads another page."""
    loads: list[str] = []

    def note(request: Request) -> None:
        if request.is_navigation_request() and request.redirected_from is None:
            loads.append(f"{request.method} {request.url}")

    page.on("request", note)
    return loads
