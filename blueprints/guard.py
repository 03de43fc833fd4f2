"""The gate in front of every route: who may, on what, and that the attempt is recorded.

A route declares ``@public`` or ``@requires(permission, Model)`` beneath its ``@bp.route``; a view never sees
an id, it is handed the object, once the actor may use the permission on it. A route that declares nothing
stops the program at start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any
from uuid import UUID

from flask import Flask, Response, current_app, g, make_response, request, session
from flask.typing import ResponseReturnValue
from limits import RateLimitItem, parse

from blueprints.requests import metrics, open_uow
from crypto.tokens import ParsedToken, parse_token
from errors import (
    Denied,
    NotFound,
    SecondFactorMissing,
    SecondFactorRequired,
    SignInRequired,
    StepUpRequired,
    TokenMustBeReplaced,
    TooManyRequests,
)
from extensions import SESSION_KEY, address, limiter
from models import AccessToken, Action, Invitation, Lockout, Membership, Vault
from policy import Permission, Verdict, judge
from services import actors, audit, invitations, items, lockouts, people, programs, tokens, vaults
from services.actors import Person
from services.events import Target
from services.items import StoredItem
from services.unit_of_work import UnitOfWork

View = Callable[..., ResponseReturnValue]
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SMALL_BODY = 16 * 1024
ITEM_BODY = 1024 * 1024
"""Notes of 64 KiB, and more than one field like it, percent-encoded."""
STRANGERS = parse("60/minute")
"""Requests of programs with no good token, from one address."""
ONE_EVENT = parse("1/minute")
"""Of what is turned away for its number one in a minute is recorded: the log must not grow at will."""


@dataclass(frozen=True, slots=True)
class Access:
    """What a route declares about itself; the tests and the start-up check read it.

    Args:
        permission: None for a public route.
        model: what the id in the address names; None where there is none.
        writes: whether the request changes more than the audit log; None: as its method says.
        limit: so many requests an actor, such as ``60/minute``; counted in the shared store.
        counted_as: what routes are called that are counted together; None: each by itself.
        program: for API tokens only; the session's cookie is not looked at.
        replacing: open to somebody who must replace their token before all else.
        half: open to somebody whose second factor is still to come.
        adding: open to somebody who must have a second factor, and has none yet.
        anonymous: nobody is looked up, so that the answer needs no database.
        max_body: bytes of a request's body; None: as its permission says.
    """

    permission: Permission | None
    model: type | None = None
    writes: bool | None = None
    limit: str | None = None
    counted_as: str | None = None
    program: bool = False
    replacing: bool = False
    half: bool = False
    adding: bool = False
    anonymous: bool = False
    max_body: int | None = None

    @property
    def body_max(self) -> int:
        """Bytes that a request's body may have."""
        if self.max_body is not None:
            return self.max_body
        return ITEM_BODY if self.permission is Permission.ITEM_EDIT else SMALL_BODY

    def is_writing(self, method: str) -> bool:
        """Whether a request by *method* needs the write transaction."""
        return method not in SAFE_METHODS if self.writes is None else self.writes


@dataclass(frozen=True, slots=True)
class Loader:
    """How an id in an address becomes the object that it names.

    Args:
        argument: the name of the id in the address.
        find: raises ``NotFound``; looks in the actor's organization only.
        name: what the audit log calls such a thing.
    """

    argument: str
    find: Callable[[UnitOfWork, UUID], Any]
    name: str


LOADERS: Mapping[type, Loader] = {
    Vault: Loader("vault_id", vaults.find, "vault"),
    StoredItem: Loader("item_id", items.find, "item"),
    AccessToken: Loader("token_id", tokens.find, "token"),
    Membership: Loader("member_id", people.find, "person"),
    Invitation: Loader("invitation_id", invitations.find, "invitation"),
    Lockout: Loader("lockout_id", lockouts.find, "lockout"),
}


def public(
    *, writes: bool | None = None, anonymous: bool = False, max_body: int | None = None
) -> Callable[[View], View]:
    """Let everybody in. The view still works in a unit of work, as nobody or as whoever is signed in."""
    return _declare(Access(None, writes=writes, anonymous=anonymous, max_body=max_body))


def requires(
    permission: Permission,
    model: type | None = None,
    *,
    writes: bool | None = None,
    limit: str | None = None,
    counted_as: str | None = None,
    program: bool = False,
    replacing: bool = False,
    half: bool = False,
    adding: bool = False,
    max_body: int | None = None,
) -> Callable[[View], View]:
    """Let in who holds *permission*, on the *model* that the address names; see :class:`Access`.

    Raises:
        SignInRequired: nobody is signed in.
        SecondFactorRequired: the code that belongs to the token has not come yet.
        SecondFactorMissing: everybody needs a second factor here, and the actor has none.
        NotFound: no such thing, or the actor may not know of it; recorded.
        Denied: the actor lacks the right; recorded.
        StepUpRequired: the actor must confirm who they are first.
        TooManyRequests: over *limit*.
    """
    return _declare(
        Access(
            permission, model, writes, limit, counted_as, program, replacing, half, adding, max_body=max_body
        )
    )


def access_of(endpoint: str | None) -> Access | None:
    """Return what the route called *endpoint* declares; None: there is no such route, or it serves files."""
    return getattr(current_app.view_functions.get(endpoint or ""), "access", None)


def _declare(access: Access) -> Callable[[View], View]:
    limit = parse(access.limit) if access.limit else None

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(**arguments: Any) -> Response:
            uow = open_uow(writing=access.is_writing(request.method))
            try:
                arguments = _admit(uow, access, arguments)
                if limit is not None:
                    _count(uow, limit, access.counted_as or request.endpoint or "")
                response = make_response(view(**arguments))
                _finish(uow)
            except (Denied, NotFound):
                _abandon(uow)
                _record_denial(uow, access)
                _finish(uow)
                raise
            except BaseException:
                _abandon(uow)
                raise
            return response

        guarded.access = access  # type: ignore[attr-defined]
        return guarded

    return decorate


