"""What programs do by this API stands in the log, by the token's name and without a value."""

from __future__ import annotations

import json

from policy import Scope
from services import profiles

SECRET = "wJalrXUtnFEMI"


def test_each_act_is_an_event_and_none_holds_a_value(vault, trail, runtime, world):
    client = vault()
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        profiles.save(uow, None, name="reader", scopes=[Scope.ITEMS_REVEAL])
    start = len(trail.events())
    acts = {
        "vault.created": ("POST", "sys/mounts/team", {"type": "kv-v2"}),
        "vault.changed": ("POST", "team/config", {"cas_required": False, "max_versions": 5}),
        "item.created": ("POST", "team/data/x", {"data": {"key": SECRET}}),
        "item.changed": ("POST", "team/data/x", {"data": {"key": SECRET + "2"}}),
        "item.revealed": ("GET", "team/data/x", None),
        "item.described": ("POST", "team/metadata/x", {"custom_metadata": {"owner": "ops"}}),
        "item.deleted": ("DELETE", "team/data/x", None),
        "item.undeleted": ("POST", "team/undelete/x", {"versions": [2]}),
        "item.destroyed": ("POST", "team/destroy/x", {"versions": [1]}),
        "item.trashed": ("DELETE", "team/metadata/x", None),
        "token.created": ("POST", "auth/token/create", {"ttl": "1h"}),
        "role.changed": ("POST", "auth/token/roles/ci", {"allowed_policies": ["reader"]}),
        "role.deleted": ("DELETE", "auth/token/roles/ci", None),
    }
    for action, (method, path, body) in acts.items():
        before = len(trail.events())
        answer = client.send(method, path, body)
        assert answer.status_code in {200, 204}, (action, answer.get_data(as_text=True))
        assert action in [event["action"] for event in trail.events()[before:]]
    for event in trail.events()[start:]:
        assert event["actor"] == "Alice (deploy job)"
        assert event["token_id"] == str(client.token_id)
        assert SECRET not in json.dumps(event, default=str)


def test_what_is_done_about_roles_and_secret_ids_too(vault, trail):
    client = vault()
    child = client.send("POST", "auth/token/create", {"ttl": "1h"}).get_json()["auth"]["client_token"]
    client.write("sys/auth/ci", {"type": "approle"})
    client.write("auth/ci/role/deploy", {})
    made = client.write("auth/ci/role/deploy/secret-id", {})
    client.write("auth/ci/role/deploy/secret-id/destroy", {"secret_id": made["secret_id"]})
    client.write("auth/ci/role/deploy", method="DELETE")
    client.write("sys/auth/ci", method="DELETE")
    client.write("auth/token/renew", {"token": child})
    client.write("auth/token/revoke", {"token": child})

    assert trail.actions()[2:] == [
        *("role.changed", "role.changed", "secret_id.created", "secret_id.destroyed"),
        *("role.deleted", "role.deleted", "token.renewed", "token.revoked"),
    ]
    assert made["secret_id"] not in json.dumps(trail.events(), default=str)
