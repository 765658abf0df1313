"""Open a page in Chromium, wide and narrow, light and dark, and on paper.

    page.py CHROMIUM PAGE FOLDER

Fails if the page asks for anything but itself, logs an error, is wider than the window, or has
text that cannot be told from its background. Leaves a picture of each in FOLDER.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

WIDTHS = {"wide": 1280, "narrow": 360}
SCHEMES = ("light", "dark")
# The contrast that WCAG 2.2 asks for, level AA.
LEAST_CONTRAST = 4.5

CONTRASTS = """() => {
  const channel = value => { value /= 255; return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4 };
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const behind = element => {
    for (; element; element = element.parentElement) {
      const colour = parse(getComputedStyle(element).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!own || !element.getClientRects().length) continue;
    const [one, two] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
    const contrast = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    if (contrast < %s) poor.push(`${element.textContent.trim().slice(0, 40)}: ${contrast.toFixed(2)}`);
  }
  return poor;
}""" % LEAST_CONTRAST


def look(
    chromium: str,
    files: list[Path],
    folder: Path,
    widths: dict[str, int],
    check: Callable[[Page, Path], list[str]],
) -> list[str]:
    """What is wrong with the pages in these files, in each width and scheme."""
    wrong: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
        )
        for file in files:
            for name, width in widths.items():
                for scheme in SCHEMES:
                    where = f"{file.stem}, {name}, {scheme}"
                    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
                    page = context.new_page()
                    said: list[str] = []
                    page.on("console", lambda message, said=said: said.append(f"console: {message.text}"))
                    page.on("request", lambda request, said=said: said.append(f"asked for {request.url}"))
                    address = file.resolve().as_uri()
                    page.goto(address)
                    said.remove(f"asked for {address}")
                    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                    if overflow > 0:
                        said.append(f"{overflow} pixels wider than the window")
                    said += [f"contrast of {poor}" for poor in page.evaluate(CONTRASTS)]
                    said += check(page, file)
                    page.screenshot(path=f"{folder}/{file.stem}-{name}-{scheme}.png", full_page=True)
                    if name == "wide" and scheme == "light":
                        page.pdf(path=f"{folder}/{file.stem}.pdf", format="A4")
                    context.close()
                    wrong += [f"{where}: {what}" for what in said]
        browser.close()
    return wrong


def main(chromium: str, page_file: str, folder: str) -> None:
    """Nothing but what every page must hold."""
    if wrong := look(chromium, [Path(page_file)], Path(folder), WIDTHS, lambda _page, _file: []):
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main(*sys.argv[1:])
