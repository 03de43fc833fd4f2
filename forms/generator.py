"""What a generated password or phrase is made of."""

from __future__ import annotations

from wtforms import BooleanField, RadioField

from forms.base import Form
from forms.fields import ChoiceField, WholeNumberField, choices

KINDS = (("password", "Random characters"), ("phrase", "Words"))
SEPARATORS = (("-", "Hyphen"), (" ", "Space"), (".", "Dot"), ("_", "Underscore"), ("", "Nothing"))


class GeneratorForm(Form):
    """A password of random characters, or a phrase of words."""

    kind = RadioField("Kind", choices=choices(KINDS), default="password")
    length = WholeNumberField("Length", default=20)
    lower = BooleanField("Lower case", default=True)
    upper = BooleanField("Upper case", default=True)
    digits = BooleanField("Digits", default=True)
    symbols = BooleanField("Symbols", default=True)
    avoid_lookalikes = BooleanField("Avoid look-alikes such as 0 and O")
    words = WholeNumberField("Words", default=6)
    separator = ChoiceField("Separator", choices=choices(SEPARATORS), default="-")
    capitalize = BooleanField("Capitalize")
    number = BooleanField("Add a digit")
