"""One full house for all lines of the table: nothing that is tried in it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine

from app import create_app
from tests import world as worlds
from tests.matrix.house import House, furnish

CONTACT = "mailto:security@example.org"
METRICS = "x7Qn2Vb9LkZs4TfWc8YpJm3RdHg6AeUi1OoBtKvXwEz"

NOBODY_THERE = {
    "OIDC_PROVIDERS": "work",
    "OIDC_WORK_ISSUER": "http://127.0.0.1:1",
    "OIDC_WORK_CLIENT_ID": "chatelaine",
    "OIDC_WORK_CLIENT_SECRET": "not known to anybody",
}
"""A provider that never answers: whoever may begin with it is told so (503)."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Everybody and everything; the time stands still, so that nobody's session ends meanwhile."""
    path: Path = tmp_path_factory.mktemp("house") / "chatelaine.db"
    with time_machine.travel("2026-11-22T12:00:00Z", tick=False):
        world = worlds.build(path)
        app = create_app(
            worlds.settings_for(path, SECURITY_CONTACT=CONTACT, METRICS_TOKEN=METRICS, **NOBODY_THERE)
        )
        runtime = app.extensions["chatelaine"]
        yield furnish(app, runtime, world)
        runtime.close()
