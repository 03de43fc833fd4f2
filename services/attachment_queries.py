"""The statements about files on items; each is bound to one organization."""

from __future__ import annotations

from sqlalchemy import and_, bindparam, delete, exists, func, insert, select
from sqlalchemy import literal_column as literal

from models import Attachment, AttachmentVersion, Item, ItemVersion

_OWN = Attachment.organization_id == bindparam("organization_id")
_OWN_HELD = AttachmentVersion.organization_id == bindparam("organization_id")
_COLUMNS = (
    Attachment.id,
    Attachment.item_id,
    Attachment.facts,
    Attachment.key,
    Attachment.size,
    Attachment.created_at,
    Attachment.created_by,
)

READ = select(*_COLUMNS).where(Attachment.id == bindparam("file_id"), _OWN)
OF_VERSION = (
    select(*_COLUMNS)
    .join(AttachmentVersion, and_(AttachmentVersion.attachment_id == Attachment.id, _OWN_HELD))
    .where(
        AttachmentVersion.item_id == bindparam("item_id"),
        AttachmentVersion.number == bindparam("number"),
        Attachment.item_id == bindparam("item_id"),
        _OWN,
    )
    .order_by(Attachment.created_at, Attachment.id)
)
HOLDERS = (
    select(AttachmentVersion.number, ItemVersion.deleted_at, ItemVersion.destroyed)
    .join(
        ItemVersion,
        and_(
            ItemVersion.item_id == AttachmentVersion.item_id, ItemVersion.number == AttachmentVersion.number
        ),
    )
    .join(
        Item, and_(Item.id == AttachmentVersion.item_id, Item.organization_id == bindparam("organization_id"))
    )
    .where(
        AttachmentVersion.attachment_id == bindparam("file_id"),
        AttachmentVersion.item_id == bindparam("item_id"),
        AttachmentVersion.number <= Item.version,
        ItemVersion.organization_id == bindparam("organization_id"),
        _OWN_HELD,
    )
    .order_by(AttachmentVersion.number.desc())
)
"""The versions that have a file, the newest first."""
COUNT = select(func.count(Attachment.id).label("count")).where(
    Attachment.item_id == bindparam("item_id"), _OWN
)
IDS_OF_ITEM = select(Attachment.id).where(Attachment.item_id == bindparam("item_id"), _OWN)
IDS_OF_VERSION = select(AttachmentVersion.attachment_id).where(
    AttachmentVersion.item_id == bindparam("item_id"),
    AttachmentVersion.number == bindparam("number"),
    _OWN_HELD,
)

INSERT = insert(Attachment)
HOLD = insert(AttachmentVersion)
CARRY = insert(AttachmentVersion).from_select(
    ["item_id", "number", "attachment_id", "organization_id"],
    select(
        AttachmentVersion.item_id,
        bindparam("new_number", type_=AttachmentVersion.number.type),
        AttachmentVersion.attachment_id,
        AttachmentVersion.organization_id,
    ).where(
        AttachmentVersion.item_id == bindparam("item_id"),
        AttachmentVersion.number == bindparam("number"),
        _OWN_HELD,
    ),
)
"""Lets a version have the files of an earlier one."""
LET_GO = delete(AttachmentVersion).where(
    AttachmentVersion.item_id == bindparam("item_id"),
    AttachmentVersion.number == bindparam("number"),
    AttachmentVersion.attachment_id == bindparam("file_id"),
    _OWN_HELD,
)
LET_GO_ALL = delete(AttachmentVersion).where(
    AttachmentVersion.item_id == bindparam("item_id"),
    AttachmentVersion.number == bindparam("number"),
    _OWN_HELD,
)
_UNHELD = ~exists(literal("1")).where(AttachmentVersion.attachment_id == Attachment.id, _OWN_HELD).correlate(
    Attachment
)
DROP_UNHELD = delete(Attachment).where(_OWN, _UNHELD).returning(Attachment.id)
DROP_UNHELD_OF = DROP_UNHELD.where(Attachment.item_id == bindparam("item_id"))
"""Takes away the files that no version has any more, and says which those were."""
EVERYWHERE = select(Attachment.id)
"""Of all organizations, for housekeeping."""
