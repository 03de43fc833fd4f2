"""On PostgreSQL the table of keys is written anew, which only its owner may do."""

from __future__ import annotations

import pytest

from services import shredding
from services.database import NoLock
from tests import servers
from tests import world as worlds

pytestmark = pytest.mark.postgresql


@pytest.mark.parametrize(("role", "clean"), [(servers.OWNER, True), (servers.APPLICATION, False)])
def test_only_the_owner_leaves_no_trace(database, role, clean):
    engine = worlds.open_engine(database, role)
    assert shredding.scrub(engine, NoLock()) is clean
    engine.dispose()
