"""The operator's page about backups: what is known, what was proven, and what it asks for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services import deployment
from services.deployment import State
from tests.pages.backups import NAME, note_backup

HERE = "/instance/backups"


@pytest.fixture
def alice(browser):
    return browser("alice")


def told(page):
    return " ".join(callout.get_text(" ") for callout in page.select(".callout"))


@pytest.mark.parametrize("who", ["adam", "audrey", "mallory"])
def test_it_is_the_operator_s_alone(browser, who):
    browser(who).open(HERE, 404)


def test_without_a_backup_it_says_what_to_do(alice):
    page = alice.open(HERE)
    assert "./chatelaine backup create" in told(page)
    assert "No backup is known" in page.words
    stats = alice.open("/instance").select_one(".stats").get_text(" ")
    assert "none is known" in stats


def test_a_backup_that_was_proven_is_shown_with_its_age(alice, runtime):
    note_backup(runtime, sound=True, age=timedelta(hours=3))
    page = alice.open(HERE)
    assert told(page) == ""
    row = page.select_one("tbody tr").get_text(" ")
    assert NAME in row
    assert runtime.masters.primary_id in row
    assert "Restorable" in row
    assert page.select_one("tbody td time")["datetime"]
    assert "3 h ago" in row
    assert "proven to be restorable" in alice.open("/instance").words


@pytest.mark.parametrize(
    ("backup", "words"),
    [
        ({"age": timedelta(days=3), "sound": True}, "The newest backup is old"),
        ({"sound": None}, "Nobody has tried a backup lately"),
        ({"sound": False}, "A backup cannot be relied on"),
        ({"sound": False, "forged": True}, "Nobody has tried a backup lately"),
    ],
)
def test_what_is_not_as_it_should_be_is_said(alice, runtime, backup, words):
    note_backup(runtime, **backup)
    assert words in told(alice.open(HERE))


def test_a_result_that_somebody_else_wrote_is_called_so(alice, runtime):
    note_backup(runtime, sound=False, forged=True)
    assert "Not signed by this installation" in alice.open(HERE).select_one("tbody").get_text(" ")


def test_a_restore_is_told(alice, runtime):
    note_backup(runtime, sound=True, restored_at=datetime.now(UTC))
    assert "This database was restored" in told(alice.open(HERE))


def test_of_the_snapshots_the_newest_is_shown(alice, runtime):
    for minutes in range(3):
        name = f"snapshot-20270115T12000{minutes}000000Z-0123abcd-4567"
        note_backup(runtime, name=name, kind="snapshot", age=timedelta(minutes=9 - minutes))
    rows = alice.open(HERE).select("tbody tr")
    assert len(rows) == 1
    assert "T120002" in rows[0].get_text()


def test_a_check_of_the_deployment_knows_how_the_backups_stand(runtime):
    def states():
        with runtime.work(writing=False) as uow:
            results = {result.rule: result.state for result in deployment.review_database(uow)}
        return results["a backup of these days"], results["a backup that was tried"]

    assert states() == (State.WARN, State.WARN)
    note_backup(runtime)
    assert states() == (State.PASS, State.WARN)
    note_backup(runtime, name=f"{NAME[:-1]}8", sound=True)
    assert states() == (State.PASS, State.PASS)
