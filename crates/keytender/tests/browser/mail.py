"""Open mails in Chromium as a mail program shows them, on a screen and on a phone, light and dark.

    mail.py CHROMIUM FOLDER NAME…

For each NAME, FOLDER holds `NAME.html` and `NAME.txt`, the two parts of a mail. Beside what page.py
asks of every page, each word of one part stands in the other, every page that the text names is a
link, and a link leads to where it says. Leaves a picture of each in FOLDER.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from page import look
from playwright.sync_api import Page

WIDTHS = {"screen": 1000, "phone": 360}
WORD = re.compile(r"\w[\w./:@#%=?&+~$…-]*\w|\w")
# "1." before a step is a list's own mark in HTML.
NUMBER = re.compile(r"^\d{1,2}$")


def words(text: str) -> set[str]:
    """The words of a text, whatever stands between them."""
    return {word for word in WORD.findall(text) if not NUMBER.match(word)}


def check(page: Page, file: Path) -> list[str]:
    """What the two parts do not both say."""
    text = file.with_suffix(".txt").read_text(encoding="utf-8")
    seen = page.inner_text("body")
    wrong = [f"only in the text: {word}" for word in sorted(words(text) - words(seen))]
    wrong += [f"only in the page: {word}" for word in sorted(words(seen) - words(text))]
    links = page.eval_on_selector_all("a", "all => all.map(a => [a.getAttribute('href'), a.innerText])")
    targets = {target for target, _ in links}
    wrong += [f"no link: {target}" for target in re.findall(r"https://\S+", text) if target not in targets]
    wrong += [f"{shown} leads to {target}" for target, shown in links if "://" in shown and target != shown]
    return wrong


def main(chromium: str, folder: str, *names: str) -> None:
    """Each mail in each width and scheme."""
    files = [Path(folder) / f"{name}.html" for name in names]
    if wrong := look(chromium, files, Path(folder), WIDTHS, check):
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main(*sys.argv[1:])
