"""Files on credentials."""

from __future__ import annotations

from flask_wtf.file import FileField

from forms.base import Form


class FileForm(Form):
    """A file to add."""

    file = FileField("File")