def _finish(uow: UnitOfWork) -> None:
    actions = [event.action for event in uow.events]
    uow.finish()
    metrics().count_events(actions)


def _abandon(uow: UnitOfWork) -> None:
    failures = [event.action for event in uow.events if not event.success]
    uow.abandon()
    metrics().count_events(failures)


def verify(app: Flask) -> None:
    """Refuse to start with a route that nobody has thought about.

    Raises:
        RuntimeError: naming the routes.
    """
    silent = sorted(
        endpoint
        for endpoint, view in app.view_functions.items()
        if endpoint != "static" and not hasattr(view, "access")
    )
    if silent:
        message = f"routes without @public or @requires: {', '.join(silent)}"
        raise RuntimeError(message)


def _admit(uow: UnitOfWork, access: Access, arguments: dict[str, Any]) -> dict[str, Any]:
    """Identify the actor, find the object, judge; return what the view is called with."""
    slug = arguments.pop("slug", None)
    if access.program:
        _identify_program(uow)
    elif not access.anonymous:
        _identify_person(uow, access, slug)
    if access.permission is None:
        return arguments
    loaded = _load(uow, access, arguments)
    _judge(uow, access.permission, loaded)
    return arguments if loaded is None else {**arguments, _argument_of(access): loaded}


def _identify_person(uow: UnitOfWork, access: Access, slug: str | None) -> None:
    cookie = session.get(SESSION_KEY)
    person = actors.find_person(uow, cookie) if isinstance(cookie, str) else None
    if person is None:
        if access.permission is not None:
            raise SignInRequired
        return
    g.person = person
    uow.act_as(person.actor())
    if access.permission is not None:
        _demand_all_factors(uow, person, access)
    if slug is not None:
        place = actors.enter(uow, person, slug)
        if place is None:
            raise NotFound
        g.place = place


def _demand_all_factors(uow: UnitOfWork, person: Person, access: Access) -> None:
    """Let nobody further than their factors reach, in the order in which they are to be given."""
    if person.is_half and not access.half:
        raise SecondFactorRequired
    if person.must_replace and not access.replacing:
        raise TokenMustBeReplaced
    if uow.rules.second_factor and not (person.has_factor or person.must_replace or access.adding):
        raise SecondFactorMissing


def _identify_program(uow: UnitOfWork) -> None:
    parsed = bearer_token()
    if parsed is not None and actors.enter_with_token(uow, parsed):
        return
    if not limiter.hit(STRANGERS, address(), "api"):
        raise TooManyRequests(STRANGERS.get_expiry())
    if parsed is not None:
        programs.record_refusal(uow, parsed)
    raise SignInRequired


def bearer_token() -> ParsedToken | None:
    """Return the one API token that the request presents in its Authorization header, if well-formed."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    return parse_token(text.strip()) if scheme.lower() in {"bearer", "api-key"} else None


def _argument_of(access: Access) -> str:
    return LOADERS[access.model].argument.removesuffix("_id") if access.model else ""


def _load(uow: UnitOfWork, access: Access, arguments: dict[str, Any]) -> Any:
    if access.model is None:
        return None
    loader = LOADERS[access.model]
    loaded = loader.find(uow, arguments[loader.argument])
    del arguments[loader.argument]
    return loaded


def _judge(uow: UnitOfWork, permission: Permission, loaded: Any) -> None:
    verdict = may(uow, permission, loaded)
    if verdict is Verdict.HIDE:
        raise NotFound
    if verdict is Verdict.DENY:
        raise Denied
    if verdict is Verdict.CONFIRM:
        raise StepUpRequired


def may(uow: UnitOfWork, permission: Permission, loaded: Any = None) -> Verdict:
    """Judge the present actor on a vault, an item, a token, or the organization as a whole."""
    vault_id = loaded.id if isinstance(loaded, Vault) else getattr(loaded, "vault_id", None)
    return judge(
        uow.actor,
        permission,
        organization_id=uow.actor.organization_id,
        vault_id=vault_id,
        owner_id=loaded.user_id if isinstance(loaded, AccessToken) else None,
        now=uow.now,
        fresh_for=uow.rules.fresh_for,
    )


def _count(uow: UnitOfWork, limit: RateLimitItem, counter: str) -> None:
    name = uow.runtime.counter_name("actor", str(uow.actor.token_id or uow.actor.id))
    if limiter.hit(limit, name, counter):
        return
    if limiter.hit(ONE_EVENT, name, counter, "recorded"):
        target = Target("route", None, request.endpoint or "")
        audit.record(uow, Action.REQUEST_THROTTLED, target, success=False, extra={"limit": str(limit)})
    reset = limiter.limiter.get_window_stats(limit, name, counter).reset_time
    raise TooManyRequests(max(1, round(reset - uow.now.timestamp())))


def _record_denial(uow: UnitOfWork, access: Access) -> None:
    """Record what was asked for. Missing, foreign and hidden things all come through here."""
    loader = LOADERS.get(access.model) if access.model else None
    asked = (request.view_args or {}).get(loader.argument) if loader else None
    target = Target(loader.name if loader else "route", asked, request.endpoint or "")
    extra = {"permission": access.permission.value if access.permission else "public"}
    if "place" not in g and "slug" in (request.view_args or {}):
        extra["organization"] = str((request.view_args or {})["slug"])
    audit.record(uow, Action.ACCESS_DENIED, target, success=False, extra=extra)
