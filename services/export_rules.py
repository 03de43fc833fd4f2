"""What an export must be before anything is opened for it: its format, its passphrase, its reason."""

from __future__ import annotations

import unicodedata

from errors import Invalid
from exporters.formats import FORMATS, Format
from models import Action, Organization
from services import audit
from services.content_rules import check_line
from services.events import Target
from services.strength import strength_of
from services.unit_of_work import UnitOfWork

PASSPHRASE_MIN = 15
PASSPHRASE_MAX = 256
STRENGTH_MIN = 3
"""Of 4: a file can be tried at as long as somebody likes."""
REASON_MAX = 200
SETTING = "Exports that are not encrypted"


def allows_clear(uow: UnitOfWork) -> bool:
    """Whether the actor's organization allows formats that are not encrypted."""
    return _organization(uow).clear_exports


def allow_clear(uow: UnitOfWork, *, allowed: bool) -> None:
    """Decide whether the actor's organization allows formats that are not encrypted."""
    organization = _organization(uow)
    if organization.clear_exports is allowed:
        return
    organization.clear_exports = allowed
    extra = {"value": "allowed" if allowed else "not allowed"}
    audit.record(uow, Action.SETTING_CHANGED, Target("setting", None, SETTING), extra=extra)


def formats(uow: UnitOfWork) -> tuple[Format, ...]:
    """Return the formats that the actor may choose from, the safest first."""
    clear = allows_clear(uow)
    return tuple(one for one in FORMATS if one.sealed or clear)


def find_format(uow: UnitOfWork, key: str) -> Format:
    """Return the format called *key*.

    Raises:
        Invalid: there is none, or the organization does not allow it.
    """
    found = next((one for one in formats(uow) if one.key == key), None)
    if found is None:
        raise Invalid("Choose one from the list.", "format")
    return found


def check_more(format_: Format, *, files: bool, versions: bool) -> None:
    """Refuse files on credentials and earlier versions where the format has no place for them.

    Raises:
        Invalid: it has none.
    """
    if files and not format_.whole:
        raise Invalid("This format holds no files. Leave them out, or choose another format.", "files")
    if versions and not format_.whole:
        sentence = "This format holds no earlier versions. Leave them out, or choose another format."
        raise Invalid(sentence, "versions")


def check_passphrase(format_: Format, passphrase: str, again: str) -> str:
    """Return the passphrase of a sealed file in NFC.

    Raises:
        Invalid: it is too short, too easy to guess, or differs; or the format would not use it.
    """
    if not format_.sealed:
        if passphrase or again:
            raise Invalid(
                "This format is not encrypted, so a passphrase would not protect the file. "
                "Leave it empty, or choose another format.",
                "passphrase",
            )
        return ""
    text = unicodedata.normalize("NFC", passphrase)
    if not PASSPHRASE_MIN <= len(text) <= PASSPHRASE_MAX:
        raise Invalid(
            f"Use {PASSPHRASE_MIN} to {PASSPHRASE_MAX} characters, such as five words of the generator.",
            "passphrase",
        )
    if (strength_of(text) or 0) < STRENGTH_MIN:
        raise Invalid("That is easy to guess. Use several words that do not belong together.", "passphrase")
    if unicodedata.normalize("NFC", again) != text:
        raise Invalid("This differs from the passphrase above. Type both again.", "again")
    return text


def check_reason(reason: str) -> str:
    """Return why somebody exports, for the audit log.

    Raises:
        Invalid: nothing is said, or too much.
    """
    reason = unicodedata.normalize("NFC", reason).strip()
    if not reason:
        raise Invalid("Say why, for those who read the audit log.", "reason")
    if len(reason) > REASON_MAX:
        raise Invalid(f"Use at most {REASON_MAX} characters.", "reason")
    check_line(reason, "The reason", "reason")
    return reason


def _organization(uow: UnitOfWork) -> Organization:
    return uow.session.get_one(Organization, uow.organization_id)
