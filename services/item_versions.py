"""What every change of an item needs: the change counter, the free name, the next version."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

from errors import Conflict, NameTaken, NotFound, VersionConflict
from models import Action
from services import attachment_rows, audit, items, limits, references
from services import item_queries as queries
from services.access import demand_name
from services.contents import Contents, Field, Overview
from services.events import Extra, Target
from services.item_blobs import overview_of, seal
from services.items import StoredItem
from services.prepared import fetch_one, run
from services.unit_of_work import UnitOfWork

PARTS = (
    ("Name", "name"),
    ("User name", "user_name"),
    ("URLs", "urls"),
    ("Tags", "tags"),
    ("Expires", "expires_on"),
)
"""The parts of an overview, by what people call them."""
FILES = "Files"
"""What stands for all files among what has changed."""


@dataclass(frozen=True, slots=True)
class Place:
    """What of a vault a change needs to know."""

    id: UUID
    name: str
    max_versions: int | None


def place_of(uow: UnitOfWork, vault_id: UUID) -> Place:
    """Read the vault that an item lies in."""
    asked = {"vault_id": vault_id, "organization_id": uow.organization_id}
    row = fetch_one(uow.connection, queries.VAULT, asked)
    if row is None:
        raise NotFound
    return Place(vault_id, row.name, row.max_versions)


def bump(uow: UnitOfWork) -> int:
    """Raise the organization's change counter, by which each process learns that its index is behind."""
    here = {"organization_id": uow.organization_id}
    return int(fetch_one(uow.connection, queries.BUMP_CHANGE, here).change)


def free_digest(uow: UnitOfWork, place: Place, name: str, *, own: UUID | None = None) -> bytes:
    """Return the digest of a name that no other live item of the vault has.

    Args:
        own: the item that may have the name already.

    Raises:
        Conflict: the name is taken.
        Denied: the actor's token is not for such names.
    """
    demand_name(uow, place.id, name)
    digest = uow.keys.name_digest(uow.organization_id, place.id, name)
    if _holder(uow, place, digest) not in {None, own}:
        raise NameTaken(
            f"The vault {place.name} already has a credential called {name}. Choose another name."
        )
    return digest


def is_taken(uow: UnitOfWork, place: Place, name: str) -> bool:
    """Tell whether a live item of the vault has the name."""
    return _holder(uow, place, uow.keys.name_digest(uow.organization_id, place.id, name)) is not None


def _holder(uow: UnitOfWork, place: Place, digest: bytes) -> UUID | None:
    asked = {"organization_id": uow.organization_id, "vault_id": place.id, "name_digest": digest}
    found = fetch_one(uow.connection, queries.TAKEN, asked)
    return None if found is None else found.id


def insert_item(
    uow: UnitOfWork,
    place: Place,
    contents: Contents,
    strength: int | None,
    reason: str,
    *,
    number: int = 1,
) -> UUID:
    """Store a new item with its first version and return its id; whoever asks records why.

    Raises:
        Conflict: the name is taken in the vault, or the organization is full.
    """
    item_id = uuid4()
    change = bump(uow)
    limits.demand_item(uow)
    digest = free_digest(uow, place, contents.name)
    uow.connection.execute(
        queries.INSERT_ITEM,
        {
            "id": item_id,
            "organization_id": uow.organization_id,
            "vault_id": place.id,
            "name_digest": digest,
            "version": number,
            "change": change,
            "created_at": uow.now,
            "created_by": uow.actor.id,
            "trashed_at": None,
            "trashed_by": None,
        },
    )
    overview = overview_of(contents, place.id, strength=strength, changed=())
    insert_version(uow, item_id, number, overview, contents.fields, reason)
    return item_id


def insert_version(
    uow: UnitOfWork,
    item_id: UUID,
    number: int,
    overview: Overview,
    fields: tuple[Field, ...],
    reason: str,
) -> None:
    """Encrypt a version and store it."""
    sealed_overview, sealed_details = seal(uow.keys, uow.organization_id, item_id, number, overview, fields)
    run(
        uow.connection,
        queries.INSERT_VERSION,
        {
            "item_id": item_id,
            "number": number,
            "organization_id": uow.organization_id,
            "overview": sealed_overview,
            "details": sealed_details,
            "reason": reason,
            "created_at": uow.now,
            "created_by": uow.actor.id,
        },
    )


def advance(
    uow: UnitOfWork,
    item: StoredItem,
    contents: Contents,
    place: Place,
    *,
    strength: int | None,
    changed: tuple[str, ...],
    reason: str,
    files_of: int | None = None,
) -> int:
    """Store *contents* as the item's next version, in the vault *place*; return its number.

    Args:
        files_of: the version whose files it has; None: those of the newest.

    Raises:
        Conflict: the name is taken there, or the item is in the trash.
        VersionConflict: the item is not as it was when it was found.
        Invalid: only the operator makes a reference, or points one at another variable.
    """
    refuse_trashed(item)
    if references.held_in(contents.fields):
        references.refuse_new(uow, contents.fields, items.values(uow, item, item.version)[1])
    change = bump(uow)
    number = item.version + 1
    digest = free_digest(uow, place, contents.name, own=item.id)
    moved_on = run(
        uow.connection,
        queries.ADVANCE,
        {
            "item_id": item.id,
            "own_organization_id": uow.organization_id,
            "expected": item.version,
            "new_version": number,
            "new_vault": place.id,
            "new_digest": digest,
            "new_change": change,
        },
    )
    if moved_on != 1:
        newest = items.find(uow, item.id)
        refuse_trashed(newest)
        raise version_conflict(uow, newest, item.version)
    overview = overview_of(contents, place.id, strength=strength, changed=changed)
    insert_version(uow, item.id, number, overview, contents.fields, reason)
    attachment_rows.carry(uow, item.id, item.version if files_of is None else files_of, number)
    _prune(uow, item.id, number, place.max_versions)
    return number


def version_conflict(
    uow: UnitOfWork,
    newest: StoredItem,
    expected: int,
    differences: tuple[tuple[str, str, str], ...] = (),
) -> VersionConflict:
    """Say who was faster."""
    line = items.history(uow, newest)[0]
    return VersionConflict(expected, newest.version, line.by_name, differences)


def refuse_trashed(item: StoredItem) -> None:
    """Leave what is in the trash as it is.

    Raises:
        Conflict: the item is there.
    """
    if item.trashed_at is not None:
        raise Conflict("This credential is in the trash. Restore it first.")


def record(uow: UnitOfWork, action: Action, item_id: UUID, name: str, extra: Extra) -> None:
    """Record a change of an item."""
    audit.record(uow, action, Target("item", item_id, name), extra=extra)


def _prune(uow: UnitOfWork, item_id: UUID, number: int, vault_keeps: int | None) -> None:
    """Destroy what is older than the vault, or a program for this item, wants kept: the more of both."""
    own = {"item_id": item_id, "organization_id": uow.organization_id}
    row = fetch_one(uow.connection, queries.KEPT_BY_KEY, own)
    keep = max(vault_keeps or 0, row.max_versions if row else 0)
    # Version 0 says that a key was described before it was written.
    last = number - keep if keep else 0
    if run(uow.connection, queries.PRUNE, own | {"last": max(last, 0)}):
        attachment_rows.drop_unheld(uow, item_id)
