"""Programs of an organization that is suspended or about to be deleted come in nowhere."""

from __future__ import annotations

import pytest

from tests.world import past_the_program

DATA = "production/data/Stripe dashboard"
ROLE = "auth/ci/role/deploy"
pytestmark = pytest.mark.parametrize("column", ["suspended_at", "deletion_at"])


@pytest.fixture
def close(database):
    """Close Northwind, by what says so; return how to open it again."""

    def change(column, value=1):
        past_the_program(database, f"UPDATE organization SET {column} = ? WHERE slug = ?", value, "northwind")

    return change


def test_a_token_reads_nothing(vault, close, column):
    client = vault()
    close(column)
    status, [_, sentence] = client.refusal("GET", DATA)
    assert (status, "suspended" in sentence) == (403, True)
    close(column, None)
    assert client.read(DATA)


def test_a_wrapped_answer_stays_closed(vault, close, column):
    told = vault().send("GET", DATA, headers={"X-Vault-Wrap-TTL": "1m"}).get_json()["wrap_info"]
    close(column)
    for path in ("unwrap", "lookup", "rewrap"):
        assert vault(None).refusal("POST", f"sys/wrapping/{path}", {"token": told["token"]})[0] == 400
    close(column, None)
    assert vault(None).send("POST", "sys/wrapping/unwrap", {"token": told["token"]}).status_code == 200


def test_a_role_lets_nobody_in(vault, close, column):
    client = vault()
    client.write("sys/auth/ci", {"type": "approle"})
    client.write(ROLE, {"token_policies": "default"})
    halves = {
        "role_id": client.read(f"{ROLE}/role-id")["role_id"],
        "secret_id": client.write(f"{ROLE}/secret-id")["secret_id"],
    }
    close(column)
    assert vault(None).refusal("POST", "auth/ci/login", halves) == (400, ["invalid role or secret ID"])
    close(column, None)
    assert vault(None).send("POST", "auth/ci/login", halves).status_code == 200
