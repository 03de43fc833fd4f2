"""The Vault-compatible API, tried by each kind of token on an own vault, a hidden one and a foreign one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from policy import Scope
from services import api_tokens

LIST, REVEAL, WRITE, BUILD = Scope.ITEMS_LIST, Scope.ITEMS_REVEAL, Scope.ITEMS_WRITE, Scope.VAULTS_MANAGE
USE, SHOW, EDIT, MANAGE = "ula", "rhea", "mia", "alice"
"""Who has which right on the vault Production."""
RANKS = (USE, SHOW, EDIT, MANAGE)


@dataclass(frozen=True)
class Line:
    """Who gets further than the door: with this scope, and of a vault this right or a higher one."""

    scope: Scope | None
    right: str | None
    path: str
    body: Any = None
    content_type: str | None = None


KEY = "Stripe dashboard"
PATCH = {"content_type": "application/merge-patch+json"}
TABLE: Mapping[str, Line] = {
    "GET kv_data.read": Line(REVEAL, SHOW, f"{{mount}}/data/{KEY}"),
    "POST kv_data.write": Line(WRITE, EDIT, f"{{mount}}/data/{KEY}", {"data": {}}),
    "PUT kv_data.write": Line(WRITE, EDIT, f"{{mount}}/data/{KEY}", {"data": {}}),
    "DELETE kv_data.delete": Line(WRITE, EDIT, f"{{mount}}/data/{KEY}"),
    "POST kv_data.delete_versions": Line(WRITE, EDIT, f"{{mount}}/delete/{KEY}", {"versions": [1]}),
    "PUT kv_data.delete_versions": Line(WRITE, EDIT, f"{{mount}}/delete/{KEY}", {"versions": [1]}),
    "POST kv_data.undelete": Line(WRITE, EDIT, f"{{mount}}/undelete/{KEY}", {"versions": [1]}),
    "PUT kv_data.undelete": Line(WRITE, EDIT, f"{{mount}}/undelete/{KEY}", {"versions": [1]}),
    "POST kv_data.destroy": Line(WRITE, EDIT, f"{{mount}}/destroy/{KEY}", {"versions": [9]}),
    "PUT kv_data.destroy": Line(WRITE, EDIT, f"{{mount}}/destroy/{KEY}", {"versions": [9]}),
    "GET kv_data.subkeys": Line(REVEAL, SHOW, f"{{mount}}/subkeys/{KEY}"),
    "GET kv_metadata.read": Line(LIST, USE, f"{{mount}}/metadata/{KEY}"),
    "LIST kv_metadata.list_": Line(LIST, USE, "{mount}/metadata"),
    "LIST kv_metadata.list_detailed": Line(LIST, USE, "{mount}/detailed-metadata"),
    "GET kv_metadata.read_detailed": Line(LIST, USE, "{mount}/detailed-metadata?list=true"),
    "POST kv_metadata.write": Line(WRITE, EDIT, f"{{mount}}/metadata/{KEY}", {"cas_required": False}),
    "PUT kv_metadata.write": Line(WRITE, EDIT, f"{{mount}}/metadata/{KEY}", {"cas_required": False}),
    "PATCH kv_metadata.patch": Line(WRITE, EDIT, f"{{mount}}/metadata/{KEY}", {}, **PATCH),
    "DELETE kv_metadata.delete": Line(WRITE, EDIT, "{mount}/metadata/nothing"),
    "GET kv_metadata.config": Line(LIST, USE, "{mount}/config"),
    "POST kv_metadata.configure": Line(BUILD, MANAGE, "{mount}/config", {}),
    "PUT kv_metadata.configure": Line(BUILD, MANAGE, "{mount}/config", {}),
}
"""Of each address below a mount what it needs. The merge of data needs two scopes: it has its own test."""

OF_THE_HOUSE: Mapping[str, Line] = {
    "GET sys_mounts.index": Line(LIST, None, "sys/mounts"),
    "GET sys_mounts.show": Line(LIST, None, "sys/mounts/sys"),
    "POST sys_mounts.mount": Line(BUILD, None, "sys/mounts/made", {"type": "kv-v2"}),
    "PUT sys_mounts.mount": Line(BUILD, None, "sys/mounts/made-too", {"type": "kv-v2"}),
    "DELETE sys_mounts.unmount": Line(BUILD, None, "sys/mounts/nothing"),
    "GET sys_mounts.tuning": Line(LIST, None, "sys/mounts/production/tune"),
    "POST sys_mounts.tune": Line(BUILD, None, "sys/mounts/production/tune", {}),
    "PUT sys_mounts.tune": Line(BUILD, None, "sys/mounts/production/tune", {}),
    "GET sys_mounts.overview": Line(LIST, None, "sys/internal/ui/mounts"),
    "GET sys_mounts.preflight": Line(LIST, None, "sys/internal/ui/mounts/production/x"),
}
"""Of what concerns no single mount."""

MINT: Mapping[str, tuple[str, ...]] = {
    "auth/token/create": ("POST auth_tokens.create", "PUT auth_tokens.create"),
    "auth/token/create-orphan": ("POST auth_tokens.create_orphan", "PUT auth_tokens.create_orphan"),
    "auth/token/create/r": ("POST auth_tokens.create_by_role", "PUT auth_tokens.create_by_role"),
    "auth/token/lookup-accessor": ("POST auth_tokens.look_up_accessor", "PUT auth_tokens.look_up_accessor"),
    "auth/token/renew": ("POST auth_tokens.renew", "PUT auth_tokens.renew"),
    "auth/token/renew-accessor": ("POST auth_tokens.renew_accessor", "PUT auth_tokens.renew_accessor"),
    "auth/token/revoke": ("POST auth_tokens.revoke", "PUT auth_tokens.revoke"),
    "auth/token/revoke-orphan": ("POST auth_tokens.revoke_orphan", "PUT auth_tokens.revoke_orphan"),
    "auth/token/revoke-accessor": ("POST auth_tokens.revoke_accessor", "PUT auth_tokens.revoke_accessor"),
    "auth/token/accessors": ("LIST auth_tokens.accessors", "GET auth_tokens.accessors_too"),
    "auth/token/roles": ("LIST auth_tokens.roles",),
    "auth/token/roles/r": (
        *("GET auth_tokens.show_role", "POST auth_tokens.save_role", "PUT auth_tokens.save_role"),
        "DELETE auth_tokens.delete_role",
    ),
    "sys/auth/x": ("POST sys_auth.mount", "PUT sys_auth.mount", "DELETE sys_auth.unmount"),
    "sys/auth/x/tune": ("POST sys_auth.tune", "PUT sys_auth.tune"),
    "sys/mounts/auth/x/tune": ("POST sys_auth.tune_too", "PUT sys_auth.tune_too"),
    "auth/a/role": ("LIST approle.roles", "GET approle.roles_too"),
    "auth/a/role/r": ("GET approle.show", "POST approle.save", "PUT approle.save", "DELETE approle.delete"),
    "auth/a/role/r/role-id": ("GET approle.role_id", "POST approle.set_role_id", "PUT approle.set_role_id"),
    "auth/a/role/r/secret-id": (
        *("POST approle.make_secret_id", "PUT approle.make_secret_id", "LIST approle.accessors"),
    ),
    "auth/a/role/r/custom-secret-id": ("POST approle.keep_secret_id", "PUT approle.keep_secret_id"),
    "auth/a/role/r/secret-id/lookup": ("POST approle.look_up", "PUT approle.look_up"),
    "auth/a/role/r/secret-id/destroy": tuple(f"{m} approle.destroy" for m in ("POST", "PUT", "DELETE")),
    "auth/a/role/r/secret-id-accessor/lookup": (
        *("POST approle.look_up_accessor", "PUT approle.look_up_accessor"),
    ),
    "auth/a/role/r/secret-id-accessor/destroy": tuple(
        f"{m} approle.destroy_accessor" for m in ("POST", "PUT", "DELETE")
    ),
}
"""By path: what needs the scope to make tokens. Whose a token or a role is comes next, in tests/clients."""
ITSELF: Mapping[str, tuple[str, ...]] = {
    "auth/token/lookup-self": (
        *("GET auth_tokens.look_up_self", "POST auth_tokens.look_up_self_too"),
        "PUT auth_tokens.look_up_self_too",
    ),
    "auth/token/renew-self": ("POST auth_tokens.renew_self", "PUT auth_tokens.renew_self"),
    "auth/token/revoke-self": ("POST auth_tokens.revoke_self", "PUT auth_tokens.revoke_self"),
    "sys/auth": ("GET sys_auth.index",),
    "sys/auth/token/tune": ("GET sys_auth.tuning",),
    "sys/mounts/auth/token/tune": ("GET sys_auth.tuning_too",),
    "sys/policies/acl": ("LIST sys_policies.index", "GET sys_policies.index_too"),
    "sys/policies/acl/root": ("GET sys_policies.show", "POST sys_policies.save", "PUT sys_policies.save"),
    "sys/policies/acl/nothing": ("DELETE sys_policies.delete",),
    "sys/policy": ("GET sys_policies.old_index",),
    "sys/policy/root": ("GET sys_policies.old_show", "POST sys_policies.save", "PUT sys_policies.save"),
    "sys/policy/nothing": ("DELETE sys_policies.delete",),
    "sys/capabilities-self": ("POST sys_policies.capabilities", "PUT sys_policies.capabilities"),
    "sys/wrapping/wrap": ("POST sys_wrapping.wrap", "PUT sys_wrapping.wrap"),
}
"""By path: what every living token may."""
EVERYBODY = frozenset(
    {
        *("GET sys_status.health", "GET sys_status.seal_status", "GET sys_status.leader"),
        *("GET sys_status.initialized", "POST sys_status.initialize", "PUT sys_status.initialize"),
        *(f"{m} sys_wrapping.{view}" for m in ("POST", "PUT") for view in ("unwrap", "look_up", "rewrap")),
        *("POST approle.log_in", "PUT approle.log_in"),
    }
)
"""What is open: nothing is told there but to who shows what opens it; tests/clients looks."""
# Telling of a token takes the token's own text, and says "bad token" where others say that one may not.
SHOWN = frozenset({"POST auth_tokens.look_up", "PUT auth_tokens.look_up"})

BY_ITSELF = frozenset(
    {"PATCH kv_data.patch", *(f"{m} vault_routes.nowhere" for m in ("GET", "POST", "PUT", "PATCH"))}
)
BY_ITSELF |= {f"{method} vault_routes.nowhere" for method in ("LIST", "DELETE")}
"""What has tests of its own in tests/clients."""


@pytest.fixture
def ask(app, runtime, world):
    """Send a line's request with a token of somebody's that has one scope, or with none."""

    def send(
        line: str, table: Mapping[str, Line], name: str | None, scope: Scope | None, mount: str = "production"
    ):
        wanted = table[line]
        headers = {}
        if name is not None:
            with runtime.work(writing=True, actor=world.actor(name)) as uow:
                minted = api_tokens.issue(uow, "job", [scope or LIST], timedelta(days=1))
            headers["X-Vault-Token"] = minted.text
        more = {"json": wanted.body} if wanted.body is not None else {}
        if wanted.content_type:
            more["content_type"] = wanted.content_type
        path = f"/v1/{wanted.path.format(mount=mount)}"
        method = line.partition(" ")[0]
        return app.test_client(use_cookies=False).open(path, method=method, headers=headers, **more)

    return send


def test_every_address_stands_in_a_table(app):
    served = {
        f"{method} {rule.endpoint}"
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/v1/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    listed = {line for table in (MINT, ITSELF) for lines in table.values() for line in lines}
    assert served == TABLE.keys() | OF_THE_HOUSE.keys() | BY_ITSELF | EVERYBODY | SHOWN | listed


@pytest.mark.parametrize("line", TABLE)
def test_a_key_needs_the_scope_and_the_right(ask, line):
    wanted = TABLE[line]
    found = {}
    for scope in (LIST, REVEAL, WRITE, BUILD):
        found[MANAGE, scope] = ask(line, TABLE, MANAGE, scope).status_code
    for name in RANKS[:-1]:
        found[name, wanted.scope] = ask(line, TABLE, name, wanted.scope).status_code
    enough = RANKS[RANKS.index(wanted.right) :]
    for (name, scope), status in found.items():
        assert (status in {200, 204}) is (scope == wanted.scope and name in enough), (name, scope, status)
        assert status in {200, 204, 403}


@pytest.mark.parametrize("line", TABLE)
def test_a_hidden_a_foreign_and_no_mount_are_one(ask, line, trail):
    said = set()
    for mount in ("board", "harbor", "nowhere"):
        answer = ask(line, TABLE, EDIT, TABLE[line].scope, mount)
        said.add((answer.status_code, answer.get_data(as_text=True).replace(f"{mount}/", "")))
    assert [status for status, _ in said] == [404]
    assert len(trail.events("access.denied")) == 3


@pytest.mark.parametrize("line", OF_THE_HOUSE)
def test_what_concerns_no_mount_needs_its_scope(ask, line):
    wanted = OF_THE_HOUSE[line]
    for scope in (LIST, REVEAL, WRITE, BUILD):
        status = ask(line, OF_THE_HOUSE, MANAGE, scope).status_code
        assert (status in {200, 204}) is (scope == wanted.scope), (scope, status)


@pytest.mark.parametrize("line", [*TABLE, *OF_THE_HOUSE])
def test_nobody_gets_anything(ask, line):
    answer = ask(line, TABLE | OF_THE_HOUSE, None, None)
    assert (answer.status_code, answer.get_json()) == (403, {"errors": ["permission denied"]})


def statuses(app, runtime, world, path, line, scopes):
    """Return the status that a token with each of *scopes* gets."""
    found = {}
    for scope in scopes:
        with runtime.work(writing=True, actor=world.actor(MANAGE)) as uow:
            minted = api_tokens.issue(uow, "job", [scope], timedelta(days=1))
        method = line.partition(" ")[0]
        client = app.test_client(use_cookies=False)
        answer = client.open(f"/v1/{path}", method=method, headers={"X-Vault-Token": minted.text})
        found[scope] = answer.status_code
    return found


@pytest.mark.parametrize(("path", "lines"), MINT.items(), ids=MINT)
def test_making_tokens_needs_its_scope(app, runtime, world, path, lines):
    for line in lines:
        found = statuses(app, runtime, world, path, line, (LIST, REVEAL, WRITE, BUILD, Scope.TOKENS_ISSUE))
        assert found.pop(Scope.TOKENS_ISSUE) != 403, line
        assert set(found.values()) == {403}, line


@pytest.mark.parametrize(("path", "lines"), ITSELF.items(), ids=ITSELF)
def test_every_token_looks_after_itself(app, runtime, world, path, lines):
    for line in lines:
        found = statuses(app, runtime, world, path, line, (LIST, REVEAL, Scope.TOKEN_SELF))
        assert not set(found.values()) & {403, 500}, line


@pytest.mark.parametrize("path", [*MINT, *ITSELF])
def test_nobody_looks_after_anything(app, path):
    for line in (MINT | ITSELF)[path]:
        answer = app.test_client(use_cookies=False).open(f"/v1/{path}", method=line.partition(" ")[0])
        assert (answer.status_code, answer.get_json()) == (403, {"errors": ["permission denied"]})
