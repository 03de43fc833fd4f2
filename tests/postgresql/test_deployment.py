"""What `check` says of the role and the way to the server, and migrating apart from serving."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from commands.check import check
from commands.database import database as database_command
from services import deployment
from services.deployment import State
from tests import servers
from tests import world as worlds
from tests.world import FLASK_KEY, MASTER_KEY


@pytest.fixture
def states(database):
    """Review the database as some role; return the state of each rule."""

    def states(role=servers.APPLICATION):
        runtime = worlds.open_runtime(worlds.url_of(database, role))
        with runtime.work(writing=False) as uow:
            found = {result.rule: result.state for result in deployment.review_database(uow)}
        runtime.committer.close()
        runtime.connections.close()
        runtime.engine.dispose()
        return found

    return states


BOUND, APART = "row security holds for the program", "the program owns no table"


def test_the_role_that_the_script_makes_passes(states):
    found = states()
    assert (found[BOUND], found[APART]) == (State.PASS, State.PASS)


def test_an_owner_fails_since_it_could_take_the_policies_away(states):
    found = states(servers.OWNER)
    assert (found[BOUND], found[APART]) == (State.PASS, State.FAIL)


def test_a_superuser_fails(states):
    assert states("postgres")[BOUND] is State.FAIL


def test_a_table_without_a_policy_fails(states, superuser):
    rule = "row security on every organization's table"
    assert states()[rule] is State.PASS
    superuser.execute("ALTER TABLE item NO FORCE ROW LEVEL SECURITY")
    assert states()[rule] is State.FAIL


def test_a_socket_on_this_machine_needs_no_encryption(states):
    assert states()["an encrypted way to the database"] is State.PASS


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """An empty database, and the settings that say so."""
    values = {
        "APP_ENV": "local",
        "FLASK_SECRET_KEY": FLASK_KEY,
        "ENCRYPTION_KEYS": MASTER_KEY,
        **worlds.environment_of(tmp_path),
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_the_tables_can_be_made_before_the_server_starts_without_knowing_their_owner(environment):
    runner = CliRunner()
    made = runner.invoke(database_command, ["migrate"], catch_exceptions=False)
    assert "/enrol/" in made.output
    environment.delenv("DATABASE_OWNER_URL")
    again = runner.invoke(database_command, ["migrate"], catch_exceptions=False)
    assert again.output == "The database is up to date.\n"


def test_check_names_the_rules(environment):
    runner = CliRunner()
    runner.invoke(database_command, ["migrate"], catch_exceptions=False)
    assert f"ok    {APART}" in runner.invoke(check, [], catch_exceptions=False).output
