"""Vaults, and who may use them."""

from __future__ import annotations

from wtforms import BooleanField, StringField, TextAreaField

from forms.base import Form
from forms.fields import ChoiceField, DayField, WholeNumberField, as_id, choices
from policy import Right
from services.items import Protection

RIGHTS = (
    (Right.USE, "Use: see what there is, but no values"),
    (Right.REVEAL, "Reveal: also see and copy values"),
    (Right.EDIT, "Edit: also add, change, move and trash"),
    (Right.MANAGE, "Manage: also decide who may do what"),
)


APPROVALS = (
    (None, "No"),
    (15, "Yes; it then counts for 15 minutes"),
    (60, "Yes; it then counts for an hour"),
    (240, "Yes; it then counts for 4 hours"),
    (480, "Yes; it then counts for 8 hours"),
    (1440, "Yes; it then counts for a day"),
)


def as_minutes(value: str | int | None) -> int | None:
    """Read a number of minutes that a field sends or is given; empty means none."""
    return int(value) if value else None


def as_right(value: str | int) -> Right:
    """Read a right that a field sends or is given."""
    return Right(int(value))


class VaultForm(Form):
    """What a vault is called."""

    name = StringField("Name")
    description = TextAreaField("Description")


class ProtectionForm(Form):
    """What a reveal asks for first."""

    confirm = BooleanField("Confirm to reveal: ask people again who they are, unless they just said so")
    approval_minutes = ChoiceField(
        "A second person must approve each reveal",
        coerce=as_minutes,
        choices=choices((str(minutes or ""), words) for minutes, words in APPROVALS),
    )

    @property
    def wanted(self) -> Protection:
        """What was chosen."""
        return Protection(confirm=self.confirm.data, approval_minutes=self.approval_minutes.data)


class ChangeVaultForm(VaultForm, ProtectionForm):
    """What a vault is called, how much history it keeps, who hears of it, what a reveal asks for."""

    max_versions = WholeNumberField("Versions to keep of each credential")
    listed = BooleanField("List it: everybody here sees that it exists and may ask for access")


class GrantForm(Form):
    """Which right a person or a group has, until when, and why."""

    holder_id = ChoiceField("Person or group", coerce=as_id)
    right = ChoiceField(
        "May",
        coerce=as_right,
        choices=choices((str(right.value), words) for right, words in RIGHTS),
        default=Right.REVEAL,
    )
    ends_at = DayField("Until the end of")
    reason = StringField("Reason")
