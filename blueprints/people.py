"""The people of the organization: invited, given roles, disabled and brought back."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from blueprints.containment import may_shut_out
from blueprints.guard import requires
from blueprints.requests import current_place, current_uow
from blueprints.verdicts import may
from errors import Conflict, Invalid
from forms.people import InviteForm, RoleForm
from models import Invitation, Membership
from policy import Permission, Role, Verdict
from services import factors, groups, invitations, owners, people, responsibility, sessions
from services.invitations import Invited

bp = Blueprint("people", __name__, url_prefix="/o/<slug>/people")

REMOVED = "Their sessions have ended, their tokens are revoked and their second factor is removed."
KEPT = (
    "The sessions and tokens that they had from here have ended. They also belong elsewhere and go on there, "
    "with their second factor."
)
LINKS = "RATE_PEOPLE"
"""How many links one person may make."""


@bp.get("")
@requires(Permission.PEOPLE_READ)
def index() -> ResponseReturnValue:
    uow = current_uow()
    manages = _manages()
    everybody = people.everybody(uow)
    return render_template(
        "people/index.html",
        people=everybody,
        can_go={line.user_id for line in everybody if manages and may_shut_out(line)},
        resets=may(uow, Permission.FACTORS_RESET) in {Verdict.ALLOW, Verdict.CONFIRM},
        invitations=invitations.open_ones(uow),
        left_behind=responsibility.left_behind(uow),
        manages=manages,
        makes_services=may(uow, Permission.SERVICES_MANAGE) in {Verdict.ALLOW, Verdict.CONFIRM},
        now=uow.now,
    )


@bp.get("/invite")
@requires(Permission.PEOPLE_MANAGE)
def invite() -> ResponseReturnValue:
    return render_template("people/invite.html", form=_invite_form())


@bp.post("/invite")
@requires(Permission.PEOPLE_MANAGE, limit=LINKS)
def submit_invitation() -> ResponseReturnValue:
    form = _invite_form()
    if form.validate_on_submit():
        try:
            invited = invitations.invite(
                current_uow(), form.email.data or "", Role(form.role.data), form.name.data or ""
            )
        except Invalid as error:
            form.blame(error)
        except Conflict as error:
            form.email.errors = [str(error)]
            return render_template("people/invite.html", form=form), HTTPStatus.CONFLICT
        else:
            return _show_link(invited)
    return render_template("people/invite.html", form=form), HTTPStatus.UNPROCESSABLE_ENTITY


@bp.post("/invitations/<uuid:invitation_id>/revoke")
@requires(Permission.PEOPLE_MANAGE, Invitation)
def revoke_invitation(invitation: Invitation) -> ResponseReturnValue:
    invitations.revoke(current_uow(), invitation)
    flash(f"The link for {invitation.email} no longer works.", "success")
    return redirect(url_for("people.index", slug=current_place().slug))


@bp.get("/<uuid:member_id>")
@requires(Permission.PEOPLE_READ, Membership)
def show(member: Membership) -> ResponseReturnValue:
    return _show(member, _role_form(member))


@bp.post("/<uuid:member_id>/role")
@requires(Permission.PEOPLE_MANAGE, Membership)
def change_role(member: Membership) -> ResponseReturnValue:
    form = _role_form(member)
    if not form.validate_on_submit():
        return _show(member, form), HTTPStatus.UNPROCESSABLE_ENTITY
    if people.change_role(current_uow(), member, Role(form.role.data)):
        flash("The role is changed.", "success")
    return _to(member)


@bp.post("/<uuid:member_id>/disable")
@requires(Permission.PEOPLE_MANAGE, Membership)
def disable(member: Membership) -> ResponseReturnValue:
    uow = current_uow()
    keeps = people.reaches_further(uow, people.line_of(uow, member))
    people.disable(uow, member)
    flash(f"Disabled. {KEPT if keeps else REMOVED} This is what they know.", "success")
    return redirect(url_for("leavers.person", slug=current_place().slug, member_id=member.id))


@bp.post("/<uuid:member_id>/enable")
@requires(Permission.PEOPLE_MANAGE, Membership, limit=LINKS)
def enable(member: Membership) -> ResponseReturnValue:
    invited = people.enable(current_uow(), member)
    if invited is not None:
        return _show_link(invited)
    flash("The service account works again. Its tokens stay revoked; issue new ones.", "success")
    return _to(member)


@bp.post("/<uuid:member_id>/link")
@requires(Permission.PEOPLE_MANAGE, Membership, limit=LINKS)
def make_link(member: Membership) -> ResponseReturnValue:
    return _show_link(invitations.renew(current_uow(), member))


@bp.post("/<uuid:member_id>/factor/remove")
@requires(Permission.PEOPLE_MANAGE, Membership, limit=LINKS)
def reset_factor(member: Membership) -> ResponseReturnValue:
    return _show_link(people.reset_factor(current_uow(), member))


@bp.post("/<uuid:member_id>/sessions/end")
@requires(Permission.PEOPLE_MANAGE, Membership)
def end_sessions(member: Membership) -> ResponseReturnValue:
    ended = people.end_sessions(current_uow(), member)
    flash("One session has ended." if ended == 1 else f"{ended} sessions have ended.", "success")
    return _to(member)


def _show_link(invited: Invited) -> ResponseReturnValue:
    """Show the link in this very answer: it exists nowhere else, so there is no page to lead to."""
    address = current_app.config["SETTINGS"].public_url + invited.path
    return render_template("people/link.html", invited=invited, address=address)


def _show(member: Membership, form: RoleForm) -> str:
    uow = current_uow()
    line = people.line_of(uow, member)
    manages = _manages()
    decides = uow.actor.role is Role.OWNER or (line.role is not Role.OWNER and not line.operator)
    return render_template(
        "people/show.html",
        line=line,
        form=form,
        manages=manages and decides,
        issues=line.service and may(uow, Permission.SERVICES_MANAGE) in {Verdict.ALLOW, Verdict.CONFIRM},
        protected=manages and not decides,
        reads_log=may(uow, Permission.AUDIT_READ) is Verdict.ALLOW,
        has_factor=manages and factors.has(uow, line.user_id),
        groups=groups.of_person(uow, line.user_id),
        further=manages and people.reaches_further(uow, line),
        myself=line.user_id == uow.actor.id,
        last_owner=line.role is Role.OWNER and not owners.has_another(uow, line.user_id),
        sessions=sessions.of_person(uow, line.user_id) if manages else (),
        sees_sessions=manages,
        now=uow.now,
    )


def _manages() -> bool:
    return may(current_uow(), Permission.PEOPLE_MANAGE) in {Verdict.ALLOW, Verdict.CONFIRM}


def _invite_form() -> InviteForm:
    form = InviteForm()
    form.offer(owners=current_uow().actor.role is Role.OWNER)
    return form


def _role_form(member: Membership) -> RoleForm:
    form = RoleForm(role=member.role)
    form.offer(owners=current_uow().actor.role is Role.OWNER)
    return form


def _to(member: Membership) -> ResponseReturnValue:
    return redirect(url_for("people.show", slug=current_place().slug, member_id=member.id))
