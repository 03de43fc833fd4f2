"""By which methods programs come in, and where: ``sys/auth``. The one that can be mounted is approle."""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue

from blueprints import vault_answers as answers
from blueprints.guard import requires
from blueprints.requests import current_uow
from blueprints.sys_mounts import config, info, sent_seconds, sent_text
from errors import Invalid
from policy import Permission
from services import app_roles

bp = answers.blueprint("sys_auth")


@bp.get("/sys/auth")
@requires(Permission.TOKEN_SELF, program=True)
def index() -> ResponseReturnValue:
    """List the methods."""
    return answers.envelope(_all(), injected=True)


# Go's client, and what is built on it, tunes methods below the addresses of mounts.
@bp.get("/sys/mounts/auth/<path:path>/tune", endpoint="tuning_too")
@bp.get("/sys/auth/<path:path>/tune")
@requires(Permission.TOKEN_SELF, program=True)
def tuning(path: str) -> ResponseReturnValue:
    """Say how a method is tuned."""
    found = _all().get(f"{path.strip('/')}/")
    if found is None:
        message = f"No auth engine at {path.strip('/')}/"
        raise Invalid(message)
    return answers.envelope(found["config"] | {"description": found["description"]}, injected=True)


@bp.route("/sys/mounts/auth/<path:path>/tune", methods=answers.WRITES, endpoint="tune_too")
@bp.route("/sys/auth/<path:path>/tune", methods=answers.WRITES)
@requires(Permission.TOKENS_MINT, program=True)
def tune(path: str) -> ResponseReturnValue:
    """Decide how long tokens last that come in there, and what the place is for."""
    sent = answers.body()
    app_roles.tune(
        current_uow(),
        path,
        description=sent_text(sent, "description"),
        usual=sent_seconds(sent, "default_lease_ttl"),
        longest=sent_seconds(sent, "max_lease_ttl"),
    )
    return answers.nothing()


@bp.route("/sys/auth/<path:path>", methods=answers.WRITES)
@requires(Permission.TOKENS_MINT, program=True)
def mount(path: str) -> ResponseReturnValue:
    """Make a place where programs come in by role and secret id."""
    sent = answers.body()
    if sent.get("type") != "approle":
        message = "The one method that can be mounted here is approle."
        raise Invalid(message)
    app_roles.mount(current_uow(), path, str(sent.get("description") or ""))
    return answers.nothing()


@bp.delete("/sys/auth/<path:path>")
@requires(Permission.TOKENS_MINT, program=True)
def unmount(path: str) -> ResponseReturnValue:
    """Take a place away with all its roles."""
    app_roles.unmount(current_uow(), path)
    return answers.nothing()


def _all() -> dict[str, Any]:
    found = {"token/": info("token", "auth_token", "Tokens")}
    for each in app_roles.mounts(current_uow()):
        found[f"{each.path}/"] = info(
            "approle",
            f"auth_approle_{each.id.hex[:8]}",
            each.description,
            uuid=str(each.id),
            config=config(each.seconds_usual, each.seconds_max),
        )
    return found
