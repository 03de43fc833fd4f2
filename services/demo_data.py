"""The believable small team of the demo: who they are, and what they keep."""

# ruff: noqa: E501 - the credentials read best as a table

from __future__ import annotations

from dataclasses import dataclass

from policy import Right, Role
from services.item_types import ItemType

ORGANIZATION = "Juniper Studio"

_FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
_CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36"
)
_SAFARI = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.6 Safari/605.1.15"
)


@dataclass(frozen=True, slots=True)
class PersonSpec:
    """Somebody of the team.

    Args:
        hour: when their working day begins.
        busy: about how many values they open on a working day.
    """

    name: str
    email: str
    role: Role
    address: str
    agent: str
    hour: int
    busy: int


OWNER = PersonSpec("Mia Torres", "mia@juniper.example", Role.OWNER, "203.0.113.24", _FIREFOX, 9, 4)
ADMIN = PersonSpec("Noah Lindqvist", "noah@juniper.example", Role.ADMIN, "203.0.113.24", _FIREFOX, 8, 7)
DEVELOPER = PersonSpec("Priya Raman", "priya@juniper.example", Role.MEMBER, "2001:db8:24::71", _SAFARI, 9, 8)
MARKETER = PersonSpec("Tomás Oliveira", "tomas@juniper.example", Role.MEMBER, "198.51.100.83", _CHROME, 10, 5)
AUDITOR = PersonSpec("Ingrid Bauer", "ingrid@ledger.example", Role.AUDITOR, "192.0.2.118", _CHROME, 11, 0)
PEOPLE = (OWNER, ADMIN, DEVELOPER, MARKETER, AUDITOR)
INVITED = "jonas@juniper.example"
"""Somebody whose link is still open."""

STRANGER = "198.51.100.201"
"""From where somebody guesses at night."""
BUILD_SERVER = ("192.0.2.40", "deploy/3.2 (python-httpx/0.28)")


@dataclass(frozen=True, slots=True)
class VaultSpec:
    """A vault, who made it, and who else may do what there."""

    name: str
    description: str
    maker: PersonSpec
    grants: tuple[tuple[PersonSpec, Right], ...]


PRODUCTION = VaultSpec(
    "Production",
    "Servers, databases and the keys of the services that we run on.",
    ADMIN,
    ((OWNER, Right.MANAGE), (DEVELOPER, Right.EDIT), (AUDITOR, Right.USE)),
)
OFFICE = VaultSpec(
    "Office",
    "What keeps the office going: accounts, bank, doors, Wi-Fi.",
    OWNER,
    ((ADMIN, Right.MANAGE), (MARKETER, Right.EDIT), (DEVELOPER, Right.REVEAL), (AUDITOR, Right.USE)),
)
MARKETING = VaultSpec(
    "Marketing",
    "Social accounts, newsletter, advertising.",
    MARKETER,
    ((OWNER, Right.MANAGE), (ADMIN, Right.REVEAL)),
)
VAULTS = (PRODUCTION, OFFICE, MARKETING)

STRONG = "(generated password)"
PHRASE = "(generated phrase)"


@dataclass(frozen=True, slots=True)
class CredentialSpec:
    """A credential as the team keeps it.

    Args:
        tags: divided by spaces.
        secret: typed by somebody, or ``STRONG`` or ``PHRASE``.
        expires: days from today; negative: it has expired.
        renewed: how many times its main secret was replaced since.
        otp: whether a login has an authenticator too.
    """

    name: str
    type: ItemType
    user_name: str = ""
    url: str = ""
    tags: str = ""
    secret: str = STRONG
    expires: int | None = None
    renewed: int = 0
    otp: bool = False
    notes: str = ""


_L, _K, _D = ItemType.LOGIN, ItemType.API_KEY, ItemType.DATABASE
_S, _C, _N, _A = ItemType.SSH_KEY, ItemType.CERTIFICATE, ItemType.NOTE, ItemType.AUTHENTICATOR
_one = CredentialSpec

_PRODUCTION = (
    _one("prod/db/orders primary", _D, "orders_rw", "db1.juniper.example:5432", "prod postgres", renewed=2),
    _one("prod/db/orders replica", _D, "orders_ro", "db2.juniper.example:5432", "prod postgres", renewed=1),
    _one("prod/db/analytics", _D, "analytics", "db3.juniper.example:5432", "prod postgres", "analytics1"),
    _one("prod/db/sessions", _D, "sessions", "cache1.juniper.example:6379", "prod redis"),
    _one("prod/web/deploy key", _S, "deploy", "web1.juniper.example", "prod deploy", renewed=1),
    _one("prod/web/certificate juniper.example", _C, tags="prod tls", expires=9, renewed=1),
    _one("prod/web/certificate api.juniper.example", _C, tags="prod tls", expires=63),
    _one("prod/web/origin certificate", _C, tags="prod tls", expires=402),
    _one("prod/api/Payments live key", _K, "acct_juniper", "https://dashboard.payments.example", "prod pci", expires=21, renewed=1),
    _one("prod/api/Mail delivery", _K, "juniper", "https://app.maildelivery.example", "prod mail"),
    _one("prod/api/Maps", _K, "", "https://console.maps.example", "prod", expires=-3),
    _one("prod/web/settings", ItemType.SECRET, tags="prod deploy"),
    _one("prod/api/Text messages", _K, "AC-juniper", "https://console.sms.example", "prod", renewed=1),
    _one("prod/api/Repository bot", _K, "juniper-bot", "https://git.example/juniper", "prod deploy", expires=12),
    _one("prod/backup/repository passphrase", _L, "backup", "", "prod backup", PHRASE, notes="Also on paper in the safe."),
    _one("prod/backup/object storage", _K, "juniper-backup", "https://storage.example", "prod backup", expires=88),
    _one("staging/db/orders", _D, "orders", "db.staging.juniper.example:5432", "staging postgres", "staging"),
    _one("staging/web/certificate", _C, tags="staging tls", expires=-11),
    _one("staging/api/Payments test key", _K, "acct_juniper", "https://dashboard.payments.example", "staging"),
    _one("staging/web/basic auth", _L, "preview", "https://staging.juniper.example", "staging", "juniper"),
    _one("servers/bastion", _S, "root", "bastion.juniper.example", "prod ssh"),
    _one("servers/monitoring", _L, "admin", "https://status.juniper.example/login", "prod", otp=True),
    _one("servers/registrar", _L, "juniper-studio", "https://registrar.example/account", "domains", renewed=1, otp=True),
    _one("servers/cloud console", _L, "ops@juniper.example", "https://console.cloud.example", "prod", otp=True, renewed=1),
    _one("servers/break-glass steps", _N, tags="prod", notes="1. Call Noah, then Mia.\n2. Open the safe for the recovery codes.\n3. Write down what you do."),
    _one("servers/build runner", _K, "runner-1", "https://git.example/juniper/-/runners", "deploy", renewed=2),
)  # fmt: skip

