"""The pages of one credential: what each of them needs to know."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Self
from uuid import UUID

from flask import render_template, url_for
from flask.typing import ResponseReturnValue

from blueprints.requests import current_place, current_uow
from blueprints.verdicts import may
from forms.attachments import FileForm
from forms.requests import ApprovalForm
from models import Vault
from policy import Permission, Verdict
from services import access_requests, attachments, colleagues, items, reach, responsibility, vaults
from services.access_requests import Asked
from services.approvals import approval_of
from services.contents import Kind, Shape
from services.items import Revealed, StoredItem
from services.reach import Viewer

SOON = 14
"""Days before its expiry from which a credential asks for attention."""
_WEB = re.compile(r"https?://", re.IGNORECASE)
_HOST = re.compile(r"[\w.-]+\.[a-z]{2,}(?::\d+)?(?:[/?#]\S*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field on the page.

    Args:
        key: what the page and its script call it: the name in lower case.
        shown: the value, on the answer to a reveal without script.
        seconds: for how long a shown code is valid.
    """

    key: str
    label: str
    filled: bool
    shown: str | None = None
    seconds: int | None = None


@dataclass(frozen=True, slots=True)
class UrlRow:
    """An address on the page; several are numbered from the second on.

    Args:
        href: where the link leads; None: no browser could follow it.
    """

    key: str
    label: str
    text: str
    href: str | None


@dataclass(frozen=True, slots=True)
class State:
    """A word on how a credential stands, and the color of its pill."""

    words: str
    kind: str


def address(item: StoredItem) -> str:
    """Return the address of an item's page; it never changes, wherever the item goes."""
    return url_for("items.show", slug=current_place().slug, item_id=item.id)


def allowed(permission: Permission, loaded: object = None) -> bool:
    """Whether the actor holds *permission*, perhaps after confirming who they are."""
    return may(current_uow(), permission, loaded) in {Verdict.ALLOW, Verdict.CONFIRM}


def expiry(day: date | None, today: date) -> State | None:
    """Say how an expiry date stands; None: there is none."""
    if day is None:
        return None
    left = (day - today).days
    if left < 0:
        return State("Expired yesterday" if left == -1 else f"Expired {-left} d ago", "bad")
    if left <= SOON:
        return State("Expires today" if left == 0 else f"Expires in {left} d", "warn")
    return State(f"Expires {day.isoformat()}", "neutral")


def url_rows(urls: Iterable[str]) -> list[UrlRow]:
    """Return the addresses; one empty row where there is none."""
    rows = []
    for number, url in enumerate(tuple(urls) or ("",), start=1):
        label = f"URL {number}" if number > 1 else "URL"
        rows.append(UrlRow(label.lower(), label, url, _href(url)))
    return rows


def _href(url: str) -> str | None:
    if _WEB.match(url):
        return url
    return f"https://{url}" if _HOST.fullmatch(url) else None


def has_seed(shape: Shape) -> bool:
    """Whether a seed stands behind the field's codes, to be shown to those who may edit."""
    return shape.kind is Kind.OTP and shape.filled


def seed_of(shape: Shape) -> str:
    """Return what the seed behind an authenticator's field is called."""
    return f"{shape.name} seed"


def field_rows(shapes: Collection[Shape], shown: Revealed | None, *, seeds: bool) -> list[FieldRow]:
    """Return the fields in their order; with *seeds* each authenticator's seed too."""
    taken = {shape.name.lower() for shape in shapes}
    rows = []
    for shape in shapes:
        rows.append(_row(shape.name, shown, filled=shape.filled))
        if seeds and has_seed(shape) and seed_of(shape).lower() not in taken:
            # Not "TOTP seed": nobody who looks for the button of the code may find this one.
            rows.append(replace(_row(seed_of(shape), shown, filled=True), label=f"Seed of {shape.name}"))
    return rows


def _row(name: str, shown: Revealed | None, *, filled: bool) -> FieldRow:
    if shown is None or shown.field != name:
        return FieldRow(name.lower(), name, filled)
    return FieldRow(name.lower(), name, filled, shown.value, shown.seconds)


