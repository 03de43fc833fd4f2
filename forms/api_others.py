"""What programs send and are sent about tokens, people, the audit log, passwords and the health of it all."""

from __future__ import annotations

from forms.api_items import ID, NEXT, WHEN
from forms.shapes import choice, flag, maybe, several, text, thing, whole
from models import Action
from policy import Role, Scope
from services import generator
from services.token_limits import NAMES_MAX, NETWORKS_MAX, PER_MINUTE_MAX, USES_MAX, VAULTS_MAX
from services.tokens import NAME_MAX

_SCOPES = several(choice(*(scope.value for scope in Scope)), most=len(Scope), least=1)
YEAR = 366 * 24 * 3600
_LIMITS = {
    "vaults": maybe(several(ID, most=VAULTS_MAX, least=1, about="Null: all of its owner's.")),
    "names": several(text(longest=201), most=NAMES_MAX, about="Names, or beginnings with a * at the end."),
    "networks": several(text(longest=50), most=NETWORKS_MAX, about="In CIDR notation."),
    "not_before": maybe(WHEN),
    "uses": maybe(whole(0, USES_MAX)),
    "per_minute": maybe(whole(1, PER_MINUTE_MAX)),
}
NEW_TOKEN = thing(
    {
        "name": text(longest=NAME_MAX, shortest=1),
        "scopes": _SCOPES,
        "seconds": whole(1, YEAR, about="How long it works; not longer than the token that makes it."),
        **_LIMITS,
    },
    optional=tuple(_LIMITS),
)
MADE_TOKEN = thing({"id": ID, "handle": text(), "token": text(about="Shown this once."), "expires_at": WHEN})
_TOKEN_PARTS = {
    "id": ID,
    "handle": text(),
    "name": text(),
    "scopes": several(text()),
    "state": text(about="active, expiring, expired, revoked, replaced or used up"),
    "created_at": WHEN,
    "expires_at": WHEN,
}
TOKEN_SELF = thing({**_TOKEN_PARTS, "organization": text(), "owner": text(), **_LIMITS})
TOKENS = thing({"tokens": several(thing(_TOKEN_PARTS)), "next": NEXT})

_PERSON = thing(
    {
        "id": ID,
        "name": text(),
        "email": text(),
        "role": choice(*(role.value for role in Role)),
        "disabled": flag(),
        "service": flag("Whether it is a service account."),
    }
)
PEOPLE = thing({"people": several(_PERSON), "next": NEXT})

AUDIT_QUERY = {
    "action": choice(*(action.value for action in Action)),
    "actor": ID,
    "target": ID,
    "result": choice("ok", "failed"),
    "since": text(longest=10, kind="date", about="A day, in UTC."),
    "until": text(longest=10, kind="date"),
}
EVENT = thing(
    {
        "seq": whole(1),
        "at": WHEN,
        "action": text(),
        "who": text(),
        "actor_id": ID,
        "actor_kind": maybe(text()),
        "token_id": maybe(ID),
        "target_type": text(),
        "target_id": maybe(ID),
        "target": text(),
        "success": flag(),
        "address": text(),
        "agent": text(),
        "method": text(),
        "path": text(),
        "request": text(),
        "extra": {"type": "object", "description": "Further facts, as the action has them; never a value."},
    }
)
EVENTS = thing({"events": several(EVENT), "next": NEXT})

GENERATOR = thing(
    {
        "kind": choice("password", "phrase"),
        "length": whole(generator.LENGTHS[0], generator.LENGTHS[-1]),
        "lower": flag(),
        "upper": flag(),
        "digits": flag(),
        "symbols": flag(),
        "avoid_lookalikes": flag(),
        "words": whole(generator.WORD_COUNTS[0], generator.WORD_COUNTS[-1]),
        "separator": text(longest=3),
        "capitalize": flag(),
        "number": flag(),
    },
    optional=(
        *("kind", "length", "lower", "upper", "digits", "symbols", "avoid_lookalikes"),
        *("words", "separator", "capitalize", "number"),
    ),
)
GENERATED = thing({"value": text(about="Kept nowhere."), "bits": {"type": "number"}})
HEALTH = thing(
    {
        "state": choice("ready", "not ready"),
        "findings": several(thing({"name": text(), "well": flag(), "words": text()})),
    }
)
