"""The programs that people come from: their tables import completely with the old key, and not without."""

from __future__ import annotations

import time
from datetime import date

import pytest

from importers import formats
from importers.entry import Entry, EntryKind, EntryType, Reading
from importers.limits import Refused
from importers.source import Source
from tests.crypto import test_origins as known
from tests.importers import origins


def read(data: bytes, key: str, format_: str = "") -> Reading:
    chosen = formats.find(format_) if format_ else formats.recognise(data)
    return formats.read(Source(data, passphrase=key), chosen)


def refusal(data: bytes, key: str, format_: str = "") -> Refused:
    begun = time.thread_time()
    with pytest.raises(Refused) as refused:
        read(data, key, format_)
    assert time.thread_time() - begun < 1
    assert str(refused.value).endswith(".")
    return refused.value


def values(entry: Entry) -> dict[str, str]:
    return {field.name: field.value for field in (*entry.fields, *entry.custom)}


@pytest.mark.parametrize("wal", [False, True])
def test_connectors_of_score_arrive_with_their_secrets_and_settings(wal):
    reading = read(origins.score(wal=wal), origins.SCORE_KEY)
    wiki, share = reading.entries
    assert (wiki.name, wiki.folder, wiki.type, wiki.tags) == (
        *("Wiki", ("Town hall",), EntryType.API_KEY, ("confluence",)),
    )
    assert wiki.urls == ("https://wiki.example.com",)
    assert values(wiki) == {
        "API key": origins.SECRET,
        "site_url": "https://wiki.example.com",
        "api_token": "t-1",
        "spaces": '["A"]',
    }
    assert {field.name: field.kind for field in wiki.custom}["api_token"] is EntryKind.HIDDEN
    assert values(share) == {"Environment variable": "SHAREPOINT_SECRET"}
    assert reading.unread == ("1 connectors hold no secret and are left behind.",)


def test_connectors_of_score_are_read_from_csv_too():
    headings = ["name", "tenant_id", "connector_type", "config", "credential_ref", "encrypted_secret"]
    data = origins.as_csv(headings, ["Wiki", origins.TENANT, "", "{}", "", origins.score_token()])
    (entry,) = read(data, origins.SCORE_KEY).entries
    assert values(entry) == {"API key": origins.SECRET}


def test_a_secret_of_another_tenant_is_left_behind_and_a_wrong_key_refused():
    headings = ["name", "tenant_id", "connector_type", "config", "credential_ref", "encrypted_secret"]
    good = ["A", origins.TENANT, "", "{}", "", origins.score_token()]
    other = ["B", "22222222-2222-2222-2222-222222222222", "", "{}", "", origins.score_token()]
    odd = ["C", "no tenant", "", "not json", "", origins.score_token()]
    reading = read(origins.as_csv(headings, good, other, odd), origins.SCORE_KEY)
    assert [bool(entry.unread) for entry in reading.entries] == [False, True, True]
    refused = refusal(origins.as_csv(headings, good), "another key")
    assert refused.field == "passphrase"


PASSWORD = {"id": 1, "organization_id": 1, "title": "Shop", "encrypted_password": known.V4_PASSWORD}


def client_stor(**more: object) -> Entry:
    return read(origins.client_stor({**PASSWORD, **more}), known.MASTER).entries[0]


def test_a_password_of_client_stor_arrives_with_everything():
    entry = client_stor(
        folder_id=2,
        username="root",
        url="https://shop.example.com",
        notes="A note",
        otp_secret=known.V4_TOTP,
        expires_at="2031-05-06 07:08:09",
        custom_fields='{"PIN": "4711", "scan": {"hours": 24}}',
        license_key="L-1",
        password_type="network_device",
    )
    assert (entry.name, entry.folder, entry.type, entry.user_name) == (
        *("Shop", ("Acme", "Servers", "Web"), EntryType.LOGIN, "root"),
    )
    assert (entry.urls, entry.notes, entry.tags) == (
        *(("https://shop.example.com",), "A note", ("old", "network device")),
    )
    assert (entry.totp, entry.expires_on) == ("JBSWY3DPEHPK3PXP", date(2031, 5, 6))
    assert values(entry) == {
        "Password": "S3cret!!",
        "License key": "L-1",
        "PIN": "4711",
        "scan": '{"hours": 24}',
    }
    assert all(field.kind is EntryKind.HIDDEN for field in entry.custom)
    assert entry.unread == ()


@pytest.mark.parametrize("text", [known.V3, known.V4_PASSWORD, known.V2])
def test_each_way_of_encrypting_opens(text):
    assert values(client_stor(encrypted_password=text)) == {"Password": "S3cret!!"}


@pytest.mark.parametrize("seed", ["JBSWY3DPEHPK3PXP", "otpauth://totp/a?secret=JBSWY3DPEHPK3PXP"])
def test_seeds_that_lay_in_the_clear_are_taken_along(seed):
    assert client_stor(otp_secret=seed).totp == seed


