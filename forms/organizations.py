"""The operator's forms about organizations."""

from __future__ import annotations

from wtforms import StringField

from forms.base import Form
from forms.fields import WholeNumberField


class NewOrganizationForm(Form):
    """What a new organization is called, and who owns it first."""

    name = StringField("Name of the organization")
    email = StringField("E-mail address of the first owner")
    owner = StringField("Name of the first owner")


class FirstOwnerForm(Form):
    """Who owns an organization that nobody has come into yet."""

    email = StringField("E-mail address")
    owner = StringField("Name")


class RenameForm(Form):
    """What an organization is called."""

    name = StringField("Name")


class LimitsForm(Form):
    """How much an organization may hold."""

    people_max = WholeNumberField("People")
    vaults_max = WholeNumberField("Vaults")
    items_max = WholeNumberField("Credentials")


class DeletionForm(Form):
    """The name, typed by whoever wants an organization deleted."""

    name = StringField("Name of the organization", id="typed-name")