_OFFICE = (
    _one("Workspace administration", _L, "admin@juniper.example", "https://admin.workspace.example", "accounts", otp=True, renewed=1),
    _one("Bookkeeping", _L, "mia@juniper.example", "https://books.example/login", "finance", expires=30, renewed=1),
    _one("finance/Bank portal", _L, "20448311", "https://online.bank.example", "finance", otp=True),
    _one("finance/Bank card", _N, tags="finance", notes="Card in the safe. Limit 2,000 a day."),
    _one("finance/Payroll", _L, "juniper-payroll", "https://payroll.example", "finance", expires=5),
    _one("finance/Tax office", _L, "DE-4402-118", "https://tax.example/login", "finance", expires=30),
    _one("network/Wi-Fi office", _L, "Juniper", "", "wifi", PHRASE, renewed=1),
    _one("network/Wi-Fi guests", _L, "Juniper guests", "", "wifi", "welcome2juniper", expires=-1),
    _one("network/Printer", _L, "admin", "http://printer.juniper.example", "office", "admin"),
    _one("network/Meeting room screen", _L, "room", "http://screen.juniper.example", "office", "1234"),
    _one("network/VPN", _L, "juniper", "https://vpn.juniper.example", "prod", expires=45, renewed=1),
    _one("network/Phone system", _L, "admin", "https://phones.juniper.example", "office"),
    _one("building/Door code", _N, tags="office", notes="Front: 4471#. Back: ask Mia. Changes each quarter.", expires=17),
    _one("building/Alarm", _N, tags="office", notes="Arm: hold 1. Disarm: code in the sealed envelope."),
    _one("building/Landlord portal", _L, "juniper-3rd-floor", "https://tenants.example", "office", "Juniper2021"),
    _one("Travel booking", _L, "office@juniper.example", "https://travel.example", "office", "summer2023"),
    _one("Insurance", _L, "KD-88120", "https://insurance.example/customers", "finance"),
    _one("Video meetings", _L, "office@juniper.example", "https://meet.example", "accounts", otp=True),
    _one("Shared mailbox", _L, "hello@juniper.example", "https://mail.juniper.example", "accounts mail", renewed=1),
    _one("Company sign-in (second factor)", _A, tags="accounts"),
)  # fmt: skip

_MARKETING = (
    _one("social/Mastodon", _L, "@juniper@social.example", "https://social.example/auth", "social", otp=True),
    _one("social/Photos", _L, "juniper.studio", "https://photos.example/login", "social", otp=True, renewed=1),
    _one("social/Videos", _L, "studio@juniper.example", "https://videos.example", "social"),
    _one("social/Business network", _L, "studio@juniper.example", "https://network.example", "social", "Juniper!2022"),
    _one("social/Phone app (second factor)", _A, tags="social"),
    _one("newsletter/Account", _L, "studio@juniper.example", "https://letters.example/login", "newsletter", renewed=1),
    _one("newsletter/Sending key", _K, "juniper", "https://letters.example/keys", "newsletter", expires=26),
    _one("Advertising account", _L, "ads@juniper.example", "https://ads.example", "ads", otp=True),
    _one("Web statistics", _L, "studio@juniper.example", "https://stats.juniper.example", "web", "password1"),
    _one("Website editor", _L, "editor", "https://juniper.example/edit", "web", "letmein", renewed=1),
    _one("Image library", _L, "studio@juniper.example", "https://images.example", "design", expires=3),
    _one("Design tool", _L, "studio@juniper.example", "https://design.example", "design"),
    _one("Survey tool key", _K, "juniper", "https://surveys.example/api", "web", expires=-20),
    _one("Press portal", _L, "press@juniper.example", "https://press.example", "press", PHRASE),
)  # fmt: skip

CREDENTIALS = ((PRODUCTION, _PRODUCTION), (OFFICE, _OFFICE), (MARKETING, _MARKETING))
DISCARDED = (
    (OFFICE, _one("Fax gateway", _L, "fax", "https://fax.example", "office", "fax123")),
    (MARKETING, _one("newsletter/Former provider", _L, "studio@juniper.example", "https://old.example")),
)
"""What ends up in the trash."""
