"""Groups of people."""

from __future__ import annotations

from wtforms import StringField

from forms.base import Form
from forms.fields import ChoiceField, as_id


class GroupForm(Form):
    """What a group is called."""

    name = StringField("Name")


class JoinForm(Form):
    """Who is put into a group."""

    user_id = ChoiceField("Person", coerce=as_id)
