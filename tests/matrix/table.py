"""Who may do what, written down a second time, by address: what policy.py says must come out as this.

A line says who gets the answer ``ok``; all others get what their case asks for, see :func:`expected`. The
forms are empty unless a line gives one, so that most who may are told what is missing (422).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from policy import Scope
from tests.matrix.house import OWNERS, PROGRAMS

ROLES: Mapping[str, str] = {
    "noah": "member",
    "ula": "member",
    "rhea": "member",
    "mia": "member",
    "mona": "member",
    "adam": "admin",
    "oscar": "owner",
    "stella": "owner",
    "alice": "owner",
    "audrey": "auditor",
}
"""Of those who belong to Northwind now."""
RIGHTS: Mapping[str, int] = {"ula": 1, "rhea": 2, "mia": 3, "mona": 4}
"""On the vault Engine room."""
USE, REVEAL, EDIT, MANAGE = 1, 2, 3, 4
OPERATOR = "alice"
STALE = "stella"
"""Has confirmed who she is an hour ago."""
FIRST_TOKEN = "tess"
"""Signed in with a token that must be replaced."""
HALF = "hanna"
"""Has a second factor, and has not given it yet."""
GONE = frozenset({"anybody", "dora", "ruth"})
"""Not signed in: never was, was disabled, had the token revoked."""
STRANGERS = frozenset({"mallory", "hal"})
"""Signed in, and not of Northwind: of Lakeside, or put out in the database while the session lived."""

TO_SIGN_IN = (302, "/sign-in")
TO_CONFIRM = (302, "/account/confirm")
TO_REPLACE = (302, "/account/token")
TO_CODE = (302, "/sign-in/code")


@dataclass(frozen=True)
class Line:
    """Who gets the answer ``ok``: any of the ways that are named is enough.

    Args:
        public: everybody, also without a session.
        signed_in: what people with a session get instead of a public page.
        anyone: everybody with a session.
        roles: these roles in the organization.
        right: this right on the vault, or a higher one; of a program its owner needs it besides the scope.
        own: the person whom the thing belongs to.
        scope: a program with one of these scopes.
        fresh: only shortly after a confirmation; names the roles that are asked for it before all else.
        replacing: also with a token that must be replaced.
        half: what those get whose second factor is still to come, where it is not the page for the code.
        hidden: whoever may not is told that there is nothing (404), not that they may not (403).
    """

    ok: int = 200
    public: bool = False
    signed_in: int | None = None
    anyone: bool = False
    roles: str = ""
    right: int = 0
    own: str = ""
    operator: bool = False
    scope: str = ""
    fresh: bool | str = False
    replacing: bool = False
    half: int = 0
    hidden: bool = False
    form: Mapping[str, Any] = field(default_factory=dict)

    def admits(self, name: str) -> bool:
        return (
            self.anyone
            or ROLES[name] in self.roles.split()
            or 0 < self.right <= RIGHTS.get(name, 0)
            or self.own == name
            or (self.operator and name == OPERATOR)
        )


EVERYBODY = "owner admin member auditor"
WORKERS = "owner admin member"
WATCHERS = "owner admin auditor"
ADMINS = "owner admin"

ANY_SCOPE = " ".join(Scope)

TABLE: Mapping[str, Line] = {
    "GET static": Line(public=True),
    "GET health.live": Line(public=True),
    "GET health.ready": Line(public=True),
    "GET health.show_metrics": Line(401, public=True),
    "GET health.security_text": Line(public=True),
    "GET health.security_policy": Line(public=True),
    "POST csp.report": Line(415, public=True),
    "GET signin.show": Line(public=True, signed_in=302),
    "POST signin.submit": Line(422, public=True),
    "GET signin.home": Line(302, anyone=True),
    "GET signin.code": Line(302, anyone=True, replacing=True, half=200),
    "POST signin.submit_code": Line(422, anyone=True, replacing=True, half=422),
    "POST signin.leave": Line(302, anyone=True, replacing=True, half=302),
    "GET enrolment.open_link": Line(302, public=True),
    "GET enrolment.show": Line(410, public=True),
    "POST enrolment.create": Line(410, public=True),
    "GET enrolment.ask_to_join": Line(410, anyone=True),
    "POST enrolment.join": Line(410, anyone=True),
    "GET account.show": Line(anyone=True),
    "POST account.end_session": Line(302, anyone=True),
    "POST account.end_other_sessions": Line(302, anyone=True),
    "GET account.confirm": Line(anyone=True, replacing=True),
    "POST account.submit_confirmation": Line(422, anyone=True, replacing=True),
    "GET account.replace_token": Line(anyone=True, replacing=True, fresh=True),
    "POST account.create_token": Line(422, anyone=True, replacing=True, fresh=True),
    "GET profile.show": Line(anyone=True),
    "POST profile.change": Line(422, anyone=True),
    "POST profile.choose_theme": Line(422, anyone=True),
    "GET profile.activity": Line(anyone=True),
    "POST sso.start": Line(503, public=True),
    "GET sso.arrive": Line(400, public=True, signed_in=302),
    "POST sso.link": Line(503, anyone=True, fresh=True),
    "POST sso.confirm": Line(503, anyone=True, replacing=True),
    "POST sso.unlink": Line(302, own="mia", fresh=WORKERS, hidden=True),
    "GET factors.show": Line(anyone=True),
    "POST factors.begin": Line(anyone=True, fresh=True),
    "POST factors.confirm": Line(409, anyone=True, fresh=True),
    "POST factors.renew_codes": Line(409, anyone=True, fresh=True),
    "POST factors.remove": Line(409, anyone=True, fresh=True),
    "GET passkeys.new": Line(anyone=True, fresh=True),
    "POST passkeys.ask": Line(anyone=True, fresh=True),
    "POST passkeys.add": Line(422, anyone=True, fresh=True),
    # Ruth's, who is not here: nobody but herself learns that it exists.
    "GET passkeys.edit": Line(fresh=True, hidden=True),
    "POST passkeys.rename": Line(fresh=True, hidden=True),
    "POST passkeys.remove": Line(fresh=True, hidden=True),
    "POST passkey_signin.ask": Line(409, anyone=True, replacing=True, half=409),
    "POST passkey_signin.pass_second": Line(422, anyone=True, replacing=True, half=422),
    "POST passkey_signin.confirm": Line(422, anyone=True, replacing=True),
    "POST passkey_signin.ask_anybody": Line(409, public=True),
    "POST passkey_signin.sign_in": Line(422, public=True),
    "GET api.list_items": Line(scope="items:list"),
    "GET api.list_vaults": Line(scope="items:list"),
    "GET api.show_vault": Line(scope="items:list", right=USE),
    "POST api.create_vault": Line(415, scope="vaults:manage"),
    "PATCH api.change_vault": Line(415, scope="vaults:manage", right=MANAGE),
    "GET api.show_self": Line(scope=ANY_SCOPE),
    "DELETE api.revoke_self": Line(204, scope=ANY_SCOPE),
    "GET api.list_tokens": Line(scope="tokens:issue"),
    "POST api.mint_token": Line(415, scope="tokens:issue"),
    # Mia's, made by herself: no program has made it.
    "DELETE api.revoke_token": Line(404, scope="tokens:issue", own="mia"),
    "GET api.list_people": Line(scope="people:read"),
    "GET api.list_events": Line(scope="audit:read"),
    "GET api.stream_events": Line(scope="audit:read"),
    "POST api.generate": Line(scope=ANY_SCOPE),
    "GET api.show_health": Line(scope=ANY_SCOPE),
    "GET api.show_document": Line(scope=ANY_SCOPE),
    "GET api_pages.index": Line(roles=EVERYBODY),
    "GET api_pages.document": Line(roles=EVERYBODY),
    "GET api.show_item": Line(scope="items:list items:use", right=USE),
    "POST api.reveal": Line(scope="items:reveal", right=REVEAL),
    "POST api.reveal_many": Line(415, scope="items:reveal"),
    "POST api.create_item": Line(415, scope="items:write", right=EDIT),
    "GET api.list_files": Line(scope="items:list items:use", right=USE),
    "POST api.add_file": Line(422, scope="items:write", right=EDIT),
    "GET api.download_file": Line(scope="items:reveal", right=REVEAL),
    "DELETE api.remove_file": Line(scope="items:write", right=EDIT),
    "PATCH api.change_item": Line(415, scope="items:write", right=EDIT),
    "POST api.restore_version": Line(428, scope="items:write", right=EDIT),
    "DELETE api.trash_item": Line(204, scope="items:write", right=EDIT),
    "DELETE api.destroy_item": Line(409, scope="items:destroy", right=MANAGE),
    "POST api.restore_item": Line(409, scope="items:write", right=EDIT),
    "GET api.list_versions": Line(scope="items:list items:use", right=USE),
    "GET overview.show": Line(roles=EVERYBODY),
    "POST overview.prove_key": Line(422, operator=True),
    "GET search.show": Line(roles=EVERYBODY),
    "GET settings.show": Line(roles=WATCHERS),
    "POST settings.allow_passkeys": Line(422, roles=ADMINS, fresh=True),
    "POST settings.allow_clear_exports": Line(422, roles=ADMINS, fresh=True),
    "GET generator.show": Line(roles=EVERYBODY),
    "POST generator.generate": Line(422, roles=EVERYBODY),
    "GET audit.index": Line(roles=WATCHERS),
    "GET audit.show": Line(roles=WATCHERS),
    "GET audit.proof": Line(roles=WATCHERS),
    "POST audit.review": Line(422, roles=WATCHERS),
    "GET audit.export": Line(roles=WATCHERS, fresh=True),
    "POST audit.submit_export": Line(422, roles=WATCHERS, fresh=True),
    "GET people.index": Line(roles=WATCHERS),
    "GET people.show": Line(roles=WATCHERS),
    "GET people.invite": Line(roles=ADMINS, fresh=True),
    "POST people.submit_invitation": Line(422, roles=ADMINS, fresh=True),
    "GET service_accounts.new": Line(roles=ADMINS, fresh=True),
    "POST service_accounts.create": Line(422, roles=ADMINS, fresh=True),
    "POST people.revoke_invitation": Line(302, roles=ADMINS, fresh=True),
    "POST people.change_role": Line(302, roles=ADMINS, fresh=True),
    "POST people.disable": Line(302, roles=ADMINS, fresh=True),
    "GET containment.ask": Line(roles=ADMINS, fresh=True),
    "GET containment.ask_all": Line(roles="owner", fresh=True),
    "POST containment.reset_all": Line(422, roles="owner", fresh=True),
    "POST people.enable": Line(409, roles=ADMINS, fresh=True),
    "POST people.make_link": Line(200, roles=ADMINS, fresh=True),
    "GET leavers.person": Line(roles=WATCHERS),
    "POST leavers.export_person": Line(200, roles=WATCHERS, fresh=True),
    "POST leavers.tick_person": Line(422, roles=ADMINS),
    "POST leavers.untick_person": Line(422, roles=ADMINS),
    "GET leavers.token": Line(roles=WATCHERS, hidden=True),
    "POST leavers.export_token": Line(200, roles=WATCHERS, fresh=True, hidden=True),
    "POST leavers.tick_token": Line(422, roles=ADMINS, hidden=True),
    "POST leavers.untick_token": Line(422, roles=ADMINS, hidden=True),
    "POST people.reset_factor": Line(409, roles=ADMINS, fresh=True),
    "POST people.end_sessions": Line(302, roles=ADMINS, fresh=True),
    "GET responsible.item": Line(right=EDIT),
    "POST responsible.change_item": Line(302, right=EDIT, form={"user_id": "mia"}),
    "GET responsible.vault": Line(right=USE),
    "POST responsible.change_vault": Line(302, right=MANAGE, form={"user_id": "mia"}),
    "POST responsible.hand_over": Line(409, roles=ADMINS),
    "GET tokens.index": Line(roles=EVERYBODY),
    "GET tokens.new": Line(roles=WORKERS, fresh=True),
    "POST tokens.issue": Line(422, roles=WORKERS, fresh=True),
    "POST tokens.export": Line(roles=WATCHERS, fresh=True),
    "POST tokens.revoke": Line(302, roles=ADMINS, own="mia", fresh=True, hidden=True),
    "GET tokens.show": Line(roles=WATCHERS, own="mia", hidden=True),
    "GET tokens.replace": Line(own="mia", fresh=WORKERS, hidden=True),
    "POST tokens.submit_replacement": Line(
        own="mia", fresh=WORKERS, hidden=True, form={"overlap_hours": "0"}
    ),
    "GET lockouts.index": Line(roles=ADMINS),
    "POST lockouts.lift": Line(302, roles=ADMINS),
    "GET vaults.index": Line(roles=EVERYBODY),
    "GET vaults.new": Line(roles=WORKERS),
    "POST vaults.new": Line(422, roles=WORKERS),
    "GET vaults.show": Line(right=USE),
    "GET vaults.edit": Line(right=MANAGE),
    "POST vaults.edit": Line(302, right=MANAGE),
    "POST vaults.delete": Line(409, right=MANAGE),
    "GET access.show": Line(roles=ADMINS, right=MANAGE, fresh=True),
    "POST access.give": Line(422, roles=ADMINS, right=MANAGE, fresh=True),
    "POST access.take": Line(302, roles=ADMINS, right=MANAGE, fresh=True, form={"holder_id": "ula"}),
    "GET item_access.show": Line(roles=ADMINS, right=MANAGE, fresh=True),
    "POST item_access.give": Line(422, roles=ADMINS, right=MANAGE, fresh=True),
    "POST item_access.take": Line(302, roles=ADMINS, right=MANAGE, fresh=True, form={"holder_id": "group"}),
    "POST item_access.protect": Line(302, right=MANAGE, fresh=True, form={"approval_minutes": "60"}),
    "GET reach.vault": Line(roles=WATCHERS, right=MANAGE),
    "GET reach.item": Line(roles=WATCHERS, right=MANAGE),
    "GET reach.person": Line(roles=WATCHERS, own="mia", hidden=True),
    "GET reach.token": Line(roles=WATCHERS, own="mia", hidden=True),
    "GET token_profiles.index": Line(roles=WATCHERS),
    "GET token_profiles.new": Line(roles=ADMINS, fresh=True),
    "POST token_profiles.new": Line(422, roles=ADMINS, fresh=True),
    "GET token_profiles.edit": Line(roles=ADMINS, fresh=True),
    "POST token_profiles.edit": Line(422, roles=ADMINS, fresh=True),
    "POST token_profiles.delete": Line(302, roles=ADMINS, fresh=True),
    "GET groups.index": Line(roles=WATCHERS),
    "GET groups.new": Line(roles=ADMINS, fresh=True),
    "POST groups.new": Line(422, roles=ADMINS, fresh=True),
    "GET groups.show": Line(roles=WATCHERS),
    "POST groups.rename": Line(422, roles=ADMINS, fresh=True),
    "POST groups.delete": Line(302, roles=ADMINS, fresh=True),
    "POST groups.add": Line(422, roles=ADMINS, fresh=True),
    "POST groups.remove": Line(302, roles=ADMINS, fresh=True, form={"user_id": "dora"}),
    "GET asks.index": Line(roles=EVERYBODY),
    "GET asks.ask": Line(roles=WORKERS),
    "POST asks.ask": Line(422, roles=WORKERS),
    "POST asks.ask_approval": Line(409, right=REVEAL),
    "POST asks.grant": Line(302, roles=ADMINS, right=MANAGE, fresh=True, hidden=True, form={"right": "2"}),
    "POST asks.approve": Line(404, roles=ADMINS, right=MANAGE, fresh=True, hidden=True),
    "POST asks.decline": Line(302, roles=ADMINS, right=MANAGE, fresh=True, hidden=True),
    "POST asks.withdraw": Line(302, own="noah", hidden=True),
    "GET items.show": Line(right=USE),
    "POST items.reveal": Line(right=REVEAL, form={"field": "password"}),
    "POST items.copy": Line(right=REVEAL, form={"field": "password"}),
    "POST attachments.add": Line(422, right=EDIT),
    "POST attachments.download": Line(right=REVEAL),
    "POST attachments.remove": Line(302, right=EDIT),
    "POST items.favorite": Line(302, right=USE),
    "GET exports.new": Line(roles=WORKERS, fresh=True),
    "POST exports.make": Line(422, roles=WORKERS, fresh=True),
    "GET imports.new": Line(right=EDIT),
    "POST imports.read": Line(422, right=EDIT),
    "GET imports.show": Line(right=EDIT),
    "POST imports.columns": Line(409, right=EDIT),
    "POST imports.apply": Line(302, right=EDIT),
    "POST imports.stop": Line(409, right=EDIT),
    "POST imports.undo": Line(302, right=EDIT),
    "POST imports.discard": Line(409, right=EDIT),
    "GET items.new": Line(right=EDIT),
    "POST items.new": Line(422, right=EDIT),
    "GET items.edit": Line(right=EDIT),
    "POST items.edit": Line(409, right=EDIT),
    "GET history.index": Line(right=USE),
    "GET history.show": Line(right=USE),
    "POST history.restore": Line(302, right=EDIT),
    "POST history.undelete": Line(409, right=EDIT),
    "GET moves.move": Line(right=EDIT),
    "POST moves.move": Line(422, right=EDIT),
    "GET moves.duplicate": Line(right=EDIT),
    "POST moves.duplicate": Line(302, right=EDIT),
    "GET trash.index": Line(roles=EVERYBODY),
    "POST trash.trash": Line(302, right=EDIT),
    "POST trash.restore": Line(409, right=EDIT),
    "GET trash.ask": Line(200, right=MANAGE, fresh=True),
    "POST trash.purge": Line(409, right=MANAGE, fresh=True),
    "GET backups.index": Line(operator=True, hidden=True),
    "GET instance.index": Line(operator=True, hidden=True),
    "GET instance.new": Line(operator=True, fresh=True, hidden=True),
    "POST instance.create": Line(422, operator=True, fresh=True, hidden=True),
    "GET instance.show": Line(operator=True, hidden=True),
    "POST instance.rename": Line(422, operator=True, fresh=True, hidden=True),
    "POST instance.limit": Line(302, operator=True, fresh=True, hidden=True),
    "POST instance.suspend": Line(302, operator=True, fresh=True, hidden=True),
    "POST instance.resume": Line(409, operator=True, fresh=True, hidden=True),
    "POST instance.invite_owner": Line(409, operator=True, fresh=True, hidden=True),
    "POST instance.delete": Line(422, operator=True, fresh=True, hidden=True),
    "GET keys.show": Line(operator=True, hidden=True),
    "GET keys.progress": Line(operator=True, hidden=True),
    "POST keys.rotate": Line(302, operator=True, fresh=True, hidden=True),
    "POST keys.reencrypt": Line(302, operator=True, fresh=True, hidden=True),
    "POST keys.reencrypt_system": Line(302, operator=True, fresh=True, hidden=True),
    "POST instance.keep": Line(409, operator=True, fresh=True, hidden=True),
}


def expected(line: Line, name: str, method: str) -> tuple[int, str]:
    """Return status and the beginning of the address that one is led to."""
    if line.public:
        return _in_public(line, name, method)
    if line.scope:
        return _of_program(line, name), ""
    if name in PROGRAMS:
        return TO_SIGN_IN if method == "GET" else (400, "")
    if name in GONE:
        return TO_SIGN_IN
    if name == HALF:
        return (line.half, "") if line.half else TO_CODE
    if name == FIRST_TOKEN:
        return (line.ok, "") if line.replacing else TO_REPLACE
    return _signed_in(line, name)


def _of_program(line: Line, name: str) -> int:
    if name not in PROGRAMS:
        return 401
    owner = OWNERS.get(name, "rhea")
    if (line.own and owner != line.own) or (line.right and owner not in RIGHTS):
        return 404
    if line.right > RIGHTS.get(owner, MANAGE):
        return 403
    return line.ok if PROGRAMS[name] and PROGRAMS[name] in line.scope.split() else 403


def _in_public(line: Line, name: str, method: str) -> tuple[int, str]:
    needs_token = method == "POST" and line.ok != 415
    if name in PROGRAMS and needs_token:
        return 400, ""
    signed_in = name not in GONE and name not in PROGRAMS
    return line.signed_in if line.signed_in and signed_in else line.ok, ""


def _signed_in(line: Line, name: str) -> tuple[int, str]:
    if name in STRANGERS and not line.anyone:
        return 404, ""
    asked_first = isinstance(line.fresh, str) and ROLES.get(name) in line.fresh.split()
    if name == STALE and asked_first:
        return TO_CONFIRM
    if not line.admits(name):
        sees_nothing = line.hidden or (line.right and name not in RIGHTS)
        return (404, "") if sees_nothing else (403, "")
    return TO_CONFIRM if line.fresh and name == STALE else (line.ok, "")
