"""Who may decide about whom, and what ends when somebody's access ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import time_machine

from crypto.tokens import parse_token
from errors import Conflict, Denied, Invalid, LastOwner, NotFound
from models import AccessToken, Invitation, Membership, UserSession
from policy import SYSTEM_ACTOR, Role, Scope
from services import api_tokens, invitations, owners, people, sessions, signin, tokens
from tests.world import LAKESIDE, NORTHWIND

ROLES_BELOW_OWNER = [Role.ADMIN, Role.MEMBER, Role.AUDITOR]


def change(work, world, by, whom, role):
    with work(by, writing=True) as uow:
        return people.change_role(uow, people.find(uow, world.members[whom]), role)


def disable(work, world, by, whom):
    with work(by, writing=True) as uow:
        people.disable(uow, people.find(uow, world.members[whom]))


def enable(work, world, by, whom):
    with work(by, writing=True) as uow:
        return people.enable(uow, people.find(uow, world.members[whom]))


def renew(work, world, by, whom):
    with work(by, writing=True) as uow:
        return invitations.renew(uow, people.find(uow, world.members[whom]))


def invite(work, by, email, role=Role.MEMBER):
    with work(by, writing=True) as uow:
        return invitations.invite(uow, email, role)


def enrol(runtime, invited, name=""):
    with runtime.work(writing=True) as uow:
        return invitations.enrol(uow, parse_token(invited.token), name)


def role_of(work, world, name):
    with work(name) as uow:
        member = people.find(uow, world.members[name])
        return Role(member.role), member.disabled_at


def rows(runtime, model, *conditions):
    with runtime.work(writing=False) as uow:
        found = uow.session.query(model).filter(*conditions).all()
        uow.session.expunge_all()
        return found


# Who decides about owners


def test_an_owner_makes_an_owner_and_takes_it_back(work, world):
    assert change(work, world, "alice", "adam", Role.OWNER)
    assert role_of(work, world, "adam") == (Role.OWNER, None)
    assert change(work, world, "adam", "alice", Role.MEMBER)
    assert role_of(work, world, "alice") == (Role.MEMBER, None)


def test_an_admin_makes_nobody_an_owner(work, world):
    for whom in ("adam", "mia"):
        with pytest.raises(Denied):
            change(work, world, "adam", whom, Role.OWNER)
        assert role_of(work, world, whom)[0] is not Role.OWNER


@pytest.mark.parametrize("act", [disable, renew])
def test_an_admin_touches_no_owner(work, world, act):
    change(work, world, "alice", "rhea", Role.OWNER)
    with pytest.raises(Denied):
        act(work, world, "adam", "rhea")
    with pytest.raises(Denied):
        change(work, world, "adam", "rhea", Role.MEMBER)
    assert role_of(work, world, "rhea") == (Role.OWNER, None)


def test_an_admin_brings_no_owner_back(work, world):
    change(work, world, "alice", "rhea", Role.OWNER)
    disable(work, world, "alice", "rhea")
    with pytest.raises(Denied):
        enable(work, world, "adam", "rhea")
    with pytest.raises(Denied):
        invite(work, "adam", "rhea@northwind.example", Role.MEMBER)
    enable(work, world, "alice", "rhea")
    assert role_of(work, world, "rhea") == (Role.OWNER, None)


def test_an_admin_invites_no_owner_and_an_owner_does(work):
    with pytest.raises(Denied):
        invite(work, "adam", "new@northwind.example", Role.OWNER)
    invite(work, "alice", "new@northwind.example", Role.OWNER)


def test_no_link_of_an_admin_opens_the_operators_account(work, world):
    change(work, world, "alice", "rhea", Role.OWNER)
    change(work, world, "rhea", "alice", Role.MEMBER)
    with pytest.raises(Denied):
        renew(work, world, "adam", "alice")


def test_no_link_of_an_owner_opens_the_account_of_who_operates_other_organizations_too(work, world, sql):
    change(work, world, "alice", "rhea", Role.OWNER)
    with pytest.raises(Conflict, match="only the operator"):
        renew(work, world, "rhea", "alice")
    sql("UPDATE organization SET deletion_at = 1 WHERE slug = 'lakeside'")
    with pytest.raises(Conflict, match="only the operator"):
        renew(work, world, "rhea", "alice")


def test_who_was_an_owner_when_the_request_began_is_asked_again(work, world, sql):
    with work("alice", writing=True) as uow:
        member = people.find(uow, world.members["mia"])
        uow.session.execute(
            Membership.__table__.update()
            .where(Membership.id == world.members["alice"])
            .values(role=Role.ADMIN.value)
        )
        with pytest.raises(Denied):
            people.change_role(uow, member, Role.OWNER)


# The last owner


def test_the_last_owner_is_neither_demoted_nor_disabled_not_even_by_the_system(work, world, runtime):
    for role in ROLES_BELOW_OWNER:
        with pytest.raises(LastOwner):
            change(work, world, "alice", "alice", role)
    with runtime.work(writing=True) as uow:
        uow.act_as(replace(SYSTEM_ACTOR, organization_id=world.organizations[NORTHWIND]))
        with pytest.raises(LastOwner):
            people.disable(uow, people.find(uow, world.members["alice"]))
    assert role_of(work, world, "alice") == (Role.OWNER, None)


def test_a_disabled_owner_is_no_other_owner(work, world):
    change(work, world, "alice", "rhea", Role.OWNER)
    disable(work, world, "alice", "rhea")
    with pytest.raises(LastOwner):
        change(work, world, "alice", "alice", Role.ADMIN)


def test_the_owner_of_another_organization_is_no_other_owner(work, world):
    with pytest.raises(LastOwner):
        change(work, world, "mallory", "mallory", Role.ADMIN)


def test_one_of_two_owners_may_go(work, world):
    change(work, world, "alice", "rhea", Role.OWNER)
    disable(work, world, "rhea", "alice")
    assert role_of(work, world, "alice")[1] is not None


def test_the_last_way_in_of_an_owner_is_not_revoked(work, world):
    with work("alice", writing=True) as uow, pytest.raises(LastOwner):
        tokens.revoke(uow, tokens.find(uow, world.token_ids["alice"]))
    change(work, world, "alice", "rhea", Role.OWNER)
    with work("alice", writing=True) as uow:
        tokens.revoke(uow, tokens.find(uow, world.token_ids["alice"]))
    with work("rhea", writing=True) as uow, pytest.raises(LastOwner):
        tokens.revoke(uow, tokens.find(uow, world.token_ids["rhea"]))


def test_an_ended_token_is_no_other_way_in(work, world, sql):
    change(work, world, "alice", "rhea", Role.OWNER)
    sql("UPDATE access_token SET expires_at = 1 WHERE id = ?", world.token_ids["rhea"].hex)
    with work("alice", writing=True) as uow, pytest.raises(LastOwner):
        tokens.revoke(uow, tokens.find(uow, world.token_ids["alice"]))


def test_an_admin_takes_no_owners_way_in(work, world):
    change(work, world, "alice", "rhea", Role.OWNER)
    with work("adam", writing=True) as uow:
        with pytest.raises(Denied):
            tokens.revoke(uow, tokens.find(uow, world.token_ids["rhea"]))
        tokens.revoke(uow, tokens.find(uow, world.token_ids["mia"]))


# Disabling and enabling


@pytest.fixture
def busy_mia(work, world):
    """Mia has a session, an API token, and two links: one that Adam made for her, one that she made."""
    change(work, world, "alice", "mia", Role.ADMIN)
    with work("mia", writing=True) as uow:
        session = sessions.start(uow, world.people["mia"], world.token_ids["mia"])
        api = api_tokens.issue(uow, "backup", [Scope.ITEMS_LIST], timedelta(days=30))
        made = invitations.invite(uow, "friend@northwind.example", Role.MEMBER)
    return session, api, renew(work, world, "adam", "mia"), made


def test_disabling_ends_everything_at_once(work, world, runtime, trail, busy_mia):
    _, _, for_her, by_her = busy_mia
    disable(work, world, "adam", "mia")
    mia = world.people["mia"]
    assert rows(runtime, UserSession, UserSession.user_id == mia) == []
    assert all(token.revoked_at for token in rows(runtime, AccessToken, AccessToken.user_id == mia))
    for invited in (for_her, by_her):
        with pytest.raises(NotFound):
            enrol(runtime, invited)
    event = trail.one("person.disabled")
    assert event["target"] == "mia@northwind.example"
    assert event["extra"] == {"sessions": 1, "tokens": 2}
    assert len(trail.events("invitation.revoked")) == 2
    assert len(trail.events("token.revoked")) == 2
    assert len(trail.events("session.ended")) == 1


def test_disabling_in_one_organization_leaves_the_other_alone(work, world, runtime):
    mia, lakeside = world.people["mia"], world.organizations[LAKESIDE]
    with work("sam", writing=True) as uow:
        uow.session.add(
            Membership(id=uuid4(), organization_id=lakeside, user_id=mia, role="member", created_at=uow.now)
        )
        there = tokens.mint_signin(uow, mia, organization_id=lakeside)
        sessions.start(uow, mia, there.id)
    with work("adam") as uow:
        assert sessions.of_person(uow, mia) == []
        (line,) = [line for line in people.everybody(uow) if line.user_id == mia]
        assert (line.sessions, line.seen_at) == (0, None)
    disable(work, world, "adam", "mia")
    (token,) = rows(runtime, AccessToken, AccessToken.id == there.id)
    assert token.revoked_at is None
    assert len(rows(runtime, UserSession, UserSession.token_id == there.id)) == 1


def test_a_failure_while_disabling_undoes_all_of_it(work, world, runtime, monkeypatch, busy_mia):
    monkeypatch.setattr(invitations, "revoke_all_of", lambda *_args, **_kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        disable(work, world, "adam", "mia")
    assert role_of(work, world, "mia")[1] is None
    assert len(rows(runtime, UserSession, UserSession.user_id == world.people["mia"])) == 1


def test_an_admin_does_not_disable_whoever_runs_the_installation(work, world):
    with work("alice", writing=True) as uow:
        people.change_role(uow, people.find(uow, world.members["mia"]), Role.OWNER)
        people.change_role(uow, people.find(uow, world.members["alice"]), Role.MEMBER)
    with work("adam", writing=True) as uow, pytest.raises(Denied, match="runs the installation"):
        people.disable(uow, people.find(uow, world.members["alice"]))


def test_nobody_disables_themselves_and_nobody_twice(work, world):
    with pytest.raises(Conflict):
        disable(work, world, "adam", "adam")
    disable(work, world, "adam", "mia")
    with pytest.raises(Conflict):
        disable(work, world, "adam", "mia")


def test_enabling_brings_the_membership_back_with_a_link(work, world, runtime, trail):
    disable(work, world, "adam", "mia")
    invited = enable(work, world, "adam", "mia")
    assert role_of(work, world, "mia") == (Role.MEMBER, None)
    minted = enrol(runtime, invited).token
    with runtime.work(writing=True) as uow:
        assert signin.sign_in(uow, minted.text) is not None
    assert trail.one("person.enabled")["extra"] == {"role": "member"}
    with pytest.raises(Conflict):
        enable(work, world, "adam", "mia")


def test_the_old_token_stays_dead_after_enabling(work, world, runtime):
    disable(work, world, "adam", "mia")
    enable(work, world, "adam", "mia")
    with runtime.work(writing=True) as uow:
        assert signin.sign_in(uow, world.tokens["mia"]) is None


def test_ending_a_persons_sessions_leaves_their_token(work, world, runtime, trail):
    with work("mia", writing=True) as uow:
        sessions.start(uow, world.people["mia"], world.token_ids["mia"])
    with work("adam", writing=True) as uow:
        assert people.end_sessions(uow, people.find(uow, world.members["mia"])) == 1
    event = trail.one("session.ended")
    assert event["actor"] == "Adam"
    assert event["extra"] == {"reason": "ended by an admin"}
    with runtime.work(writing=True) as uow:
        assert signin.sign_in(uow, world.tokens["mia"]) is not None


# Roles


def test_a_new_role_is_an_event_and_the_same_role_is_none(work, world, trail):
    assert change(work, world, "adam", "mia", Role.AUDITOR)
    assert not change(work, world, "adam", "mia", Role.AUDITOR)
    assert trail.one("person.changed")["extra"] == {"from": "member", "to": "auditor"}


def test_a_disabled_person_has_no_role_to_change(work, world):
    disable(work, world, "adam", "mia")
    with pytest.raises(Conflict):
        change(work, world, "adam", "mia", Role.AUDITOR)


def test_a_link_made_for_a_member_does_not_open_an_owner(work, world, runtime):
    link = renew(work, world, "adam", "mia")
    change(work, world, "alice", "mia", Role.OWNER)
    with pytest.raises(NotFound):
        enrol(runtime, link)


def test_who_loses_rights_loses_the_links_that_they_made(work, world, runtime):
    link = invite(work, "adam", "friend@northwind.example", Role.ADMIN)
    change(work, world, "alice", "adam", Role.MEMBER)
    with pytest.raises(NotFound):
        enrol(runtime, link)


def test_who_gains_rights_keeps_the_links_that_they_made(work, world, runtime):
    link = invite(work, "adam", "friend@northwind.example", Role.ADMIN)
    change(work, world, "alice", "adam", Role.OWNER)
    assert enrol(runtime, link)


# Links


def test_a_link_of_one_organization_opens_nobody_of_another(work, world, runtime):
    link = invite(work, "mallory", "alice@northwind.example", Role.MEMBER)
    with pytest.raises(Conflict):
        enrol(runtime, link)
    alice = world.people["alice"]
    assert len(rows(runtime, Membership, Membership.user_id == alice)) == 1
    assert len(rows(runtime, AccessToken, AccessToken.user_id == alice)) == 1
    assert len(rows(runtime, Invitation, Invitation.used_at.is_not(None))) == 0


def test_an_invited_person_enrols_once(work, runtime, trail):
    link = invite(work, "adam", " New@Northwind.Example ", Role.AUDITOR)
    assert enrol(runtime, link, "  Nina  Novak ").organization == "Northwind"
    with pytest.raises(NotFound):
        enrol(runtime, link)
    event = trail.one("person.enrolled")
    assert (event["actor"], event["target"]) == ("Nina Novak", "new@northwind.example")
    (member,) = rows(runtime, Membership, Membership.user_id == UUID(event["target_id"]))
    assert member.role == "auditor"


def test_a_link_that_was_spent_since_it_was_looked_at_is_not_spent_again(work, runtime, monkeypatch):
    """Where several may write at once, the look-up may be out of date."""
    link = invite(work, "adam", "new@northwind.example")

    def find_and_lose(uow, parsed, find=invitations.find_open):
        row = find(uow, parsed)
        uow.connection.execute(Invitation.__table__.update().values(used_at=uow.now))
        return row

    monkeypatch.setattr(invitations, "find_open", find_and_lose)
    with pytest.raises(NotFound):
        enrol(runtime, link)


def test_a_member_is_not_invited_again(work):
    with pytest.raises(Conflict, match="is a member already"):
        invite(work, "adam", "MIA@northwind.example")


def test_a_newer_link_for_the_same_person_ends_the_older(work, runtime):
    older = invite(work, "adam", "new@northwind.example")
    newer = invite(work, "adam", "new@northwind.example")
    with pytest.raises(NotFound):
        enrol(runtime, older)
    assert enrol(runtime, newer)


@pytest.mark.parametrize(
    "email", ["", "mia", "mia@", "@northwind.example", "a b@northwind.example", "a@b@c", "a\n@b.c"]
)
def test_what_is_no_e_mail_address_is_refused(work, email):
    with pytest.raises(Invalid):
        invite(work, "adam", email)


def test_a_new_token_on_a_new_link_ends_the_old_one_and_its_sessions(work, world, runtime):
    with work("mia", writing=True) as uow:
        sessions.start(uow, world.people["mia"], world.token_ids["mia"])
    minted = enrol(runtime, renew(work, world, "adam", "mia")).token
    with runtime.work(writing=True) as uow:
        assert signin.sign_in(uow, world.tokens["mia"]) is None
        assert signin.sign_in(uow, minted.text) is not None
    assert len(rows(runtime, UserSession, UserSession.user_id == world.people["mia"])) == 1


def test_who_was_disabled_and_is_invited_again_comes_back_in_the_new_role(work, world, runtime, trail):
    disable(work, world, "adam", "mia")
    enrol(runtime, invite(work, "adam", "mia@northwind.example", Role.AUDITOR))
    assert role_of(work, world, "mia") == (Role.AUDITOR, None)
    assert trail.one("person.enabled")["extra"] == {"role": "auditor"}


def test_a_link_ends_after_a_day(work, runtime):
    link = invite(work, "adam", "new@northwind.example")
    assert link.expires_at - datetime.now(UTC) <= timedelta(hours=24)
    with time_machine.travel(link.expires_at, tick=False), pytest.raises(NotFound):
        enrol(runtime, link)


# The list


def test_the_list_says_when_somebody_was_last_seen_and_when_their_token_ends(work, world):
    with time_machine.travel(datetime.now(UTC) + timedelta(days=1), tick=False):
        with work("mia", writing=True) as uow:
            assert signin.sign_in(uow, world.tokens["mia"]) is not None
            now = uow.now
        with work("adam") as uow:
            lines = {line.email: line for line in people.everybody(uow)}
            ends = tokens.find(uow, world.token_ids["mia"]).expires_at
    mia, rhea = lines["mia@northwind.example"], lines["rhea@northwind.example"]
    assert (mia.seen_at, mia.sessions, mia.token_expires_at) == (now, 1, ends)
    assert (rhea.seen_at, rhea.sessions) == (None, 0)
    assert "mallory@lakeside.example" not in lines


def test_the_list_has_the_disabled_last(work, world):
    disable(work, world, "adam", "audrey")
    with work("adam") as uow:
        lines = people.everybody(uow)
    assert [line.name for line in lines] == ["Adam", "Alice", "Mia", "Noah", "Rhea", "Ula", "Audrey"]
    assert lines[-1].token_expires_at is None


def test_who_is_the_only_owner_is_known(work, world):
    with work("adam") as uow:
        assert not owners.has_another(uow, world.people["alice"])
        assert owners.has_another(uow, world.people["adam"])
