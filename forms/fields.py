"""Fields whose complaints say what to do, and texts that come back byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from wtforms import DateField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its annotations
from wtforms.widgets import PasswordInput


def choices(pairs: Iterable[tuple[str, str]]) -> list[SelectChoice]:
    """Turn pairs of value and words into what a field offers."""
    return [SelectChoice(value, words) for value, words in pairs]


def as_id(value: str | UUID) -> UUID:
    """Read an id that a field sends or is given."""
    return value if isinstance(value, UUID) else UUID(value)


class ChoiceField(SelectField):
    """One of a list."""

    def __init__(self, label: str, *, coerce: Callable[[Any], Any] = str, **kwargs: Any) -> None:
        sentence = "Choose one from the list."
        # The annotations of WTForms do not know the two messages yet.
        super().__init__(  # type: ignore[call-arg]
            label,
            coerce=coerce,
            invalid_value_message=sentence,
            invalid_choice_message=sentence,
            **kwargs,
        )


class DayField(DateField):
    """A calendar day; empty means none."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Read what a date input sends."""
        if not any(valuelist):
            self.data = None
            return
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError("Write the day as year-month-day, for example 2027-03-31.") from None


class WholeNumberField(IntegerField):
    """A whole number; empty means none."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Read what a number input sends."""
        if not any(valuelist):
            self.data = None
            return
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError("Enter a whole number.") from None


class SecretField(StringField):
    """A secret in one line, not shown while it is typed.

    What somebody has just typed is given back when the form has to be shown again, so that nothing is lost;
    what is stored never comes here.
    """

    widget = PasswordInput(hide_value=False)


class BlockField(TextAreaField):
    """A text of several lines.

    Browsers send every line break of a text area as CR LF, whatever was typed; it becomes LF, here and
    nowhere else, so that a key or a certificate is stored as it was pasted.
    """

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Read what a text area sends."""
        super().process_formdata([str(value).replace("\r\n", "\n") for value in valuelist])
