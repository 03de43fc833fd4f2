"""The OpenAPI document of the API, made from the routes and from what each tells of itself."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from flask import current_app, jsonify
from flask.typing import ResponseReturnValue
from werkzeug.routing import Rule

from blueprints.api import SPEED, Operation, bp, describes, operation_of
from blueprints.declared import access_of
from blueprints.guard import requires
from blueprints.requests import settings
from forms.shapes import Shape, text, thing, whole
from policy import GRANTS, Permission, Scope

ALWAYS = (400, 401, 403, 429, 503)
"""What any route may answer with."""
WITH_BODY = (413, 415)
_ARGUMENT = re.compile(r"<(?:(\w+):)?(\w+)>")
_PATHS: dict[str, Shape] = {"uuid": text(longest=36, kind="uuid"), "int": whole(0, 999_999_999)}
PROBLEM = thing(
    {
        "type": text(),
        "title": text(),
        "status": whole(400, 599),
        "detail": text(),
        "request": text(about="The number under which the server's log has it."),
        "error": text(about="Of 429 only, as the next three."),
        "limit": {"type": ["integer", "null"]},
        "used": {"type": ["integer", "null"]},
        "reset_in_hours": {"type": "number"},
    },
    optional=("error", "limit", "used", "reset_in_hours"),
)
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


@bp.get("/openapi.json")
@requires(Permission.TOKEN_SELF, limit=SPEED, program=True)
@describes(Operation("Get this document"))
def show_document() -> ResponseReturnValue:
    return jsonify(document())


def document() -> dict[str, Any]:
    """Return the whole document, as plain JSON values."""
    paths: dict[str, dict[str, Any]] = {}
    for rule, method, operation in operations():
        paths.setdefault(path_of(rule), {})[method.lower()] = _operation(rule, operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Chatelaine",
            "version": "1",
            "summary": "Credentials for programs, and what is recorded of them.",
        },
        "servers": [{"url": settings().public_url}],
        "paths": paths,
        "components": {
            "schemas": {"Problem": PROBLEM},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API token; the scheme Api-Key is good as well.",
                }
            },
        },
    }


def operations() -> list[tuple[Rule, str, Operation]]:
    """Return each route of the API with its one method, in the order of addresses."""
    found = [
        (rule, method, operation)
        for rule in current_app.url_map.iter_rules()
        if rule.endpoint.startswith(f"{bp.name}.") and (operation := operation_of(rule.endpoint))
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    ]
    return sorted(found, key=lambda one: (str(one[0]), one[1]))


def path_of(rule: Rule) -> str:
    """Return a rule's address as OpenAPI writes it."""
    return _ARGUMENT.sub(r"{\2}", str(rule))


def statuses(operation: Operation) -> list[int]:
    """Return every status that a route may answer with."""
    refused = [*ALWAYS, *operation.also]
    if operation.body is not None or operation.takes is not None:
        refused += WITH_BODY
    if operation.body is not None or operation.query or operation.once:
        refused.append(422)
    return sorted({operation.status, *refused})


def scopes_of(endpoint: str) -> list[str]:
    """Return the scopes of which a token needs one for a route; empty: any will do."""
    access = access_of(endpoint)
    scopes = GRANTS[access.permission].scopes if access and access.permission else frozenset()
    return [] if scopes == frozenset(Scope) else sorted(scopes)


def _operation(rule: Rule, operation: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": rule.endpoint.rpartition(".")[2],
        "summary": operation.summary,
        "security": [{"token": scopes_of(rule.endpoint)}],
        "responses": {str(status): _answer(operation, status) for status in statuses(operation)},
    }
    if operation.about:
        told["description"] = operation.about
    if parameters := _parameters(rule, operation):
        told["parameters"] = parameters
    if operation.body is not None:
        content = {"application/json": {"schema": operation.body}}
        told["requestBody"] = {"required": not operation.bodyless, "content": content}
    if operation.takes is not None:
        told["requestBody"] = {"required": True, "content": {operation.takes: {}}}
    return told


def _parameters(rule: Rule, operation: Operation) -> list[dict[str, Any]]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": _PATHS[kind]}
        for kind, name in _ARGUMENT.findall(str(rule))
    ]
    in_query = [{"name": name, "in": "query", "schema": shape} for name, shape in operation.query.items()]
    headers = []
    if operation.conditional:
        headers.append(_header("If-Match", "The version that you have seen, in quotes."))
    if operation.once:
        headers.append(_header("Idempotency-Key", "The same key makes the same thing once, for a day."))
    return [*in_path, *in_query, *headers]


def _header(name: str, about: str) -> dict[str, Any]:
    required = name == "If-Match"
    return {"name": name, "in": "header", "required": required, "schema": text(longest=200, about=about)}


def _answer(operation: Operation, status: int) -> dict[str, Any]:
    told: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if status >= HTTPStatus.BAD_REQUEST:
        told["content"] = _PROBLEM
    elif status == operation.status and operation.answer is not None:
        told["content"] = {operation.media: {"schema": operation.answer}}
    elif status == HTTPStatus.OK:
        told["content"] = {operation.media: {}}
    if operation.etag and status < HTTPStatus.BAD_REQUEST:
        told["headers"] = {"ETag": {"schema": text(), "description": "The version, in quotes."}}
    return told
