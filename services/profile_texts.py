"""Profiles as clients of the Vault-compatible API read policies: a text for each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from policy import GRANTS, Permission
from services import profiles, token_leases, vaults
from services.profiles import BUILT_IN, DEFAULT, Extent
from services.unit_of_work import UnitOfWork

_MEANING: Mapping[str, str] = {
    profiles.ROOT: "All that whoever makes the token may do with theirs.",
    DEFAULT: "Looking after the token itself: looking it up, renewing and revoking it.",
}


def names(uow: UnitOfWork) -> list[str]:
    """Return the names of all profiles, sorted."""
    return sorted([*BUILT_IN, *(profile.name for profile in profiles.every(uow))])


def text_of(uow: UnitOfWork, name: str) -> str | None:
    """Say what a profile allows; None: there is none of that name.

    Where it reaches is told to tokens that were made with it, and to those without narrowing of people who
    could read it on our pages: which vaults there are, and what credentials are called, is not for everybody.
    """
    if name in BUILT_IN:
        return json.dumps({"meaning": _MEANING[name]})
    found = next((profile for profile in profiles.every(uow) if profile.name == name), None)
    if found is None:
        return None
    extent = profiles.extent_of(uow, found)
    told = _places(uow, extent) if _may_know(uow, name) else {"vaults": "not told", "names": "not told"}
    return json.dumps({"scopes": sorted(extent.scopes), **told}, indent=2)


def _may_know(uow: UnitOfWork, name: str) -> bool:
    reads_pages = uow.actor.narrowing is None and uow.actor.role in GRANTS[Permission.TOKENS_READ].roles
    return reads_pages or name in token_leases.own(uow).profiles


def _places(uow: UnitOfWork, extent: Extent) -> dict[str, Any]:
    called = vaults.names(uow)
    places = sorted(called.get(vault, str(vault)) for vault in extent.limits.vaults or ())
    return {
        "vaults": places or "all of the owner's",
        "names": list(extent.limits.names) or "any",
    }
