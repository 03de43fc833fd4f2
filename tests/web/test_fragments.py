"""Pieces of pages: made once, kept within bounds."""

from __future__ import annotations

from collections import Counter

import pytest
from flask import Flask

from blueprints import fragments


@pytest.fixture
def made(monkeypatch):
    """Count what is made; every piece says its own arguments."""
    counted = Counter()

    class Template:
        def __init__(self, name):
            self.module = self
            self._name = name

        def __getattr__(self, name):
            return lambda *given: counted.update([(name, *given)]) or name

    app = Flask("pieces")
    monkeypatch.setattr(app.jinja_env, "get_template", Template)
    fragments.register(app)
    return app.jinja_env.globals["piece"], counted


def test_the_same_piece_is_made_once(made):
    piece, counted = made
    for _ in range(3):
        piece("item_row", "a")
        piece("options", "a")
    assert set(counted.values()) == {1}


def test_an_address_cannot_fill_the_memory_with_copies_of_a_long_list(made):
    """Each made-up choice is a copy more of the whole list: the last few are kept, and push out no row."""
    piece, counted = made
    piece("item_row", "a")
    for number in range(fragments.LONG_KEPT + 1):
        piece("options", number)
    piece("options", 0)
    piece("item_row", "a")
    assert counted["options", 0] == 2
    assert counted["item_row", "a"] == 1
