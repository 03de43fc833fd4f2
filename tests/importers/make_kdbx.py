"""Write tests/vectors/kdbx/*.kdbx with pykeepass 4.2.0, which the tests themselves do not need.

pip install --target /tmp/pykeepass pykeepass==4.2.0
PYTHONPATH=/tmp/pykeepass python tests/importers/make_kdbx.py
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from construct import Container
from pykeepass import PyKeePass, create_database
from pykeepass.kdbx_parsing import kdf_uuids

FOLDER = Path(__file__).parent.parent / "vectors" / "kdbx"
PASSPHRASE = "Müsli & hot milk"
KEY_XML_1 = (
    '<?xml version="1.0" encoding="utf-8"?>\n<KeyFile><Meta><Version>1.00</Version></Meta>'
    "<Key><Data>AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=</Data></Key></KeyFile>\n"
)
KEY_XML_2 = (
    '<?xml version="1.0" encoding="utf-8"?>\n<KeyFile>\n\t<Meta>\n\t\t<Version>2.0</Version>\n\t</Meta>\n'
    '\t<Key>\n\t\t<Data Hash="630DCD29">\n\t\t\t00010203 04050607 08090A0B 0C0D0E0F\n'
    "\t\t\t10111213 14151617 18191A1B 1C1D1E1F\n\t\t</Data>\n\t</Key>\n</KeyFile>\n"
)


def fill(kp: PyKeePass) -> None:
    """Put in one of everything."""
    servers = kp.add_group(kp.root_group, "Servers")
    production = kp.add_group(servers, "Production")
    first = kp.add_entry(
        production,
        "Database",
        "root",
        "S3cret!! ü→",
        url="https://db.example.com",
        notes="First line\nSecond line",
        tags=["db", "prod"],
        expiry_time=datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC),
        otp="otpauth://totp/DB:root?secret=JBSWY3DPEHPK3PXP&period=60&digits=8&algorithm=SHA256",
    )
    first.set_custom_property("Recovery <code>", "aa&bb", protect=True)
    first.set_custom_property("Port", "5432")
    first.set_custom_property("KP2A_URL", "https://db2.example.com")
    first.add_attachment(kp.add_binary(b"an attachment", protected=False), "note.txt")
    first.save_history()
    first.password = "S3cret!! ü→ 2"
    tray = kp.add_entry(kp.root_group, "Tray", "t", "pw")
    tray.set_custom_property("TOTP Seed", "JBSW Y3DP EHPK 3PXP", protect=True)
    tray.set_custom_property("TOTP Settings", "30;6")
    newer = kp.add_entry(kp.root_group, "Newer", "n", "pw")
    newer.set_custom_property("TimeOtp-Secret-Base32", "JBSWY3DPEHPK3PXP", protect=True)
    newer.set_custom_property("TimeOtp-Algorithm", "HMAC-SHA-512")
    steam = kp.add_entry(kp.root_group, "Steam", "s", "pw")
    steam.set_custom_property("TOTP Seed", "JBSWY3DPEHPK3PXP", protect=True)
    steam.set_custom_property("TOTP Settings", "30;S")
    kp.add_entry(kp.root_group, "Same password", "", f"{{REF:P@I:{first.uuid.hex.upper()}}}")
    kp.trash_entry(kp.add_entry(kp.root_group, "Thrown away", "x", "never seen"))


def derive(kp: PyKeePass, kind: str, **numbers: int) -> None:
    """Choose the key's derivation of KDBX 4."""
    value = kp.kdbx.header.value.dynamic_header.kdf_parameters.data
    old = value.dict
    salt = old["S"].value
    kinds = {"bytes": 0x42, "u32": 0x04, "u64": 0x05}

    def entry(name: str, type_: str, content: object, more: int = 1) -> Container:
        return Container(type=kinds[type_], key=name, value=content, next_byte=more)

    uuid = kdf_uuids[kind]
    if kind == "aeskdf":
        rows = [("$UUID", "bytes", uuid), ("R", "u64", numbers["rounds"]), ("S", "bytes", salt)]
    else:
        rows = [
            *(
                ("$UUID", "bytes", uuid),
                ("I", "u64", numbers["passes"]),
                ("M", "u64", numbers["memory"] * 1024),
            ),
            *(("P", "u32", numbers["lanes"]), ("S", "bytes", salt), ("V", "u32", 0x13)),
        ]
    made = [entry(*row) for row in rows]
    made[-1].next_byte = 0
    value.dict = Container({each.key: each for each in made})


def cipher(kp: PyKeePass, name: str) -> None:
    """Choose the cipher."""
    header = kp.kdbx.header.value.dynamic_header
    header.cipher_id.data = name
    header.encryption_iv.data = bytes(12 if name == "chacha20" else 16)


def older(kp: PyKeePass, rounds: int = 6000) -> None:
    """Make it a file of version 3.1."""
    value = kp.kdbx.header.value
    value.major_version, value.minor_version = 3, 1
    parts = {
        "cipher_id": "aes256",
        "compression_flags": Container(compression=True),
        "master_seed": bytes(32),
        "transform_seed": bytes(range(32)),
        "transform_rounds": rounds,
        "encryption_iv": bytes(16),
        "protected_stream_key": bytes(range(32, 64)),
        "stream_start_bytes": bytes(range(64, 96)),
        "protected_stream_id": "salsa20",
        "end": b"\r\n\r\n",
    }
    value.dynamic_header = Container({name: Container(id=name, data=data) for name, data in parts.items()})
    xml = kp.kdbx.body.payload.xml
    kp.kdbx.body.payload = Container(xml=xml, cred_check=None)


def write(name: str, change, *, passphrase: str | None = PASSPHRASE, key_file: str | None = None) -> None:
    """Make one file, and read it again."""
    path = str(FOLDER / f"{name}.kdbx")
    keyfile = str(FOLDER / key_file) if key_file else None
    kp = create_database(path, password=passphrase, keyfile=keyfile)
    fill(kp)
    change(kp)
    kp.save()
    assert PyKeePass(path, password=passphrase, keyfile=keyfile).entries


def newest(kp: PyKeePass) -> None:
    """Make a file as KeePassXC makes them, with less work."""
    derive(kp, "argon2id", passes=2, memory=1024, lanes=2)
    cipher(kp, "chacha20")


def main() -> None:
    """Make the files."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "one.keyfile").write_text(KEY_XML_1)
    (FOLDER / "two.keyfile").write_text(KEY_XML_2)
    (FOLDER / "raw.keyfile").write_bytes(bytes(range(32)))
    (FOLDER / "hex.keyfile").write_text(bytes(range(32)).hex())
    (FOLDER / "any.keyfile").write_bytes(b"any file at all\n")
    write("argon2id-chacha20", newest)
    write("argon2d-aes", lambda kp: derive(kp, "argon2", passes=3, memory=512, lanes=1))
    write("aeskdf-aes-4", lambda kp: derive(kp, "aeskdf", rounds=6001))
    write("aeskdf-aes-3", older)
    write("twofish", lambda kp: (newest(kp), cipher(kp, "twofish")))
    for key in ("one", "two", "raw", "hex", "any"):
        write(f"key-{key}", newest, key_file=f"{key}.keyfile")
    write("key-alone", newest, passphrase=None, key_file="two.keyfile")


if __name__ == "__main__":
    main()
