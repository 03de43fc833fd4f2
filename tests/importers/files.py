"""One file of each format, laid out as its program documents it, and what must come out of it.

Names, values and seeds are invented.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
from datetime import date

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.padding import PKCS7

from importers.entry import Entry, EntryField, EntryKind, EntryType

SEED = "JBSWY3DPEHPK3PXP"
LINK = f"otpauth://totp/Mail:ada?secret={SEED}&issuer=Mail"
PASSWORD = "a long sentence nobody guesses"


def password(value: str) -> tuple[EntryField, ...]:
    return (EntryField("Password", value),)


BITWARDEN = {
    "encrypted": False,
    "folders": [{"id": "f1", "name": "Office/Mail"}],
    "items": [
        {
            "passwordHistory": [{"lastUsedDate": "2024-01-01T00:00:00.000Z", "password": "older"}],
            "revisionDate": "2024-05-01T00:00:00.000Z",
            "creationDate": "2024-01-01T00:00:00.000Z",
            "deletedDate": None,
            "id": "i1",
            "organizationId": None,
            "folderId": "f1",
            "type": 1,
            "reprompt": 0,
            "name": "Mail",
            "notes": "first line\nsecond, with a comma",
            "favorite": True,
            "fields": [
                {"name": "Customer", "value": "4711", "type": 0, "linkedId": None},
                {"name": "PIN", "value": " 0042 ", "type": 1, "linkedId": None},
                {"name": "Shared", "value": "true", "type": 2, "linkedId": None},
                {"name": "Points at", "value": None, "type": 3, "linkedId": 100},
            ],
            "login": {
                "fido2Credentials": [],
                "uris": [
                    {"match": None, "uri": "https://mail.example"},
                    {"match": 1, "uri": "https://webmail.example/?a=1,2"},
                ],
                "username": "ada@example.com",
                "password": 'Zürich "quoted" ',
                "totp": LINK,
            },
            "collectionIds": None,
        },
        {"type": 2, "name": "Door", "notes": "1234\n", "secureNote": {"type": 0}, "folderId": None},
        {
            "type": 3,
            "name": "Card",
            "notes": None,
            "card": {
                "cardholderName": "Ada L",
                "brand": "visa",
                "number": "4111111111111111",
                "expMonth": "4",
                "expYear": "2029",
                "code": "123",
            },
        },
        {"type": 4, "name": "Passport", "identity": {"firstName": "Ada", "passportNumber": "C01X"}},
        {
            "type": 5,
            "name": "Server",
            "sshKey": {
                "privateKey": "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n",
                "publicKey": "ssh-ed25519 AAAA ada",
                "keyFingerprint": "SHA256:abc",
            },
        },
        {"type": 1, "name": "Thrown away", "deletedDate": "2024-05-01T00:00:00.000Z", "login": {}},
    ],
}
OUT_OF_BITWARDEN = (
    Entry(
        "Mail",
        ("Office", "Mail"),
        user_name="ada@example.com",
        urls=("https://mail.example", "https://webmail.example/?a=1,2"),
        fields=password('Zürich "quoted" '),
        totp=LINK,
        notes="first line\nsecond, with a comma",
        custom=(
            EntryField("Customer", "4711", EntryKind.TEXT),
            EntryField("PIN", " 0042 "),
            EntryField("Shared", "true", EntryKind.TEXT),
        ),
        unread=("Its former passwords are left behind.",),
        place="item 1",
    ),
    Entry("Door", type=EntryType.NOTE, notes="1234\n", place="item 2"),
    Entry(
        "Card",
        type=EntryType.NOTE,
        custom=(
            EntryField("Cardholder name", "Ada L", EntryKind.TEXT),
            EntryField("Brand", "visa", EntryKind.TEXT),
            EntryField("Number", "4111111111111111"),
            EntryField("Exp month", "4", EntryKind.TEXT),
            EntryField("Exp year", "2029", EntryKind.TEXT),
            EntryField("Code", "123"),
        ),
        place="item 3",
    ),
    Entry(
        "Passport",
        type=EntryType.NOTE,
        custom=(EntryField("First name", "Ada", EntryKind.TEXT), EntryField("Passport number", "C01X")),
        place="item 4",
    ),
    Entry(
        "Server",
        type=EntryType.SSH_KEY,
        fields=(
            EntryField(
                "Private key",
                "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n",
                EntryKind.MULTILINE,
            ),
            EntryField("Public key", "ssh-ed25519 AAAA ada", EntryKind.MULTILINE),
        ),
        custom=(EntryField("Fingerprint", "SHA256:abc", EntryKind.TEXT),),
        place="item 5",
    ),
)


def protected(inner: bytes, secret: str, *, argon: bool = False, **changed: object) -> bytes:
    """Write an export under a password as Bitwarden's own programs do, from its documentation alone."""
    salt = base64.b64encode(os.urandom(16)).decode()
    if argon:
        digest = Hash(SHA256())
        digest.update(salt.encode())
        hasher = Argon2id(salt=digest.finalize(), length=32, iterations=3, lanes=4, memory_cost=16 * 1024)
        costs = {"kdfType": 1, "kdfIterations": 3, "kdfMemory": 16, "kdfParallelism": 4}
        master = hasher.derive(secret.encode())
    else:
        master = PBKDF2HMAC(SHA256(), 32, salt.encode(), 5000).derive(secret.encode())
        costs = {"kdfType": 0, "kdfIterations": 5000}
    keys = [HKDFExpand(SHA256(), 32, info).derive(master) for info in (b"enc", b"mac")]
    return json.dumps(
        {
            "encrypted": True,
            "passwordProtected": True,
            "salt": salt,
            **costs,
            "encKeyValidation_DO_NOT_EDIT": _encrypted(keys, b"5a1f1b62-6d8c-4f5c-9d5c-000000000000"),
            "data": _encrypted(keys, inner),
            **changed,
        }
    ).encode()


