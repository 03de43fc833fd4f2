"""Issuing and replacing API tokens."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time
from uuid import UUID

from wtforms import SelectMultipleField, StringField
from wtforms.validators import InputRequired, NumberRange
from wtforms.widgets import CheckboxInput, ListWidget

from forms.base import Form
from forms.fields import BlockField, ChoiceField, DayField, WholeNumberField, as_id, choices
from policy import Scope
from services.rules import TOKEN_LASTS, TOKEN_LASTS_AT_MOST
from services.token_limits import Limits, read_names, read_networks
from services.tokens import OVERLAP_AT_MOST

SCOPES = (
    (Scope.ITEMS_LIST.value, "List credentials, without their values"),
    (Scope.ITEMS_USE.value, "Look at single credentials, without their values"),
    (Scope.ITEMS_REVEAL.value, "Reveal values"),
    (Scope.ITEMS_WRITE.value, "Create and change credentials, move them to the trash and back"),
    (Scope.ITEMS_DESTROY.value, "Destroy credentials of the trash"),
    (Scope.VAULTS_MANAGE.value, "Make and change vaults"),
    (Scope.PEOPLE_READ.value, "See who belongs to the organization"),
    (Scope.AUDIT_READ.value, "Read the audit log"),
    (Scope.TOKENS_ISSUE.value, "Make narrower tokens"),
)
DAYS = TOKEN_LASTS_AT_MOST.days
HOURS = OVERLAP_AT_MOST.days * 24


def _owner(value: str | UUID) -> UUID | str:
    return as_id(value) if value else ""


class IssueTokenForm(Form):
    """A token for a program."""

    name = StringField("Name", validators=[InputRequired("Name the program that gets the token.")])
    scopes = SelectMultipleField(
        "It may",
        choices=choices(SCOPES),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    days = WholeNumberField(
        "It works for (days)",
        default=TOKEN_LASTS.days,
        validators=[
            InputRequired("Enter for how many days it shall work."),
            NumberRange(1, DAYS, f"Choose 1 to {DAYS} days."),
        ],
    )

    owner_id = ChoiceField("It acts for", coerce=_owner, default="")
    vaults = SelectMultipleField(
        "Only in these vaults",
        coerce=as_id,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    names = BlockField("Only credentials of these names")
    networks = BlockField("Only from these networks")
    not_before = DayField("Not before")
    uses = WholeNumberField("Uses")
    per_minute = WholeNumberField("Requests a minute")

    def offer(self, vaults: Iterable[tuple[str, str]], services: Iterable[tuple[str, str]]) -> None:
        """Offer the vaults and the service accounts that the actor may choose."""
        self.vaults.choices = choices(vaults)
        self.owner_id.choices = choices([("", "You, and ends with your access"), *services])

    def read_limits(self) -> Limits:
        """Return what the token is narrowed to.

        Raises:
            Invalid: names the field.
        """
        day = self.not_before.data
        return Limits(
            vaults=frozenset(self.vaults.data) if self.vaults.data else None,
            names=read_names((self.names.data or "").splitlines()),
            networks=read_networks((self.networks.data or "").splitlines()),
            not_before=datetime.combine(day, time(), UTC) if day else None,
            uses=self.uses.data,
            per_minute=self.per_minute.data,
        )


class OverlapForm(Form):
    """How long an old token works on beside the one that replaces it."""

    overlap_hours = WholeNumberField(
        "Keep the old token working for (hours)",
        default=0,
        validators=[NumberRange(0, HOURS, f"Choose 0 to {HOURS} hours.")],
    )
