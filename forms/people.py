"""Inviting people and giving them roles."""

from __future__ import annotations

from wtforms import StringField
from wtforms.validators import InputRequired

from forms.base import Form
from forms.fields import ChoiceField, choices
from policy import Role

ROLES = (
    (Role.MEMBER.value, "Member: works in the vaults that are shared with them"),
    (Role.AUDITOR.value, "Auditor: reads the audit log and who has what, reveals nothing"),
    (Role.ADMIN.value, "Admin: also looks after people, tokens and lockouts"),
    (Role.OWNER.value, "Owner: also decides about owners"),
)


class InviteForm(Form):
    """Who is invited, and as what."""

    email = StringField("E-mail address", validators=[InputRequired("Enter the e-mail address to invite.")])
    name = StringField("Name")
    role = ChoiceField("Role", default=Role.MEMBER.value)

    def offer(self, *, owners: bool) -> None:
        """Offer the roles that the actor may give."""
        self.role.choices = choices(_offered(owners=owners))


class RoleForm(Form):
    """What a person may do from now on."""

    role = ChoiceField("Role")

    def offer(self, *, owners: bool) -> None:
        """Offer the roles that the actor may give."""
        self.role.choices = choices(_offered(owners=owners))


def _offered(*, owners: bool) -> list[tuple[str, str]]:
    return [(value, words) for value, words in ROLES if owners or value != Role.OWNER]
