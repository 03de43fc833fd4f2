"""Going through everything that somebody can reach by links, and noting where ids can stand."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from urllib.parse import parse_qsl, urljoin, urlsplit

from bs4 import BeautifulSoup

from tests.browser import Browser

UUID_TEXT = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
LINK = re.compile(r'<a\b[^>]*\shref="([^"]*)"')
ALIKE_MAX = 6
"""Pages that differ in ids and values only: of these so many are opened."""


@dataclass(frozen=True)
class Seen:
    """An answer that somebody got."""

    path: str
    status: int
    text: str


def crawl(browser: Browser, *starts: str) -> Iterator[Seen]:
    """Open what links lead to from *starts* and lies beneath one of them; of what is alike ``ALIKE_MAX``."""
    waiting, known, alike = list(starts), set(starts), Counter()
    while waiting:
        path = waiting.pop(0)
        answer = browser._send("GET", path)
        text = answer.get_data(as_text=True)
        yield Seen(path, answer.status_code, f"{answer.headers}\n{text}")
        for link in links_on(text, path):
            if link not in known and link.startswith(starts):
                known.add(link)
                kind = re.sub(r"=[^&]*|[0-9]+", "", UUID_TEXT.sub("", link))
                alike[kind] += 1
                if alike[kind] <= ALIKE_MAX:
                    waiting.append(link)


def links_on(text: str, path: str) -> list[str]:
    """Return the local addresses that a page links to."""
    found = []
    for href in LINK.findall(text):
        parts = urlsplit(urljoin(path, unescape(href)))
        if not parts.netloc:
            found.append(parts._replace(fragment="").geturl())
    return found


@dataclass(frozen=True)
class Place:
    """Where an id can stand besides the path: in the query or in a form of an address."""

    method: str
    path: str
    name: str
    others: tuple[tuple[str, str], ...]


def places_on(seen: Seen) -> Iterator[Place]:
    """Return the places for ids of one page: in its links, in its forms, in its own address."""
    page = BeautifulSoup(seen.text, "html.parser")
    for link in [seen.path, *links_on(seen.text, seen.path)]:
        parts = urlsplit(link)
        given = parse_qsl(parts.query)
        for name, value in given:
            if UUID_TEXT.fullmatch(value):
                yield Place("GET", parts.path, name, tuple(pair for pair in given if pair[0] != name))
    for form in page.select("form"):
        fields = [(str(f["name"]), f) for f in form.select("[name]")]
        values = tuple((name, _value(f)) for name, f in fields)
        for name, f in fields:
            offered = [str(option.get("value", "")) for option in f.select("option")] or [_value(f)]
            if any(UUID_TEXT.fullmatch(value) for value in offered):
                method = str(form.get("method", "get")).upper()
                path = urlsplit(str(form.get("action") or seen.path)).path
                rest = tuple(pair for pair in values if pair[0] not in {name, "csrf_token"})
                yield Place(method, path, name, rest)


def _value(field: object) -> str:
    chosen = field.select("option[selected]") or field.select("option")[:1]  # type: ignore[attr-defined]
    if chosen:
        return str(chosen[0].get("value", ""))
    return str(field.get("value", ""))  # type: ignore[attr-defined]
