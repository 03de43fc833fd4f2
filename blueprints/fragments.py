"""Pieces of pages that are made once and used again: the rows of lists, the navigation, long choices.

Most of what a page costs is writing the same rows that the last one wrote. A piece is a macro of
``templates/pieces/`` and what it is given, and nothing else goes into it: no request, no person, no token. So
the same question has the same answer for everybody, and who may ask it was settled before.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

FOLDER = "pieces"
KEPT = 4096
"""Pieces that a process keeps, some 1.5 KiB each; the longest unused is dropped first."""
LONG = frozenset({"folders", "option_groups", "options", "tag_options"})
"""Pieces that grow with the house, and of which an address can ask for another copy."""
LONG_KEPT = 64


def register(app: Flask) -> None:
    """Give templates the functions ``piece`` and ``icon``."""

    def make(name: str, *given: Hashable) -> Markup:
        template = app.jinja_env.get_template(f"{FOLDER}/{name}.html")
        macro = cast("Callable[..., Markup]", getattr(template.module, name))
        return macro(*given)

    small, long = lru_cache(KEPT)(make), lru_cache(LONG_KEPT)(make)

    def piece(name: str, *given: Hashable) -> Markup:
        """Return what the macro called *name*, in the file of that name, makes of what is *given*."""
        return (long if name in LONG else small)(name, *given)

    def icon(name: str, class_: str = "") -> Markup:
        """Return a drawing of static/icons.svg, hidden from screen readers."""
        return piece("icon", name.replace("_", "-"), class_)

    app.add_template_global(piece, "piece")
    app.add_template_global(icon, "icon")
