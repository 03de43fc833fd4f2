"""How a page looks: whether everybody can use it, wide and narrow, light and dark."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.journeys import axe

NARROW = {"width": 320, "height": 640}
WIDE = {"width": 1360, "height": 900}
STICKS_OUT = """
() => {
  const page = document.documentElement;
  if (page.scrollWidth <= page.clientWidth) return null;
  const wide = [...document.body.querySelectorAll("*")].filter((part) =>
    part.getBoundingClientRect().right > page.clientWidth + 1 && !part.closest(".tw, .seg, .vh"));
  const culprits = wide.slice(0, 3).map((part) => part.outerHTML.slice(0, 120));
  return `${page.scrollWidth} px wide: ${culprits.join(" | ")}`;
}
"""


def wide_and_light(page: Page) -> list[str]:
    """Return what is wrong with the page on a large screen by day."""
    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="light")
    return [f"wide and light: {fault}" for fault in _faults(page)]


def narrow_and_dark(page: Page) -> list[str]:
    """Return what is wrong with the page on a telephone by night."""
    page.set_viewport_size(NARROW)
    page.emulate_media(color_scheme="dark")
    return [f"narrow and dark: {fault}" for fault in _faults(page)]


def assert_everybody_can_use(page: Page) -> None:
    """Look at the page as it stands, with what is open on it, in both ways; leave it wide and light."""
    faults = narrow_and_dark(page) + wide_and_light(page)
    assert not faults, "\n".join([page.url, *faults])


def _faults(page: Page) -> list[str]:
    headings = page.locator("h1").count()
    found = [*axe.violations(page), page.evaluate(STICKS_OUT)]
    if headings != 1:
        found.append(f"{headings} main headings")
    return [fault for fault in found if fault]
