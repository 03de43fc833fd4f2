"""The policy as a truth table: by role, by right, by scope, by freshness."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from policy import (
    GRANTS,
    NOBODY,
    SYSTEM_ACTOR,
    Actor,
    ActorKind,
    Permission,
    Right,
    Role,
    Scope,
    Verdict,
    judge,
)

HERE, ELSEWHERE = UUID(int=1), UUID(int=2)
VAULT, OTHER_VAULT = UUID(int=11), UUID(int=12)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FRESH_FOR = timedelta(minutes=5)

OWNER, ADMIN, MEMBER, AUDITOR = Role.OWNER, Role.ADMIN, Role.MEMBER, Role.AUDITOR
EVERYONE = {OWNER, ADMIN, MEMBER, AUDITOR}

BY_ROLE = {
    Permission.ACCOUNT_USE: EVERYONE,
    Permission.ACCOUNT_SECURE: EVERYONE,
    Permission.ORGANIZATION_READ: EVERYONE,
    Permission.SETTINGS_READ: {OWNER, ADMIN, AUDITOR},
    Permission.PEOPLE_READ: {OWNER, ADMIN, AUDITOR},
    Permission.PEOPLE_MANAGE: {OWNER, ADMIN},
    Permission.TOKENS_OWN: EVERYONE,
    Permission.TOKENS_ISSUE: {OWNER, ADMIN, MEMBER},
    Permission.TOKENS_READ: {OWNER, ADMIN, AUDITOR},
    Permission.TOKENS_MANAGE: {OWNER, ADMIN},
    Permission.TOKENS_EXPORT: {OWNER, ADMIN, AUDITOR},
    Permission.LOCKOUTS_MANAGE: {OWNER, ADMIN},
    Permission.AUDIT_READ: {OWNER, ADMIN, AUDITOR},
    Permission.AUDIT_EXPORT: {OWNER, ADMIN, AUDITOR},
    Permission.AUDIT_SYSTEM: set(),
    Permission.KEYS_PROVE: set(),
    Permission.VAULT_CREATE: {OWNER, ADMIN, MEMBER},
    Permission.VAULT_ACCESS: {OWNER, ADMIN},
}
BY_RIGHT = {
    Permission.VAULT_READ: Right.USE,
    Permission.VAULT_ACCESS: Right.MANAGE,
    Permission.VAULT_MANAGE: Right.MANAGE,
    Permission.ITEM_READ: Right.USE,
    Permission.ITEM_REVEAL: Right.REVEAL,
    Permission.ITEM_EDIT: Right.EDIT,
    Permission.ITEM_PURGE: Right.MANAGE,
}


def actor(role=MEMBER, rights=None, **changes):
    values = {"organization_id": HERE, "role": role, "rights": rights or {}, "confirmed_at": NOW}
    return Actor(ActorKind.PERSON, UUID(int=5), "Mia", **(values | changes))


def verdict(who, permission, *, organization_id=HERE, vault_id=None, owner_id=None):
    return judge(
        who,
        permission,
        organization_id=organization_id,
        vault_id=vault_id,
        owner_id=owner_id,
        now=NOW,
        fresh_for=FRESH_FOR,
    )


def test_every_permission_stands_in_the_table_here_and_in_the_policy():
    assert set(GRANTS) == set(Permission) == set(BY_ROLE) | set(BY_RIGHT)


@pytest.mark.parametrize("permission", BY_ROLE)
@pytest.mark.parametrize("role", Role)
def test_a_role_holds_what_the_table_says_and_nothing_else(permission, role):
    expected = Verdict.ALLOW if role in BY_ROLE[permission] else Verdict.DENY
    assert verdict(actor(role), permission) is expected


@pytest.mark.parametrize("permission", BY_RIGHT)
@pytest.mark.parametrize("right", Right)
def test_a_right_on_the_vault_reaches_as_far_as_the_table_says(permission, right):
    expected = Verdict.ALLOW if right >= BY_RIGHT[permission] else Verdict.DENY
    assert verdict(actor(rights={VAULT: right}), permission, vault_id=VAULT) is expected


@pytest.mark.parametrize("permission", set(BY_RIGHT) - set(BY_ROLE))
@pytest.mark.parametrize("role", Role)
def test_no_role_opens_a_vault_that_was_not_granted_nor_tells_that_it_exists(permission, role):
    assert verdict(actor(role, {OTHER_VAULT: Right.MANAGE}), permission, vault_id=VAULT) is Verdict.HIDE


def test_an_auditor_never_reveals_whatever_was_granted():
    auditor = actor(AUDITOR, {VAULT: Right.MANAGE})
    assert verdict(auditor, Permission.ITEM_READ, vault_id=VAULT) is Verdict.ALLOW
    assert verdict(auditor, Permission.ITEM_REVEAL, vault_id=VAULT) is Verdict.DENY


@pytest.mark.parametrize("permission", [each for each in Permission if not GRANTS[each].anyone])
def test_a_stranger_to_the_organization_learns_nothing(permission):
    assert verdict(actor(OWNER), permission, organization_id=ELSEWHERE, vault_id=VAULT) is Verdict.HIDE
    assert verdict(actor(None), permission, vault_id=VAULT) is Verdict.HIDE


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("who", [NOBODY, SYSTEM_ACTOR])
def test_nobody_and_the_system_may_nothing_through_the_guard(permission, who):
    assert verdict(who, permission) is not Verdict.ALLOW or GRANTS[permission].anyone


def test_nobody_has_no_account():
    assert verdict(NOBODY, Permission.ACCOUNT_USE) is Verdict.HIDE


@pytest.mark.parametrize("permission", [Permission.AUDIT_SYSTEM, Permission.KEYS_PROVE])
def test_what_concerns_the_whole_instance_is_the_operators_alone(permission):
    assert verdict(actor(OWNER), permission) is Verdict.DENY
    assert verdict(actor(OWNER, operator=True), permission) is Verdict.ALLOW


@pytest.mark.parametrize("permission", Permission)
def test_a_scope_narrows_a_token_and_never_widens_it(permission):
    everything = {"rights": {VAULT: Right.MANAGE}, "scopes": frozenset(Scope)}
    wide = verdict(actor(OWNER, **everything), permission, vault_id=VAULT)
    none = verdict(actor(OWNER, **(everything | {"scopes": frozenset()})), permission, vault_id=VAULT)
    assert none is not Verdict.ALLOW
    assert (wide is Verdict.ALLOW) == (GRANTS[permission].scope is not None)


def test_a_scope_without_the_right_opens_nothing():
    token = actor(rights={VAULT: Right.USE}, scopes=frozenset(Scope))
    assert verdict(token, Permission.ITEM_REVEAL, vault_id=VAULT) is Verdict.DENY


@pytest.mark.parametrize("permission", [each for each in Permission if GRANTS[each].fresh])
@pytest.mark.parametrize(
    ("confirmed", "expected"),
    [
        (NOW - FRESH_FOR, Verdict.ALLOW),
        (NOW - FRESH_FOR - timedelta(seconds=1), Verdict.CONFIRM),
        (None, Verdict.CONFIRM),
    ],
)
def test_what_is_dangerous_asks_again_after_five_minutes(permission, confirmed, expected):
    who = actor(OWNER, {VAULT: Right.MANAGE}, confirmed_at=confirmed)
    assert verdict(who, permission, vault_id=VAULT) is expected


def test_an_unknown_permission_is_refused():
    assert verdict(actor(OWNER), "vault:burn") is Verdict.HIDE


@pytest.mark.parametrize("role", Role)
def test_a_token_is_managed_by_admins_and_by_whom_it_belongs_to(role):
    mine, theirs = UUID(int=5), UUID(int=6)
    assert verdict(actor(role), Permission.TOKENS_MANAGE, owner_id=mine) is Verdict.ALLOW
    expected = Verdict.ALLOW if role in {OWNER, ADMIN} else Verdict.HIDE
    assert verdict(actor(role), Permission.TOKENS_MANAGE, owner_id=theirs) is expected


def test_owning_a_token_does_not_issue_or_read_others():
    mine = UUID(int=5)
    assert verdict(actor(AUDITOR), Permission.TOKENS_ISSUE, owner_id=mine) is Verdict.HIDE
    assert verdict(actor(MEMBER), Permission.TOKENS_READ) is Verdict.DENY
