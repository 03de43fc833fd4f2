"""`./chatelaine check`: each rule fails when it is broken, and the exit code says so."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from commands.check import check
from services import deployment
from services.deployment import Facts, State, is_sound, review_database, review_settings
from tests.world import FLASK_KEY, MASTER_KEY

GOOD = Facts(
    production=True,
    public_url="https://vault.example",
    hsts_seconds=31536000,
    proxies=1,
    contact="mailto:security@example.com",
    second_factor=True,
    audit_sink=True,
    metrics_token=True,
    contained=False,
    database=None,
    files={},
)


def states(facts):
    return {result.rule: result.state for result in review_settings(facts)}


def test_a_good_deployment_fails_nothing_and_warns_of_nothing():
    assert set(states(GOOD).values()) == {State.PASS, State.BY_HAND}


@pytest.mark.parametrize(
    ("change", "rule", "state"),
    [
        ({"production": False}, "production", State.FAIL),
        ({"public_url": "http://vault.example"}, "https", State.FAIL),
        ({"hsts_seconds": 300}, "HSTS for a year", State.WARN),
        ({"contact": None}, "security contact", State.FAIL),
        ({"second_factor": False}, "second factor", State.FAIL),
        ({"audit_sink": False}, "second place of the audit log", State.WARN),
        ({"metrics_token": False}, "monitoring", State.WARN),
        ({"contained": True, "database": Path("/app/x.db")}, "data outlives the container", State.FAIL),
        (
            {"contained": True, "database": Path("/app/x.db"), "saves": True},
            "data outlives the container",
            State.PASS,
        ),
    ],
)
def test_a_rule_that_is_broken_is_named(change, rule, state):
    assert states(replace(GOOD, **change))[rule] is state


@pytest.mark.parametrize(("mode", "state"), [(0o600, State.PASS), (0o640, State.FAIL), (0o604, State.FAIL)])
def test_a_file_that_others_can_read_fails(tmp_path, mode, state):
    path = tmp_path / "keys"
    path.write_text("x")
    path.chmod(mode)
    assert (
        states(replace(GOOD, files={"ENCRYPTION_KEYS_FILE": path}))["ENCRYPTION_KEYS_FILE is private"]
        is state
    )


@pytest.mark.parametrize(
    ("version", "sound"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 52, 0), True),
    ],
)
def test_a_sqlite_that_can_damage_its_log_is_known(version, sound):
    assert is_sound(version) is sound


def test_one_owner_is_too_few(runtime):
    with runtime.work(writing=False) as uow:
        found = {result.rule: result.state for result in review_database(uow)}
    assert found["a second owner"] is State.WARN
    assert found["no account called admin"] is State.PASS


@pytest.mark.parametrize(("days", "state"), [(364, State.PASS), (366, State.WARN)])
def test_keys_are_old_after_a_year(runtime, days, state):
    with runtime.work(writing=False) as uow:
        uow.now += deployment.timedelta(days=days)
        found = {result.rule: result.state for result in review_database(uow)}
    assert found["keys younger than a year"] is state


@pytest.mark.parametrize(("arguments", "code"), [([], 0), (["--deploy"], 1), (["--deploy", "--json"], 1)])
def test_the_command_says_it_with_its_exit_code(database, monkeypatch, arguments, code):
    environ = {
        "APP_ENV": "local",
        "FLASK_SECRET_KEY": FLASK_KEY,
        "ENCRYPTION_KEYS": MASTER_KEY,
        "DATABASE_URL": f"sqlite:///{database}",
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(check, arguments)
    assert result.exit_code == code, result.output
    if "--json" in arguments:
        assert {"rule": "production", "state": "fail"}.items() <= json.loads(result.output)[0].items()
    else:
        assert "FAIL  production" in result.output
