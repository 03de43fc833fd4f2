"""Imports: the file, how to read it, and what its columns become."""

from __future__ import annotations

from flask_wtf.file import FileField
from wtforms import FieldList, StringField

from forms.base import Form
from forms.fields import ChoiceField, SecretField, choices
from importers.csv_table import Becomes

BECOMES = tuple((one.value, one.label[:1].upper() + one.label[1:]) for one in Becomes)


class ImportForm(Form):
    """A file of another program."""

    file = FileField("File")
    format = ChoiceField("Format")
    passphrase = SecretField("Passphrase")
    key_file = FileField("Key file")
    folder = StringField("Into the folder")


class ColumnsForm(Form):
    """What each column of a table becomes, in their order."""

    columns = FieldList(ChoiceField("Becomes", choices=choices(BECOMES)))
