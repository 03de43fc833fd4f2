"""Ticking off what somebody who leaves has opened."""

from __future__ import annotations

from wtforms import StringField
from wtforms.validators import InputRequired

from forms.base import Form
from forms.fields import ChoiceField, WholeNumberField, as_id, choices
from services.leaver_ticks import Reason


class UntickForm(Form):
    """Which credential it is about."""

    item_id = ChoiceField("Credential", coerce=as_id, validate_choice=False, validators=[InputRequired()])


class TickForm(UntickForm):
    """Which credential was dealt with, how, and which of their reveals one knew of."""

    seq = WholeNumberField("Newest reveal", validators=[InputRequired()])
    reason = ChoiceField("What was done", choices=choices((one.value, one.label) for one in Reason))
    note = StringField("Note")
