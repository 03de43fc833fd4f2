"""What single sign-on records, each with its thirteen facts."""

from __future__ import annotations

import pytest

from models import Identity
from services.events import SYSTEM_CHAIN
from tests.audit.test_every_class import line_of
from tests.browser import AGENT
from tests.world import NORTHWIND

ADDRESS = "192.0.2.10"
RETURN = "/sign-in/work/return"


@pytest.fixture
def changes():
    return {"OIDC_WORK_ORGANIZATION": "northwind", "OIDC_WORK_ALLOWED_DOMAINS": "nw.example"}


def linking(visitor, runtime):
    visitor("mia").link()
    return "identity.linked", "Mia", "person", "Mia", "GET", RETURN, True, {"provider": "work"}


def removing_a_link(visitor, runtime):
    mia = visitor("mia")
    mia.link()
    with runtime.work(writing=False) as uow:
        identity = uow.session.query(Identity).one().id
    mia.submit(f"unlink-{identity}")
    path = f"/account/identities/{identity}/unlink"
    return "identity.unlinked", "Mia", "person", "Mia", "POST", path, True, {"provider": "work"}


def joining(visitor, runtime):
    visitor().come_in(email="zoe@nw.example", email_verified=True, name="Zoe")
    extra = {"role": "member", "provider": "work"}
    return "person.joined", "Zoe", "person", "zoe@nw.example", "GET", RETURN, True, extra


def coming_in(visitor, runtime):
    visitor().come_in(email="zoe@nw.example", email_verified=True, name="Zoe")
    extra = {"provider": "work", "second_factor": "not asserted"}
    return "session.started", "Zoe", "session", "", "GET", RETURN, True, extra


def failing(visitor, runtime):
    visitor().come_in(403, email="zoe@evil.example", email_verified=True)
    extra = {"provider": "work", "purpose": "signin", "reason": "not invited"}
    return "signin.failed", "Somebody", "provider", "Work & Co", "GET", RETURN, False, extra


@pytest.mark.parametrize(
    "act", [linking, removing_a_link, joining, coming_in, failing], ids=lambda act: act.__name__
)
def test_it_is_recorded_with_its_facts(visitor, runtime, world, trail, act):
    action, who, target_type, target, method, path, success, extra = act(visitor, runtime)
    seen = trail.events(action)[-1]
    line = line_of(runtime, world, seen) if seen["chain"] != SYSTEM_CHAIN else None
    assert (seen["actor"] if who != "Somebody" else who, seen["success"]) == (who, success)
    assert (seen["target_type"], seen["target"]) == (target_type, target)
    assert (seen["method"], seen["path"]) == (method, path)
    assert (seen["address"], seen["agent"]) == (ADDRESS, AGENT)
    assert seen["extra"] == extra
    if who != "Somebody":
        assert seen["organization"] == str(world.organizations[NORTHWIND])
        assert line.who == who
