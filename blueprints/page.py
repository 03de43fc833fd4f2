"""What every page shows around its own content: who, where, the navigation."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from flask import Flask, current_app, g, request

from blueprints.requests import SignedIn
from blueprints.verdicts import may
from extensions import login_manager
from policy import Permission, Verdict
from services import actors
from services.actors import Place
from services.unit_of_work import UnitOfWork

THEMES = frozenset({"auto", "light", "dark"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the navigation; ``endpoint`` names the blueprint's first page."""

    label: str
    path: str
    icon: str
    permission: Permission
    section: str = ""


NAVIGATION = (
    Entry("Overview", "", "overview", Permission.ORGANIZATION_READ),
    Entry("Vaults", "vaults", "vaults", Permission.ORGANIZATION_READ),
    Entry("Requests", "requests", "list-check", Permission.REQUEST_SEE),
    Entry("Audit", "audit", "audit", Permission.AUDIT_READ),
    Entry("People", "people", "people", Permission.PEOPLE_READ, "Administration"),
    Entry("Tokens", "tokens", "tokens", Permission.TOKENS_OWN, "Administration"),
    Entry("Lockouts", "lockouts", "lockouts", Permission.LOCKOUTS_MANAGE, "Administration"),
    Entry("Settings", "settings", "settings", Permission.SETTINGS_READ, "Administration"),
)

BELONGS = MappingProxyType(
    {
        "items": "vaults",
        "imports": "vaults",
        "export": "vaults",
        "search": "vaults",
        "trash": "vaults",
        "generator": "vaults",
        "groups": "people",
    }
)
"""Beginnings of addresses that stand under another line of the navigation."""


@dataclass(frozen=True, slots=True)
class Link:
    """A line of the navigation as one person sees it."""

    label: str
    href: str
    icon: str
    section: str
    current: bool
    count: int | None = None


def register(app: Flask) -> None:
    """Give every template what base.html needs, and Flask-Login the person whom the guard has found."""
    app.context_processor(_around)
    login_manager.request_loader(lambda _request: SignedIn(g.person) if "person" in g else None)
    # Sessions are rows of ours: nothing of Flask-Login's own cookie handling is wanted.
    login_manager.session_protection = None


def _around() -> dict[str, Any]:
    place = g.get("place")
    return {
        "theme": current_theme(),
        "person": g.get("person"),
        "organization": place,
        "reachable": _reachable,
        "nav": _navigation(g.uow, place.slug) if place and "uow" in g else (),
        "search_query": request.args.get("q", "") if request.endpoint == "search.show" else "",
        "environment_note": current_app.config.get("ENVIRONMENT_NOTE"),
    }


def _reachable() -> tuple[Place, ...]:
    """Return the organizations that the person may go to; none where there is nothing to choose."""
    person = g.get("person")
    if person is None or "uow" not in g:
        return ()
    held = actors.organizations_of(g.uow, person.user_id)
    return tuple(held) if len(held) > 1 or person.operator else ()


def current_theme() -> str:
    """Return the colors that this browser was told to use; ``auto``: those of the device."""
    theme = request.cookies.get("theme", "auto")
    return theme if theme in THEMES else "auto"


def _navigation(uow: UnitOfWork, slug: str) -> tuple[Link, ...]:
    first = request.path.removeprefix(f"/o/{slug}/").partition("/")[0]
    here = BELONGS.get(first, first)
    return tuple(
        Link(entry.label, f"/o/{slug}/{entry.path}", entry.icon, entry.section, here == entry.path)
        for entry in NAVIGATION
        if may(uow, entry.permission) in {Verdict.ALLOW, Verdict.CONFIRM}
    )
