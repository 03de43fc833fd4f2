"""How much one may send: as much as the page needs, and 413 beyond it."""

from __future__ import annotations

from io import BytesIO

import pytest

import blueprints
from blueprints.declared import FILE_BODY, ITEM_BODY, SMALL_BODY, access_of
from errors import Invalid
from gateway import MAX_BODY
from policy import Permission
from services import strict_json
from tests.addresses import fill

SAFE = {"GET", "HEAD", "OPTIONS"}


def unsafe_routes(app):
    return [
        (rule, method, app.view_functions[rule.endpoint].access)
        for rule in app.url_map.iter_rules()
        for method in sorted(rule.methods - SAFE)
    ]


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_every_form_has_a_cap_and_one_byte_more_is_refused(app, world, browser, kind):
    alice = browser("alice")
    alice.open("/account")
    for rule, method, access in unsafe_routes(app):
        answer = alice.client.open(
            fill(rule, world),
            method=method,
            data=b"a=" + b"x" * (access.body_max - 1),
            content_type=kind,
            base_url="http://localhost",
            headers={"X-CSRFToken": alice.csrf()},
        )
        assert answer.status_code == 413, (rule, answer.status_code)


def test_a_body_of_unknown_length_is_capped_as_well(app, world, browser):
    alice = browser("alice")
    alice.open("/account")
    for rule, method, access in unsafe_routes(app):
        answer = alice.client.open(
            fill(rule, world),
            method=method,
            input_stream=BytesIO(b"a=" + b"x" * access.body_max),
            content_type="application/x-www-form-urlencoded",
            base_url="http://localhost",
            headers={"X-CSRFToken": alice.csrf()},
            environ_overrides={"wsgi.input_terminated": True},
        )
        assert answer.status_code in {400, 413}, (rule, answer.status_code)


def test_credentials_have_room_for_long_notes_and_small_forms_have_not(app):
    with app.test_request_context():
        sizes = {rule.endpoint: access_of(rule.endpoint).body_max for rule, _, _ in unsafe_routes(app)}
        editing = {endpoint for endpoint in sizes if access_of(endpoint).permission is Permission.ITEM_EDIT}

    files = {"attachments.add", "api.add_file"}
    assert {sizes[endpoint] for endpoint in files} == {FILE_BODY}
    assert {sizes[endpoint] for endpoint in editing - files} <= {ITEM_BODY}
    assert (
        sizes["signin.submit"] == sizes["enrolment.create"] == sizes["csp.report"] == SMALL_BODY == 16 * 1024
    )
    assert sizes.pop("imports.read") == FILE_BODY
    assert sizes["kv_data.patch"] == sizes["sys_wrapping.wrap"] == ITEM_BODY
    others = sizes.keys() - editing - {"kv_data.patch", "sys_wrapping.wrap"}
    assert {sizes[endpoint] for endpoint in others} == {SMALL_BODY}


def test_the_gateway_lets_through_what_any_form_may_hold(app):
    """What is larger still meets the application's own words before the gateway's."""
    with app.test_request_context():
        largest = max(access_of(rule.endpoint).body_max for rule, _, _ in unsafe_routes(app))

    assert largest < MAX_BODY


def test_a_form_of_very_many_parts_is_refused(browser):
    nobody = browser()
    nobody.open("/sign-in")
    body = (
        b"".join(b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' for _ in range(250))
        + b"--x--\r\n"
    )
    assert len(body) < SMALL_BODY
    nobody.client.post(
        "/sign-in", data=body, content_type="multipart/form-data; boundary=x", base_url="http://localhost"
    )
    many = b"".join(b"&a=" for _ in range(5000))

    answer = nobody.client.post(
        "/sign-in", data=many, content_type="application/x-www-form-urlencoded", base_url="http://localhost"
    )

    assert answer.status_code in {400, 413}


ODD_JSON = [
    b"",
    b"[",
    b'{"a": 1, "a": 2}',
    b'{"a": {"b": 1, "b": 1}}',
    b'{"a": NaN}',
    b'{"a": Infinity}',
    b'{"a": 1e999}',
    b'{"a": "\\ud800"}',
    b'{"\\udfff": 1}',
    b'{"a": "\\u0000"}',
    b'\xef\xbb\xbf{"a": 1}',
    '{"a": 1}'.encode("utf-16"),
    b'{"a": "\xff"}',
    b"[" * 8000,
    b'{"a":' * 3000,
    b"[" * 17 + b"]" * 17,
    b"{'a': 1}",
    b'{"a": 1} {"b": 2}',
    b'{"a": 01}',
]


@pytest.mark.parametrize("body", ODD_JSON)
def test_json_that_can_be_read_in_two_ways_is_refused(body):
    with pytest.raises(Invalid) as refused:
        strict_json.parse(body)

    assert "\\u" not in str(refused.value)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": [1, 2.5, null, true, "\xc3\xa9\\n"]}', {"a": [1, 2.5, None, True, "é\n"]}),
        (b'"\\ud83d\\ude00"', "😀"),
        (b"[" * 15 + b"]" * 15, [[[[[[[[[[[[[[[]]]]]]]]]]]]]]]),
    ],
)
def test_ordinary_json_means_what_it_says(body, value):
    assert strict_json.parse(body) == value


def test_every_route_without_csrf_is_known_here():
    assert all(name.startswith("api.") or name == "csp.report" for name in blueprints.WITHOUT_CSRF)
