"""What a token is narrowed to: patterns of names, vaults, and what the policy makes of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import Actor, ActorKind, Narrowing, Permission, Right, Role, Scope, Verdict, judge

HERE = UUID(int=1)
VAULT, OTHER = UUID(int=11), UUID(int=12)
ITEM = UUID(int=21)
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)

NAMES = st.text(alphabet="ab/", min_size=1, max_size=4)
PATTERNS = st.builds(str.__add__, st.text(alphabet="ab/", max_size=3), st.sampled_from(["", "*"])).filter(
    bool
)
NARROWINGS = st.builds(
    Narrowing,
    vaults=st.none() | st.frozensets(st.sampled_from([VAULT, OTHER]), min_size=1),
    names=st.lists(PATTERNS, max_size=2).map(tuple),
)


def verdict(permission, narrowing, *, vault_id=VAULT, item_id=None, name=None, scopes=frozenset(Scope)):
    program = Actor(
        ActorKind.TOKEN,
        UUID(int=5),
        "job",
        HERE,
        Role.OWNER,
        rights={VAULT: Right.MANAGE, OTHER: Right.MANAGE},
        scopes=scopes,
        narrowing=narrowing,
    )
    return judge(
        program,
        permission,
        organization_id=HERE,
        vault_id=vault_id,
        item_id=item_id,
        item_name=name,
        now=NOW,
        fresh_for=timedelta(minutes=5),
    )


@pytest.mark.parametrize(
    ("pattern", "name", "reached"),
    [
        ("prod/*", "prod/db", True),
        ("prod/*", "prod/eu/db", True),
        ("prod/*", "prod", False),
        ("prod/*", "production/db", False),
        ("prod/*", "Prod/db", False),
        ("prod*", "production", True),
        ("prod/db", "prod/db", True),
        ("prod/db", "prod/db2", False),
        ("*", "anything", True),
        ("*", None, False),
    ],
)
def test_a_pattern_is_a_name_or_the_beginning_of_one(pattern, name, reached):
    assert Narrowing(names=(pattern,)).reaches(VAULT, name) is reached


def test_without_patterns_a_credential_without_a_readable_name_is_reached():
    assert Narrowing(vaults=frozenset({VAULT})).reaches(VAULT, None)
    assert not Narrowing(vaults=frozenset({VAULT})).reaches(OTHER, None)


@given(NARROWINGS, NARROWINGS, st.sampled_from([VAULT, OTHER]), NAMES)
def test_what_is_covered_reaches_nothing_that_the_wider_one_does_not(wide, narrow, vault, name):
    if wide.covers(narrow) and narrow.reaches(vault, name):
        assert wide.reaches(vault, name)


@given(NARROWINGS)
def test_everything_covers_itself(narrowing):
    assert narrowing.covers(narrowing)


@pytest.mark.parametrize("permission", [Permission.ITEM_REVEAL, Permission.ITEM_EDIT, Permission.ITEM_PURGE])
def test_out_of_reach_is_as_good_as_not_there(permission):
    in_vault = Narrowing(vaults=frozenset({OTHER}))
    by_name = Narrowing(names=("prod/*",))
    assert verdict(permission, in_vault, item_id=ITEM, name="prod/db") is Verdict.HIDE
    assert verdict(permission, by_name, item_id=ITEM, name="dev/db") is Verdict.HIDE
    assert verdict(permission, by_name, item_id=ITEM, name=None) is Verdict.HIDE
    assert verdict(permission, by_name, item_id=ITEM, name="prod/db") is Verdict.ALLOW
    assert verdict(permission, in_vault, vault_id=OTHER, item_id=ITEM, name="x") is Verdict.ALLOW


@pytest.mark.parametrize(
    "permission", [Permission.AUDIT_READ, Permission.PEOPLE_READ, Permission.VAULT_CREATE]
)
def test_what_concerns_everything_is_closed_to_a_token_for_some_of_it(permission):
    assert verdict(permission, None, vault_id=None) is Verdict.ALLOW
    assert verdict(permission, Narrowing(vaults=frozenset({VAULT})), vault_id=None) is Verdict.DENY
    assert verdict(permission, Narrowing(names=("prod/*",)), vault_id=None) is Verdict.DENY


def test_a_whole_vault_is_managed_only_by_a_token_for_all_of_its_names():
    assert verdict(Permission.VAULT_MANAGE, Narrowing(vaults=frozenset({VAULT}))) is Verdict.ALLOW
    assert verdict(Permission.VAULT_MANAGE, Narrowing(vaults=frozenset({OTHER}))) is Verdict.HIDE
    assert verdict(Permission.VAULT_MANAGE, Narrowing(names=("prod/*",))) is Verdict.DENY


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        (Scope.ITEMS_LIST, {Permission.ITEM_READ, Permission.VAULT_READ}),
        (Scope.ITEMS_USE, {Permission.ITEM_READ}),
        (Scope.ITEMS_REVEAL, {Permission.ITEM_REVEAL, Permission.ITEMS_REVEAL}),
        (Scope.ITEMS_WRITE, {Permission.ITEM_EDIT, Permission.ITEM_PLACE}),
        (Scope.ITEMS_DESTROY, {Permission.ITEM_PURGE}),
        (Scope.VAULTS_MANAGE, {Permission.VAULT_MANAGE, Permission.VAULT_CREATE}),
        (Scope.AUDIT_READ, {Permission.AUDIT_READ}),
        (Scope.PEOPLE_READ, {Permission.PEOPLE_READ}),
        (Scope.TOKENS_ISSUE, {Permission.TOKENS_MINT}),
    ],
)
def test_a_scope_is_good_for_what_it_says_and_nothing_else(scope, allowed):
    """A token that lists cannot read values, and one that writes can do neither."""
    always = {Permission.TOKEN_SELF}
    of_lists = {Permission.ORGANIZATION_READ} if scope is Scope.ITEMS_LIST else set()
    opened = {
        permission
        for permission in Permission
        if verdict(permission, None, item_id=ITEM, name="prod/db", scopes=frozenset({scope})) is Verdict.ALLOW
    }
    assert opened == allowed | always | of_lists


def test_a_scope_opens_nothing_that_the_owner_may_not():
    poor = Actor(
        ActorKind.TOKEN,
        UUID(int=5),
        "job",
        HERE,
        Role.MEMBER,
        rights={VAULT: Right.USE},
        scopes=frozenset(Scope),
    )
    for permission in (Permission.ITEM_REVEAL, Permission.ITEM_EDIT, Permission.AUDIT_READ):
        found = judge(
            poor,
            permission,
            organization_id=HERE,
            vault_id=VAULT,
            now=NOW,
            fresh_for=timedelta(minutes=5),
        )
        assert found is Verdict.DENY
