"""The production server with several processes on one database."""

from __future__ import annotations

import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests import world as worlds
from tests.backups.place import BACKUP_KEY
from tests.journeys.house import House

REQUESTS = 40


@pytest.fixture
def house(database):
    with House(database, workers=2, REQUIRE_2FA="false") as house:
        yield house


def test_two_processes_serve_one_database(house, database, world):
    def ask(number):
        request = urllib.request.Request(
            f"{house.address}/sign-in", headers={"X-Forwarded-For": f"192.0.2.{number}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(1, REQUESTS + 1))) == [200] * REQUESTS
    used = worlds.past_the_program(
        database, "SELECT count(DISTINCT pid) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'chatelaine'"
    )  # fmt: skip
    assert used[0][0] >= 2


def test_that_nothing_is_saved_by_itself_is_said_where_somebody_might_rely_on_it(house, database, tmp_path):
    (tmp_path / "saved").mkdir()
    assert "BACKUP_TO" not in house.said
    with House(database, BACKUP_TO=str(tmp_path / "saved"), BACKUP_KEY=BACKUP_KEY) as warned:
        assert "On PostgreSQL nothing goes to BACKUP_TO by itself" in warned.said


def test_a_new_database_is_set_up_and_the_link_is_printed_once(tmp_path):
    with House(tmp_path / "new.db", workers=2) as house:
        assert house.said.count("/enrol/") == 1
