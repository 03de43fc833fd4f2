"""How a person is called, and how pages look to them."""

from __future__ import annotations

from wtforms import StringField
from wtforms.validators import InputRequired

from forms.base import Form
from forms.fields import ChoiceField, choices

THEMES = (("auto", "As the device has it"), ("light", "Light"), ("dark", "Dark"))


class ProfileForm(Form):
    """What a person is called."""

    name = StringField("Name", validators=[InputRequired("Enter your name.")])


class ThemeForm(Form):
    """The colors of pages, in this browser."""

    scheme = ChoiceField("Colors", choices=choices(THEMES))
