"""Tokens of programs: what they are narrowed to, and those that other tokens make."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from uuid import UUID

import pytest
import time_machine

from crypto.tokens import parse_token
from errors import Conflict, Denied, Invalid, NotFound, TokenRefused
from models import AccessToken
from policy import NOBODY, Right, Role, Scope
from services import api_tokens, clock, items, programs, service_accounts, token_limits, tokens, vaults
from services.database import reading
from services.events import Origin
from services.token_limits import Limits

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
EVERYTHING = tuple(Scope)


@pytest.fixture
def issue(work):
    """Issue an API token in somebody's name."""

    def issue(by="mia", scopes=EVERYTHING, lasts=30 * DAY, **limits):
        with work(by, writing=True) as uow:
            return api_tokens.issue(uow, "job", scopes, lasts, limits=Limits(**limits))

    return issue


@pytest.fixture
def enter(runtime):
    """Present a token; return the actor that it makes, or why it opens nothing."""

    def enter(minted, address="192.0.2.20", *, charge=True):
        origin = Origin(address=address)
        with runtime.work(writing=False, actor=NOBODY, origin=origin) as uow:
            try:
                program = programs.enter(uow, parse_token(minted.text))
                if charge:
                    programs.charge(uow, program)
            except TokenRefused as refused:
                return refused.reason
            return uow.actor

    return enter


@pytest.fixture
def mint(runtime):
    """Let a program make a token with its own."""

    def mint(parent, scopes=(Scope.ITEMS_LIST,), lasts=HOUR, **limits):
        origin = Origin(address="192.0.2.20")
        with runtime.work(writing=True, actor=NOBODY, origin=origin) as uow:
            programs.enter(uow, parse_token(parent.text))
            return api_tokens.mint(uow, "step", scopes, lasts, limits=Limits(**limits))

    return mint


def stored(work, minted):
    with work("alice") as uow:
        return tokens.find(uow, minted.id)


# Limits


