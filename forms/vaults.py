"""Vaults, and who may use them."""

from __future__ import annotations

from wtforms import StringField, TextAreaField

from forms.base import Form
from forms.fields import ChoiceField, DayField, WholeNumberField, as_id, choices
from policy import Right

RIGHTS = (
    (Right.USE, "Use: see what there is, but no values"),
    (Right.REVEAL, "Reveal: also see and copy values"),
    (Right.EDIT, "Edit: also add, change, move and trash"),
    (Right.MANAGE, "Manage: also decide who may do what"),
)


def as_right(value: str | int) -> Right:
    """Read a right that a field sends or is given."""
    return Right(int(value))


class VaultForm(Form):
    """What a vault is called."""

    name = StringField("Name")
    description = TextAreaField("Description")


class ChangeVaultForm(VaultForm):
    """What a vault is called, and how much history it keeps."""

    max_versions = WholeNumberField("Versions to keep of each credential")


class GrantForm(Form):
    """Which right a person has on a vault, and until when."""

    user_id = ChoiceField("Person", coerce=as_id)
    right = ChoiceField(
        "May",
        coerce=as_right,
        choices=choices((str(right.value), words) for right, words in RIGHTS),
        default=Right.REVEAL,
    )
    ends_at = DayField("Until the end of")
