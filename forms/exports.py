"""Exports: what is taken out, how it is written, and why."""

from __future__ import annotations

from wtforms import BooleanField, StringField

from forms.base import Form
from forms.fields import ChoiceField, SecretField

EVERYTHING = ("", "Everything that you may reveal")


class ExportForm(Form):
    """One file with credentials."""

    vault = ChoiceField("What")
    format = ChoiceField("Format")
    passphrase = SecretField("Passphrase of the file")
    again = SecretField("The passphrase once more")
    files = BooleanField("Files on the credentials too")
    versions = BooleanField("Earlier versions too")
    reason = StringField("Reason")
