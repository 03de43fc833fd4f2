"""What a program's token is narrowed to: read, checked, kept, and compared with what may make it.

Patterns of names say something about names, so they lie encrypted; the rest does not.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from uuid import UUID

from sqlalchemy import select

from crypto.envelope import DecryptionError
from errors import Denied, Invalid
from models import AccessToken, Vault
from policy import Narrowing
from services.content_rules import NAME_MAX, check_line
from services.events import ExtraValue
from services.reach import Reach
from services.unit_of_work import UnitOfWork

Network = IPv4Network | IPv6Network

VAULTS_MAX = 50
NAMES_MAX = 50
NETWORKS_MAX = 50
USES_MAX = 1_000_000
PER_MINUTE_MAX = 100_000
_TABLE, _COLUMN = "access_token", "name_patterns"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a token is narrowed to besides its scopes and its end.

    Args:
        vaults: None: all of its owner's.
        names: patterns as in :class:`policy.Narrowing`; empty: any name does.
        networks: from where it may be used; empty: from everywhere.
        not_before: None: at once.
        uses: how many authenticated requests; None: as many as its owner likes.
        per_minute: requests; None: no limit of its own.
    """

    vaults: frozenset[UUID] | None = None
    names: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()
    not_before: datetime | None = None
    uses: int | None = None
    per_minute: int | None = None

    @property
    def narrowing(self) -> Narrowing | None:
        """The places that it reaches; None: all of its owner's."""
        return Narrowing(self.vaults, self.names) if self.vaults is not None or self.names else None


UNLIMITED = Limits()


def read_names(lines: Iterable[str]) -> tuple[str, ...]:
    """Return patterns of names, each once.

    Raises:
        Invalid: belongs to the form field ``names``.
    """
    patterns = dict.fromkeys(filter(None, (unicodedata.normalize("NFC", line.strip()) for line in lines)))
    if len(patterns) > NAMES_MAX:
        raise Invalid(f"Give at most {NAMES_MAX} names.", "names")
    for pattern in patterns:
        if len(pattern) > NAME_MAX + 1:
            raise Invalid(f"Use at most {NAME_MAX} characters for each name.", "names")
        check_line(pattern, "A name", "names")
        if "*" in pattern[:-1]:
            raise Invalid("A * can only stand at the end: prod/* is everything in the folder prod.", "names")
    return tuple(patterns)


def read_networks(lines: Iterable[str]) -> tuple[Network, ...]:
    """Return networks in CIDR notation, each once; a single address is a network of one.

    Raises:
        Invalid: belongs to the form field ``networks``.
    """
    networks: dict[Network, None] = {}
    for line in filter(None, (line.strip() for line in lines)):
        try:
            networks[ip_network(line, strict=False)] = None
        except ValueError:
            words = "Write each network on a line of its own, such as 192.0.2.0/24 or 2001:db8::/32."
            raise Invalid(words, "networks") from None
    if len(networks) > NETWORKS_MAX:
        raise Invalid(f"Give at most {NETWORKS_MAX} networks.", "networks")
    return tuple(networks)


def check(uow: UnitOfWork, limits: Limits, expires_at: datetime) -> None:
    """Refuse limits that could not be kept or met.

    Raises:
        Invalid: names the form field: ``vaults``, ``uses``, ``per_minute`` or ``not_before``.
    """
    if limits.vaults is not None:
        _check_vaults(uow, limits.vaults)
    if limits.uses is not None and not 1 <= limits.uses <= USES_MAX:
        raise Invalid(f"Choose 1 to {USES_MAX:,} uses, or leave it empty.", "uses")
    if limits.per_minute is not None and not 1 <= limits.per_minute <= PER_MINUTE_MAX:
        raise Invalid(f"Choose 1 to {PER_MINUTE_MAX:,} requests a minute, or leave it empty.", "per_minute")
    if limits.not_before is not None and limits.not_before >= expires_at:
        raise Invalid("It would end before it begins. Choose an earlier day, or a longer life.", "not_before")


