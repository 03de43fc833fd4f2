"""What is asked of the audit log: which events, in which form."""

from __future__ import annotations

from wtforms import BooleanField, HiddenField, IntegerField, StringField
from wtforms.validators import InputRequired

from forms.base import Form
from forms.fields import ChoiceField, DayField, choices

FORMATS = (
    ("csv", "Table (CSV): for reading, in any spreadsheet"),
    ("jsonl", "JSON lines: everything, so that order and completeness can be verified"),
)


class FilterForm(Form):
    """Which events are wanted. It changes nothing, so its address can be kept and passed on."""

    class Meta:
        """Read from the address."""

        csrf = False

    actor = StringField("Person")
    action = StringField("Action")
    type = StringField("About")
    target = HiddenField("Target")
    result = StringField("Result")
    since = DayField("From")
    until = DayField("To")
    chain = HiddenField("Log")


class ExportForm(FilterForm):
    """Which events are taken out, and how they are written."""

    class Meta:
        """The token is checked for every form that posts."""

        csrf = True

    format = ChoiceField("Format", choices=choices(FORMATS))
    names = BooleanField("Name credentials and their fields")


class ReviewForm(Form):
    """Up to which event somebody has read."""

    seq = IntegerField("Event", validators=[InputRequired("Say up to which event.")])
