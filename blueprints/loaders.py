"""How the id in an address becomes the thing that it names, before anybody is judged on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from models import (
    AccessToken,
    Group,
    ImportRun,
    Invitation,
    Lockout,
    Membership,
    Organization,
    Passkey,
    Profile,
    Vault,
)
from services import (
    access_requests,
    attachments,
    groups,
    imports,
    invitations,
    items,
    kv_keys,
    lockouts,
    mounts,
    organizations,
    passkeys,
    people,
    profiles,
    tokens,
    vaults,
)
from services.access_requests import Asked
from services.attachments import StoredFile
from services.items import StoredItem
from services.kv_keys import Folder, Key
from services.mounts import MountedVault
from services.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Loader:
    """How an id in an address becomes the object that it names.

    Args:
        argument: the name of the id in the address.
        find: raises ``NotFound``; looks in the actor's organization only.
        name: what the audit log calls such a thing.
    """

    argument: str
    find: Callable[[UnitOfWork, Any], Any]
    name: str


LOADERS: Mapping[type, Loader] = {
    Vault: Loader("vault_id", vaults.find, "vault"),
    StoredItem: Loader("item_id", items.find, "item"),
    StoredFile: Loader("file_id", attachments.find, "file"),
    AccessToken: Loader("token_id", tokens.find, "token"),
    Membership: Loader("member_id", people.find, "person"),
    Invitation: Loader("invitation_id", invitations.find, "invitation"),
    Lockout: Loader("lockout_id", lockouts.find, "lockout"),
    Group: Loader("group_id", groups.find, "group"),
    Asked: Loader("request_id", access_requests.find, "request"),
    ImportRun: Loader("run_id", imports.find, "import"),
    Passkey: Loader("passkey_id", passkeys.find, "passkey"),
    Organization: Loader("organization_id", organizations.find, "organization"),
    Profile: Loader("profile_id", profiles.find, "profile"),
    Key: Loader("key", kv_keys.find, "key"),
    Folder: Loader("folder", kv_keys.find_folder, "folder"),
    MountedVault: Loader("mounted", mounts.find, "mount"),
}
