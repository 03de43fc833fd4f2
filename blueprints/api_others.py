"""People, passwords and the health of the installation, for programs."""

from __future__ import annotations

from flask import jsonify
from flask.typing import ResponseReturnValue

from blueprints.api import CURSOR, LIMIT, SPEED, Operation, bp, describes, part_of, sent
from blueprints.guard import requires
from blueprints.requests import current_uow, runtime
from forms import api_others as shapes
from policy import Permission
from services import generator, health, people

_CLASSES = ("lower", "upper", "digits", "symbols", "avoid_lookalikes")


@bp.get("/people")
@requires(Permission.PEOPLE_READ, limit=SPEED, program=True)
@describes(Operation("List people and service accounts", query={**CURSOR, **LIMIT}, answer=shapes.PEOPLE))
def list_people() -> ResponseReturnValue:
    page, following = part_of(people.everybody(current_uow()), lambda line: line.user_id)
    return jsonify(
        people=[
            {
                "id": line.user_id,
                "name": line.name,
                "email": line.email,
                "role": line.role.value,
                "disabled": line.disabled_at is not None,
                "service": line.service,
            }
            for line in page
        ],
        next=following,
    )


@bp.post("/generator")
@requires(Permission.TOKEN_SELF, writes=False, limit=SPEED, program=True)
@describes(
    Operation(
        "Make a random password or a phrase",
        body=shapes.GENERATOR,
        bodyless=True,
        answer=shapes.GENERATED,
    )
)
def generate() -> ResponseReturnValue:
    told = sent()
    if told.get("kind") == "phrase":
        words, number = told.get("words", 6), told.get("number", False)
        value = generator.phrase(
            words, told.get("separator", "-"), capitalize=told.get("capitalize", False), number=number
        )
        return jsonify(value=value, bits=round(generator.phrase_bits(words, number=number), 1))
    length = told.get("length", 20)
    classes = {name: told.get(name, name != "avoid_lookalikes") for name in _CLASSES}
    value = generator.password(length, **classes)
    return jsonify(value=value, bits=round(generator.password_bits(length, **classes), 1))


@bp.get("/health")
@requires(Permission.TOKEN_SELF, limit=SPEED, program=True)
@describes(Operation("Look whether the installation can work", answer=shapes.HEALTH))
def show_health() -> ResponseReturnValue:
    findings = health.readiness(runtime())
    well = all(finding.well for finding in findings)
    told = [{"name": one.name, "well": one.well, "words": one.words} for one in findings]
    return jsonify(state="ready" if well else "not ready", findings=told), 200 if well else 503
