"""What programs send and are sent about credentials and vaults."""

from __future__ import annotations

from forms.shapes import choice, flag, maybe, several, table, text, thing, whole
from services.content_rules import (
    CUSTOM_FIELDS_MAX,
    FIELD_NAME_MAX,
    NAME_MAX,
    TAG_MAX,
    TAGS_MAX,
    URL_MAX,
    URLS_MAX,
    USER_NAME_MAX,
    VALUE_MAX,
)
from services.item_types import ItemType, Kind

BULK = 100
"""Credentials that one request opens."""
FIELDS_MAX = CUSTOM_FIELDS_MAX + 10
ID = text(longest=36, kind="uuid")
WHEN = text(longest=40, kind="date-time")
_DAY = maybe(text(longest=10, kind="date"))
TYPES = choice(*(type_.value for type_ in ItemType))
KINDS = choice(*(kind.value for kind in Kind))
_FIELD_NAME = text(longest=FIELD_NAME_MAX, shortest=1)
_FIELD_NAMES = several(_FIELD_NAME, most=FIELDS_MAX, least=1, about="In any case. Left out: all fields.")
_VALUE = text(longest=VALUE_MAX, about="Of an authenticator its seed, or its otpauth:// link.")

_PARTS = {
    "name": text(longest=NAME_MAX, shortest=1, about="A / in it makes folders."),
    "user_name": text(longest=USER_NAME_MAX),
    "urls": several(text(longest=URL_MAX), most=URLS_MAX),
    "tags": several(text(longest=TAG_MAX), most=TAGS_MAX),
    "expires_on": _DAY,
}
_NEW_FIELD = thing(
    {"name": _FIELD_NAME, "kind": KINDS, "value": _VALUE},
    "One that the type has, by its name; any other becomes a field of your own.",
    optional=("kind",),
)
_CHANGED_FIELD = thing(
    {"name": _FIELD_NAME, "kind": KINDS, "value": maybe(_VALUE)},
    "A value of null empties a field, and removes one of your own.",
    optional=("kind",),
)
NEW_ITEM = thing(
    {**_PARTS, "type": TYPES, "fields": several(_NEW_FIELD, most=FIELDS_MAX)},
    optional=("type", "user_name", "urls", "tags", "expires_on", "fields"),
)
CHANGED_ITEM = thing(
    {**_PARTS, "fields": several(_CHANGED_FIELD, most=FIELDS_MAX)},
    "What is left out stays as it is.",
    optional=(*_PARTS, "fields"),
)
_VERSION = whole(1, 2**31 - 1, about="An earlier one; left out: the newest.")
REVEAL = thing({"fields": maybe(_FIELD_NAMES), "version": maybe(_VERSION)}, optional=("fields", "version"))
REVEAL_MANY = thing(
    {"items": several(thing({"id": ID, "fields": _FIELD_NAMES}, optional=("fields",)), most=BULK, least=1)}
)

_PLACE = maybe(thing({"id": ID, "name": text()}, "Null where its owner does not see the vault."))
_LINE = {
    "id": ID,
    "name": text(),
    "type": maybe(TYPES),
    "user_name": text(),
    "urls": several(text()),
    "tags": several(text()),
    "expires_on": _DAY,
    "readable": flag("Whether it can be decrypted."),
    "vault": _PLACE,
}
NEXT = maybe(text(about="The cursor of the next page; null on the last."))
LINES = thing({"items": several(thing(_LINE)), "next": NEXT, "total": whole()})
ITEM = thing(
    {
        **_LINE,
        "version": whole(1),
        "created_at": WHEN,
        "changed_at": WHEN,
        "trashed_at": maybe(WHEN),
        "strength": maybe(whole(0, 4, about="Of the main secret, from 0, guessed at once, to 4.")),
        "fields": several(thing({"name": text(), "kind": KINDS, "filled": flag(), "custom": flag()})),
    }
)
_VALUES = table(text(), "Values by the names of fields; of an authenticator the code of now.")
REVEALED = thing({"id": ID, "version": whole(1), "fields": _VALUES})
WRITTEN = thing({"id": ID, "version": whole(1)}, "A token that only writes is told no more.")
_REVEALED_ONE = thing(
    {
        "id": ID,
        "status": whole(200, 599, about="200, or why not: 403, 404 or 409."),
        "version": whole(1),
        "fields": _VALUES,
    },
    optional=("version", "fields"),
)
REVEALED_MANY = thing({"items": several(_REVEALED_ONE)})
_VERSION_LINE = thing(
    {
        "number": whole(1),
        "at": WHEN,
        "by": maybe(text()),
        "reason": text(),
        "changed": several(text()),
        "readable": flag(),
    }
)
HISTORY = thing({"versions": several(_VERSION_LINE)})
_FILE = {"id": ID, "name": text(), "size": whole(1, about="Bytes.")}
_READABLE = flag("Whether it can be decrypted.")
FILES = thing(
    {
        "files": several(
            thing(
                {
                    **_FILE,
                    "type": maybe(text()),
                    "added_at": WHEN,
                    "readable": flag("Whether it can be decrypted."),
                }
            )
        )
    }
)
FILE_ADDED = thing({**_FILE, "type": text(), "version": whole(1, about="Of the credential.")})

_VAULT_PARTS = {"name": text(longest=120, shortest=1), "description": text(longest=500)}
NEW_VAULT = thing(_VAULT_PARTS, optional=("description",))
CHANGED_VAULT = thing(_VAULT_PARTS, "What is left out stays as it is.", optional=("name", "description"))
VAULT = thing(
    {
        "id": ID,
        "name": text(),
        "description": text(),
        "right": maybe(choice("use", "reveal", "edit", "manage", about="What its owner may do there.")),
        "items": whole(),
    }
)
VAULTS = thing({"vaults": several(VAULT), "next": NEXT})
