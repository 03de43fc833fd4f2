"""The document of the API: complete, true, and nothing that is sent along it breaks the program.

schemathesis makes the requests, from the document itself.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from itertools import count

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from blueprints import api_document
from extensions import limiter
from policy import Scope
from services import api_tokens

EXAMPLES = 12
"""Requests of each operation, in each mode."""
ENDS_IT = {"revoke_self"}
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


def sends(server, mode):
    """Return what sends one case of schemathesis and checks the answer.

    Of those that the document allows, half are about things that are there.
    """
    _, token, _, world = server
    things = {
        "item_id": list(world.items.values()),
        "vault_id": list(world.vaults.values()),
        "number": [1, 2],
    }
    there = mode is GenerationMode.POSITIVE

    def send(case, turn):
        limiter.storage.reset()
        for name in things.keys() & case.path_parameters.keys() if there and turn % 2 else ():
            case.path_parameters[name] = str(things[name][turn // 2 % len(things[name])])
        headers = {"Authorization": f"Bearer {token}"}
        answer = case.call(headers=headers)
        # No document can say which names are taken, and too large is a refusal as well.
        unsure = [positive_data_acceptance] if there else []
        unsure += [negative_data_rejection] if answer.status_code == 413 else []
        case.validate_response(answer, headers=headers, excluded_checks=unsure)
        if answer.status_code >= 400:
            assert not [one for one in texts_in(case.body) if one in answer.text], case.operation.label
        return answer.status_code < 400

    return send


def texts_in(value):
    """Yield the texts that were sent, as far as nobody else would happen to say them."""
    if isinstance(value, str) and len(value) > 7:
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_in(inner)


def try_all(operation, mode, send):
    """Send an operation's requests, the same ones in every run."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def send_each(case):
        send(case)

    send_each()


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_nothing_that_is_sent_breaks_it_and_every_answer_is_a_documented_one(server, mode):
    """schemathesis makes requests that the document allows, and ones that it does not."""
    app, _, document, _ = server
    schema = schemathesis.openapi.from_dict(document)
    schema.app = app
    send, answered, turns, faults = sends(server, mode), Counter(), count(), []

    # What one request has made another finds, so a fault is not looked for twice: all are told at the end.
    def note(case):
        try:
            answered[case.operation.label] += send(case, next(turns))
        except (AssertionError, FailureGroup) as fault:
            faults.append(fault)

    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.definition.raw["operationId"] not in ENDS_IT:
            try_all(operation, mode, note)
    assert faults == []
    assert len(answered) > 25
    assert sum(answered.values()) > (100 if mode is GenerationMode.POSITIVE else 0)
