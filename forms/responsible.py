"""Who looks after a vault or a credential."""

from __future__ import annotations

from uuid import UUID

from wtforms import Field
from wtforms.validators import ValidationError

from forms.base import Form
from forms.fields import ChoiceField, as_id


def as_id_or_none(value: str | UUID | None) -> UUID | None:
    """Read an id that a field sends or is given; empty means none."""
    return as_id(value) if value else None


def was_sent(_form: Form, field: Field) -> None:
    """Refuse a form without the field: what is not chosen must not count as chosen to be nothing."""
    if not field.raw_data:
        message = "Choose one from the list."
        raise ValidationError(message)


class KeeperForm(Form):
    """Who looks after one thing."""

    user_id = ChoiceField("Responsible", coerce=as_id_or_none, validators=[was_sent])


class HandOverForm(Form):
    """What goes to whom."""

    vault_id = ChoiceField("What", coerce=as_id_or_none, validators=[was_sent])
    user_id = ChoiceField("To", coerce=as_id)
