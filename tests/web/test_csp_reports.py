"""What browsers report about the content policy: little of it is kept, and nothing of it is believed."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from models import CspReport
from services import csp_reports
from tests.world import NORTHWIND

OLD = "application/csp-report"
NEW = "application/reports+json"


def old_report(**changes: object) -> dict[str, object]:
    return {
        "csp-report": {
            "document-uri": f"http://localhost/o/{NORTHWIND}/?q=what+somebody+searched+for",
            "referrer": "http://localhost/secret",
            "violated-directive": "script-src-elem",
            "effective-directive": "script-src-elem",
            "original-policy": "default-src 'none'",
            "blocked-uri": "https://user:pass@evil.example/x.js?token=abc#f",
            "script-sample": "alert(document.cookie)",
            **changes,
        }
    }


def new_report(**changes: object) -> dict[str, object]:
    body = {
        "documentURL": "http://localhost/account",
        "effectiveDirective": "style-src-attr",
        "blockedURL": "inline",
        **changes,
    }
    return {"type": "csp-violation", "age": 3, "url": "http://localhost/account", "body": body}


@pytest.fixture
def send(app):
    """Send a report as a browser does: without cookie, token or form."""
    client = app.test_client(use_cookies=False)

    def post(content, kind=OLD, address="192.0.2.30"):
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        return client.post("/csp-report", data=data, content_type=kind, environ_base={"REMOTE_ADDR": address})

    return post


@pytest.fixture
def kept(runtime):
    """The rows that are kept: directive, blocked, document, count."""

    def read():
        with runtime.engine.connect() as connection:
            rows = connection.execute(
                select(CspReport.directive, CspReport.blocked, CspReport.document, CspReport.count).order_by(
                    CspReport.last_at
                )
            )
            return [tuple(row) for row in rows]

    return read


def test_the_old_way_of_reporting(send, kept):
    assert send(old_report()).status_code == 204

    assert kept() == [("script-src-elem", "https://evil.example", "/o/<slug>/", 1)]


def test_the_new_way_of_reporting_several_at_once(send, kept):
    assert send([new_report(), new_report(blockedURL="eval"), new_report()], NEW).status_code == 204

    assert sorted(kept()) == [
        ("style-src-attr", "eval", "/account", 1),
        ("style-src-attr", "inline", "/account", 2),
    ]


def test_the_same_cause_is_kept_once_and_counted(send, kept, world):
    for item in world.items.values():
        send(old_report(**{"document-uri": f"http://localhost/o/{NORTHWIND}/?{item}"}))

    assert [row[3] for row in kept()] == [len(world.items)]


@pytest.mark.parametrize(
    ("document", "page"),
    [
        ("https://evil.example/phishing", "elsewhere"),
        ("http://localhost/enrol/chl_enrol_12345678_secretsecret", "/enrol/<token>"),
        ("http://localhost/no/such/page/secret", "elsewhere"),
        ("http://localhost/api/v1/items", "/api/v1/items"),
        ("about:blank", "elsewhere"),
        ("http://[", "elsewhere"),
        ("", "elsewhere"),
    ],
)
def test_a_page_is_kept_as_its_pattern(send, kept, document, page):
    send(old_report(**{"document-uri": document}))

    assert [row[2] for row in kept()] == [page]


@pytest.mark.parametrize(
    ("blocked", "origin"),
    [
        ("inline", "inline"),
        ("data", "data"),
        ("data:text/html,secret", "data:"),
        ("blob:http://localhost/uuid", "blob:"),
        ("chrome-extension://abc/x.js", "chrome-extension:"),
        ("https://a.example:8443/p?q#f", "https://a.example:8443"),
        ("wss://a.example/", "wss://a.example"),
        ("https://é.example/", "https://.example"),
        ("x" * 5000, "unknown"),
        ("https://" + "x" * 5000, ("https://" + "x" * 5000)[:200]),
        ("http://[::1", "unknown"),
        ("<script>", "unknown"),
    ],
)
def test_what_was_blocked_is_kept_as_its_origin(send, kept, blocked, origin):
    send(old_report(**{"blocked-uri": blocked}))

    assert [row[1] for row in kept()] == [origin]


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"", OLD, 422),
        (b"[", OLD, 422),
        (b"null", OLD, 422),
        (b"[]", NEW, 422),
        (b'{"csp-report": "x"}', OLD, 422),
        (b'{"csp-report": {"effective-directive": "<script>"}}', OLD, 204),
        (b'{"csp-report": {"effective-directive": 5}}', OLD, 204),
        (b'[{"body": {"effectiveDirective": ["x"]}}]', NEW, 204),
        (b"[" * 9000, NEW, 422),
        (b"{}", "text/plain", 415),
        (b"{}", "application/x-www-form-urlencoded", 415),
        (b" " * (16 * 1024 + 1), OLD, 413),
    ],
)
def test_nonsense_is_refused_or_left_out(send, kept, content, kind, status):
    assert send(content, kind).status_code == status
    assert kept() == []


def test_two_hundred_causes_are_kept_and_the_oldest_give_way(runtime, kept):
    with time_machine.travel("2026-11-22T12:00:00Z", tick=False) as clock:
        for number in range(205):
            clock.shift(timedelta(seconds=1))
            with runtime.work(writing=True) as uow:
                csp_reports.store(uow, [csp_reports.Violation("img-src", f"https://{number}.example", "/")])

    blocked = [row[1] for row in kept()]
    assert len(blocked) == csp_reports.ROWS == 200
    assert blocked[0] == "https://5.example"


def test_one_report_counts_twenty_violations_at_most(send, kept):
    send([new_report(blockedURL=f"https://{number}.example") for number in range(50)], NEW)

    assert len(kept()) == 20


def test_thirty_reports_a_minute_from_one_network_are_enough(send):
    with time_machine.travel("2026-11-22T12:00:00Z", tick=False):
        statuses = [send(old_report(), address=f"2001:db8::{number}").status_code for number in range(31)]

        assert statuses == [204] * 30 + [429]
        assert send(old_report(), address="192.0.2.31").status_code == 204


def test_admins_are_shown_the_newest_first(app, send, runtime):
    with time_machine.travel("2026-11-22T12:00:00Z", tick=False) as clock:
        send(old_report())
        clock.shift(timedelta(seconds=5))
        send([new_report()], NEW)
    with runtime.work(writing=False) as uow:
        rows = csp_reports.newest(uow)
        assert [row.directive for row in rows] == ["style-src-attr", "script-src-elem"]
        shown = app.jinja_env.get_template("settings/_csp_reports.html").render(csp_reports=rows)

    nothing = app.jinja_env.get_template("settings/_csp_reports.html").render(csp_reports=[])
    assert "https://evil.example" in shown
    assert "/o/&lt;slug&gt;/" in shown
    assert "Nothing reported" in nothing
