"""Making credentials through their form, and reading their pages."""

from __future__ import annotations


def shown(page, field):
    """Return what stands where a value is shown."""
    return page.select_one(f'[data-field="{field}"]').get_text()


def facts(page):
    """Return what the card beside the values says."""
    return {
        term.get_text(): term.find_next("dd").get_text(" ", strip=True) for term in page.select(".facts dt")
    }


def reveal(somebody, field):
    """Return a value as the page's script gets it."""
    return somebody.json("reveal-" + field.replace(" ", "-"))["value"]


def make(somebody, production, type_="login", **values):
    """Keep a new credential and return its page."""
    somebody.open(f"{production}/items/new?type={type_}")
    return somebody.submit("item-form", **{"name": f"new {type_}", **values})
