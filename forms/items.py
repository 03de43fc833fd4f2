"""Credentials: what people type into them, move them to, call their copies.

One form serves all types: the page shows the fields of one, and the other fields of a request are not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from wtforms import (
    BooleanField,
    FieldList,
    FormField,
    HiddenField,
    SelectMultipleField,
    StringField,
    SubmitField,
    TextAreaField,
)
from wtforms import Form as PlainForm
from wtforms.widgets import HiddenInput

from forms.base import Form
from forms.fields import (
    BlockField,
    ChoiceField,
    DayField,
    SecretField,
    WholeNumberField,
    as_id,
    choices,
)

CUSTOM_KINDS = (("text", "Text"), ("hidden", "Hidden"), ("link", "Link"), ("date", "Date"), ("json", "JSON"))

STORED_KINDS: Mapping[str, str] = MappingProxyType(
    {"multiline": "Several lines", "otp": "Authenticator", "reference": "Variable of the server"}
)
"""What a field can be besides, where an import or a command has made it so."""


class CustomFieldForm(PlainForm):
    """A field of the person's own; ``was`` is its stored name, empty for a new one."""

    was = HiddenField()
    name = StringField("Name")
    kind = ChoiceField("Kind", choices=choices(CUSTOM_KINDS), default="text")
    value = StringField("Value")
    remove = BooleanField("Remove")


class ItemForm(Form):
    """All that a credential may hold."""

    type = ChoiceField("Type")
    shown = HiddenField()
    """The type whose fields stood on the page; another one's must be shown before anything is stored."""
    version = WholeNumberField(widget=HiddenInput())
    """The version that the person had before their eyes."""
    name = StringField("Name")
    user_name = StringField("User name")
    urls = TextAreaField("URL")

    host = StringField("Host")
    port = StringField("Port")
    database = StringField("Database")
    password = SecretField("Password")
    totp = StringField("TOTP")
    api_key = SecretField("API key")
    certificate = BlockField("Certificate")
    private_key = BlockField("Private key")
    chain = BlockField("Chain")
    passphrase = SecretField("Passphrase")
    public_key = BlockField("Public key")
    notes = BlockField("Notes")

    clear = SelectMultipleField("Clear", validate_choice=False)
    """Stored values to empty, by the names of their fields."""
    custom = FieldList(FormField(CustomFieldForm))
    tags = StringField("Tags")
    expires_on = DayField("Expires")

    show_fields = SubmitField("Show fields")
    add_field = SubmitField("Add another field")


class MoveForm(Form):
    """Where a credential goes."""

    vault_id = ChoiceField("Vault", coerce=as_id)


class DuplicateForm(Form):
    """What the copy is called."""

    name = StringField("Name")
