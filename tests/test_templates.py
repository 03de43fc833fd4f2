"""What holds for every template, script and drawing, whoever wrote it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS = sorted((ROOT / "static").glob("*.js"))
SPRITE = (ROOT / "static" / "icons.svg").read_text()
DRAWN = set(re.findall(r'<symbol id="([^"]+)"', SPRITE))

MARKUP_SINKS = (
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|setHTML|DOMParser|srcdoc"
)

FIRST_PAGE_BYTES = 60 * 1024


def without_comments(text: str) -> str:
    return re.sub(r"\{#.*?#\}", "", text, flags=re.DOTALL)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_a_template_leaves_escaping_on_and_breaks_no_content_policy(path):
    text = without_comments(path.read_text())
    assert not re.search(r"\|\s*safe\b|\bautoescape\b|\bMarkup\b", text)
    assert not re.search(r"<[^>]*\sstyle\s*=", text)
    assert not re.search(r"<[^>]*\son[a-z]+\s*=", text)
    assert not re.search(r"<style\b|javascript:", text)
    for script in re.findall(r"<script\b[^>]*>", text):
        assert "src=" in script
        assert 'nonce="{{ csp_nonce() }}"' in script


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_a_form_that_posts_carries_a_csrf_token(path):
    for form in re.findall(
        r'<form\b[^>]*method="post".*?</form>', without_comments(path.read_text()), re.DOTALL
    ):
        assert "csrf()" in form


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_every_icon_that_a_template_names_is_drawn(path):
    text = without_comments(path.read_text())
    named = set(re.findall(r'\bicon\("([^"]+)"', text)) | set(re.findall(r'\bicon(?:_name)?="([^"]+)"', text))
    assert named <= DRAWN


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_a_script_writes_text_and_never_markup(path):
    text = path.read_text()
    assert text.startswith('"use strict";')
    assert not re.search(MARKUP_SINKS, text)


def test_the_licence_of_the_drawings_is_kept():
    assert "MIT License" in (ROOT / "static" / "icons.LICENSE").read_text()


def test_all_that_the_sign_in_page_loads_is_small():
    loaded = ("app.css", "app.js", "icons.svg", "favicon.svg")
    page = 4 * 1024
    assert sum((ROOT / "static" / name).stat().st_size for name in loaded) + page <= FIRST_PAGE_BYTES
