"""The policy as a truth table: by role, by right, by scope, by freshness."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from policy import (
    CONFIRMED,
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
ITEM, OTHER_ITEM = UUID(int=21), UUID(int=22)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FRESH_FOR = timedelta(minutes=5)

OWNER, ADMIN, MEMBER, AUDITOR = Role.OWNER, Role.ADMIN, Role.MEMBER, Role.AUDITOR
EVERYONE = {OWNER, ADMIN, MEMBER, AUDITOR}

BY_ROLE = {
    Permission.ACCOUNT_USE: EVERYONE,
    Permission.ACCOUNT_SECURE: EVERYONE,
    Permission.ORGANIZATION_READ: EVERYONE,
    Permission.SETTINGS_READ: {OWNER, ADMIN, AUDITOR},
    Permission.SETTINGS_MANAGE: {OWNER, ADMIN},
    Permission.PEOPLE_READ: {OWNER, ADMIN, AUDITOR},
    Permission.PEOPLE_MANAGE: {OWNER, ADMIN},
    Permission.TOKENS_OWN: EVERYONE,
    Permission.TOKENS_ISSUE: {OWNER, ADMIN, MEMBER},
    Permission.TOKENS_READ: {OWNER, ADMIN, AUDITOR},
    Permission.TOKENS_MANAGE: {OWNER, ADMIN},
    Permission.TOKENS_EXPORT: {OWNER, ADMIN, AUDITOR},
    Permission.ITEMS_REVEAL: EVERYONE,
    Permission.ITEMS_EXPORT: {OWNER, ADMIN, MEMBER},
    Permission.TOKENS_REVOKE: set(),
    Permission.TOKENS_MINT: {OWNER, ADMIN, MEMBER},
    Permission.TOKEN_SELF: EVERYONE,
    Permission.SERVICES_MANAGE: {OWNER, ADMIN},
    Permission.PROFILES_MANAGE: {OWNER, ADMIN},
    Permission.LEAVER_TICK: {OWNER, ADMIN},
    Permission.RESPONSIBLE_HAND_OVER: {OWNER, ADMIN},
    Permission.FACTORS_RESET: {OWNER},
    Permission.LOCKOUTS_MANAGE: {OWNER, ADMIN},
    Permission.AUDIT_READ: {OWNER, ADMIN, AUDITOR},
    Permission.AUDIT_EXPORT: {OWNER, ADMIN, AUDITOR},
    Permission.AUDIT_SYSTEM: set(),
    Permission.KEYS_PROVE: set(),
    Permission.VAULT_CREATE: {OWNER, ADMIN, MEMBER},
    Permission.VAULT_ACCESS: {OWNER, ADMIN},
    Permission.VAULT_ASK: {OWNER, ADMIN, MEMBER},
    Permission.GROUPS_MANAGE: {OWNER, ADMIN},
    Permission.ACCESS_READ: {OWNER, ADMIN, AUDITOR},
    Permission.REACH_READ: {OWNER, ADMIN, AUDITOR},
    Permission.REQUEST_SEE: EVERYONE,
    Permission.REQUEST_DECIDE: {OWNER, ADMIN},
    Permission.REQUEST_WITHDRAW: set(),
}
BY_RIGHT = {
    Permission.VAULT_READ: Right.USE,
    Permission.VAULT_ACCESS: Right.MANAGE,
    Permission.VAULT_MANAGE: Right.MANAGE,
    Permission.VAULT_IMPORT: Right.EDIT,
    Permission.ITEM_READ: Right.USE,
    Permission.ACCESS_READ: Right.MANAGE,
    Permission.REQUEST_DECIDE: Right.MANAGE,
    Permission.ITEM_REVEAL: Right.REVEAL,
    Permission.ITEM_REVEAL_CONFIRMED: Right.REVEAL,
    Permission.ITEM_EDIT: Right.EDIT,
    Permission.ITEM_PLACE: Right.EDIT,
    Permission.PROTECTION_CHANGE: Right.MANAGE,
    Permission.ITEM_PURGE: Right.MANAGE,
}
WHOLE = {Permission.VAULT_IMPORT, Permission.ITEM_PLACE, Permission.ITEM_PURGE}
"""What a right on the single item is not enough for."""


OUTSIDE = {Permission.INSTANCE_READ, Permission.INSTANCE_MANAGE}
"""Held outside every organization, by the operator alone."""


def actor(role=MEMBER, rights=None, **changes):
    values = {"organization_id": HERE, "role": role, "rights": rights or {}, "confirmed_at": NOW}
    return Actor(ActorKind.PERSON, UUID(int=5), "Mia", **(values | changes))


def verdict(who, permission, *, organization_id=HERE, vault_id=None, item_id=None, owner_id=None):
    return judge(
        who,
        permission,
        organization_id=organization_id,
        vault_id=vault_id,
        item_id=item_id,
        owner_id=owner_id,
        now=NOW,
        fresh_for=FRESH_FOR,
    )


def test_every_permission_stands_in_the_table_here_and_in_the_policy():
    assert set(GRANTS) == set(Permission) == set(BY_ROLE) | set(BY_RIGHT) | OUTSIDE


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


@pytest.mark.parametrize("permission", BY_RIGHT)
@pytest.mark.parametrize("right", Right)
def test_a_right_on_the_item_reaches_as_far_unless_the_vault_is_concerned(permission, right):
    enough = right >= BY_RIGHT[permission] and permission not in WHOLE
    found = verdict(actor(rights={ITEM: right}), permission, vault_id=VAULT, item_id=ITEM)
    assert found is (Verdict.ALLOW if enough else Verdict.DENY)


@pytest.mark.parametrize("permission", set(BY_RIGHT) - set(BY_ROLE))
def test_a_right_on_one_item_tells_nothing_of_another_nor_of_the_vault(permission):
    who = actor(rights={ITEM: Right.MANAGE})
    assert verdict(who, permission, vault_id=VAULT, item_id=OTHER_ITEM) is Verdict.HIDE
    assert verdict(who, permission, vault_id=VAULT) is Verdict.HIDE


def test_of_two_rights_the_stronger_counts():
    who = actor(rights={VAULT: Right.USE, ITEM: Right.REVEAL})
    assert verdict(who, Permission.ITEM_REVEAL, vault_id=VAULT, item_id=ITEM) is Verdict.ALLOW
    assert verdict(who, Permission.ITEM_REVEAL, vault_id=VAULT, item_id=OTHER_ITEM) is Verdict.DENY
    who = actor(rights={VAULT: Right.REVEAL, ITEM: Right.USE})
    assert verdict(who, Permission.ITEM_REVEAL, vault_id=VAULT, item_id=ITEM) is Verdict.ALLOW


def test_a_right_on_an_item_goes_no_further_than_the_role():
    auditor = actor(AUDITOR, {ITEM: Right.MANAGE})
    assert verdict(auditor, Permission.ITEM_READ, vault_id=VAULT, item_id=ITEM) is Verdict.ALLOW
    assert verdict(auditor, Permission.ITEM_REVEAL, vault_id=VAULT, item_id=ITEM) is Verdict.DENY


def test_what_is_marked_asks_again_and_is_never_a_programs():
    assert CONFIRMED == {Permission.ITEM_REVEAL: Permission.ITEM_REVEAL_CONFIRMED}
    mark = Permission.ITEM_REVEAL_CONFIRMED
    rights = {VAULT: Right.MANAGE}
    stale = actor(rights=rights, confirmed_at=NOW - FRESH_FOR - timedelta(seconds=1))
    assert verdict(stale, Permission.ITEM_REVEAL, vault_id=VAULT) is Verdict.ALLOW
    assert verdict(stale, mark, vault_id=VAULT) is Verdict.CONFIRM
    assert verdict(actor(rights=rights), mark, vault_id=VAULT) is Verdict.ALLOW
    program = actor(rights=rights, scopes=frozenset(Scope))
    assert verdict(program, Permission.ITEM_REVEAL, vault_id=VAULT) is Verdict.ALLOW
    assert verdict(program, mark, vault_id=VAULT) is Verdict.DENY


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


@pytest.mark.parametrize("permission", OUTSIDE)
def test_the_instance_is_the_operators_and_to_all_others_it_is_not_there(permission):
    for organization_id in (HERE, None):
        operator = actor(None, organization_id=organization_id, operator=True)
        assert verdict(operator, permission, organization_id=organization_id) is Verdict.ALLOW
    for role in (*Role, None):
        assert verdict(actor(role, {VAULT: Right.MANAGE}), permission) is Verdict.HIDE
    program = Actor(ActorKind.TOKEN, UUID(int=5), "job", HERE, OWNER, operator=True, confirmed_at=NOW)
    assert verdict(program, permission) is Verdict.HIDE


@pytest.mark.parametrize("permission", [each for each in Permission if each not in OUTSIDE])
def test_operating_the_instance_opens_nothing_in_an_organization_one_does_not_belong_to(permission):
    operator = actor(None, organization_id=ELSEWHERE, operator=True)
    hidden = Verdict.ALLOW if GRANTS[permission].anyone else Verdict.HIDE
    for vault_id in (None, VAULT):
        assert verdict(operator, permission, vault_id=vault_id) is hidden


@pytest.mark.parametrize("permission", Permission)
def test_a_scope_narrows_a_token_and_never_widens_it(permission):
    everything = {"rights": {VAULT: Right.MANAGE}, "scopes": frozenset(Scope)}
    mine = UUID(int=5)
    wide = verdict(actor(OWNER, **everything), permission, vault_id=VAULT, owner_id=mine)
    nothing = everything | {"scopes": frozenset()}
    none = verdict(actor(OWNER, **nothing), permission, vault_id=VAULT, owner_id=mine)
    assert none is not Verdict.ALLOW
    assert (wide is Verdict.ALLOW) == bool(GRANTS[permission].scopes)


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
    who = actor(OWNER, {VAULT: Right.MANAGE}, confirmed_at=confirmed, operator=permission in OUTSIDE)
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
