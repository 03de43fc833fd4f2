"""Commands on the world, as the operator runs them."""

from __future__ import annotations

import pytest

from tests import commander


@pytest.fixture
def run(database, monkeypatch):
    """Run a command on the world; return what it wrote, to standard output and to standard error."""
    return commander.at(database, monkeypatch)
