"""How times are said, and how static files are addressed."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from flask import Flask

from blueprints.filters import ago, asset_names, exact, iso, register

NOON = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("distance", "words"),
    [
        (timedelta(seconds=0), "just now"),
        (timedelta(seconds=4), "just now"),
        (timedelta(seconds=5), "5 s ago"),
        (timedelta(seconds=59), "59 s ago"),
        (timedelta(seconds=60), "1 min ago"),
        (timedelta(minutes=59, seconds=59), "59 min ago"),
        (timedelta(hours=1), "1 h ago"),
        (timedelta(hours=23, minutes=59), "23 h ago"),
        (timedelta(days=1), "1 d ago"),
        (timedelta(days=29), "29 d ago"),
        (timedelta(days=30), "1 mo ago"),
        (timedelta(days=364), "12 mo ago"),
        (timedelta(days=365), "1 y ago"),
        (timedelta(days=800), "2 y ago"),
        (-timedelta(seconds=3), "just now"),
        (-timedelta(minutes=3), "in 3 min"),
        (-timedelta(days=6), "in 6 d"),
    ],
)
def test_a_time_is_said_as_its_distance_from_now(distance, words):
    assert ago(NOON - distance, now=NOON) == words


def test_the_exact_time_is_utc_whatever_zone_it_came_in():
    moment = datetime(2026, 11, 22, 15, 2, 11, tzinfo=timezone(timedelta(hours=1)))
    assert exact(moment) == "2026-11-22 14:02:11 UTC"
    assert iso(moment) == "2026-11-22T14:02:11Z"


def test_the_address_of_a_static_file_changes_with_its_content(tmp_path):
    file = tmp_path / "app.css"
    file.write_bytes(b"a{}")
    before = asset_names(tmp_path, "/static")("app.css")
    file.write_bytes(b"b{}")
    after = asset_names(tmp_path, "/static")("app.css")
    assert before == f"/static/app.css?v={zlib.crc32(b'a{}'):08x}"
    assert before != after


def test_naming_a_static_file_that_does_not_exist_is_a_fault(tmp_path):
    with pytest.raises(KeyError):
        asset_names(tmp_path, "/static")("nothing.css")


def test_browsers_may_keep_a_static_file_for_a_year(tmp_path):
    (tmp_path / "app.css").write_bytes(b"a{}")
    app = Flask(__name__, static_folder=str(tmp_path), static_url_path="/static")
    register(app)
    with app.test_client().get("/static/app.css") as answer:
        assert answer.cache_control.max_age == 365 * 24 * 60 * 60
