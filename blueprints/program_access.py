"""Programs at the door: the one token that a request shows, its limits, and who is turned away."""

from __future__ import annotations

from flask import g, request
from limits import RateLimitItem, RateLimitItemPerMinute

from blueprints.requests import for_vault_clients
from crypto.tokens import ParsedToken, parse_token
from errors import NotFound, TokenRefused, TooManyRequests
from extensions import address, limiter, rate
from services import programs
from services.programs import Program
from services.unit_of_work import UnitOfWork

STRANGERS = "RATE_STRANGERS"
"""Requests of programs with no good token, from one address."""
SCHEMES = frozenset({"bearer", "api-key"})


def presented() -> ParsedToken | None:
    """Return the one API token that the request presents in its header, if well-formed."""
    vault = request.headers.get("X-Vault-Token") if for_vault_clients() else None
    if vault is not None:
        return parse_token(vault.strip())
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    return parse_token(text.strip()) if scheme.lower() in SCHEMES else None


def admit(uow: UnitOfWork, *, writes: bool, free: bool = False) -> Program:
    """Let the program in that holds the request's token: count the request, spend a use, begin to write.

    Args:
        uow: a reading unit; with *writes* it holds the write transaction afterwards.
        free: no use is spent, for what a client asks of itself before what it was told to do.

    Raises:
        SignInRequired: the token opens nothing; recorded.
        NotFound: the request names another organization than the token's.
        TooManyRequests: over the token's own limit, or too many from there without a good token.
    """
    token = presented()
    if token is None:
        raise _refusal(uow, None, "missing")
    try:
        program = programs.enter(uow, token)
        _demand_namespace(program)
        _count(uow, program)
        program = program if free else programs.charge(uow, program)
        if writes:
            uow.begin_writing()
            programs.enter(uow, token, charged=True)
    except TokenRefused as refused:
        raise _refusal(uow, token, refused.reason) from None
    g.program = program
    return program


def go_on_writing(uow: UnitOfWork) -> None:
    """Begin to write in the midst of a request that has held nothing, if its token still opens something.

    Time has passed since the guard looked: who may what is to be asked again.

    Raises:
        SignInRequired: the token opens nothing any more; recorded.
    """
    token = presented()
    uow.begin_writing()
    try:
        if token is not None:
            programs.enter(uow, token, charged=True)
    except TokenRefused as refused:
        raise _refusal(uow, token, refused.reason) from None


def namespace() -> str:
    """Return the organization that a client of the Vault-compatible API names; empty: it names none."""
    named = request.headers.get("X-Vault-Namespace", "") if for_vault_clients() else ""
    found = named.strip("/")
    return "" if found == "root" else found


def _demand_namespace(program: Program) -> None:
    """Let a token into its own organization only, whichever is named.

    Raises:
        NotFound: it is another one, or none.
    """
    if namespace() not in {"", program.organization_slug}:
        raise NotFound


def _refusal(uow: UnitOfWork, token: ParsedToken | None, reason: str) -> TokenRefused:
    limit = rate(STRANGERS)
    if not limiter.hit(limit, address(), "api"):
        raise too_many(uow, limit, address(), "api")
    if token is not None:
        programs.record_refusal(uow, token, reason)
    return TokenRefused(reason)


def _count(uow: UnitOfWork, program: Program) -> None:
    """Hold the token to its own speed, before anything is done for it and before it costs a use."""
    if program.limits.per_minute is None:
        return
    limit = RateLimitItemPerMinute(program.limits.per_minute)
    name = uow.runtime.counter_name("actor", str(program.token_id))
    if not limiter.hit(limit, name, "own"):
        raise too_many(uow, limit, name, "own")


def too_many(uow: UnitOfWork, limit: RateLimitItem, *names: str) -> TooManyRequests:
    """Say how long to wait until a counter begins anew."""
    window = limiter.limiter.get_window_stats(limit, *names)
    wait = max(1, round(window.reset_time - uow.now.timestamp()))
    return TooManyRequests(wait, limit=limit.amount, used=limit.amount - window.remaining)
