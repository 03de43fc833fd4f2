"""What people ask for, and what is decided about it."""

from __future__ import annotations

from wtforms import StringField

from forms.base import Form
from forms.fields import ChoiceField, DayField, choices
from forms.vaults import RIGHTS, as_right
from policy import Right


class AskForm(Form):
    """Which right somebody wants on a vault, and why."""

    right = ChoiceField(
        "I need to",
        coerce=as_right,
        choices=choices((str(right.value), words) for right, words in RIGHTS),
        default=Right.REVEAL,
    )
    reason = StringField("Reason")


class ApprovalForm(Form):
    """Why somebody wants to reveal a credential."""

    reason = StringField("Reason")


class GrantRequestForm(Form):
    """What is given of what was asked for, and until when."""

    right = ChoiceField(
        "May", coerce=as_right, choices=choices((str(right.value), words) for right, words in RIGHTS)
    )
    ends_at = DayField("Until the end of")
