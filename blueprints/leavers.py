"""What must change when somebody leaves, or when a program's token got about."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints.guard import requires
from blueprints.requests import current_place, current_uow
from blueprints.responsible import hand_over_form
from blueprints.verdicts import may
from errors import Invalid, NotFound
from forms.leavers import TickForm, UntickForm
from models import AccessToken, Membership
from policy import Permission, Verdict
from services import csv_export, leaver_ticks, leavers, people, responsibility, vaults
from services.leaver_ticks import Reason, Rotation, Row
from services.leavers import Subject
from services.people import PersonLine

bp = Blueprint("leavers", __name__, url_prefix="/o/<slug>")

TO_CHANGE = ("Credential", "Vault", "Still the same", "Opened last (UTC)", "Times", "Id")
DEALT_WITH = ("Dealt with", "By", "At (UTC)", "Note")
EXPORTS = "RATE_LEAVER_LIST"
DONE = {"todo": False, "done": True}
"""What an address may ask for, besides everything."""


@dataclass(frozen=True, slots=True)
class Leaver:
    """Whose page it is.

    Args:
        name: what the page calls them.
        base: the address of the page.
        person: of a token its owner; None: they belong here no more.
        member: None: the page is about a token.
    """

    subject: Subject
    name: str
    base: str
    person: PersonLine | None
    member: Membership | None


@bp.get("/people/<uuid:member_id>/opened")
@requires(Permission.AUDIT_READ, Membership)
def person(member: Membership) -> ResponseReturnValue:
    return _show(_person(member))


@bp.post("/people/<uuid:member_id>/opened/export")
@requires(Permission.AUDIT_EXPORT, Membership, writes=False, limit=EXPORTS)
def export_person(member: Membership) -> ResponseReturnValue:
    return _export(_person(member).subject)


@bp.post("/people/<uuid:member_id>/opened/tick")
@requires(Permission.LEAVER_TICK, Membership)
def tick_person(member: Membership) -> ResponseReturnValue:
    return _tick(_person(member))


@bp.post("/people/<uuid:member_id>/opened/untick")
@requires(Permission.LEAVER_TICK, Membership)
def untick_person(member: Membership) -> ResponseReturnValue:
    return _untick(_person(member))


@bp.get("/tokens/<uuid:token_id>/opened")
@requires(Permission.AUDIT_READ, AccessToken)
def token(token: AccessToken) -> ResponseReturnValue:
    """Show what a program opened; what a sign-in token opened is its owner's affair."""
    if token.kind == "api":
        return _show(_token(token))
    owner = _owner(token)
    if owner is None:
        raise NotFound
    return redirect(url_for("leavers.person", slug=current_place().slug, member_id=owner.member_id))


@bp.post("/tokens/<uuid:token_id>/opened/export")
@requires(Permission.AUDIT_EXPORT, AccessToken, writes=False, limit=EXPORTS)
def export_token(token: AccessToken) -> ResponseReturnValue:
    return _export(_token(token).subject)


@bp.post("/tokens/<uuid:token_id>/opened/tick")
@requires(Permission.LEAVER_TICK, AccessToken)
def tick_token(token: AccessToken) -> ResponseReturnValue:
    return _tick(_token(token))


@bp.post("/tokens/<uuid:token_id>/opened/untick")
@requires(Permission.LEAVER_TICK, AccessToken)
def untick_token(token: AccessToken) -> ResponseReturnValue:
    return _untick(_token(token))


def _person(member: Membership) -> Leaver:
    uow = current_uow()
    line = people.line_of(uow, member)
    base = url_for("leavers.person", slug=current_place().slug, member_id=member.id)
    return Leaver(leavers.of_person(uow, member), line.name, base, line, member)


def _token(token: AccessToken) -> Leaver:
    subject = leavers.of_token(current_uow(), token)
    base = url_for("leavers.token", slug=current_place().slug, token_id=token.id)
    return Leaver(subject, subject.name, base, _owner(token), None)


def _owner(token: AccessToken) -> PersonLine | None:
    everybody = people.everybody(current_uow())
    return next((line for line in everybody if line.user_id == token.user_id), None)


def _show(leaver: Leaver) -> str:
    uow = current_uow()
    report = leavers.report(uow, leaver.subject)
    rotation = leaver_ticks.rotation(uow, leaver.subject, report)
    wanted = request.args.get("show", "")
    held = responsibility.held_by(uow, leaver.subject.id) if leaver.member else []
    return render_template(
        "leavers/show.html",
        leaver=leaver,
        report=report,
        rotation=rotation,
        rows=_wanted_rows(rotation, wanted),
        show=wanted if wanted in DONE else "",
        reasons=list(Reason),
        vaults=vaults.names(uow),
        seen=uow.actor.rights,
        reach=leavers.reach(uow, leaver.subject),
        held=held,
        hand_over=hand_over_form(leaver.member, held) if leaver.member and held else None,
        hands_over=may(uow, Permission.RESPONSIBLE_HAND_OVER) is Verdict.ALLOW,
        exports=may(uow, Permission.AUDIT_EXPORT) in {Verdict.ALLOW, Verdict.CONFIRM},
        ticks=may(uow, Permission.LEAVER_TICK) is Verdict.ALLOW,
    )


def _wanted_rows(rotation: Rotation, wanted: str) -> list[Row]:
    done = DONE.get(wanted)
    return [row for row in rotation.rows if done is None or (row.tick is not None) is done]


def _tick(leaver: Leaver) -> ResponseReturnValue:
    form = TickForm()
    if not form.validate_on_submit():
        raise Invalid("Choose a credential from the list, and say what was done.")
    reason = Reason(form.reason.data)
    seq, note = form.seq.data or 0, form.note.data or ""
    leaver_ticks.tick(current_uow(), leaver.subject, form.item_id.data, seq, reason, note)
    flash("Ticked off. It counts until they open it again.", "success")
    return _back(leaver)


def _untick(leaver: Leaver) -> ResponseReturnValue:
    form = UntickForm()
    if not form.validate_on_submit():
        raise Invalid("Choose a credential from the list.")
    leaver_ticks.untick(current_uow(), leaver.subject, form.item_id.data)
    flash("The tick is taken back.", "success")
    return _back(leaver)


def _back(leaver: Leaver) -> ResponseReturnValue:
    wanted = request.form.get("show", "")
    return redirect(f"{leaver.base}?show={wanted}" if wanted in DONE else leaver.base)


def _export(subject: Subject) -> Response:
    uow = current_uow()
    report = leavers.report(uow, subject)
    rotation = leaver_ticks.rotation(uow, subject, report)
    names = vaults.names(uow)
    leavers.record_export(uow, subject)
    rows = [_cells(row, names[row.opened.vault_id]) for row in rotation.rows]
    table = csv_export.table(TO_CHANGE + DEALT_WITH, rows)
    response = Response(table, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="to-change-{uow.now:%Y-%m-%d}.csv"'
    return response


def _cells(row: Row, vault: str) -> tuple[object, ...]:
    one, tick = row.opened, row.tick
    known = (one.name, vault, ", ".join(one.fields), one.at.isoformat(), one.times, one.item_id)
    if tick is None:
        return (*known, None, None, None, None)
    return (*known, tick.reason.label, tick.by, tick.at.isoformat(), tick.note)