def _encrypted(keys: list[bytes], plain: bytes) -> str:
    iv = os.urandom(16)
    padder = PKCS7(128).padder()
    encryptor = Cipher(AES256(keys[0]), CBC(iv)).encryptor()
    text = encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()
    mac = hmac.digest(keys[1], iv + text, "sha256")
    return "2." + "|".join(base64.b64encode(part).decode() for part in (iv, text, mac))


BITWARDEN_CSV = (
    "folder,favorite,type,name,notes,fields,reprompt,login_uri,login_username,login_password,login_totp\n"
    'Office/Mail,1,login,Mail,"first line\nsecond","Customer: 4711\nPIN: 0042",0,'
    f'"https://mail.example,https://webmail.example",ada@example.com,"a ""b"" c",{LINK}\n'
    ",,note,Door,1234,,0,,,,\n"
)
LASTPASS_CSV = (
    "url,username,password,totp,extra,name,grouping,fav\n"
    f'https://mail.example,ada,"pa,ss",{SEED},"first\nsecond",Mail,Office\\Mail,1\n'
    'http://sn,,,,"NoteType:Server\nHostname:db1\nUsername:root",Database,Office,0\n'
)
CHROME_CSV = 'name,url,username,password,note\nmail.example,https://mail.example/,ada,"pa""ss",keep\n'
FIREFOX_CSV = (
    '"url","username","password","httpRealm","formActionOrigin","guid","timeCreated","timeLastUsed",'
    '"timePasswordChanged"\n'
    '"https://mail.example","ada","pass",,"https://mail.example","{0b1c}","1700000000000","1700000000000",'
    '"1700000000000"\n'
    '"http://router.example","admin","pass2","Router",,"{0b1d}","1700000000000","1700000000000",'
    '"1700000000000"\n'
)
SAFARI_CSV = (
    f"Title,URL,Username,Password,Notes,OTPAuth\nMail (ada),https://mail.example/,ada,pass,keep,{LINK}\n"
)
ONEPASSWORD_CSV = (
    "Title,Url,Username,Password,OTPAuth,Favorite,Archived,Tags,Notes\n"
    f'Mail,https://mail.example,ada,pass,{LINK},true,false,"work;mail",keep\n'
)
ANY_CSV = (
    "\ufeffAccount;Group;Login name;Password;Website;PIN;Valid until\r\n"
    "Mail;Office;ada;pa,ss;https://mail.example;0042;2027-03-31\r\n"
)
DOTENV = (
    "# of the shop\n\nexport DB_URL=postgres://shop:geheim@db/shop  # inner\nEMPTY=\n"
    'QUOTED="two\\nlines # kept"\nSINGLE=\'as $it is\'\nKEY="-----BEGIN KEY-----\nabc\n-----END KEY-----"\n'
)
JSON_SECRETS = json.dumps(
    {
        "STRIPE_KEY": "sk_1",
        "retries": 3,
        "mail": {"username": "ada", "password": "pass", "url": "https://mail.example", "region": "eu"},
        "prod": {"db": {"DSN": "postgres://", "hosts": ["a", "b"], "nothing": None}},
        "list": [{"name": "One", "token": "t1"}, {"name": "Two", "token": "t2"}],
    }
)

