"""Profiles that tokens are made with."""

from __future__ import annotations

from collections.abc import Iterable

from wtforms import SelectMultipleField, StringField
from wtforms.widgets import CheckboxInput, ListWidget

from forms.base import Form
from forms.fields import BlockField, as_id, choices
from forms.tokens import SCOPES
from services.token_limits import Limits


class ProfileForm(Form):
    """What a profile allows, and where."""

    name = StringField("Name")
    scopes = SelectMultipleField(
        "It allows",
        choices=choices(SCOPES),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    vaults = SelectMultipleField(
        "Only in these vaults",
        coerce=as_id,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    names = BlockField("Only credentials of these names")

    def offer(self, vaults: Iterable[tuple[str, str]]) -> None:
        """Offer the vaults that there are."""
        self.vaults.choices = choices(vaults)

    def fill(self, limits: Limits) -> None:
        """Show what a profile is narrowed to."""
        self.vaults.data = list(limits.vaults or ())
        self.names.data = "\n".join(limits.names)