def test_types_of_client_stor_become_ours():
    database = client_stor(password_type="database", database_host="h", database_port="1", database_name="n")
    assert values(database) == {"Host": "h", "Port": "1", "Database": "n", "Password": "S3cret!!"}
    assert values(client_stor(password_type="api_key")) == {"API key": "S3cret!!"}
    assert values(client_stor(password_type="ssh_key", ssh_host="h")) == {
        "Passphrase": "S3cret!!",
        "SSH host": "h",
        "SSH port": "22",
    }
    code = client_stor(password_type="otp", encrypted_password="", otp_secret=known.V4_TOTP)
    assert (code.type, code.totp) == (EntryType.AUTHENTICATOR, "JBSWY3DPEHPK3PXP")


def test_connections_of_client_stor_arrive_value_by_value():
    connection = read(origins.client_stor(PASSWORD), known.MASTER).entries[1]
    assert (connection.name, connection.folder, connection.urls) == (
        *("Halo", ("Acme", "Connections"), ("https://halo",)),
    )
    assert values(connection) == {"api_key": "S3cret!!", "client_id": "S3cret!!"}


def test_personal_notes_are_a_format_of_their_own():
    (note,) = read(origins.client_stor(), known.MASTER, "client-stor-notes").entries
    assert (note.folder, note.notes, note.tags) == (("Personal", "ada"), "S3cret!!", ("Notes",))


def test_folders_in_a_circle_end_somewhere():
    assert len(client_stor(folder_id=3).folder) <= 33


def test_a_value_bound_to_another_organization_is_left_behind():
    assert client_stor(organization_id=2).unread == (
        "Its password does not open with this key and is left behind.",
    )


def test_a_wrong_key_of_client_stor_is_refused():
    data = origins.client_stor(PASSWORD)
    assert refusal(data, "B" * 43 + "=").field == "passphrase"
    assert "32 bytes" in str(refusal(data, "short"))


def test_settings_of_pinakes_open_with_either_key():
    mail, new = read(origins.pinakes(), known.V5_KEYS).entries
    assert (mail.name, mail.tags, values(mail)) == ("Mail", ("email",), {"param": "val"})
    assert values(new) == {"param": "val"}
    assert refusal(origins.pinakes(), known.V0_KEY).field == "passphrase"
    assert "base64" in str(refusal(origins.pinakes(), "x"))


ORIGINS = {"score": origins.SCORE_KEY, "client-stor": known.MASTER, "pinakes": known.V5_KEYS}


@pytest.mark.parametrize("name", ORIGINS)
def test_a_database_without_the_table_is_refused(name):
    assert "no table" in str(refusal(origins.database("CREATE TABLE other (a);"), ORIGINS[name], name))


@pytest.mark.parametrize(
    "script",
    [
        "CREATE VIEW main_notificationsetting AS SELECT 1 AS id, 'a' AS settings",
        (
            "CREATE TABLE a (b); CREATE VIEW main_notificationsetting AS WITH RECURSIVE c(n) AS "
            "(SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n AS settings FROM c"
        ),
        "CREATE VIRTUAL TABLE main_notificationsetting USING fts5(settings)",
    ],
)
def test_a_view_or_a_virtual_table_is_not_read(script):
    assert "no table" in str(refusal(origins.database(script), known.V5_KEYS, "pinakes"))


def test_a_table_that_computes_is_not_read():
    script = (
        "CREATE TABLE main_notificationsetting (id integer PRIMARY KEY, notification_type_id, "
        "settings AS (hex(zeroblob(1000000))));"
        "INSERT INTO main_notificationsetting (id) VALUES (1);"
    )
    assert "no table" in str(refusal(origins.database(script), known.V5_KEYS, "pinakes"))


def test_a_damaged_database_is_refused_or_read_but_never_fails_otherwise():
    data = origins.score()
    for place in range(0, len(data), 173):
        changed = bytearray(data)
        changed[place] ^= 0xFF
        for odd in (bytes(changed), data[: max(place, 16)]):
            try:
                read(odd, origins.SCORE_KEY, "score")
            except Refused:
                continue


def test_rows_beyond_the_limit_are_refused():
    script = (
        "CREATE TABLE main_notificationsetting (id integer PRIMARY KEY, settings text, notification_type_id);"
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n <= 50001) "
        "INSERT INTO main_notificationsetting SELECT n, 'a', 1 FROM c;"
    )
    assert "rows" in str(refusal(origins.database(script), known.V5_KEYS, "pinakes"))


@pytest.mark.parametrize(("width", "sentence"), [(190, "rows"), (300, "columns")])
def test_cells_beyond_the_limit_are_refused(width, sentence):
    columns = ", ".join(f"c{number} DEFAULT 'x'" for number in range(width))
    script = (
        "CREATE TABLE main_notificationsetting (id integer PRIMARY KEY, settings text, notification_type_id, "
        f"{columns});"
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n <= 5300) "
        "INSERT INTO main_notificationsetting (id) SELECT n FROM c;"
    )
    assert sentence in str(refusal(origins.database(script), known.V5_KEYS, "pinakes"))


def test_text_that_is_none_is_refused():
    script = (
        "CREATE TABLE main_notificationsetting (id integer PRIMARY KEY, settings text, notification_type_id);"
        "INSERT INTO main_notificationsetting VALUES (1, CAST(x'ff' AS text), 1);"
    )
    assert "damaged" in str(refusal(origins.database(script), known.V5_KEYS, "pinakes"))
