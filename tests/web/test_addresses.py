"""Odd methods and odd addresses: one clear refusal for each, and never a fault of ours."""

from __future__ import annotations

import pytest

from tests.addresses import fill

ODD_METHODS = ["OPTIONS", "TRACE", "CONNECT", "PROPFIND", "LIST", "FOO"]


def pages(app):
    """Return the rules of all but the Vault-compatible API; tests/clients has odd paths for that."""
    return [rule for rule in app.url_map.iter_rules() if not rule.rule.startswith("/v1/")]


@pytest.mark.parametrize("method", [*ODD_METHODS, "HEAD", "PUT", "PATCH", "DELETE"])
def test_only_declared_methods_are_answered(app, world, browser, method):
    alice = browser("alice")
    alice.open("/account")
    declared: dict[str, set[str]] = {}
    for rule in pages(app):
        path = fill(rule, world)
        declared.setdefault(path, set()).update(rule.methods - {"OPTIONS", "HEAD"})
    head_too = {"/static/app.css", "/healthz", "/readyz"}
    refused = [
        path
        for path, methods in declared.items()
        if method not in methods and not (method == "HEAD" and path in head_too)
    ]
    assert len(refused) > 10

    for path in refused:
        answer = alice.client.open(path, method=method, base_url="http://localhost")
        assert answer.status_code == 405, (path, answer.status_code)
        assert set(answer.headers["Allow"].split(", ")) <= declared[path], path
        answer.close()


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/static/app.css"])
def test_monitors_and_browsers_may_ask_for_the_status_alone(app, path):
    answer = app.test_client().head(path)

    assert answer.status_code == 200
    assert answer.get_data() == b""
    answer.close()


ODD_IDS = [
    "%D9%A1",  # an Arabic one, which int() takes
    "1" * 23,
    "-1",
    "+1",
    "01",
    "1.0",
    "0x1",
    "1e3",
    "%00",
    "1%00",
    "%0d%0aSet-Cookie:x=1",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e%2f",
    "%252e%252e",
    "%ff",
    "%ed%a0%80",
    "%e2%80%ae",
    "%E2%80%A8",
    "{{7*7}}",
    "'%20OR%201=1--",
    "%3Cscript%3E",
    "null",
    "undefined",
    "*",
    "a" * 5000,
]


@pytest.mark.parametrize("odd", ODD_IDS)
def test_an_odd_id_leads_nowhere(app, world, browser, odd):
    alice = browser("alice")
    alice.open("/account")
    for rule in pages(app):
        if "GET" not in rule.methods:
            continue
        for name in rule.arguments - {"token", "filename"}:
            answer = alice.client.get(fill(rule, world, **{name: odd}), base_url="http://localhost")
            assert answer.status_code in {400, 401, 404}, (rule, odd, answer.status_code)
            assert "Set-Cookie:x" not in str(answer.headers)
            assert "Location" not in answer.headers


def test_an_id_has_one_spelling(app, world, browser):
    """Else one thing would have two addresses, and a rule about addresses two answers."""
    alice = browser("alice")
    alice.open("/account")
    tried = 0
    for rule in app.url_map.iter_rules():
        method = "GET" if "GET" in rule.methods else "POST"
        for name in rule.arguments:
            if type(rule._converters[name]).__name__ != "Id":
                continue
            thing = next(iter(world.vaults.values()))
            for spelled in (str(thing).upper(), f"{{{thing}}}", thing.hex, f"urn:uuid:{thing}"):
                path = fill(rule, world, **{name: spelled})
                answer = alice.client.open(path, method=method, base_url="http://localhost")
                assert answer.status_code == 404, path
                tried += 1
    assert tried


@pytest.mark.parametrize(
    "path",
    [
        "/../etc/passwd",
        "/%2e%2e/etc/passwd",
        "/..%2f..%2fetc/passwd",
        "/app.py",
        "/app.css.map",
        "/.env",
        "/%00.css",
    ],
)
def test_static_files_are_those_of_the_folder_and_no_others(browser, path):
    browser().open(f"/static{path}", status=404)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("next=/a&next=/b", 400),
        ("a=1&a=1", 400),
        ("a=%00", 400),
        ("%00=a", 400),
        ("a=\xff", 400),
        ("a=%ff", 200),
        ("a=%ed%a0%80", 200),
        ("a=%252f", 200),
        ("a", 200),
        ("&&&", 200),
        ("=", 200),
        ("a[]=1&a[]=2", 400),
        ("a;b=1", 200),
        ("a=" + "x" * 4000, 200),
    ],
)
def test_an_odd_query_is_refused_or_makes_no_difference(app, query, status):
    answer = app.test_client().get("/sign-in", environ_overrides={"QUERY_STRING": query})

    assert answer.status_code == status


def test_odd_queries_never_break_a_page(app, world, browser):
    """Every parameter that a page may read, with values that other programs stumble over."""
    alice = browser("alice")
    alice.open("/account")
    names = [
        *(
            "q",
            "page",
            "after",
            "before",
            "cursor",
            "sort",
            "order",
            "type",
            "tag",
            "folder",
            "vault",
            "state",
        ),
        *("from", "to", "actor", "action", "target", "success", "next", "version", "limit", "format", "role"),
    ]
    values = [
        "",
        "-1",
        "0",
        "9" * 30,
        "1e309",
        "NaN",
        "' OR 1=1--",
        "%",
        "_",
        "(.*",
        "[",
        "\\",
        "{{7*7}}",
        "😀",
        "a" * 3000,
    ]
    for rule in app.url_map.iter_rules():
        if "GET" not in rule.methods or rule.endpoint in {"static", "health.live"}:
            continue
        for value in values:
            answer = alice.client.get(
                fill(rule, world), query_string=dict.fromkeys(names, value), base_url="http://localhost"
            )
            assert answer.status_code < 500, (rule, value)
