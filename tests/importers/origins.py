"""Databases of the programs that people come from, with the values of tests/crypto/test_origins.py."""

from __future__ import annotations

import csv
import io
import json
import sqlite3

from cryptography.fernet import Fernet

from tests.crypto import test_origins as known

SCORE_KEY = known.SCORE_KEY
TENANT = "11111111-1111-1111-1111-111111111111"
SECRET = "my-super-secret-api-key"


def database(script: str, *rows: tuple[str, tuple], wal: bool = False) -> bytes:
    """Make a SQLite file in memory."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(script)
    for statement, values in rows:
        connection.execute(statement, values)
    connection.commit()
    data = connection.serialize()
    connection.close()
    return data[:18] + b"\x02\x02" + data[20:] if wal else data


def as_csv(headings: list[str], *rows: list[str]) -> bytes:
    """Write a table as databases export it."""
    text = io.StringIO()
    csv.writer(text).writerows([headings, *rows])
    return text.getvalue().encode()


def score_token(tenant: str = TENANT) -> str:
    """Encrypt the secret as SCORE does."""
    return Fernet(known.TENANTS[tenant]).encrypt(SECRET.encode()).decode()


SCORE_TABLES = """
CREATE TABLE "tenants_tenant" ("id" char(32) NOT NULL PRIMARY KEY, "name" varchar(200) NOT NULL);
CREATE TABLE "connectors_connectorconfig" (
    "id" char(32) NOT NULL PRIMARY KEY, "name" varchar(200) NOT NULL, "connector_type" varchar(20) NOT NULL,
    "enabled" bool NOT NULL, "config" text NOT NULL, "credential_ref" varchar(500) NOT NULL,
    "encrypted_secret" text NOT NULL, "tenant_id" char(32) NOT NULL
);
"""
SCORE_ROW = "INSERT INTO connectors_connectorconfig VALUES (?, ?, ?, 1, ?, ?, ?, ?)"


def score(*, wal: bool = False) -> bytes:
    """Make a database of SCORE: a secret, a reference, and a connector without either."""
    config = json.dumps(
        {"site_url": "https://wiki.example.com", "api_token": "t-1", "spaces": ["A"], "n": {}}
    )
    tenant = TENANT.replace("-", "")
    return database(
        SCORE_TABLES,
        ("INSERT INTO tenants_tenant VALUES (?, ?)", (tenant, "Town hall")),
        (SCORE_ROW, ("a", "Wiki", "confluence", config, "", score_token(), tenant)),
        (SCORE_ROW, ("b", "Share", "sharepoint", "{}", "SHAREPOINT_SECRET", "", tenant)),
        (SCORE_ROW, ("c", "Files", "generic", "{}", "", "", tenant)),
        wal=wal,
    )


CLIENT_STOR_TABLES = """
CREATE TABLE organizations (id integer PRIMARY KEY, name varchar(255));
CREATE TABLE password_folders (id integer PRIMARY KEY, name varchar(100), parent_id bigint);
CREATE TABLE tags (id integer PRIMARY KEY, name varchar(100));
CREATE TABLE passwords_tags (id integer PRIMARY KEY, password_id bigint, tag_id bigint);
CREATE TABLE passwords (
    id integer PRIMARY KEY, organization_id bigint, folder_id bigint, title varchar(255), username text,
    url varchar(2000), notes text, password_type varchar(20), encrypted_password text, otp_secret text,
    expires_at datetime, custom_fields text, license_key text, database_host text, database_port text,
    database_name text, database_type text, ssh_host text, ssh_port text DEFAULT '22', otp_issuer text
);
CREATE TABLE psa_connections (
    id integer PRIMARY KEY, organization_id bigint, name text, provider_type text, base_url text,
    encrypted_credentials text
);
CREATE TABLE auth_user (id integer PRIMARY KEY, username varchar(150));
CREATE TABLE personal_vault (
    id integer PRIMARY KEY, user_id bigint, title text, encrypted_content text, category text
);
INSERT INTO organizations VALUES (1, 'Acme');
INSERT INTO password_folders VALUES (1, 'Servers', NULL), (2, 'Web', 1), (3, 'Circle', 4), (4, 'Le', 3);
INSERT INTO tags VALUES (1, 'old');
INSERT INTO passwords_tags VALUES (1, 1, 1);
INSERT INTO auth_user VALUES (7, 'ada');
"""


def client_stor(*rows: dict[str, object]) -> bytes:
    """Make a database of Client St0r with these passwords."""
    statements = [
        (
            f"INSERT INTO passwords ({', '.join(row)}) VALUES ({', '.join('?' for _ in row)})",
            tuple(row.values()),
        )
        for row in rows
    ]
    connection = json.dumps({"api_key": known.V3, "client_id": known.V3})
    return database(
        CLIENT_STOR_TABLES,
        *statements,
        ("INSERT INTO psa_connections VALUES (1, 1, 'Halo', 'halo_psa', 'https://halo', ?)", (connection,)),
        ("INSERT INTO personal_vault VALUES (1, 7, 'Mine', ?, 'Notes')", (known.V3,)),
    )


def pinakes() -> bytes:
    """Make a database of Pinakes, written under both keys."""
    return database(
        "CREATE TABLE main_notificationtype (id integer PRIMARY KEY, n_type text);"
        "CREATE TABLE main_notificationsetting (id integer PRIMARY KEY, name text, settings text, "
        "notification_type_id bigint); INSERT INTO main_notificationtype VALUES (1, 'email');",
        ("INSERT INTO main_notificationsetting VALUES (1, 'Mail', ?, 1)", (known.V5_OLD,)),
        ("INSERT INTO main_notificationsetting VALUES (2, 'New', ?, 1)", (known.V5_NEW,)),
        ("INSERT INTO main_notificationsetting VALUES (3, 'None', NULL, 1)", ()),
    )
