"""What holds for every template, script and drawing, whoever wrote it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import meta, nodes

ROOT = Path(__file__).parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS = sorted((ROOT / "static").glob("*.js"))
SPRITE = (ROOT / "static" / "icons.svg").read_text()
DRAWN = set(re.findall(r'<symbol id="([^"]+)"', SPRITE))

PIECES = sorted((ROOT / "templates" / "pieces").glob("*.html"))
ALWAYS_THE_SAME = {"asset", "icon"}
"""Functions of templates that answer everybody alike."""

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


def parse_with_imports(environment, name):
    """Return the template called *name*, parsed, and those that it takes macros from."""
    parsed = environment.parse(environment.loader.get_source(environment, name)[0])
    others = meta.find_referenced_templates(parsed)
    return [parsed, *(part for other in others for part in parse_with_imports(environment, other))]


@pytest.mark.parametrize("path", PIECES, ids=name_of)
def test_a_piece_that_is_kept_is_made_of_what_it_is_given_and_nothing_else(path, app):
    """A token, a person or a time in it would be shown to whoever asks next."""
    environment = app.jinja_env
    piece, *imported = parse_with_imports(environment, f"pieces/{path.name}")

    for parsed in (piece, *imported):
        assert meta.find_undeclared_variables(parsed) <= ALWAYS_THE_SAME
    assert "ago" not in {node.name for node in piece.find_all(nodes.Filter)}
    assert "when" not in {name for node in piece.find_all(nodes.FromImport) for name in node.names}


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
