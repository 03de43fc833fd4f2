"""The known answers that any implementation of the formats must give."""

from __future__ import annotations

import json
from pathlib import Path

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "envelope.json").read_text("utf-8"))
