"""What the first page asks."""

from __future__ import annotations

from wtforms import StringField
from wtforms.validators import InputRequired, Length

from forms.base import Form


class KeyProofForm(Form):
    """The id of the master key, read from the copy that is kept elsewhere."""

    key_id = StringField(
        "Key id of your copy",
        validators=[
            InputRequired("Type the 8 characters of the id."),
            Length(max=40, message="A key id has 8 characters. Never type the key itself here."),
        ],
    )
