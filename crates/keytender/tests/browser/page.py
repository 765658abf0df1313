"""Open a page in Chromium, wide and narrow, light and dark, and on paper.

    page.py CHROMIUM PAGE FOLDER

Fails if the page asks for anything but itself, logs an error, is wider than the window, or has
text that cannot be told from its background. Leaves a picture of each in FOLDER.
"""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

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


def main(chromium: str, page_file: str, folder: str) -> None:
    address = Path(page_file).resolve().as_uri()
    wrong: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
        )
        for name, width in WIDTHS.items():
            for scheme in SCHEMES:
                context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
                page = context.new_page()
                asked: list[str] = []
                page.on("request", lambda request: asked.append(request.url))
                page.on("console", lambda message: wrong.append(f"{name} {scheme}: console: {message.text}"))
                page.goto(address)
                wrong += [f"{name} {scheme}: asked for {url}" for url in asked if url != address]
                overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                if overflow > 0:
                    wrong.append(f"{name} {scheme}: {overflow} pixels wider than the window")
                wrong += [f"{name} {scheme}: contrast of {poor}" for poor in page.evaluate(CONTRASTS)]
                page.screenshot(path=f"{folder}/{name}-{scheme}.png", full_page=True)
                if name == "wide" and scheme == "light":
                    page.pdf(path=f"{folder}/paper.pdf", format="A4")
                context.close()
        browser.close()
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main(*sys.argv[1:])
