"""Making service accounts."""

from __future__ import annotations

from wtforms import StringField
from wtforms.validators import InputRequired

from forms.base import Form
from forms.fields import ChoiceField, choices
from policy import Role

ROLES = (
    (Role.MEMBER.value, "Member: reads and writes what it is given rights on"),
    (Role.AUDITOR.value, "Auditor: reads the audit log and who has what, reveals nothing"),
)


class ServiceForm(Form):
    """What a service is called, and what it is for."""

    name = StringField("Name", validators=[InputRequired("Name what runs there, such as Deployment.")])
    role = ChoiceField("Role", choices=choices(ROLES), default=Role.MEMBER.value)
