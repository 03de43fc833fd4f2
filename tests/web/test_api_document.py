"""The document of the API: complete, true, and nothing that is sent along it breaks the program.

Fuzzed by Hypothesis over the document itself.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from blueprints import api_document
from errors import Invalid
from extensions import limiter
from forms.shapes import check
from policy import Scope
from services import api_tokens

REQUESTS = 400
KEYWORDS = {
    *("type", "properties", "required", "additionalProperties", "items", "minItems", "maxItems"),
    *("minLength", "maxLength", "enum", "minimum", "maximum", "format", "description"),
}


@pytest.fixture
def server(app, runtime, world):
    """An installation with a token of Alice's for everything; and its document."""
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        token = api_tokens.issue(uow, "fuzz", list(Scope), timedelta(days=9)).text
    with app.test_request_context():
        document = api_document.document()
    return app, token, json.loads(json.dumps(document)), world


def operations(document):
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            yield path, method, told


def every_shape(value):
    if isinstance(value, dict):
        if "type" in value and isinstance(value["type"], str | list):
            yield value
        for inner in value.values():
            yield from every_shape(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from every_shape(inner)


def test_every_route_of_the_api_is_in_the_document(server):
    app, _, document, _ = server
    served = {
        (api_document.path_of(rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("api.")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert {(path, method) for path, method, _ in operations(document)} == served


def test_operations_have_names_of_their_own(server):
    names = [told["operationId"] for _, _, told in operations(server[2])]
    assert len(set(names)) == len(names)


def test_a_shape_says_nothing_that_is_not_checked(server):
    for _, _, told in operations(server[2]):
        body = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        for shape in every_shape([body, [one["schema"] for one in told.get("parameters", ())]]):
            assert set(shape) <= KEYWORDS, told["operationId"]


def test_each_operation_names_the_scopes_that_open_it(server):
    by_name = {told["operationId"]: told["security"][0]["token"] for _, _, told in operations(server[2])}
    assert by_name["reveal"] == ["items:reveal"]
    assert by_name["show_item"] == ["items:list", "items:use"]
    assert by_name["generate"] == []


def test_programs_and_people_who_are_signed_in_get_the_document(api, browser):
    answer = api("rhea", Scope.ITEMS_LIST).get("/api/v1/openapi.json")
    assert answer.get_json()["openapi"] == "3.1.0"
    assert api(None).get("/api/v1/openapi.json").status_code == 401
    page = browser("ula").open("/o/northwind/api")
    assert "Make a credential" in page.words
    assert browser("ula").open("/o/northwind/api/openapi.json").answer.get_json() == answer.get_json()
    assert browser().open("/o/northwind/api", 302).answer.headers["Location"].startswith("/sign-in")


# What is sent


TEXTS = st.text(max_size=30) | st.sampled_from(["", "\0", "prod/db", "é" * 20, "null", "a" * 300])
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**70) | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def values_of(shape, world):
    """Draw what a shape allows, and now and then what it does not."""
    kinds = shape["type"] if isinstance(shape["type"], list) else [shape["type"]]
    drawn = [_of_kind(kind, shape, world) for kind in kinds]
    return st.one_of(*drawn, *drawn, *drawn, JUNK)


def _of_kind(kind, shape, world):
    if "enum" in shape:
        return st.sampled_from(shape["enum"])
    if kind == "string":
        return _text(shape, world)
    if kind == "integer":
        return st.integers(shape.get("minimum", -5), min(shape.get("maximum", 99), 2**40))
    if kind == "array":
        most = min(shape.get("maxItems", 3), 3)
        return st.lists(values_of(shape["items"], world), min_size=shape.get("minItems", 0), max_size=most)
    if kind == "object":
        members = shape.get("properties", {})
        needed = {name: values_of(members[name], world) for name in shape.get("required", ())}
        others = {name: values_of(one, world) for name, one in members.items() if name not in needed}
        return st.fixed_dictionaries(needed, optional=others)
    return {"boolean": st.booleans(), "null": st.none(), "number": st.floats(allow_nan=False)}[kind]


def _text(shape, world):
    if shape.get("format") == "uuid":
        return st.sampled_from(
            [*map(str, world.items.values()), *map(str, world.vaults.values())]
        ) | st.uuids(version=4).map(str)
    if shape.get("format") == "date":
        return st.dates().map(str)
    if shape.get("format") == "date-time":
        return st.datetimes().map(lambda moment: moment.isoformat())
    words = ["password", "Notes", "TOTP", "prod/*", "192.0.2.0/24", "Production", "x"]
    return st.sampled_from(words) | st.text(
        min_size=shape.get("minLength", 0), max_size=min(shape.get("maxLength", 20), 20)
    )


@st.composite
def requests(draw, document, world):
    path, method, told = draw(st.sampled_from(list(operations(document))))
    query, headers = {}, {}
    for one in told.get("parameters", ()):
        if one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", draw(_text(one["schema"], world)))
        elif one["in"] == "query" and draw(st.booleans()):
            query[one["name"]] = str(draw(values_of(one["schema"], world)))
        elif one["in"] == "header" and draw(st.booleans()):
            headers[one["name"]] = draw(st.sampled_from(['"1"', "*", "x", '"9999999999999999999999"']))
    body = None
    if "requestBody" in told and draw(st.booleans() | st.just(True)):
        [(media, taken)] = told["requestBody"]["content"].items()
        body = draw(values_of(taken["schema"], world) if media == "application/json" else st.binary())
    return path, method, told, query, headers, body


def encoded(query):
    return urlencode(query, errors="surrogatepass")


def faults_of(app, token, document, request):
    """Send one request; return what is wrong with the answer."""
    path, method, told, query, headers, body = request
    limiter.storage.reset()
    is_file = isinstance(body, bytes)
    content = body if is_file or body is None else json.dumps(body).encode()
    media = "application/octet-stream" if is_file else "application/json"
    answer = app.test_client(use_cookies=False).open(
        path,
        method=method.upper(),
        query_string=encoded(query),
        headers={"Authorization": f"Bearer {token}", **headers},
        data=content,
        content_type=media if content is not None else None,
    )
    said, status = answer.get_data(), str(answer.status_code)
    documented = told["responses"].get(status)
    if answer.status_code >= 500 or documented is None:
        return f"{status} is not documented"
    media = documented.get("content", {})
    if not media:
        return "" if said == b"" else "a body that is not documented"
    if answer.mimetype not in media:
        return f"{answer.mimetype} is not documented"
    shape = media[answer.mimetype].get("schema")
    if shape and "$ref" in shape:
        shape = document["components"]["schemas"]["Problem"]
    try:
        check(shape or {"type": "object"}, json.loads(said) if answer.is_json else {})
    except Invalid as error:
        return f"the answer is not of its shape: {error}"
    return ""


def test_nothing_that_is_sent_breaks_it_and_every_answer_is_a_documented_one(server):
    app, token, document, world = server
    faults, answered = [], Counter()

    # What one request has made another finds, so a fault is not looked for twice: all are told at the end.
    @settings(
        max_examples=REQUESTS,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(requests(document, world))
    def send(request):
        if request[2]["operationId"] == "revoke_self":
            return
        fault = faults_of(app, token, document, request)
        answered[request[2]["operationId"]] += not fault
        if fault:
            faults.append((fault, request[1], request[0], request[3:]))

    send()
    assert faults == []
    assert len(answered) > 20
