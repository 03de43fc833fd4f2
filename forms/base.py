"""What all forms share."""

from __future__ import annotations

from flask_wtf import FlaskForm

from errors import Invalid


class Form(FlaskForm):  # type: ignore[misc]
    """A form whose errors may also come from a use case."""

    def tell_apart(self, suffix: str) -> None:
        """Give the fields ids of their own, where several such forms stand on one page."""
        for field in self:
            field.id = f"{field.id}-{suffix}"
            field.label.field_id = field.id

    def blame(self, error: Invalid) -> None:
        """Show *error* beside the field that it names, or above the form."""
        field = self._fields.get(error.field or "")
        if field is None:
            self.form_errors.append(str(error))
        else:
            field.errors = [*field.errors, str(error)]
