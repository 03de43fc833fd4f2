"""The operator's page of keys: which there are, and turning them step by step."""

from __future__ import annotations

from dataclasses import replace
from typing import cast
from uuid import UUID

from flask import Blueprint, current_app, flash, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from blueprints.guard import requires
from blueprints.requests import current_uow, runtime
from crypto.keyring import SYSTEM
from models import Instance, Organization
from policy import Permission
from services import key_rotation, key_status, reencryption
from services.key_lines import PURPOSES, MasterState
from services.key_status import Status, Turn
from services.postgresql import seeing_all
from services.reencrypter import Order, Reencrypter

bp = Blueprint("keys", __name__, url_prefix="/instance/keys")


@bp.get("")
@requires(Permission.INSTANCE_READ)
def show() -> ResponseReturnValue:
    uow = current_uow()
    status = _status()
    return render_template(
        "keys/show.html",
        status=status,
        turns=_turns(status),
        next=_step(status),
        first=status.master_keys[0],
        others=[key for key in status.master_keys[1:] if key.configured],
        proven=uow.session.get_one(Instance, 1).proven_key_id == uow.runtime.masters.primary_id,
        purposes=PURPOSES,
        old=uow.now - key_status.OLD,
    )


@bp.get("/progress")
@requires(Permission.INSTANCE_READ)
def progress() -> ResponseReturnValue:
    """Tell the page's script how far each turn has come."""
    return jsonify(
        {
            str(turn.organization_id): {"done": turn.done, "rows": turn.rows, "running": turn.running}
            for turn in _turns(_status())
        }
    )


@bp.post("/rotate")
@requires(Permission.INSTANCE_MANAGE, writes=False)
def rotate() -> ResponseReturnValue:
    """Wrap every key under the first master key, in transactions of its own."""
    uow = current_uow()
    done = key_rotation.rotate(runtime(), actor=uow.actor, origin=uow.origin)
    flash(f"{sum(done.rewrapped.values())} keys are wrapped under the first master key now.", "success")
    for name in done.broken:
        flash(f"The key {name} does not open: its row was altered. Restore it from a backup.", "error")
    return redirect(url_for("keys.show"))


@bp.post("/<uuid:organization_id>/reencrypt")
@requires(Permission.INSTANCE_MANAGE, Organization, writes=False)
def reencrypt(organization: Organization) -> ResponseReturnValue:
    return _reencrypt(organization.id, organization.name)


@bp.post("/system/reencrypt")
@requires(Permission.INSTANCE_MANAGE, writes=False)
def reencrypt_system() -> ResponseReturnValue:
    return _reencrypt(SYSTEM, "The installation itself")


def _reencrypt(owner: UUID, name: str) -> ResponseReturnValue:
    """Make a new version of the data key, durable before anything is encrypted under it; then let it run."""
    uow = current_uow()
    with runtime().work(writing=True, actor=uow.actor, origin=uow.origin) as own:
        version = reencryption.begin(own, owner)
        reencryption.announce(own, owner)
    reencrypter = cast("Reencrypter", current_app.extensions["reencrypter"])
    reencrypter.take(Order(owner, uow.actor, uow.origin))
    flash(f"{name}: everything comes under version {version} of the data key.", "success")
    return redirect(url_for("keys.show"))


def _status() -> Status:
    uow = current_uow()
    with seeing_all(uow.connection):
        return key_status.status(uow.connection, uow.runtime.masters, uow.now)


def _turns(status: Status) -> list[Turn]:
    return [
        replace(turn, running=bool(turn.left) and reencryption.is_running(runtime(), turn.organization_id))
        for turn in key_status.turns(status.data_keys)
    ]


def _step(status: Status) -> int:
    """Return which step of replacing the master key is next: 1 make one, 3 wrap, 5 take the old one out."""
    states = {key.state for key in status.master_keys[1:] if key.configured}
    if MasterState.NEEDED in states:
        return 3
    return 5 if states else 1
