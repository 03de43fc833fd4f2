"""Signing in, enrolling, confirming, replacing one's token."""

from __future__ import annotations

from wtforms import IntegerField, PasswordField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from forms.base import Form

TOKEN_MAX = 200


class SignInForm(Form):
    """The one field by which people come in."""

    token = PasswordField(
        "Access token",
        validators=[
            InputRequired("Paste your access token."),
            Length(max=TOKEN_MAX, message="This is longer than any access token."),
        ],
    )


class EnrolForm(Form):
    """What a person says of themselves when they take up an invitation."""

    name = StringField("Your name", validators=[Optional(), Length(max=120)])


class ReplaceTokenForm(Form):
    """How long the old token works on."""

    overlap_hours = IntegerField(
        "Keep the old token working for (hours)",
        default=0,
        validators=[NumberRange(0, 168, "Choose 0 to 168 hours.")],
    )
