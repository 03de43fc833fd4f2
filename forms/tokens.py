"""Issuing and replacing API tokens."""

from __future__ import annotations

from wtforms import SelectMultipleField, StringField
from wtforms.validators import InputRequired, NumberRange
from wtforms.widgets import CheckboxInput, ListWidget

from forms.base import Form
from forms.fields import WholeNumberField, choices
from policy import Scope
from services.rules import TOKEN_LASTS, TOKEN_LASTS_AT_MOST
from services.tokens import OVERLAP_AT_MOST

SCOPES = (
    (Scope.ITEMS_LIST.value, "List credentials, without their values"),
    (Scope.ITEMS_REVEAL.value, "Reveal values"),
)
DAYS = TOKEN_LASTS_AT_MOST.days
HOURS = OVERLAP_AT_MOST.days * 24


class IssueTokenForm(Form):
    """A token for a program."""

    name = StringField("Name", validators=[InputRequired("Name the program that gets the token.")])
    scopes = SelectMultipleField(
        "It may",
        choices=choices(SCOPES),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    days = WholeNumberField(
        "It works for (days)",
        default=TOKEN_LASTS.days,
        validators=[
            InputRequired("Enter for how many days it shall work."),
            NumberRange(1, DAYS, f"Choose 1 to {DAYS} days."),
        ],
    )


class OverlapForm(Form):
    """How long an old token works on beside the one that replaces it."""

    overlap_hours = WholeNumberField(
        "Keep the old token working for (hours)",
        default=0,
        validators=[NumberRange(0, HOURS, f"Choose 0 to {HOURS} hours.")],
    )
