"""People with an authenticator app, going through the pages."""

from __future__ import annotations

from datetime import UTC, datetime

import pyotp

FACTOR = "/account/factor"
CODE = "/sign-in/code"


class App:
    """An authenticator app on somebody's telephone, with the recovery codes beside it."""

    def __init__(self, seed):
        self.seed = seed
        self.recovery = []

    def code(self):
        return pyotp.TOTP(self.seed).at(datetime.now(UTC))

    def wrong(self):
        return f"{(int(self.code()) + 1) % 10**6:06}"


def set_up(person):
    """Set up an app through the pages, as a person does who types the key."""
    person.open(FACTOR)
    page = person.submit("set-up")
    app = App(page.select_one("#seed").get_text().replace(" ", ""))
    page = person.submit("confirm-app", code=app.code())
    app.recovery = [line.get_text() for line in page.select(".codes li")]
    return app


def is_in(person):
    person.open("/account")
    return person.path == "/account"