def test_what_a_token_is_narrowed_to_comes_back_with_it(issue, enter, work, world, trail):
    vault = world.vaults["Production"]
    limits = {
        "vaults": frozenset({vault}),
        "names": ("prod/*", "Stripe dashboard"),
        "networks": (ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")),
        "uses": 3,
        "per_minute": 10,
    }
    minted = issue(**limits)

    actor = enter(minted)
    assert actor.narrowing == Limits(**limits).narrowing
    assert actor.rights == {vault: Right.EDIT}
    row = stored(work, minted)
    assert (row.uses_max, row.uses_left, row.per_minute) == (3, 2, 10)
    extra = trail.one("token.created")["extra"]
    assert extra["names"] == ["prod/*", "Stripe dashboard"]
    assert extra["networks"] == ["192.0.2.0/24", "2001:db8::/32"]
    assert (extra["uses"], extra["per_minute"], extra["vaults"]) == (3, 10, [str(vault)])


def test_patterns_of_names_lie_encrypted(issue, work):
    minted = issue(names=("prod/canary*",))
    assert b"canary" not in stored(work, minted).name_patterns


def test_a_token_whose_patterns_cannot_be_opened_opens_nothing(issue, enter, sql):
    minted = issue(names=("prod/*",))
    sql("UPDATE access_token SET name_patterns = ? WHERE id = ?", b"altered", minted.id.hex)
    assert enter(minted) == "unreadable"


def test_a_deleted_vault_leaves_a_token_nothing_rather_than_everything(issue, enter, work, world):
    with work("mia", writing=True) as uow:
        vault = vaults.create(uow, "Short-lived")
        limits = Limits(vaults=frozenset({vault.id}))
        minted = api_tokens.issue(uow, "job", EVERYTHING, DAY, limits=limits)
    with work("mia", writing=True) as uow:
        vaults.delete(uow, vaults.find(uow, vault.id))
    actor = enter(minted)
    assert actor.narrowing.vaults == {vault.id}
    assert dict(actor.rights) == {}


@pytest.mark.parametrize(
    ("limits", "field"),
    [
        ({"vaults": frozenset()}, "vaults"),
        ({"vaults": frozenset({UUID(int=7)})}, "vaults"),
        ({"uses": 0}, "uses"),
        ({"uses": 1_000_001}, "uses"),
        ({"per_minute": 0}, "per_minute"),
        ({"per_minute": 100_001}, "per_minute"),
        ({"not_before": clock.now() + 31 * DAY}, "not_before"),
    ],
)
def test_limits_that_cannot_be_kept_are_refused_beside_their_field(issue, limits, field):
    with pytest.raises(Invalid) as refused:
        issue(**limits)
    assert refused.value.field == field


def test_another_organizations_vault_is_not_among_those_to_choose(issue, world):
    with pytest.raises(Invalid):
        issue(vaults=frozenset({world.vaults["Harbor"]}))


@pytest.mark.parametrize("line", ["a*b", "*/x", "x" * 202, "two\nlines", "bell\a"])
def test_a_pattern_that_is_none_is_refused(line):
    with pytest.raises(Invalid):
        token_limits.read_names([line])


def test_patterns_are_read_once_each_and_empty_lines_left_out():
    assert token_limits.read_names(["prod/*", "", "  prod/*  ", "dev"]) == ("prod/*", "dev")
    with pytest.raises(Invalid):
        token_limits.read_names(map(str, range(51)))


@pytest.mark.parametrize("line", ["192.0.2.0/33", "localhost", "192.0.2", "0xc0.0.2.1"])
def test_a_network_that_is_none_is_refused(line):
    with pytest.raises(Invalid):
        token_limits.read_networks([line])


def test_a_single_address_is_a_network_of_one():
    assert token_limits.read_networks(["192.0.2.7", "192.0.2.7/24"]) == (
        ip_network("192.0.2.7/32"),
        ip_network("192.0.2.0/24"),
    )


@pytest.mark.parametrize(
    ("address", "opens"),
    [
        ("192.0.2.20", True),
        ("::ffff:192.0.2.20", True),
        ("192.0.3.20", False),
        ("2001:db8::1", True),
        ("2001:db9::1", False),
        ("", False),
    ],
)
def test_a_token_is_only_good_from_its_networks(issue, enter, address, opens):
    minted = issue(networks=(ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")))
    assert (enter(minted, address) != "address") is opens


def test_a_token_begins_when_it_was_said_to(issue, enter):
    now = clock.now()
    minted = issue(not_before=now + 2 * DAY)
    assert enter(minted) == "not yet"
    with time_machine.travel(now + 2 * DAY, tick=False):
        assert enter(minted) != "not yet"


# Uses


def test_the_last_use_still_answers_and_the_next_does_not(issue, enter, work):
    minted = issue(uses=2)
    assert enter(minted).token_id == minted.id
    assert enter(minted).token_id == minted.id
    assert enter(minted) == "used up"
    assert stored(work, minted).uses_left == 0


def test_looking_at_a_token_spends_nothing(issue, work):
    minted = issue(uses=2)
    assert [stored(work, minted).uses_left for _ in range(3)] == [2, 2, 2]


def test_a_use_is_spent_once_however_many_ask_at_once(issue, runtime):
    """Both have looked at the token before either has spent its only use."""
    minted = issue(uses=1)
    opened = []
    for _ in range(2):
        with runtime.work(writing=False, actor=NOBODY) as uow:
            opened.append(programs.enter(uow, parse_token(minted.text)))
    with runtime.work(writing=False, actor=NOBODY) as uow:
        assert programs.charge(uow, opened[0]).limits.uses == 0
    with runtime.work(writing=False, actor=NOBODY) as uow, pytest.raises(TokenRefused):
        programs.charge(uow, opened[1])


def test_a_use_stays_spent_when_the_request_fails(issue, runtime, work):
    minted = issue(uses=2)
    with pytest.raises(ZeroDivisionError), runtime.work(writing=False, actor=NOBODY) as uow:
        programs.charge(uow, programs.enter(uow, parse_token(minted.text)))
        raise ZeroDivisionError
    assert stored(work, minted).uses_left == 1


# Tokens that make tokens


def test_a_minted_token_acts_for_the_same_owner(issue, mint, enter, work, world, trail):
    parent = issue()
    child = mint(parent)
    actor = enter(child)
    assert (actor.id, actor.scopes) == (world.people["mia"], {Scope.ITEMS_LIST})
    assert stored(work, child).parent_id == parent.id
    assert trail.events("token.created")[1]["extra"]["parent"] == str(parent.id)


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ({"scopes": (Scope.ITEMS_LIST, Scope.TOKENS_ISSUE)}, {"scopes": (Scope.ITEMS_REVEAL,)}),
        ({"names": ("prod/*",)}, {}),
        ({"names": ("prod/*",)}, {"names": ("dev/*",)}),
        ({"names": ("prod/*",)}, {"names": ("*",)}),
        ({"names": ("prod/*",)}, {"names": ("prod/db", "dev")}),
        ({"networks": (ip_network("192.0.2.0/24"),)}, {}),
        ({"networks": (ip_network("192.0.2.0/24"),)}, {"networks": (ip_network("192.0.0.0/16"),)}),
        ({"networks": (ip_network("192.0.2.0/24"),)}, {"networks": (ip_network("::/0"),)}),
        ({"per_minute": 10}, {}),
        ({"per_minute": 10}, {"per_minute": 11}),
    ],
)
def test_a_token_mints_nothing_wider_than_itself(issue, mint, wide, narrow):
    parent = issue(**wide)
    with pytest.raises(Denied):
        mint(parent, **narrow)


def test_a_token_mints_nothing_for_another_vault(issue, mint, world):
    parent = issue(by="alice", vaults=frozenset({world.vaults["Production"]}))
    for vaults_ in (None, frozenset({world.vaults["Board"]})):
        with pytest.raises(Denied):
            mint(parent, vaults=vaults_)
    assert mint(parent, vaults=frozenset({world.vaults["Production"]}))


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ({"names": ("prod/*",)}, {"names": ("prod/eu/*", "prod/db")}),
        ({"networks": (ip_network("192.0.2.0/24"),)}, {"networks": (ip_network("192.0.2.7/32"),)}),
        ({"per_minute": 10}, {"per_minute": 10}),
        ({}, {"uses": 1}),
    ],
)
def test_a_token_mints_narrower_ones(issue, mint, wide, narrow):
    assert mint(issue(**wide), **narrow).text


