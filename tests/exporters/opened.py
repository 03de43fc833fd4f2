"""Opening an encrypted export as its stand-alone script does, in this process."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).parents[2] / "tools" / "open_export.py"
PASSPHRASE = "copper lantern drifts over Uppsala"


def opened(data: bytes, passphrase: str = PASSPHRASE) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the first line of an export, and its credentials."""
    spec = importlib.util.spec_from_file_location("open_export", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    head, *lines = map(json.loads, module.open_export(data, passphrase).splitlines())
    return head, lines
