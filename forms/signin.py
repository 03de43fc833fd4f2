"""Signing in, enrolling, confirming."""

from __future__ import annotations

from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired

from forms.base import Form


class SignInForm(Form):
    """The one field by which people come in."""

    token = PasswordField("Access token", validators=[InputRequired("Paste your access token.")])


class CodeForm(Form):
    """The second factor."""

    code = StringField(
        "Authentication code", validators=[InputRequired("Enter the code that your app shows.")]
    )


class EnrolForm(Form):
    """What a person says of themselves when they take up an invitation."""

    name = StringField("Your name")
