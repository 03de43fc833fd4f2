"""The gate in front of every route: who may, on what, and that the attempt is recorded.

A route declares ``@public`` or ``@requires(permission, Model)`` beneath its ``@bp.route``; a view never sees
an id, it is handed the object, once the actor may use the permission on it. A route that declares nothing
stops the program at start.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any
from uuid import UUID

from flask import Response, current_app, g, make_response, request, session
from flask.typing import ResponseReturnValue
from limits import parse

from blueprints import wrap_answers
from blueprints.declared import Access
from blueprints.loaders import LOADERS
from blueprints.program_access import admit, too_many
from blueprints.requests import metrics, open_uow
from blueprints.verdicts import may
from crypto.envelope import DecryptionError
from errors import (
    Denied,
    NotFound,
    ReadOnly,
    SecondFactorMissing,
    SecondFactorRequired,
    SignInRequired,
    StepUpRequired,
    TokenMustBeReplaced,
)
from extensions import SESSION_KEY, limiter, rate
from models import (
    Action,
)
from policy import GRANTS, Permission, Verdict
from services import (
    actors,
    audit,
    crossings,
)
from services.actors import Person
from services.events import Target
from services.unit_of_work import UnitOfWork

View = Callable[..., ResponseReturnValue]
ONE_EVENT = parse("1/minute")
"""Of what is turned away for its number one in a minute is recorded: the log must not grow at will."""


COMING_AND_GOING = frozenset(
    {
        "account.submit_confirmation",
        "passkey_signin.ask",
        "passkey_signin.ask_anybody",
        "passkey_signin.confirm",
        "passkey_signin.pass_second",
        "passkey_signin.sign_in",
        "signin.leave",
        "signin.submit",
        "signin.submit_code",
        "sso.arrive",
    }
)
"""What writes even while everything else is read-only: it lets people in and out."""


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
    free: bool = False,
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
            permission,
            model,
            writes,
            limit,
            counted_as,
            program,
            replacing,
            half,
            adding,
            max_body=max_body,
            free=free,
        )
    )


def _declare(access: Access) -> Callable[[View], View]:
    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(**arguments: Any) -> Response:
            writes = _writes(access)
            refuse_while_read_only(writing=writes)
            # A program's token is looked at before the one write transaction is waited for.
            uow = open_uow(writing=writes and not access.program)
            try:
                arguments = _admit(uow, access, arguments)
                if access.limit is not None:
                    throttle(uow, access.limit, access.counted_as or request.endpoint or "")
                response = wrap_answers.wrapped(make_response(view(**arguments)))
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


def _writes(access: Access) -> bool:
    """Whether the request needs the write transaction: also where its answer is to be put aside."""
    return access.is_writing(request.method) or wrap_answers.seconds_asked() is not None


def refuse_while_read_only(*, writing: bool) -> None:
    """Refuse to write while a master key is missing, but for who comes and goes.

    Raises:
        ReadOnly: it is so.
    """
    runtime = current_app.extensions["chatelaine"]
    if writing and runtime.missing_keys and request.endpoint not in COMING_AND_GOING:
        raise ReadOnly


def _demand_keys(uow: UnitOfWork) -> None:
    """Let nobody into an organization whose events could not be recorded."""
    inside = uow.actor.organization_id
    if uow.runtime.missing_keys and inside is not None and not uow.keys.opens(inside):
        raise ReadOnly


def _finish(uow: UnitOfWork) -> None:
    actions = [event.action for event in uow.events]
    try:
        uow.finish()
    except DecryptionError:
        # Who comes in is recorded where they belong, which is known only by then.
        if uow.runtime.missing_keys:
            raise ReadOnly from None
        raise
    metrics().count_events(actions)


def _abandon(uow: UnitOfWork) -> None:
    failures = [event.action for event in uow.events if not event.success]
    uow.abandon()
    metrics().count_events(failures)


def _admit(uow: UnitOfWork, access: Access, arguments: dict[str, Any]) -> dict[str, Any]:
    """Identify the actor, find the object, judge; return what the view is called with."""
    slug = arguments.pop("slug", None)
    if access.program:
        admit(uow, writes=_writes(access), free=access.free)
    elif not access.anonymous:
        _identify_person(uow, access, slug)
    _demand_keys(uow)
    if access.permission is None:
        return arguments
    loaded = _load(uow, access, arguments)
    _judge(uow, access.permission, loaded)
    if GRANTS[access.permission].outside:
        # What the operator does is no affair of the organization that their token comes from.
        uow.act_as(replace(uow.actor, organization_id=None))
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
    if uow.rules.second_factor and not (person.has_second or person.must_replace or access.adding):
        raise SecondFactorMissing


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


def throttle(uow: UnitOfWork, limited_by: str, counter: str) -> None:
    """Count one more of what *counter* names for the present actor.

    Args:
        limited_by: the setting that says how many there may be.

    Raises:
        TooManyRequests: it is one too many; recorded.
    """
    limit = rate(limited_by)
    name = uow.runtime.counter_name("actor", str(uow.actor.token_id or uow.actor.id))
    if limiter.hit(limit, name, counter):
        return
    if limiter.hit(ONE_EVENT, name, counter, "recorded"):
        target = Target("route", None, request.endpoint or "")
        audit.record(uow, Action.REQUEST_THROTTLED, target, success=False, extra={"limit": str(limit)})
    raise too_many(uow, limit, name, counter)


def _record_denial(uow: UnitOfWork, access: Access) -> None:
    """Record what was asked for. Missing, foreign and hidden things all come through here."""
    loader = LOADERS.get(access.model) if access.model else None
    asked = (request.view_args or {}).get(loader.argument) if loader else None
    known = asked if isinstance(asked, UUID) else None
    target = Target(loader.name if loader else "route", known, request.endpoint or "")
    extra = {"permission": access.permission.value if access.permission else "public"}
    if "place" not in g and "slug" in (request.view_args or {}):
        extra["organization"] = str((request.view_args or {})["slug"])
    audit.record(uow, Action.ACCESS_DENIED, target, success=False, extra=extra)
    crossings.notice(uow, target, access.model, (request.view_args or {}).get("slug"))
