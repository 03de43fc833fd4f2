"""Single sign-on: off to a provider, and back; the accounts there that people have linked."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar
from uuid import UUID

from flask import Blueprint, abort, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from blueprints.guard import public, requires
from blueprints.requests import current_person, current_uow, local_path, runtime, settings
from blueprints.sso_words import words_for
from blueprints.writing import identify, writing
from errors import NotAdmitted, ProviderFailed
from extensions import SESSION_KEY, address, limiter, rate_of
from policy import Permission
from services import identities, single_sign_on, sso_attempts
from services.actors import Person
from services.provider_client import ProviderClient
from services.providers import Provider, Vouched
from services.sso_attempts import Attempt, Purpose
from services.unit_of_work import UnitOfWork

bp = Blueprint("sso", __name__)

ATTEMPTS = "RATE_SINGLE_SIGN_ON"
BROWSER_KEY = "sso"
"""Under which the signed cookie holds the value that ties an attempt to the browser."""
FAULTS = frozenset({"server_error", "temporarily_unavailable"})
"""Errors by which a provider says that it is down."""
TOLD = FAULTS | {
    "invalid_request",
    "unauthorized_client",
    "unsupported_response_type",
    "invalid_scope",
    "interaction_required",
    "login_required",
    "account_selection_required",
    "consent_required",
}
"""Errors that are recorded by their names; whatever else comes is not repeated."""
Told = TypeVar("Told")


@bp.post("/sign-in/<provider>/start")
@limiter.limit(rate_of(ATTEMPTS), key_func=address)
@public(writes=False)
def start(provider: str) -> ResponseReturnValue:
    return _set_out(_client(provider), Purpose.SIGNIN, local_path(request.form.get("next")))


@bp.post("/account/identities/<provider>/link")
@requires(Permission.ACCOUNT_SECURE, writes=False, limit=ATTEMPTS)
def link(provider: str) -> ResponseReturnValue:
    return _set_out(_client(provider), Purpose.LINK, url_for("account.show"))


@bp.post("/account/identities/<provider>/confirm")
@requires(Permission.ACCOUNT_USE, replacing=True, adding=True, writes=False, limit=ATTEMPTS)
def confirm(provider: str) -> ResponseReturnValue:
    return _set_out(_client(provider), Purpose.CONFIRM, local_path(request.form.get("next")))


@bp.post("/account/identities/<uuid:identity_id>/unlink")
@requires(Permission.ACCOUNT_SECURE)
def unlink(identity_id: UUID) -> ResponseReturnValue:
    identities.unlink(current_uow(), identity_id)
    flash("The link is removed. The account there opens nothing here any more.", "success")
    return redirect(url_for("account.show"))


@bp.get("/sign-in/<provider>/return")
@limiter.limit(rate_of(ATTEMPTS), key_func=address)
@public()
def arrive(provider: str) -> ResponseReturnValue:
    """Take up the attempt that the state names: once, and only in the browser that began it."""
    client = _client(provider)
    with writing() as uow:
        state, browser = request.args.get("state", ""), session.get(BROWSER_KEY, "")
        attempt = sso_attempts.take(uow, provider, state, browser)
    if attempt is None:
        if "person" in g:
            # Somebody who is in already and loads the page again, or goes back.
            return redirect(url_for("signin.home"))
        # Some providers forget the state when somebody does not agree.
        declined = not state and request.args.get("error") == "access_denied"
        return _show_failure(
            client.provider, Purpose.SIGNIN, NotAdmitted("declined" if declined else "state")
        )
    try:
        vouched = _ask(lambda: _hear(client, attempt))
        return _FINISH[attempt.purpose](client.provider, vouched, attempt)
    except (ProviderFailed, NotAdmitted) as error:
        return _show_failure(client.provider, attempt.purpose, error)


def _client(name: str) -> ProviderClient:
    return runtime().providers.find(name) or abort(HTTPStatus.NOT_FOUND)


def _return_address(provider: Provider) -> str:
    """Return exactly what is registered with the provider."""
    return settings().public_url + url_for("sso.arrive", provider=provider.name)


def _set_out(client: ProviderClient, purpose: Purpose, back: str | None) -> ResponseReturnValue:
    """Answer with a page that leads on: a form must not be redirected to another site (form-action)."""
    provider, secrets = client.provider, sso_attempts.new_secrets()
    again = purpose is Purpose.CONFIRM
    try:
        onward = _ask(lambda: client.address(_return_address(provider), secrets, again=again))
    except ProviderFailed as error:
        return _show_failure(provider, purpose, error)
    browser = session.setdefault(BROWSER_KEY, sso_attempts.new_value())
    with writing() as uow:
        sso_attempts.begin(uow, provider.name, purpose, secrets, browser, back)
    return render_template("sso/going.html", provider=provider, onward=onward)


def _hear(client: ProviderClient, attempt: Attempt) -> Vouched:
    """Read what the provider has sent the person back with."""
    client.check_sender(request.args.get("iss"))
    error = request.args.get("error")
    if error == "access_denied":
        raise NotAdmitted("declined")
    if error is not None:
        raise ProviderFailed(f"error: {error if error in TOLD else 'other'}", down=error in FAULTS)
    return client.redeem(request.args.get("code", ""), _return_address(client.provider), attempt.secrets)


def _finish_signin(provider: Provider, vouched: Vouched, attempt: Attempt) -> ResponseReturnValue:
    with writing() as uow:
        signed_in = single_sign_on.sign_in(uow, provider, vouched)
    # A new session from nothing: neither an id nor a CSRF seed from before the sign-in lives on.
    session.clear()
    session[SESSION_KEY] = signed_in.session.cookie
    return redirect(attempt.back or url_for("overview.show", slug=signed_in.slug))


def _finish_link(provider: Provider, vouched: Vouched, attempt: Attempt) -> ResponseReturnValue:
    with writing() as uow:
        _demand_same_session(uow, attempt)
        identities.link(uow, provider, vouched)
    flash(f"Linked. You can sign in with {provider.label} from now on.", "success")
    return redirect(url_for("account.show"))


def _finish_confirmation(provider: Provider, vouched: Vouched, attempt: Attempt) -> ResponseReturnValue:
    with writing() as uow:
        _demand_same_session(uow, attempt)
        single_sign_on.confirm(uow, provider, vouched, attempt)
    flash("Thank you. Go on with what you wanted to do.", "success")
    return redirect(attempt.back or url_for("signin.home"))


_FINISH: dict[Purpose, Callable[[Provider, Vouched, Attempt], ResponseReturnValue]] = {
    Purpose.SIGNIN: _finish_signin,
    Purpose.LINK: _finish_link,
    Purpose.CONFIRM: _finish_confirmation,
}


def _ask(question: Callable[[], Told]) -> Told:
    """Put a question that a provider answers, with nothing held meanwhile that others wait for."""
    current_uow().release()
    with runtime().turns.aside():
        return runtime().providers.ask(question)


def _demand_same_session(uow: UnitOfWork, attempt: Attempt) -> None:
    person = identify(uow)
    if person is None or person.is_half or person.session_id != attempt.session_id:
        raise NotAdmitted("another session")


def _show_failure(
    provider: Provider, purpose: Purpose, error: ProviderFailed | NotAdmitted
) -> ResponseReturnValue:
    organization_id = error.organization_id if isinstance(error, NotAdmitted) else None
    single_sign_on.record_failure(current_uow(), provider, purpose, error.reason, organization_id)
    words = words_for(error, provider)
    page = render_template("sso/failed.html", words=words, purpose=purpose, provider=provider)
    return page, words.status


def linked(person: Person) -> list[tuple[identities.IdentityLine, str]]:
    """Return what a person has linked, each with the name of its provider as buttons show it."""
    labels = {provider.issuer: provider.label for provider in runtime().providers}
    lines = identities.of(current_uow(), person.user_id)
    return [(line, labels.get(line.issuer, line.provider)) for line in lines]


def confirmers() -> list[Provider]:
    """Return the providers that can confirm that the person is still the one who signed in."""
    held = {line.issuer for line in identities.of(current_uow(), current_person().user_id) if line.lives}
    return [provider for provider in runtime().providers if provider.issuer in held]
