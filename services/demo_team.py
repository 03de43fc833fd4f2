"""The people of the demo at work: each act is a unit of work through the services, when it is called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random
from uuid import UUID

from crypto.tokens import parse_token
from errors import Denied, NotFound
from models import Action
from policy import NOBODY, Actor, ActorKind, Permission, Right, Role, Scope
from services import (
    actors,
    api_tokens,
    audit,
    instance,
    invitations,
    item_changes,
    items,
    lockouts,
    sessions,
    signin,
    tokens,
    vaults,
)
from services.access import demand
from services.committer import Mark
from services.contents import Kind
from services.demo_contents import contents_of, renewed_field
from services.demo_data import BUILD_SERVER, ORGANIZATION, CredentialSpec, PersonSpec, VaultSpec
from services.events import Origin, Target
from services.item_blobs import contents_of as contents_from
from services.item_types import MAIN_SECRETS
from services.items import StoredItem
from services.marks import write_marks
from services.runtime import Runtime
from services.unit_of_work import UnitOfWork

SLUG = instance.slug_of(ORGANIZATION)
_SECRET_KINDS = frozenset({Kind.HIDDEN, Kind.MULTILINE, Kind.OTP})


@dataclass(slots=True)
class Member:
    """Somebody who has enrolled."""

    actor: Actor
    token: str = field(repr=False)
    token_id: UUID
    session: UUID | None = None


@dataclass(slots=True)
class Kept:
    """A credential that is in its vault, and how much it is asked for."""

    id: UUID
    vault: VaultSpec
    weight: float


class Team:
    """Everybody's acts.

    Args:
        rng: what is left to chance.
        today: the day from which the expiry of credentials counts.
    """

    def __init__(self, runtime: Runtime, rng: Random, today: date) -> None:
        self.members: dict[str, Member] = {}
        self.old_token = ""
        self._runtime = runtime
        self._rng = rng
        self._today = today
        self._vaults: dict[str, UUID] = {}
        self._kept: dict[str, Kept] = {}
        self._api: dict[str, Actor] = {}

    def found(self, owner: PersonSpec) -> None:
        """Set the instance up, and let its first owner in."""
        first = instance.FirstOwner(ORGANIZATION, owner.email, owner.name)
        self._enrol(owner, instance.set_up(self._runtime, first) or "")

    def join(self, who: PersonSpec, invited_by: PersonSpec) -> None:
        """Invite somebody who makes their token at once."""
        with self.acting(invited_by, "people") as uow:
            link = invitations.invite(uow, who.email, who.role, who.name)
        self._enrol(who, link.token)

    def invite(self, email: str, invited_by: PersonSpec) -> None:
        """Invite somebody who lets the link lie."""
        with self.acting(invited_by, "people") as uow:
            invitations.invite(uow, email, Role.MEMBER)

    def sign_in(self, who: PersonSpec) -> None:
        """Begin a session with the person's token."""
        member = self.members[who.email]
        with self._runtime.work(writing=True, actor=NOBODY, origin=_from(who, "/sign-in")) as uow:
            signed_in = signin.sign_in(uow, member.token)
        member.session = signed_in.session.id if signed_in else None

    def sign_out(self, who: PersonSpec) -> None:
        """End the session that was begun last."""
        member = self.members[who.email]
        if member.session is not None:
            with self.acting(who, path="/sign-out") as uow:
                sessions.end(uow, member.session)
            member.session = None

    def guess(self, token: str, address: str) -> None:
        """Try a token that does not work, or not any more."""
        origin = Origin(address, "python-requests/2.32", "POST", "/sign-in", _request(self._rng))
        with self._runtime.work(writing=True, actor=NOBODY, origin=origin) as uow:
            signin.sign_in(uow, token)

    def replace_token(self, who: PersonSpec) -> None:
        """Make a new sign-in token; the old one is dead, and people still try it."""
        member = self.members[who.email]
        with self.acting(who, path="/account/token") as uow:
            minted = tokens.replace_own_signin(uow, member.token_id)
        self.old_token, member.token, member.token_id = member.token, minted.text, minted.id

    def make_vault(self, spec: VaultSpec) -> None:
        """Make a vault and give the others their rights."""
        with self.acting(spec.maker, "vaults") as uow:
            vault = vaults.create(uow, spec.name, spec.description)
            self._vaults[spec.name] = vault.id
            for who, right in spec.grants:
                vaults.grant(uow, vault, self.members[who.email].actor.id, right)

    def lend(self, spec: VaultSpec, who: PersonSpec, by: PersonSpec, lasts: timedelta) -> None:
        """Let somebody edit in a vault for a while."""
        with self.acting(by, f"vaults/{self._vaults[spec.name]}/access") as uow:
            vault = vaults.find(uow, self._vaults[spec.name])
            vaults.grant(uow, vault, self.members[who.email].actor.id, Right.EDIT, uow.now + lasts)

    def keep(self, spec: CredentialSpec, vault: VaultSpec, who: PersonSpec) -> None:
        """Put a credential into its vault."""
        vault_id = self._vaults[vault.name]
        with self.acting(who, f"vaults/{vault_id}/items") as uow:
            contents = contents_of(spec, self._rng, self._today)
            item_id = item_changes.create(uow, vaults.find(uow, vault_id), contents)
        weight = 1 / self._rng.randint(1, 12)
        self._kept[spec.name] = Kept(item_id, vault, weight)

    def renew(self, spec: CredentialSpec, who: PersonSpec) -> None:
        """Replace the main secret of a credential."""
        with self.acting(who) as uow:
            item = self._open(uow, who, self._kept[spec.name].id, "edit")
            if item.overview is not None:
                wanted = contents_from(item.overview, (renewed_field(item.overview.type, self._rng),))
                item_changes.edit(uow, item, wanted, expected_version=item.version)

    def discard(self, spec: CredentialSpec, who: PersonSpec) -> None:
        """Move a credential to the trash."""
        with self.acting(who) as uow:
            item_changes.trash(uow, self._open(uow, who, self._kept.pop(spec.name).id, "trash"))

    def mark(self, name: str, who: PersonSpec) -> None:
        """Make a credential a favorite."""
        with self.acting(who) as uow:
            item_changes.set_favorite(uow, items.find(uow, self._kept[name].id), True)

    def open_one(self, who: PersonSpec, name: str | None = None) -> None:
        """Reveal or copy a value of a credential: the one called *name*, or one that the person may open."""
        copied = self._rng.random() < 0.35  # noqa: PLR2004 - about a third
        with self.acting(who) as uow:
            kept = self._kept[name] if name else self._choose(uow.actor)
            item = self._open(uow, who, kept.id, "reveal")
            items.reveal(uow, item, _main_field(item), copied=copied)

    def overstep(self, who: PersonSpec, name: str, permission: Permission) -> None:
        """Ask for what the person may not have; recorded as the guard of a page records it."""
        kept = self._kept[name]
        with self.acting(who) as uow:
            item = self._open(uow, who, kept.id, permission.partition(":")[2])
            try:
                demand(uow, permission, item.vault_id)
            except (Denied, NotFound):
                target = Target("item", item.id, "items.show")
                extra = {"permission": permission.value}
                audit.record(uow, Action.ACCESS_DENIED, target, success=False, extra=extra)

    def issue(self, name: str, who: PersonSpec, days: int) -> None:
        """Issue an API token for a program."""
        scopes = frozenset({Scope.ITEMS_LIST, Scope.ITEMS_REVEAL})
        with self.acting(who, "tokens") as uow:
            minted = api_tokens.issue(uow, name, scopes, timedelta(days=days))
            kind, label = ActorKind.TOKEN, f"{who.name} ({name})"
            self._api[name] = replace(
                uow.actor, kind=kind, name=label, scopes=scopes, token_id=minted.id, session_id=None
            )

    def revoke(self, name: str, who: PersonSpec) -> None:
        """End an API token."""
        token_id = self._api.pop(name).token_id
        with self.acting(who, "tokens") as uow:
            if token_id is not None:
                tokens.revoke(uow, tokens.find(uow, token_id))

    def fetch(self, token: str, name: str) -> None:
        """Let a program read a credential with its API token."""
        issued = self._api[token]
        item_id = self._kept[name].id
        origin = Origin(*BUILD_SERVER, "POST", f"/api/v1/items/{item_id}/reveal", _request(self._rng))
        with self._runtime.work(writing=True, actor=issued, origin=origin) as uow:
            items.reveal_all(uow, items.find(uow, item_id))
            # Written here: the thread that does this for the server lives in the present.
            if issued.token_id is not None:
                write_marks(uow.connection, [Mark("token", issued.token_id, uow.now, origin.address)])

    def tidy(self) -> None:
        """Do what the nightly maintenance does, and sign where the log stands."""
        with self._runtime.work(writing=True) as uow:
            sessions.remove_ended(uow)
            lockouts.remove_ended(uow)
        self._runtime.checkpoints.make()

    def _enrol(self, who: PersonSpec, link: str) -> None:
        with self._runtime.work(writing=True, actor=NOBODY, origin=_from(who, "/enrol/…")) as uow:
            minted = invitations.enrol(uow, parse_token(link), who.name).token
            self.members[who.email] = Member(uow.actor, minted.text, minted.id)

    def vault_id(self, spec: VaultSpec) -> UUID:
        """Return the id of a vault that was made."""
        return self._vaults[spec.name]

    def item_id(self, name: str) -> UUID:
        """Return the id of a credential that was kept."""
        return self._kept[name].id

    @contextmanager
    def acting(self, who: PersonSpec, page: str = "", *, path: str = "") -> Iterator[UnitOfWork]:
        """Open a unit of work in which somebody acts on a page of the organization."""
        member = self.members[who.email]
        origin = _from(who, path or f"/o/{SLUG}/{page}", self._rng)
        with self._runtime.work(writing=True, actor=member.actor, origin=origin) as uow:
            rights = actors.rights_of(uow.connection, uow.organization_id, member.actor.id, uow.now)
            uow.act_as(replace(member.actor, rights=rights, session_id=member.session, confirmed_at=uow.now))
            yield uow

    def _open(self, uow: UnitOfWork, who: PersonSpec, item_id: UUID, verb: str) -> StoredItem:
        uow.origin = _from(who, f"/o/{SLUG}/items/{item_id}/{verb}", self._rng)
        return items.find(uow, item_id)

    def _choose(self, actor: Actor) -> Kept:
        right = {name: actor.rights.get(vault_id, 0) for name, vault_id in self._vaults.items()}
        offered = [kept for kept in self._kept.values() if right[kept.vault.name] >= Right.REVEAL]
        return self._rng.choices(offered, [kept.weight for kept in offered])[0]


def _from(who: PersonSpec, path: str, rng: Random | None = None) -> Origin:
    return Origin(who.address, who.agent, "POST", path, _request(rng or Random(path)))


def _request(rng: Random) -> str:
    return f"{rng.getrandbits(48):012x}"


def _main_field(item: StoredItem) -> str:
    shapes = item.overview.shapes if item.overview else ()
    filled = [shape.name for shape in shapes if shape.filled and shape.kind in _SECRET_KINDS]
    main = MAIN_SECRETS.get(item.overview.type) if item.overview else None
    return main if main in filled else filled[0]
