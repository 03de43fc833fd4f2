"""Whose rows a session sees: one organization's, or none at all."""

from uuid import uuid4

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from errors import NoOrganization
from models import AccessToken, Base, Membership, Organization, Tenant, User, Vault
from services.database import EVERY_ORGANIZATION, see_organization
from tests.world import LAKESIDE, NORTHWIND

GLOBAL_TABLES = {
    "audit_chain",
    "audit_checkpoint",
    "audit_day",
    "audit_event",
    "backup",
    "csp_report",
    "data_key",
    "factor",
    "identity",
    "instance",
    "lease",
    "lockout",
    "master_key_seen",
    "organization",
    "passkey",
    "passkey_challenge",
    "recovery_code",
    "sso_attempt",
    "user_account",
    "user_session",
}
"""Tables that belong to no one organization, or are reached by prepared statements that name it."""


@pytest.fixture
def session(runtime):
    with Session(runtime.engine) as session:
        yield session


@pytest.fixture
def here(world):
    return world.organizations[NORTHWIND]


def test_every_table_says_whether_it_belongs_to_an_organization():
    tenants = {m.local_table.name for m in Base.registry.mappers if issubclass(m.class_, Tenant)}
    assert tenants | GLOBAL_TABLES == set(Base.metadata.tables)
    assert not tenants & GLOBAL_TABLES


@pytest.mark.parametrize(
    "statement",
    [
        select(Vault),
        select(Vault.name),
        select(func.count()).select_from(Vault),
        select(User).join(Membership, Membership.user_id == User.id),
        select(User).where(User.id.in_(select(Membership.user_id))),
        update(Vault).values(name="x"),
        delete(Membership),
    ],
)
def test_a_query_that_names_no_organization_is_refused(session, statement):
    with pytest.raises(NoOrganization):
        session.execute(statement)


def test_a_query_sees_the_rows_of_its_organization_only(session, here):
    see_organization(session, here)
    assert {vault.organization_id for vault in session.scalars(select(Vault))} == {here}
    assert session.scalar(select(func.count()).select_from(Vault)) == 2


def test_a_join_does_not_lead_into_another_organization(session, world, here):
    see_organization(session, here)
    emails = session.scalars(select(User.email).join(AccessToken, AccessToken.user_id == User.id)).all()
    assert emails
    assert all(email.endswith("northwind.example") for email in emails)


def test_a_row_of_another_organization_cannot_be_fetched_by_its_id(session, world, here):
    see_organization(session, here)
    assert session.get(Vault, world.vaults["Harbor"]) is None


def test_changing_all_rows_changes_those_of_the_organization_only(session, here):
    see_organization(session, here)
    session.execute(update(Membership).values(role="member"))
    see_organization(session, EVERY_ORGANIZATION)
    roles = session.execute(
        select(Organization.slug, Membership.role).join(
            Organization, Organization.id == Membership.organization_id
        )
    ).all()
    assert (LAKESIDE, "owner") in roles
    assert (NORTHWIND, "owner") not in roles


def test_a_row_of_another_organization_cannot_be_written(session, world, here):
    see_organization(session, here)
    foreign = Vault(
        id=uuid4(),
        organization_id=world.organizations[LAKESIDE],
        name="Stowaway",
        created_at=func.now(),
        created_by=uuid4(),
    )
    session.add(foreign)
    with pytest.raises(NoOrganization):
        session.flush()
