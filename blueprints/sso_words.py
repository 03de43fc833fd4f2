"""What the page says when single sign-on has come to nothing: one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from types import MappingProxyType

from errors import NotAdmitted, ProviderFailed
from services.providers import Provider


@dataclass(frozen=True, slots=True)
class Words:
    """A status, and what to say; ``{label}`` stands for the provider."""

    status: HTTPStatus
    title: str
    message: str


DOWN = Words(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "{label} does not answer",
    "Nobody can sign in with {label} at the moment. Try again in a minute, or use your access token.",
)
WRONG = Words(
    HTTPStatus.BAD_GATEWAY,
    "{label} answered wrongly",
    "What {label} sent cannot be believed, so nobody was signed in. Try again; if it stays, tell an admin.",
)
REFUSED: Mapping[str, Words] = MappingProxyType(
    {
        "state": Words(
            HTTPStatus.BAD_REQUEST,
            "This sign-in is over",
            "It was used before, took over ten minutes, or began in another browser. Begin again here.",
        ),
        "declined": Words(
            HTTPStatus.FORBIDDEN,
            "You did not sign in with {label}",
            "{label} says that you, or somebody who manages your account there, did not agree.",
        ),
        "no e-mail": Words(
            HTTPStatus.FORBIDDEN,
            "{label} does not tell your e-mail address",
            "The first sign-in needs it, to find your invitation. Allow {label} to tell it.",
        ),
        "not verified": Words(
            HTTPStatus.FORBIDDEN,
            "Your e-mail address is not verified",
            "{label} does not say that the address is yours. Verify it there, then sign in again.",
        ),
        "not invited": Words(
            HTTPStatus.FORBIDDEN,
            "You are not invited",
            "Nobody has invited the e-mail address that {label} has of you. Ask an admin of your team.",
        ),
        "no organization": Words(
            HTTPStatus.FORBIDDEN,
            "You are not invited",
            "{label} is not set up completely here. Ask an admin of your team for an invitation.",
        ),
        "known": Words(
            HTTPStatus.FORBIDDEN,
            "There is an account with your e-mail address",
            "Sign in with your access token, and link {label} under My account. Then it lets you in.",
        ),
        "disabled": Words(
            HTTPStatus.FORBIDDEN, "Your access has ended", "Ask an admin of your team if that is a mistake."
        ),
        "revoked": Words(
            HTTPStatus.FORBIDDEN,
            "Your account at {label} opens nothing here any more",
            "Ask an admin for a new link, make a token on it, sign in, and link {label} again.",
        ),
        "expired": Words(
            HTTPStatus.FORBIDDEN,
            "You have not been here for a long time",
            "Ask an admin for a new link, make a token on it, sign in, and link {label} again.",
        ),
        "taken": Words(
            HTTPStatus.CONFLICT,
            "This account belongs to somebody else here",
            "The account at {label} is linked to another person. Nothing was changed.",
        ),
        "linked": Words(
            HTTPStatus.CONFLICT,
            "You have linked an account at {label} already",
            "Remove that link under My account before you link another one. Nothing was changed.",
        ),
        "another session": Words(
            HTTPStatus.FORBIDDEN,
            "You are not signed in as before",
            "Your session has ended, or is another one. Sign in and begin again. Nothing was changed.",
        ),
        "another account": Words(
            HTTPStatus.FORBIDDEN,
            "This is not the account that you have linked",
            "Confirm with the account at {label} that stands under My account.",
        ),
        "has an app": Words(
            HTTPStatus.FORBIDDEN,
            "You have an authenticator app",
            "Confirm with its code: that proves more than {label} can.",
        ),
        "not anew": Words(
            HTTPStatus.FORBIDDEN,
            "{label} did not ask you again",
            "It does not say that you have just signed in there. Sign out here and in again, and set up an "
            "authenticator app under My account: its codes confirm that it is you.",
        ),
        "one factor": Words(
            HTTPStatus.FORBIDDEN,
            "{label} asked you for one factor only",
            "Here two are needed. Set up an authenticator app under My account: its codes confirm you.",
        ),
    }
)


def words_for(error: ProviderFailed | NotAdmitted, provider: Provider) -> Words:
    """Return what to say about *error*."""
    words = REFUSED[error.reason] if isinstance(error, NotAdmitted) else (DOWN if error.down else WRONG)
    label = provider.label
    return replace(
        words, title=words.title.replace("{label}", label), message=words.message.replace("{label}", label)
    )
