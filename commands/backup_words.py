"""What commands say about a restore."""

from __future__ import annotations

from datetime import UTC, datetime

from commands.opening import written
from services.backup_restore import Restored


def told(restored: Restored) -> str:
    """Say what was restored, what of it counts no more, and what may be lost."""
    made_at = restored.manifest.made_at
    lines = [f"Restored from {restored.manifest.name}, made {written(made_at)}, {_age(made_at)} ago."]
    lines += [f"Passed over: {words}." for words in restored.passed_over]
    if restored.complete:
        lines.append("It was made as the server ended, so nothing is lost.")
    else:
        lines += [
            "What was changed after that is lost. The audit log goes on from there; checkpoints elsewhere",
            "may know of later events. Open links, unused recovery codes and sessions are void.",
        ]
    if restored.kept is not None:
        lines.append(f"The database that was there is kept at {restored.kept}.")
    return "\n".join(lines)


def _age(made_at: datetime) -> str:
    seconds = max(0, int((datetime.now(UTC) - made_at).total_seconds()))
    for unit, name in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds // unit} {name}"
    return f"{seconds} seconds"
