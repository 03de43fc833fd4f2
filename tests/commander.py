"""Whoever looks after the installation: commands on the world, in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import cli
from errors import ChatelaineError
from tests.world import FLASK_KEY, MASTER_KEY


def at(database: Path, monkeypatch: pytest.MonkeyPatch, **settings: str) -> Callable[..., tuple[str, str]]:
    """Return what runs a command on *database*; it returns what was written to standard output and error."""
    usual = {
        "APP_ENV": "local",
        "FLASK_SECRET_KEY": FLASK_KEY,
        "ENCRYPTION_KEYS": MASTER_KEY,
        "DATABASE_URL": f"sqlite:///{database}",
    }
    for name, value in (usual | settings).items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str, status: int = 0, typed: str | None = None) -> tuple[str, str]:
        result = CliRunner().invoke(cli, arguments, input=typed)
        if isinstance(result.exception, ChatelaineError):
            raise result.exception
        assert result.exit_code == status, result.output
        return result.stdout, result.stderr

    return run
