"""Passkeys: what a browser brings, and what people call them."""

from __future__ import annotations

from wtforms import HiddenField, StringField
from wtforms.validators import InputRequired

from forms.base import Form

NOTHING_SENT = "Your browser sent no passkey. Passkeys need JavaScript; everything else works without it."


class PasskeyForm(Form):
    """An answer of a passkey, which the page's script puts in."""

    credential = HiddenField(validators=[InputRequired(NOTHING_SENT)])


class NameForm(Form):
    """What a passkey is called."""

    name = StringField("Name", validators=[InputRequired("Give the passkey a name.")])


class NewPasskeyForm(NameForm):
    """A passkey that the browser has made, and its name."""

    credential = HiddenField(validators=[InputRequired(NOTHING_SENT)])
