#!/usr/bin/env python3
"""Take the pictures in docs/screenshots from the demo, in Debian's Chromium.

Usage: .venv/bin/python tools/take_screenshots.py [PORT]

Everything on them is made up, and different each time. Needs requirements-dev.txt and Chromium.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "screenshots"
SCREEN = ViewportSize(width=1360, height=900)
ITEM = "servers/cloud console"
PHONE = ViewportSize(width=390, height=844)
BYTES_MAX = 250 * 1024
Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
PROMPT = re.compile(r"(http://\S+)/sign-in[\s\S]*?owner\s+(chl_signin_\S+)[\s\S]*End it")


def main() -> None:
    """Take every picture in both themes."""
    port = sys.argv[1] if len(sys.argv) > 1 else "8000"
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("Chromium is not installed.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with demo(port) as (address, token), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for theme in THEMES:
            take_all(browser, address, token, theme)
        browser.close()
    for picture in sorted(FOLDER.glob("*.png")):
        size = picture.stat().st_size
        verdict = "too large" if size > BYTES_MAX else "fine"
        sys.stdout.write(f"{picture.relative_to(ROOT)}: {size // 1024} KiB, {verdict}\n")


@contextmanager
def demo(port: str) -> Iterator[tuple[str, str]]:
    """Run the demo; give its address and its owner's token."""
    command = [sys.executable, str(ROOT / "cli.py"), "demo", "--port", port]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own program
        try:
            said = ""
            while (found := PROMPT.search(said)) is None:
                line = process.stdout.readline() if process.stdout else ""
                if not line:
                    sys.exit("The demo has not started.")
                said += line
            yield found[1], found[2]
        finally:
            process.send_signal(signal.SIGINT)


def take_all(browser: Browser, address: str, token: str, theme: Theme) -> None:
    """Take the pictures in one theme."""
    context = browser.new_context(
        base_url=address, viewport=SCREEN, color_scheme=theme, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto("/sign-in")
    take(page, f"sign-in-{theme}")
    page.get_by_label("Access token").fill(token)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    take(page, f"overview-{theme}", whole=True)
    for name in ("Audit", "People", "Tokens", "Vaults"):
        page.locator("nav#side").get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(name)
        if name != "Vaults":
            take(page, f"{name.lower()}-{theme}")
    page.get_by_role("main").get_by_role("link", name="Production", exact=True).click()
    take(page, f"vault-{theme}")
    page.get_by_role("link", name=ITEM, exact=True).first.click()
    for field in ("Password", "TOTP"):
        page.get_by_role("button", name=f"Reveal {field}", exact=True).click()
        expect(page.locator(f'[data-field="{field.lower()}"]')).not_to_contain_text("•")
    take(page, f"item-{theme}")
    page.set_viewport_size(PHONE)
    take(page, f"mobile-{theme}")
    context.close()


def take(page: Page, name: str, *, whole: bool = False) -> None:
    """Take one picture, without the pointer and without a focus; *whole*: also what lies below the screen."""
    page.mouse.move(0, 0)
    page.evaluate("() => document.activeElement?.blur()")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=FOLDER / f"{name}.png", animations="disabled", full_page=whole)


if __name__ == "__main__":
    main()
