"""How the server is: what monitors and command lines ask before they have a token."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask.typing import ResponseReturnValue

from blueprints import vault_answers as answers
from blueprints.guard import public
from errors import Invalid
from services import clock

bp = answers.blueprint("sys_status")

VERSION = "1.14.0"
"""What clients may expect of the server, in their terms; some refuse one without three numbers."""
_CLUSTER = {"cluster_name": "chatelaine", "cluster_id": "00000000-0000-0000-0000-000000000000"}
_CODES = range(100, 600)


@bp.get("/sys/health")
@public(anonymous=True)
def health() -> ResponseReturnValue:
    """Say that it works: it is always initialized, never sealed, and no standby."""
    code = answers.number(request.args.get("activecode", "200"), "activecode")
    if code not in _CODES:
        message = "activecode is a status of HTTP"
        raise Invalid(message)
    told = {
        "initialized": True,
        "sealed": False,
        "standby": False,
        "performance_standby": False,
        "replication_performance_mode": "disabled",
        "replication_dr_mode": "disabled",
        "server_time_utc": int(clock.now().timestamp()),
        "version": VERSION,
        **_CLUSTER,
    }
    return answers.plain(told, code)


@bp.get("/sys/seal-status")
@public(anonymous=True)
def seal_status() -> ResponseReturnValue:
    """Say that nothing is sealed."""
    return _seal_status()


def _seal_status() -> Response:
    told: dict[str, Any] = {
        "type": "shamir",
        "initialized": True,
        "sealed": False,
        "t": 1,
        "n": 1,
        "progress": 0,
        "nonce": "",
        "version": VERSION,
        "build_date": "",
        "migration": False,
        "recovery_seal": False,
        "storage_type": "chatelaine",
        **_CLUSTER,
    }
    return answers.plain(told)


@bp.get("/sys/leader")
@public(anonymous=True)
def leader() -> ResponseReturnValue:
    """Say that there is no other server to ask."""
    told = {"ha_enabled": False, "is_self": False, "leader_address": "", "leader_cluster_address": ""}
    return answers.plain(told)


@bp.get("/sys/init")
@public(anonymous=True)
def initialized() -> ResponseReturnValue:
    """Say that it is initialized."""
    return answers.plain({"initialized": True})


@bp.route("/sys/init", methods=answers.WRITES)
@public(writes=False, anonymous=True)
def initialize() -> ResponseReturnValue:
    """Refuse: it always is."""
    message = "Vault is already initialized"
    raise Invalid(message)