@pytest.mark.parametrize("lasts", [timedelta(0), 31 * DAY])
def test_a_minted_token_ends_before_its_parent(issue, mint, lasts):
    with pytest.raises(Invalid):
        mint(issue(), lasts=lasts)


def test_a_token_with_counted_uses_makes_no_others(issue, mint):
    with pytest.raises(Denied):
        mint(issue(uses=5))


def test_people_do_not_mint(work):
    with work("mia", writing=True) as uow, pytest.raises(Denied):
        api_tokens.mint(uow, "step", [Scope.ITEMS_LIST], HOUR)


def test_revoking_a_token_ends_all_that_came_of_it(issue, mint, enter, work, trail):
    parent = issue()
    child = mint(parent, scopes=(Scope.ITEMS_LIST, Scope.TOKENS_ISSUE))
    grandchild, stranger = mint(child, lasts=HOUR / 2), issue()
    with work("adam", writing=True) as uow:
        tokens.revoke(uow, tokens.find(uow, parent.id))
    assert [enter(one) for one in (parent, child, grandchild)] == ["revoked"] * 3
    assert enter(stranger).token_id == stranger.id
    assert len(trail.events("token.revoked")) == 3


def test_disabling_a_person_ends_each_token_once(issue, mint, work, world, trail):
    from services import people

    mint(issue())
    with work("alice", writing=True) as uow:
        people.disable(uow, people.find(uow, world.members["mia"]))
    assert len(trail.events("token.revoked")) == 3  # the sign-in token, the program's, and its child