FILES: dict[str, bytes] = {
    "bitwarden-json": json.dumps(BITWARDEN, indent=2).encode(),
    "bitwarden-protected": protected(json.dumps(BITWARDEN).encode(), PASSWORD),
    "bitwarden-csv": BITWARDEN_CSV.encode(),
    "lastpass-csv": LASTPASS_CSV.encode(),
    "chrome-csv": CHROME_CSV.encode(),
    "firefox-csv": FIREFOX_CSV.encode(),
    "safari-csv": SAFARI_CSV.encode(),
    "1password-csv": ONEPASSWORD_CSV.encode(),
    "csv": ANY_CSV.encode(),
    "dotenv": DOTENV.encode(),
    "json": JSON_SECRETS.encode(),
}
NAMES = {"dotenv": "shop.env", "json": "secrets.json"}

_MAIL = {"user_name": "ada", "urls": ("https://mail.example",)}
OUT: dict[str, tuple[Entry, ...]] = {
    "bitwarden-json": OUT_OF_BITWARDEN,
    "bitwarden-protected": OUT_OF_BITWARDEN,
    "bitwarden-csv": (
        Entry(
            "Mail",
            ("Office", "Mail"),
            user_name="ada@example.com",
            urls=("https://mail.example", "https://webmail.example"),
            fields=password('a "b" c'),
            totp=LINK,
            notes="first line\nsecond",
            custom=(EntryField("Customer", "4711"), EntryField("PIN", "0042")),
            place="row 2",
        ),
        Entry("Door", type=EntryType.NOTE, notes="1234", place="row 3"),
    ),
    "lastpass-csv": (
        Entry(
            "Mail",
            ("Office", "Mail"),
            **_MAIL,
            fields=password("pa,ss"),
            totp=SEED,
            notes="first\nsecond",
            place="row 2",
        ),
        Entry(
            "Database",
            ("Office",),
            EntryType.NOTE,
            notes="NoteType:Server\nHostname:db1\nUsername:root",
            place="row 3",
        ),
    ),
    "chrome-csv": (
        Entry(
            "mail.example",
            user_name="ada",
            urls=("https://mail.example/",),
            fields=password('pa"ss'),
            notes="keep",
            place="row 2",
        ),
    ),
    "firefox-csv": (
        Entry("mail.example", **_MAIL, fields=password("pass"), place="row 2"),
        Entry(
            "router.example",
            user_name="admin",
            urls=("http://router.example",),
            fields=password("pass2"),
            custom=(EntryField("httpRealm", "Router", EntryKind.TEXT),),
            place="row 3",
        ),
    ),
    "safari-csv": (
        Entry(
            "Mail (ada)",
            user_name="ada",
            urls=("https://mail.example/",),
            fields=password("pass"),
            totp=LINK,
            notes="keep",
            place="row 2",
        ),
    ),
    "1password-csv": (
        Entry(
            "Mail",
            **_MAIL,
            tags=("work", "mail"),
            fields=password("pass"),
            totp=LINK,
            notes="keep",
            place="row 2",
        ),
    ),
    "csv": (
        Entry(
            "Mail",
            ("Office",),
            **_MAIL,
            expires_on=date(2027, 3, 31),
            fields=password("pa,ss"),
            custom=(EntryField("PIN", "0042"),),
            place="row 2",
        ),
    ),
    "dotenv": (
        Entry(
            "shop",
            type=EntryType.SECRET,
            custom=(
                EntryField("DB_URL", "postgres://shop:geheim@db/shop"),
                EntryField("EMPTY", ""),
                EntryField("QUOTED", "two\nlines # kept", EntryKind.MULTILINE),
                EntryField("SINGLE", "as $it is"),
                EntryField("KEY", "-----BEGIN KEY-----\nabc\n-----END KEY-----", EntryKind.MULTILINE),
            ),
        ),
    ),
    "json": (
        Entry(
            "secrets",
            type=EntryType.SECRET,
            custom=(EntryField("STRIPE_KEY", "sk_1"), EntryField("retries", "3", EntryKind.JSON)),
        ),
        Entry("mail", **_MAIL, fields=password("pass"), custom=(EntryField("region", "eu"),), place="mail"),
        Entry(
            "db",
            ("prod",),
            EntryType.SECRET,
            custom=(EntryField("DSN", "postgres://"), EntryField("hosts", '["a", "b"]', EntryKind.JSON)),
            place="prod → db",
        ),
        Entry("One", ("list",), EntryType.SECRET, custom=(EntryField("token", "t1"),), place="list → 1"),
        Entry("Two", ("list",), EntryType.SECRET, custom=(EntryField("token", "t2"),), place="list → 2"),
    ),
}
