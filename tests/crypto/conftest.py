"""The small fixed world of the crypto tests: the known answers, and rooms built from chosen keys."""

from __future__ import annotations

from uuid import UUID

import pytest

from crypto.keyring import KeyRoom, MasterKeys, StoredKey
from tests.crypto.known import VECTORS


@pytest.fixture(scope="session")
def vectors():
    return VECTORS


@pytest.fixture(scope="session")
def instance(vectors):
    return UUID(vectors["instance"])


@pytest.fixture(scope="session")
def organization(vectors):
    return UUID(vectors["organization"])


@pytest.fixture(scope="session")
def masters(vectors):
    return MasterKeys.parse(vectors["root_key"])


@pytest.fixture(scope="session")
def build_room(instance, masters):
    """Build a room whose rows hold *keys*: (organization, purpose, version) to key, newest active."""

    def build(keys, *, at=instance, states=None):
        newest = {}
        for organization, purpose, version in keys:
            newest[organization, purpose] = max(version, newest.get((organization, purpose), 0))
        rows = []
        for (organization, purpose, version), key in keys.items():
            usual = "active" if newest[organization, purpose] == version else "decrypt-only"
            state = (states or {}).get((organization, purpose, version), usual)
            wrapped = masters.wrap(at, organization, purpose, version, key)
            rows.append(StoredKey(organization, purpose, version, state, masters.primary_id, wrapped))
        return KeyRoom(at, masters, rows, generation=1)

    return build
