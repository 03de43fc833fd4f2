"""A pytest plugin that lets hvac's own integration tests run, unmodified, against a server that is there.

They start a ``vault`` process for each class. This puts a server in its place that is given by two variables:
``FOREIGN_ADDR``, its address, and ``FOREIGN_TOKEN``, the text of a token that may do everything.
"""

from __future__ import annotations

import os

import pytest

from tests import utils
from tests.utils.server_manager import ServerManager

VERSION = "1.15.0"
"""What the tests take the server for: the last of that name under a free licence was 1.14."""


def pytest_configure(config: pytest.Config) -> None:
    """Take the place of the process before any test module is read: they ask for its version then."""
    del config
    utils.get_vault_version_string.cache = VERSION
    ServerManager.start = _start
    ServerManager.initialize = _nothing
    ServerManager.unseal = _nothing
    ServerManager.stop = _nothing
    ServerManager.get_active_vault_addresses = _addresses


def _start(self: ServerManager) -> None:
    self.root_token = os.environ["FOREIGN_TOKEN"]
    self.client = utils.create_client(url=os.environ["FOREIGN_ADDR"])
    self.client.token = self.root_token


def _nothing(self: ServerManager) -> None:
    """Do nothing: the server is always initialized, never sealed, and ends by itself."""


def _addresses(self: ServerManager) -> list[str]:
    del self
    return [os.environ["FOREIGN_ADDR"]]