def _check_vaults(uow: UnitOfWork, vaults: frozenset[UUID]) -> None:
    if not 0 < len(vaults) <= VAULTS_MAX:
        raise Invalid(f"Choose 1 to {VAULTS_MAX} vaults, or none for all of them.", "vaults")
    known = set(uow.session.scalars(select(Vault.id).where(Vault.id.in_(vaults))))
    if vaults - known:
        raise Invalid("Choose vaults from the list.", "vaults")


def demand_narrower(parent: Limits, child: Limits) -> None:
    """Refuse a token that would reach further than the one that makes it.

    Raises:
        Denied: says in what.
    """
    wide, narrow = parent.narrowing or Narrowing(), child.narrowing or Narrowing()
    if not wide.covers(narrow):
        raise Denied("A token can only make others for vaults and names that it reaches itself.")
    if parent.networks and not (child.networks and all(_inside(one, parent) for one in child.networks)):
        raise Denied("A token can only make others for networks that it may be used from itself.")
    if parent.per_minute is not None and (child.per_minute or PER_MINUTE_MAX) > parent.per_minute:
        raise Denied("A token can only make others that are as slow as itself.")


def _inside(network: Network, parent: Limits) -> bool:
    return any(
        network.version == one.version and network.subnet_of(one)  # type: ignore[arg-type]  # one version, as was asked
        for one in parent.networks
    )


def keep(uow: UnitOfWork, token: AccessToken, limits: Limits) -> None:
    """Write limits into a token's row."""
    token.vault_ids = " ".join(sorted(map(str, limits.vaults or ())))
    token.name_patterns = _seal(uow, token.id, limits.names)
    token.networks = " ".join(map(str, limits.networks))
    token.not_before = limits.not_before
    token.uses_max = token.uses_left = limits.uses
    token.per_minute = limits.per_minute


def kept(uow: UnitOfWork, row: Any, organization_id: UUID) -> Limits:
    """Return the limits of a token's row; ``uses`` are those that are left.

    Raises:
        DecryptionError: its names cannot be opened: nobody can say what it is for.
    """
    vaults = frozenset(map(UUID, row.vault_ids.split())) if row.vault_ids else None
    names: tuple[str, ...] = ()
    if row.name_patterns is not None:
        opened = uow.keys.decrypt(organization_id, _TABLE, row.id, _COLUMN, 1, row.name_patterns)
        names = tuple(json.loads(opened))
    networks = tuple(map(ip_network, row.networks.split())) if row.networks else ()
    return Limits(vaults, names, networks, row.not_before, row.uses_left, row.per_minute)


def look_at(uow: UnitOfWork, token: AccessToken) -> Limits | None:
    """Return a token's limits for a page; None: its names cannot be opened, so that it opens nothing."""
    try:
        return kept(uow, token, token.organization_id)
    except DecryptionError:
        return None


def _seal(uow: UnitOfWork, token_id: UUID, names: tuple[str, ...]) -> bytes | None:
    if not names:
        return None
    text = json.dumps(names, ensure_ascii=False)
    return uow.keys.encrypt(uow.organization_id, _TABLE, token_id, _COLUMN, 1, text.encode())


def lets_in(networks: Iterable[Network], address: str) -> bool:
    """Whether a token may be used from *address*; one without networks may from everywhere."""
    allowed = tuple(networks)
    if not allowed:
        return True
    try:
        found: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return any((mapped or found) in network for network in allowed)


def narrowed(found: Iterable[Reach], limits: Limits) -> list[Reach]:
    """Return what of its owner's reach a token has; of a whole vault perhaps some names only."""
    narrowing = limits.narrowing
    if narrowing is None:
        return list(found)
    return [
        one
        for one in found
        if (
            narrowing.reaches(one.vault_id, one.name)
            if one.item_id
            else narrowing.reaches_vault(one.vault_id)
        )
    ]


def facts_of(limits: Limits) -> dict[str, ExtraValue]:
    """Return the limits for the audit log; those that are not set are left out."""
    facts: dict[str, ExtraValue] = {
        "vaults": sorted(map(str, limits.vaults or ())),
        "names": list(limits.names),
        "networks": [str(network) for network in limits.networks],
        "not_before": limits.not_before.isoformat() if limits.not_before else None,
        "uses": limits.uses,
        "per_minute": limits.per_minute,
    }
    return {name: value for name, value in facts.items() if value}
