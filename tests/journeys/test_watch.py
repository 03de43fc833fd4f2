"""The eye on the browser sees what it is there to see: all other tests of this folder lean on it."""

from __future__ import annotations

import pytest

from tests.journeys import axe, looks

pytestmark = pytest.mark.browser

QUESTIONS = 5000


@pytest.fixture
def window(visit):
    """A window on a page whose troubles are made on purpose, and forgotten in the end."""
    window = visit()
    window.open("/sign-in")
    yield window
    window.problems.clear()


@pytest.mark.parametrize(
    ("act", "trouble"),
    [
        ("document.body.setAttribute('style', 'color: red')", "style-src-attr: inline"),
        ("try { document.body.innerHTML = '<b>x</b>' } catch {}", "require-trusted-types-for"),
        ("fetch('https://nowhere.invalid/').catch(() => {})", "connect-src: https://nowhere.invalid/"),
        ("fetch('/nowhere')", "404"),
        ("console.error('oh')", "console error: oh"),
        ("setTimeout(() => { throw new Error('late') })", "late"),
        ("location.href = 'https://nowhere.invalid/'", "request to nowhere.invalid"),
    ],
)
def test_trouble_is_seen(window, act, trouble):
    window.page.evaluate(f"() => {{ {act} }}")
    for _ in range(QUESTIONS):
        if any(trouble in problem for problem in window.problems):
            return
        # With each answer of the browser comes what it had to say before.
        window.context.cookies()
    raise AssertionError(window.problems)


def test_axe_and_the_looks_find_faults(window):
    page = window.page
    assert axe.violations(page) == []
    page.evaluate("() => { document.querySelector('label').remove(); }")
    assert any("label" in fault for fault in axe.violations(page))
    page.evaluate("() => { document.querySelector('main').style.width = '900px'; }")
    assert any("px wide" in fault for fault in looks.narrow_and_dark(page))