def test_a_program_finds_what_it_has_made_and_nothing_else(issue, mint, runtime, work):
    parent, other = issue(), issue()
    others_child = mint(other)
    child = mint(parent, scopes=(Scope.TOKENS_ISSUE, Scope.ITEMS_LIST))
    grandchild = mint(child, lasts=HOUR / 2)
    with runtime.work(writing=False, actor=NOBODY) as uow:
        programs.enter(uow, parse_token(parent.text))
        assert api_tokens.find_child(uow, grandchild.id).parent_id == child.id
        for unknown in (other.id, others_child.id, parent.id, UUID(int=9)):
            with pytest.raises(NotFound):
                api_tokens.find_child(uow, unknown)


def test_a_replacement_keeps_the_limits_and_the_children(issue, mint, enter, work):
    old = issue(names=("prod/*",), per_minute=10)
    child = mint(old, names=("prod/db",), per_minute=10)
    with work("mia", writing=True) as uow:
        new = api_tokens.replace_own(uow, tokens.find(uow, old.id))
    assert enter(new).narrowing.names == ("prod/*",)
    assert enter(child).token_id == child.id
    assert stored(work, child).parent_id == new.id


def test_a_minted_or_used_up_token_is_not_replaced(issue, mint, enter, work):
    child, spent = mint(issue()), issue(uses=1)
    enter(spent)
    for token in (child, spent):
        with work("mia", writing=True) as uow, pytest.raises(Conflict):
            api_tokens.replace_own(uow, tokens.find(uow, token.id))


# Service accounts


def test_only_who_looks_after_services_issues_their_tokens(work, runtime):
    with work("adam", writing=True) as uow:
        owner = service_accounts.create(uow, "Deployment", Role.MEMBER).user_id
    for name, error in (("mia", Denied), ("audrey", Denied), ("mallory", Invalid)):
        with work(name, writing=True) as uow, pytest.raises(error):
            api_tokens.issue_for_service(uow, owner, "job", [Scope.ITEMS_LIST], DAY)
    with work("adam", writing=True) as uow, pytest.raises(Invalid):
        api_tokens.issue_for_service(uow, uow.actor.id, "job", [Scope.ITEMS_LIST], DAY)
    with work("adam", writing=True) as uow:
        assert api_tokens.issue_for_service(uow, owner, "job", [Scope.ITEMS_LIST], DAY).text


# Names


def test_a_program_gives_no_name_that_it_does_not_reach(issue, runtime, world):
    from services import item_changes
    from tests.world import login

    minted = issue(names=("prod/*",))
    with runtime.work(writing=True, actor=NOBODY) as uow:
        programs.enter(uow, parse_token(minted.text))
        vault = vaults.find(uow, world.vaults["Production"])
        item_changes.create(uow, vault, login("prod/new"))
        with pytest.raises(Denied):
            item_changes.create(uow, vault, login("dev/new"))
    with runtime.work(writing=True, actor=NOBODY) as uow:
        programs.enter(uow, parse_token(minted.text))
        item = items.find(uow, world.items["prod/db primary"])
        renamed = replace(login("dev/db"), fields=())
        with pytest.raises(Denied):
            item_changes.edit(uow, item, renamed, expected_version=1)


def test_every_row_is_read_as_it_was_written(issue, runtime):
    """The row, the actor and the list of tokens speak of the same limits."""
    minted = issue(names=("a*",), uses=7, per_minute=5)
    with reading(runtime.engine) as connection:
        assert runtime.keys_for(connection)
    with runtime.work(writing=False) as uow:
        row = uow.session.get_one(AccessToken, minted.id)
        found = token_limits.kept(uow, row, row.organization_id)
    assert found == Limits(names=("a*",), uses=7, per_minute=5)