def vault_of(item: StoredItem) -> Vault | None:
    """Return the vault that an item lies in; None: the actor sees single items of it only."""
    vault = vaults.find(current_uow(), item.vault_id)
    return vault if allowed(Permission.VAULT_READ, vault) else None


def show_item(
    item: StoredItem,
    shown: Revealed | None = None,
    approval: ApprovalForm | None = None,
    upload: FileForm | None = None,
) -> str:
    """Show a credential, with one value opened where *shown* holds it.

    Args:
        approval: the form that asks for a second person's approval, where it was refused.
        upload: the form that adds a file, likewise.
    """
    uow = current_uow()
    may_edit = allowed(Permission.ITEM_EDIT, item)
    asks = Asking.of(item)
    overview = item.overview
    gone = items.is_past(item.deleted_at, uow.now) or item.destroyed
    files = attachments.of(uow, item)
    people = {item.created_by, item.changed_by, item.trashed_by, asks.approved_by}
    return render_template(
        "items/show.html",
        item=item,
        overview=overview,
        vault=vault_of(item),
        urls=url_rows(overview.urls) if overview else [],
        rows=field_rows(overview.shapes, shown, seeds=may_edit) if overview else [],
        expiry=expiry(overview.expires_on, uow.now.date()) if overview else None,
        files=files,
        upload=upload or FileForm(formdata=None),
        most=uow.rules.attachments,
        names=colleagues.names(uow, people | {file.added_by for file in files}),
        keeper=responsibility.of_item(uow, item),
        favorite=item.id in items.favorites(uow),
        may_share=allowed(Permission.VAULT_ACCESS, item),
        viewers=[one for one in _viewers(item) if one.right is not None],
        asks=asks,
        approval=approval or ApprovalForm(formdata=None),
        link=url_for("items.show", slug=current_place().slug, item_id=item.id, _external=True),
        gone=gone,
        may_reveal=allowed(Permission.ITEM_REVEAL, item) and not asks.needed and not gone,
        may_edit=may_edit,
        may_place=allowed(Permission.ITEM_PLACE, item),
        may_purge=allowed(Permission.ITEM_PURGE, item),
        may_audit=allowed(Permission.AUDIT_READ),
        purged_at=item.trashed_at + uow.rules.trash_kept if item.trashed_at else None,
    )


def _viewers(item: StoredItem) -> list[Viewer]:
    """Return who can see an item, for those whom it concerns."""
    if not allowed(Permission.ACCESS_READ, item):
        return []
    uow = current_uow()
    return reach.viewers(uow, vaults.find(uow, item.vault_id), item)


@dataclass(frozen=True, slots=True)
class Asking:
    """How the actor stands with an item of which a second person must approve each reveal.

    Args:
        needed: nobody has approved, so nothing can be revealed now.
        asked: the actor's request that waits.
        until: when the approval ends that counts now.
    """

    needed: bool
    asked: Asked | None
    until: datetime | None
    approved_by: UUID | None

    @classmethod
    def of(cls, item: StoredItem) -> Self:
        """Look at *item*."""
        uow = current_uow()
        if item.protection.approval_minutes is None or not allowed(Permission.ITEM_REVEAL, item):
            return cls(needed=False, asked=None, until=None, approved_by=None)
        approval = approval_of(uow, item.id)
        if approval is not None:
            return cls(needed=False, asked=None, until=approval.ends_at, approved_by=approval.by)
        asked = access_requests.open_approval(uow, item.id)
        return cls(needed=True, asked=asked, until=None, approved_by=None)


def show_version(item: StoredItem, number: int, shown: Revealed | None = None) -> ResponseReturnValue:
    """Show an earlier version of a credential, with one value opened where *shown* holds it."""
    uow = current_uow()
    overview = items.overview_at(uow, item, number)
    line = next(line for line in items.history(uow, item) if line.number == number)
    gone = line.deleted or line.destroyed
    return render_template(
        "items/version.html",
        item=item,
        overview=overview,
        line=line,
        urls=url_rows(overview.urls),
        rows=field_rows(overview.shapes, shown, seeds=False),
        files=attachments.of(uow, item, number),
        vault=vault_of(item),
        may_reveal=allowed(Permission.ITEM_REVEAL, item) and not Asking.of(item).needed and not gone,
        may_edit=allowed(Permission.ITEM_EDIT, item),
    )
