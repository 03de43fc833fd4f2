"""What the demo's people share besides whole vaults, and what they ask one another for."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from io import BytesIO

from policy import Right
from services import (
    access_requests,
    attachment_changes,
    attachment_contents,
    grants,
    groups,
    item_changes,
    items,
    vaults,
)
from services.demo_data import PersonSpec, VaultSpec
from services.demo_team import Team
from services.items import Protection


class Sharing:
    """Acts of the team, each a unit of work when it is called."""

    def __init__(self, team: Team) -> None:
        self._team = team

    def gather(self, name: str, people: Collection[PersonSpec], vault: VaultSpec, by: PersonSpec) -> None:
        """Make a group of people and let it use a vault."""
        with self._team.acting(by, "groups/new") as uow:
            group = groups.create(uow, name)
            groups.add(uow, group, [self._team.members[who.email].actor.id for who in people])
            grants.grant(uow, vaults.find(uow, self._team.vault_id(vault)), group.id, Right.USE)

    def announce(self, spec: VaultSpec, by: PersonSpec) -> None:
        """Let everybody know of a vault."""
        with self._team.acting(by, f"vaults/{self._team.vault_id(spec)}/edit") as uow:
            vault = vaults.find(uow, self._team.vault_id(spec))
            kept = {"name": vault.name, "description": vault.description, "max_versions": None}
            vaults.change(uow, vault, **kept, listed=True)  # type: ignore[arg-type]

    def ask(self, spec: VaultSpec, who: PersonSpec, reason: str) -> None:
        """Ask to reveal what is in a vault."""
        with self._team.acting(who, f"vaults/{self._team.vault_id(spec)}/ask") as uow:
            vault = vaults.find(uow, self._team.vault_id(spec))
            access_requests.ask_for_access(uow, vault, Right.REVEAL, reason)

    def lend_one(self, name: str, who: PersonSpec, by: PersonSpec, lasts: timedelta, reason: str) -> None:
        """Let somebody reveal one credential for a while."""
        with self._team.acting(by, f"items/{self._team.item_id(name)}/access") as uow:
            item = items.find(uow, self._team.item_id(name))
            person = self._team.members[who.email].actor.id
            grants.grant(uow, item, person, Right.REVEAL, uow.now + lasts, reason)

    def attach(self, name: str, file_name: str, text: str, by: PersonSpec) -> None:
        """Put a file of text on a credential."""
        with self._team.acting(by, f"items/{self._team.item_id(name)}/files/new") as uow:
            item = items.find(uow, self._team.item_id(name))
            stored = attachment_contents.store(
                uow.runtime.files,
                uow.rules.attachments,
                uow.keys.instance,
                item.organization_id,
                file_name,
                BytesIO(text.encode()),
            )
            attachment_changes.add(uow, item, stored)

    def protect(self, name: str, by: PersonSpec, minutes: int) -> None:
        """Want a second person before each reveal of a credential."""
        with self._team.acting(by, f"items/{self._team.item_id(name)}/access/protection") as uow:
            wanted = Protection(confirm=True, approval_minutes=minutes)
            item_changes.protect(uow, items.find(uow, self._team.item_id(name)), wanted)
