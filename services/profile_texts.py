"""Profiles as clients of the Vault-compatible API read policies: a text for each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from services import profiles, vaults
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
    """Say what a profile allows; None: there is none of that name."""
    if name in BUILT_IN:
        return json.dumps({"meaning": _MEANING[name]})
    found = next((profile for profile in profiles.every(uow) if profile.name == name), None)
    return None if found is None else json.dumps(_told(uow, profiles.extent_of(uow, found)), indent=2)


def _told(uow: UnitOfWork, extent: Extent) -> dict[str, Any]:
    called = vaults.names(uow)
    places = sorted(called.get(vault, str(vault)) for vault in extent.limits.vaults or ())
    return {
        "scopes": sorted(extent.scopes),
        "vaults": places or "all of the owner's",
        "names": list(extent.limits.names) or "any",
    }
