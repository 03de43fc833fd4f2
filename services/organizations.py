"""The organizations of the installation, as its operator sees them: names, figures, limits; nothing inside.

Every deed stands in two logs: the installation's own, and that of the organization that it happened to.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from errors import Conflict, Invalid, NotFound
from models import Action, Organization
from services import audit, instance, invitations
from services import organization_queries as queries
from services.events import Extra, Target
from services.invitations import Invited
from services.postgresql import seeing_all
from services.prepared import fetch, fetch_one
from services.unit_of_work import UnitOfWork

NAME_MAX = 120
LIMIT_MAX = 1_000_000
GRACE = timedelta(days=30)
"""How long a deletion can be taken back."""
LIMITS = ("people_max", "vaults_max", "items_max")


@dataclass(frozen=True, slots=True)
class Line:
    """An organization in the operator's list.

    Args:
        people: active ones.
        items: those in the trash as well.
        suspended_at: None: it is not.
        deletion_at: when everything of it will be destroyed; None: it will not.
    """

    id: UUID
    slug: str
    name: str
    created_at: datetime
    suspended_at: datetime | None
    deletion_at: datetime | None
    people_max: int | None
    vaults_max: int | None
    items_max: int | None
    people: int
    members: int
    vaults: int
    items: int

    @property
    def state(self) -> str:
        """``open``, ``suspended`` or ``deleting``."""
        if self.deletion_at is not None:
            return "deleting"
        return "open" if self.suspended_at is None else "suspended"


@dataclass(frozen=True, slots=True)
class Created:
    """A new organization, and the link for its first owner."""

    id: UUID
    slug: str
    name: str
    invited: Invited


def find(uow: UnitOfWork, organization_id: UUID) -> Organization:
    """Return an organization, whoever asks; what may be seen of it is for the caller to know.

    Raises:
        NotFound: there is none.
    """
    organization = uow.session.get(Organization, organization_id)
    if organization is None:
        raise NotFound
    return organization


def everything(uow: UnitOfWork) -> list[Line]:
    """Return all organizations by name, with what they hold."""
    with seeing_all(uow.connection):
        lines = [Line(**row._asdict()) for row in fetch(uow.connection, queries.LINES, {})]
    return sorted(lines, key=lambda line: (line.name.casefold(), line.slug))


def line_of(uow: UnitOfWork, organization: Organization) -> Line:
    """Return an organization as the list shows it."""
    uow.session.flush()
    with seeing_all(uow.connection):
        row = fetch_one(uow.connection, queries.LINE, {"organization_id": organization.id})
    return Line(**row._asdict())


def create(uow: UnitOfWork, name: str, email: str, owner: str = "") -> Created:
    """Make an organization, and a link for its first owner; the actor gets no right in it.

    Raises:
        Invalid: names the form field.
    """
    name = _clean_name(name)
    # Looked at first: nothing may be made for an address that is none.
    email, owner = invitations.clean_email(email), invitations.clean_name(owner)
    organization = instance.make_organization(uow, name)
    _record_inside(uow, organization, Action.ORGANIZATION_CREATED, {"slug": organization.slug})
    invited = _invite(uow, organization, email, owner)
    return Created(organization.id, organization.slug, organization.name, invited)


def invite_owner(uow: UnitOfWork, organization: Organization, email: str, owner: str = "") -> Invited:
    """Make another link for the first owner, while nobody has come in.

    Raises:
        Invalid: not an e-mail address.
        Conflict: somebody belongs to it; who else does is for its owners to decide.
    """
    if line_of(uow, organization).members:
        message = f"{organization.name} has people of its own, who invite others themselves."
        raise Conflict(message)
    return _invite(uow, organization, invitations.clean_email(email), invitations.clean_name(owner))


def rename(uow: UnitOfWork, organization: Organization, name: str) -> bool:
    """Give an organization another name; its addresses stay. Return whether it was another one.

    Raises:
        Invalid: names the form field.
    """
    name = _clean_name(name)
    if name == organization.name:
        return False
    was, organization.name = organization.name, name
    _record(uow, organization, Action.ORGANIZATION_CHANGED, {"fields": ["name"], "was": was})
    return True


def limit(
    uow: UnitOfWork, organization: Organization, people: int | None, vaults: int | None, items: int | None
) -> bool:
    """Say how much an organization may hold; return whether anything is different.

    What is there already stays, also where it is more.

    Args:
        people: None, as for the others: as many as it likes.

    Raises:
        Invalid: names the form field.
    """
    wanted = dict(zip(LIMITS, (people, vaults, items), strict=True))
    for name, value in wanted.items():
        if value is not None and not 1 <= value <= LIMIT_MAX:
            raise Invalid(f"Enter a number from 1 to {LIMIT_MAX:,}, or nothing for no limit.", name)
    changed = {name: value for name, value in wanted.items() if getattr(organization, name) != value}
    for name, value in changed.items():
        setattr(organization, name, value)
    if changed:
        _record(uow, organization, Action.ORGANIZATION_CHANGED, {"fields": list(changed), **changed})
    return bool(changed)


def suspend(uow: UnitOfWork, organization: Organization) -> None:
    """Let nobody work in an organization, people and programs; sessions stay for other places.

    Raises:
        Conflict: it is suspended already.
    """
    if organization.suspended_at is not None:
        raise Conflict(f"{organization.name} is suspended already.")
    organization.suspended_at = uow.now
    _record(uow, organization, Action.ORGANIZATION_SUSPENDED, {})


def resume(uow: UnitOfWork, organization: Organization) -> None:
    """Let everybody work again.

    Raises:
        Conflict: it is not suspended.
    """
    if organization.suspended_at is None:
        raise Conflict(f"{organization.name} is not suspended.")
    organization.suspended_at = None
    _record(uow, organization, Action.ORGANIZATION_RESUMED, {})


def set_deletion(uow: UnitOfWork, organization: Organization, typed: str) -> None:
    """Close an organization at once, and have everything of it destroyed in ``GRACE``.

    Args:
        typed: the name, typed by whoever wants that.

    Raises:
        Invalid: it is not the name.
        Conflict: that is set already, or it is the only organization.
    """
    check_destroyable(uow, organization, typed)
    if organization.deletion_at is not None:
        raise Conflict(f"{organization.name} will be deleted already.")
    organization.deletion_at = uow.now + GRACE
    _record(uow, organization, Action.DELETION_SET, {"on": f"{organization.deletion_at:%Y-%m-%d}"})


def check_destroyable(uow: UnitOfWork, organization: Organization, typed: str) -> None:
    """Destroy nothing by mistake, and never the last organization.

    Raises:
        Invalid: *typed* is not the name.
        Conflict: it is the only organization.
    """
    if typed.strip() != organization.name:
        raise Invalid("That is not the name of the organization. Type it as it stands above.", "name")
    if len(everything(uow)) == 1:
        raise Conflict("This is the only organization. Without any nobody could sign in; make another first.")


def undo_deletion(uow: UnitOfWork, organization: Organization) -> None:
    """Keep an organization after all.

    Raises:
        Conflict: nobody has set its deletion.
    """
    if organization.deletion_at is None:
        raise Conflict(f"Nobody has set the deletion of {organization.name}.")
    organization.deletion_at = None
    _record(uow, organization, Action.DELETION_UNDONE, {})


def _invite(uow: UnitOfWork, organization: Organization, email: str, owner: str) -> Invited:
    before = uow.actor
    uow.act_as(replace(before, organization_id=organization.id))
    invited = invitations.invite_first_owner(uow, email, owner, operator=False)
    uow.session.flush()
    uow.act_as(before)
    return invited


def _record(uow: UnitOfWork, organization: Organization, action: Action, extra: Extra) -> None:
    uow.session.flush()
    audit.record(uow, action, _target(organization), extra=extra)
    _record_inside(uow, organization, action, extra)


def _record_inside(uow: UnitOfWork, organization: Organization, action: Action, extra: Extra) -> None:
    before = uow.actor
    uow.act_as(replace(before, organization_id=organization.id))
    audit.record(uow, action, _target(organization), extra=extra)
    uow.act_as(before)


def _target(organization: Organization) -> Target:
    return Target("organization", organization.id, organization.name)


def _clean_name(text: str) -> str:
    name = " ".join(text.split())
    if not name or len(name) > NAME_MAX or not name.isprintable():
        raise Invalid(f"Give the organization a name of 1 to {NAME_MAX} printable characters.", "name")
    return name
