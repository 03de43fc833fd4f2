"""Letting everybody start anew."""

from __future__ import annotations

from wtforms import StringField
from wtforms.validators import InputRequired, Length

from forms.base import Form


class ResetEverybodyForm(Form):
    """The organization's name, typed by somebody who means it."""

    name = StringField(
        "Name of the organization",
        validators=[InputRequired("Type the name of the organization."), Length(max=200)],
    )
