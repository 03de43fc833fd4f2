"""Which engines and methods there are, and where: each vault is a mount, and mounting makes a vault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask.typing import ResponseReturnValue

from blueprints import vault_answers as answers
from blueprints.guard import requires
from blueprints.requests import current_uow
from errors import Invalid, NotFound
from policy import Permission
from services import mounts
from services.mounts import MountedVault

bp = answers.blueprint("sys_mounts")

LEASE = 32 * 24 * 60 * 60
"""Seconds; what other servers say where nobody has decided."""
_LEASES = ("default_lease_ttl", "max_lease_ttl")
_BUILT_IN: Mapping[str, str] = {
    "cubbyhole/": "cubbyhole",
    "sys/": "system",
}


@bp.get("/sys/mounts")
@requires(Permission.ORGANIZATION_READ, program=True)
def index() -> ResponseReturnValue:
    """List the vaults that the token's owner has a right on, as mounts."""
    return answers.envelope(_all(), injected=True)


@bp.get("/sys/mounts/<path:path>")
@requires(Permission.ORGANIZATION_READ, program=True)
def show(path: str) -> ResponseReturnValue:
    """Describe one mount."""
    found = _all().get(f"{path.strip('/')}/")
    if found is None:
        message = f"No secret engine mount at {path.strip('/')}/"
        raise Invalid(message)
    return answers.envelope(found, injected=True)


@bp.route("/sys/mounts/<path:path>", methods=answers.WRITES)
@requires(Permission.VAULT_CREATE, program=True)
def mount(path: str) -> ResponseReturnValue:
    """Make a vault that programs find at *path*."""
    sent = answers.body()
    options = sent.get("options") or {}
    version = str(options.get("version", "2" if sent.get("type") == "kv-v2" else "1"))
    if sent.get("type") not in {"kv", "kv-v2"} or version != "2":
        message = "The one engine here is kv in its version 2: send type kv with options version 2."
        raise Invalid(message)
    mounts.mount(current_uow(), path, str(sent.get("description") or ""))
    return answers.nothing()


@bp.delete("/sys/mounts/<path:path>")
@requires(Permission.VAULT_CREATE, program=True)
def unmount(path: str) -> ResponseReturnValue:
    """Take a vault's place away; a vault that holds anything stays, for people."""
    uow = current_uow()
    try:
        found = mounts.find_seen(uow, path)
    except NotFound:
        # As for what is not there: who may not know of a vault is not told of it by this either.
        return answers.nothing()
    mounts.unmount(uow, found)
    return answers.nothing()


@bp.get("/sys/mounts/<path:path>/tune")
@requires(Permission.ORGANIZATION_READ, program=True)
def tuning(path: str) -> ResponseReturnValue:
    """Say how a mount is tuned; every one is as the next."""
    mounted = mounts.find_seen(current_uow(), path)
    return answers.envelope(config() | {"description": mounted.description}, injected=True)


@bp.route("/sys/mounts/<path:path>/tune", methods=answers.WRITES)
@requires(Permission.VAULT_CREATE, program=True)
def tune(path: str) -> ResponseReturnValue:
    """Say what a vault is for. What it holds is not leased, so there is nothing else to tune."""
    uow = current_uow()
    sent = answers.body()
    if any(sent_seconds(sent, name) not in {None, 0, LEASE} for name in _LEASES):
        message = "What a vault holds is not leased; how long a token lasts is decided where it is made."
        raise Invalid(message)
    mounts.describe(uow, mounts.find_seen(uow, path), sent_text(sent, "description"))
    return answers.nothing()


@bp.get("/sys/internal/ui/mounts")
@requires(Permission.ORGANIZATION_READ, program=True, free=True)
def overview() -> ResponseReturnValue:
    """List engines and methods, as clients ask for them before anything else."""
    secret = {path: told for path, told in _all().items() if told["type"] == "kv"}
    return answers.envelope({"secret": secret, "auth": {"token/": info("token", "token", "")}})


@bp.get("/sys/internal/ui/mounts/<path:path>")
@requires(Permission.ORGANIZATION_READ, program=True, free=True)
def preflight(path: str) -> ResponseReturnValue:
    """Say in which mount a path lies; what is hidden or missing is refused in the same words."""
    first = path.strip("/").partition("/")[0]
    for mounted in mounts.visible(current_uow()):
        if mounted.path == first:
            return answers.envelope({**_told(mounted), "path": f"{first}/"})
    return answers.failed(
        403,
        "preflight capability check returned 403, please ensure client's policies grant access to path "
        f'"{path.strip("/")}/"',
    )


def info(type_: str, accessor: str, description: str, **more: Any) -> dict[str, Any]:
    """Describe a mount in all the members that clients may look for."""
    return {
        "type": type_,
        "description": description,
        "accessor": accessor,
        "local": False,
        "seal_wrap": False,
        "external_entropy_access": False,
        "options": None,
        "uuid": "",
        "plugin_version": "",
        "running_plugin_version": "",
        "running_sha256": "",
        "config": config(),
        **more,
    }


def config(usual: int | None = None, longest: int | None = None) -> dict[str, Any]:
    """Describe how a mount is tuned, in seconds; None: as everywhere."""
    return {
        "default_lease_ttl": usual or LEASE,
        "max_lease_ttl": longest or LEASE,
        "force_no_cache": False,
    }


def sent_text(sent: Mapping[str, Any], name: str) -> str | None:
    """Return a text that was sent; None: it was not sent."""
    return None if sent.get(name) is None else str(sent[name])


def sent_seconds(sent: Mapping[str, Any], name: str) -> int | None:
    """Return a duration that was sent in seconds; None: it was not sent. An empty text is 0.

    Raises:
        Invalid: it is none.
    """
    return None if sent.get(name) is None else answers.seconds(sent[name] or 0, name)


def _all() -> dict[str, Any]:
    found = {path: info(type_, path.strip("/"), "") for path, type_ in _BUILT_IN.items()}
    return found | {f"{mounted.path}/": _told(mounted) for mounted in mounts.visible(current_uow())}


def _told(mounted: MountedVault) -> dict[str, Any]:
    return info(
        "kv",
        f"kv_{mounted.vault_id.hex[:8]}",
        mounted.description,
        # A text: clients that read it as a number take the engine for the first version.
        options={"version": "2"},
        uuid=str(mounted.vault_id),
    )
