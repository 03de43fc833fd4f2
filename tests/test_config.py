"""The settings: what is accepted, and the sentence that each bad value gets."""

from __future__ import annotations

import dataclasses
import re
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import NAMES, SECRETS, ConfigError, Settings, is_loopback, write_local_env
from config_reader import is_placeholder, is_random_enough
from config_stores import StorePlace
from crypto.master_keys import MasterKeys, generate_master_key

ROOT = Path(__file__).resolve().parent.parent
FLASK = "uBzX6cPFbzU0nhkEoyW9Zq1JdT5vK8sR2mLxGa7YtHc"
MASTER = "7MvQpWn3sKxE1dRfTz5hJ8bLcYg0oAiU6t2VwXq4ZkY="
OLD_MASTER = "Zt4pXwV2q6UiAo0gYcLb8Jh5zTfRd1ExKs3nWpQvM7I="
ADMIN = "n3XqVw7ZkT5hJ8bLcYg0oAiU6t2Rf1dEsKxMvQpWz4M"
BACKUP = "LcYg0oAiU6t2VwXq4Zk7MvQpWn3sKxE1dRfTz5hJ8bA"
METRICS = "Yg0oAiU6t2VwXq4Zk7MvQpWn3sKxE1dRfTz5hJ8bLcB"
PRODUCTION = {
    "FLASK_SECRET_KEY": FLASK,
    "ENCRYPTION_KEYS": MASTER,
    "PUBLIC_URL": "https://vault.acme.test",
}
LOCAL = {"APP_ENV": "local", "FLASK_SECRET_KEY": FLASK, "ENCRYPTION_KEYS": MASTER}


def load(base=PRODUCTION, **changes):
    """Load *base* with *changes*; None takes a name out."""
    environ = {name: value for name, value in (base | changes).items() if value is not None}
    return Settings.load(environ, env_file=None)


def faults(base=PRODUCTION, **changes):
    with pytest.raises(ConfigError) as caught:
        load(base, **changes)
    return caught.value.faults


def test_production_needs_two_keys_and_an_address():
    settings = load()

    assert settings.is_production
    assert settings.public_url == "https://vault.acme.test"
    assert settings.allowed_hosts == ("vault.acme.test",)
    assert settings.cookie_name == "__Host-chatelaine"
    assert (settings.session_idle_minutes, settings.session_hours, settings.step_up_minutes) == (30, 12, 5)
    assert (settings.lockout_failures, settings.lockout_minutes) == (5, 60)
    assert (settings.hsts_seconds, settings.secure_hsts_preload) == (31_536_000, False)
    assert (settings.port, settings.trusted_proxies, settings.trash_days) == (8000, 0, 30)
    assert (settings.log_format, settings.log_level) == ("json", "INFO")
    assert settings.database_path == ROOT / "instance/chatelaine.db"


@pytest.mark.parametrize(
    ("base", "address", "place"),
    [
        (PRODUCTION, "https://vault.acme.test", ("vault.acme.test", "https://vault.acme.test")),
        (PRODUCTION, "https://vault.acme.test:443/", ("vault.acme.test", "https://vault.acme.test")),
        (PRODUCTION, "https://Vault.acme.test:8443", ("vault.acme.test", "https://vault.acme.test:8443")),
        (PRODUCTION, "https://192.0.2.7", None),
        (PRODUCTION, "https://[2001:db8::7]:8443", None),
        (LOCAL, None, ("localhost", "http://localhost:8000")),
        (LOCAL, "http://127.0.0.1:9000", ("localhost", "http://localhost:9000")),
        (LOCAL, "http://[::1]:80", ("localhost", "http://localhost")),
        (LOCAL, "http://localhost:8001", ("localhost", "http://localhost:8001")),
    ],
)
def test_passkeys_are_bound_to_the_name_in_the_address(base, address, place):
    assert load(base, PUBLIC_URL=address).passkey_place == place


def test_local_is_plain_http_on_this_machine():
    settings = load(LOCAL)

    assert not settings.is_production
    assert settings.public_url == "http://127.0.0.1:8000"
    assert "127.0.0.1" in settings.allowed_hosts
    assert settings.cookie_name == "chatelaine"
    assert settings.hsts_seconds == 0
    assert settings.log_format == "console"


def test_in_local_the_address_follows_the_port():
    assert load(LOCAL).on_port(9001).public_url == "http://127.0.0.1:9001"
    assert load(LOCAL, PUBLIC_URL="http://localhost:5000").on_port(9001).public_url == "http://localhost:5000"
    assert load().on_port(9001).public_url == "https://vault.acme.test"


def test_an_unset_app_env_means_production():
    assert load(APP_ENV=None).is_production


def test_flask_env_is_read_where_app_env_is_not_set():
    settings = load(LOCAL, APP_ENV=None, FLASK_ENV="local")

    assert not settings.is_production
    assert ("APP_ENV", "local", "FLASK_ENV") in settings.effective()


def test_settings_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        load().trash_days = 1


@pytest.mark.parametrize("name", ["FLASK_SECRET_KEY", "ENCRYPTION_KEYS", "PUBLIC_URL"])
@pytest.mark.parametrize("value", [None, "", "   "])
def test_a_missing_value_is_named_with_the_way_to_make_one(name, value):
    (fault,) = faults(**{name: value})

    assert fault.name == name
    assert fault.sentence.startswith(f"{name} is missing.")
    assert ("generate-key" in fault.sentence) == (name in SECRETS)


WEAK = {
    "placeholder of the example": "your_secret_key_here",
    "another placeholder": "your_admin_token_here",
    "changeme": "changeme",
    "change-me-in-production": "change-me-in-production",
    "long placeholder": "please-change-me-in-production-to-something-long-and-random-1234567",
    "angle brackets": "<paste the output of generate-key here, all of it, please>",
    "one word": "secret",
    "short": "Zt4pXwV2q6UiAo0gYcLb",
    "31 bytes": "uBzX6cPFbzU0nhkEoyW9Zq1JdT5vK8sR2mLxGa7Yt",
    "16 bytes in hexadecimal": "9f86d081884c7d659a2feaa0c55ad015",
    "four different bytes": "f0ff00f00f0f0ff0f0f0f00f0ff0f0f0f00f0f0ff00f0ff0f0f00f0f0ff0f00f",
    "one letter": "a" * 64,
    "zeros": "0" * 64,
    "repeated block": "Zt4pXwV2q6Ui" * 6,
    "alphabet": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "digits": "01234567890123456789012345678901234567890123456789",
}


@pytest.mark.parametrize("name", ["FLASK_SECRET_KEY", "ENCRYPTION_KEYS", "ADMIN_TOKEN", "METRICS_TOKEN"])
@pytest.mark.parametrize("app_env", ["production", "local"])
@pytest.mark.parametrize("value", WEAK.values(), ids=WEAK)
def test_a_weak_secret_is_refused_and_never_shown(name, app_env, value):
    found = faults(PRODUCTION if app_env == "production" else LOCAL, **{name: value})

    assert {fault.name for fault in found} == {name}
    assert "generate-key --kind" in found[0].sentence
    assert all(value not in fault.sentence for fault in found if len(value) > 8)


@pytest.mark.parametrize(
    "value", ["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", FLASK, FLASK + "="]
)
def test_hexadecimal_and_base64_secrets_are_both_taken(value):
    assert load(FLASK_SECRET_KEY=value).flask_secret_key == value


@given(st.binary(min_size=32, max_size=64).filter(lambda key: len(set(key)) >= 24))
def test_no_random_key_is_taken_for_a_weak_one(key):
    assert is_random_enough(key.hex())
    assert not is_placeholder(key.hex())


@pytest.mark.parametrize(
    "value",
    [
        f"{MASTER}:",
        f":{MASTER}",
        f"{MASTER}::{OLD_MASTER}",
        MASTER.replace("=", "=="),
        MASTER[:-2],
        MASTER.replace("Y=", "Z="),
        MASTER.replace("7", "+"),
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        f"{MASTER},{OLD_MASTER}",
        f"{MASTER} {OLD_MASTER}",
    ],
    ids=[
        "empty end",
        "empty start",
        "empty middle",
        "padding",
        "short",
        "loose bits",
        "plain base64",
        "hexadecimal",
        "comma",
        "space",
    ],
)
def test_malformed_encryption_keys_are_refused(value):
    found = faults(ENCRYPTION_KEYS=value)

    assert {fault.name for fault in found} == {"ENCRYPTION_KEYS"}
    assert "--kind encryption" in found[0].sentence


@given(st.text(alphabet="AQgwZ7+-_/=: \n", min_size=40, max_size=46) | st.builds(generate_master_key))
def test_what_the_settings_take_as_keys_the_key_ring_takes_too(value):
    try:
        settings = load(ENCRYPTION_KEYS=value)
    except ConfigError:
        return
    assert MasterKeys.parse(settings.encryption_keys).primary_id


def test_the_second_of_several_keys_is_named_by_its_number():
    (fault,) = faults(ENCRYPTION_KEYS=f"{MASTER}:{OLD_MASTER[:-4]}")

    assert "(key 2 of 2)" in fault.sentence


def test_several_encryption_keys_are_taken_in_order():
    assert load(ENCRYPTION_KEYS=f"{MASTER}:{OLD_MASTER}").encryption_keys == f"{MASTER}:{OLD_MASTER}"


EQUAL_PAIRS = [
    ("FLASK_SECRET_KEY", "ADMIN_TOKEN"),
    ("FLASK_SECRET_KEY", "METRICS_TOKEN"),
    ("ADMIN_TOKEN", "METRICS_TOKEN"),
    ("FLASK_SECRET_KEY", "ENCRYPTION_KEYS"),
    ("ADMIN_TOKEN", "ENCRYPTION_KEYS"),
    ("METRICS_TOKEN", "ENCRYPTION_KEYS"),
]


@pytest.mark.parametrize(("one", "other"), EQUAL_PAIRS)
def test_no_two_secrets_may_be_equal(one, other):
    (fault,) = faults(
        **{one: OLD_MASTER, other: OLD_MASTER.rstrip("=") if other != "ENCRYPTION_KEYS" else OLD_MASTER}
    )

    assert fault.name in {one, other}
    assert one in fault.sentence
    assert other in fault.sentence


def test_a_secret_may_not_equal_an_older_encryption_key():
    (fault,) = faults(ENCRYPTION_KEYS=f"{MASTER}:{OLD_MASTER}", ADMIN_TOKEN=OLD_MASTER)

    assert "same value" in fault.sentence


def test_one_encryption_key_may_not_be_listed_twice():
    (fault,) = faults(ENCRYPTION_KEYS=f"{MASTER}:{MASTER.rstrip('=')}")

    assert "twice" in fault.sentence


BAD = [
    ("APP_ENV", "staging"),
    ("APP_ENV", "Production"),
    ("FLASK_ENV", "development"),
    ("FLASK_DEBUG", "1"),
    ("FLASK_DEBUG", "true"),
    ("PORT", "0"),
    ("PORT", "65536"),
    ("PORT", "-1"),
    ("PORT", "eighty"),
    ("PORT", "٨٠٠٠"),
    ("PORT", "9" * 5000),
    ("TRUSTED_PROXIES", "11"),
    ("TRUSTED_PROXIES", "-1"),
    ("TRUSTED_PROXIES", "1.0"),
    ("SESSION_IDLE_MINUTES", "0"),
    ("SESSION_IDLE_MINUTES", "1441"),
    ("SESSION_IDLE_MINUTES", "721"),
    ("SESSION_HOURS", "0"),
    ("SESSION_HOURS", "169"),
    ("STEP_UP_MINUTES", "0"),
    ("STEP_UP_MINUTES", "61"),
    ("LOCKOUT_FAILURES", "0"),
    ("LOCKOUT_FAILURES", "101"),
    ("LOCKOUT_MINUTES", "0"),
    ("LOCKOUT_MINUTES", "10081"),
    ("SECURE_HSTS_SECONDS", "-1"),
    ("SECURE_HSTS_SECONDS", "126144001"),
    ("SECURE_HSTS_SUBDOMAINS", "yes"),
    ("SECURE_HSTS_PRELOAD", "on"),
    ("SECURE_HSTS_PRELOAD", "true"),
    ("CSP_REPORT_ONLY", "2"),
    ("REQUIRE_2FA", "sometimes"),
    ("RATE_REVEAL", "60"),
    ("RATE_REVEAL", "0/minute"),
    ("RATE_REVEAL", "60/fortnight"),
    ("RATE_REVEAL", "60/minute;5/second"),
    ("RATE_REVEAL", "99999999/minute"),
    ("RATE_SIGN_IN", "off"),
    ("TRASH_DAYS", "0"),
    ("TRASH_DAYS", "3651"),
    ("PUBLIC_URL", "http://vault.acme.test"),
    ("PUBLIC_URL", "vault.acme.test"),
    ("PUBLIC_URL", "https://vault.acme.test/chatelaine"),
    ("PUBLIC_URL", "https://ada:pw@vault.acme.test"),
    ("PUBLIC_URL", "https://@vault.acme.test"),
    ("PUBLIC_URL", "https://vault.acme.test?a=1"),
    ("PUBLIC_URL", "https://vault.acme.test#top"),
    ("PUBLIC_URL", "https://vault.acme.test:99999"),
    ("PUBLIC_URL", "https://vault acme.test"),
    ("PUBLIC_URL", "https://"),
    ("PUBLIC_URL", "https://[::1"),
    ("PUBLIC_URL", "https://<your-address>"),
    ("DATABASE_URL", "mysql://root@localhost/vault"),
    ("DATABASE_URL", "sqlite://"),
    ("DATABASE_URL", "sqlite:///"),
    ("DATABASE_URL", "sqlite:///:memory:"),
    ("DATABASE_URL", "sqlite:///instance/vault.db?mode=ro"),
    ("DATABASE_URL", "postgresql://ada:pw@localhost/vault"),
    ("DATABASE_URL", "postgres://ada:pw@localhost/vault"),
    ("DATABASE_URL", "postgresql+psycopg://ada:pw@localhost"),
    ("DATABASE_URL", "postgresql+psycopg://ada:pw@localhost/vault?sslpassword=x"),
    ("DATABASE_URL", "postgresql+psycopg://ada:pw@localhost:port/vault"),
    ("DATABASE_URL", "postgresql+psycopg://ada:pw@db.acme.test/vault"),
    ("DATABASE_URL", "postgresql+psycopg://ada:pw@db.acme.test/vault?sslmode=prefer"),
    ("DATABASE_URL", "postgresql+psycopg://ada:pw@db.acme.test/vault?sslmode=verify-full&sslmode=disable"),
    ("DATABASE_URL", "postgresql+psycopg://ada:pw@127.0.0.1/vault?host=db.acme.test"),
    ("DATABASE_URL", "postgresql+psycopg://ada:pw@/vault?host=/run/postgresql,db.acme.test"),
    ("DATABASE_URL", "postgresql+psycopg://ada:pw@127.0.0.1/vault?hostaddr=192.0.2.1"),
    ("DATABASE_URL", "postgresql+psycopg://ada:pw@/vault?service=away"),
    ("DATABASE_OWNER_URL", "sqlite:///vault.db"),
    ("DATABASE_OWNER_URL", "postgresql+psycopg://owner:pw@127.0.0.1/vault"),
    ("DATABASE_TLS", "no"),
    ("REDIS_TLS", "false"),
    ("REDIS_URL", "redis://cache.acme.test:6379/0"),
    ("REDIS_URL", "localhost:6379"),
    ("REDIS_URL", "memcached://localhost"),
    ("ATTACHMENTS_TO", "static/files"),
    ("ATTACHMENTS_TO", "instance/../templates"),
    ("ATTACHMENTS_TO", "https://s3.acme.test"),
    ("ATTACHMENTS_TO", "https://s3.acme.test/"),
    ("ATTACHMENTS_TO", "https://s3.acme.test/Bucket"),
    ("ATTACHMENTS_TO", "https://s3.acme.test/bucket/../other"),
    ("ATTACHMENTS_TO", "https://s3.acme.test/bucket?acl"),
    ("ATTACHMENTS_TO", "https://key:secret@s3.acme.test/bucket"),
    ("ATTACHMENTS_TO", "http://s3.acme.test/bucket"),
    ("ATTACHMENTS_TO", "s3://bucket/prefix"),
    ("ATTACHMENT_MAX_MIB", "11"),
    ("ATTACHMENTS_PER_ITEM", "0"),
    ("CLAMD", "clamd"),
    ("CLAMD", "127.0.0.1:0"),
    ("CLAMD", "127.0.0.1:65536"),
    ("CLAMD", "::1:3310"),
    ("CLAMD", "clamav.acme.test:3310"),
    ("CLAMD_MISSING", "yes"),
    ("CLAMD_TLS", "no"),
    ("S3_ACCESS_KEY", "two words"),
    ("S3_SECRET_KEY", "two words"),
    ("S3_REGION", "eu/west"),
    ("S3_TLS", "no"),
    ("EMBED_ORIGINS", "http://huggingface.co"),
    ("EMBED_ORIGINS", "*"),
    ("EMBED_ORIGINS", "https://*.hf.space"),
    ("EMBED_ORIGINS", "https://huggingface.co/spaces"),
    ("EMBED_ORIGINS", "https://huggingface.co; script-src *"),
    ("EMBED_ORIGINS", "https://huggingface.co https://a@b.test"),
    ("OWNER_EMAIL", "ada"),
    ("OWNER_EMAIL", "ada@acme.test, bob@acme.test"),
    ("OWNER_EMAIL", "Ada <ada@acme.test>"),
    ("ORGANIZATION_NAME", "A" * 101),
    ("ORGANIZATION_NAME", "Acme\nOwner"),
    ("AUDIT_SINK", "/var/log/"),
    ("SECURITY_CONTACT", "security@acme.test"),
    ("SECURITY_CONTACT", "http://acme.test/security"),
    ("SECURITY_CONTACT", "mailto:security@acme.test\r\nExpires: never"),
    ("LOG_FORMAT", "xml"),
    ("LOG_LEVEL", "TRACE"),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_value_stops_the_start_with_its_name(name, value):
    found = faults(**{name: value})

    assert {fault.name for fault in found} == {name}
    assert all(fault.sentence.startswith(name) for fault in found)
    assert all(value not in fault.sentence for fault in found if len(value) > 10)


def test_every_fault_is_told_at_once():
    found = faults(FLASK_SECRET_KEY="changeme", ENCRYPTION_KEYS=None, PORT="no", LOG_LEVEL="loud")

    assert {fault.name for fault in found} == {"FLASK_SECRET_KEY", "ENCRYPTION_KEYS", "PORT", "LOG_LEVEL"}


def test_app_env_and_its_alias_may_not_disagree():
    (fault,) = faults(APP_ENV="production", FLASK_ENV="local")

    assert fault.name == "FLASK_ENV"


GOOD = [
    ("PUBLIC_URL", "https://Vault.Acme.test/", "public_url", "https://vault.acme.test"),
    ("PUBLIC_URL", "https://vault.acme.test:8443", "public_url", "https://vault.acme.test:8443"),
    ("TRUSTED_PROXIES", "10", "trusted_proxies", 10),
    ("FLASK_DEBUG", "0", "app_env", "production"),
    ("CSP_REPORT_ONLY", "1", "csp_report_only", True),
    ("REQUIRE_2FA", "false", "require_2fa", False),
    ("REQUIRE_2FA", "1", "require_2fa", True),
    ("CSP_REPORT_ONLY", "False", "csp_report_only", False),
    ("SECURE_HSTS_SECONDS", "0", "hsts_seconds", 0),
    ("EMBED_ORIGINS", "https://huggingface.co", "embed_origins", ("https://huggingface.co",)),
    (
        "EMBED_ORIGINS",
        "https://a.test, https://b.test:8443",
        "embed_origins",
        ("https://a.test", "https://b.test:8443"),
    ),
    ("SECURITY_CONTACT", "mailto:security@acme.test", "security_contact", "mailto:security@acme.test"),
    ("SECURITY_CONTACT", "https://acme.test/security", "security_contact", "https://acme.test/security"),
    ("AUDIT_SINK", "stdout", "audit_sink", "stdout"),
    ("AUDIT_SINK", "/var/log/chain", "audit_sink", Path("/var/log/chain")),
    ("AUDIT_SINK", "instance/chain", "audit_sink", ROOT / "instance/chain"),
    ("LOG_FORMAT", "console", "log_format", "console"),
    ("LOG_LEVEL", "debug", "log_level", "DEBUG"),
    ("OWNER_EMAIL", "ada@acme.test", "owner_email", "ada@acme.test"),
    ("ORGANIZATION_NAME", "Ácme & Søns", "organization_name", "Ácme & Søns"),
    ("REDIS_URL", "redis://127.0.0.1:6379/0", "redis_url", "redis://127.0.0.1:6379/0"),
    ("REDIS_URL", "rediss://cache.acme.test", "redis_url", "rediss://cache.acme.test"),
    ("REDIS_TLS", "OFF", "redis_tls", "off"),
    ("DATABASE_TLS", "off", "database_tls", "off"),
    ("DATABASE_URL", "postgresql+psycopg://ada@/vault?host=/run/postgresql", "database_path", None),
    ("DATABASE_URL", "postgresql+psycopg://ada@/vault", "database_path", None),
    ("DATABASE_URL", "postgresql+psycopg://ada@db.acme.test/vault?sslmode=require", "database_path", None),
    ("DATABASE_URL", "postgresql+psycopg://ada@db.acme.test/vault?sslmode=verify-ca", "database_path", None),
    ("DATABASE_URL", "sqlite:////data/vault.db", "database_path", Path("/data/vault.db")),
    ("DATABASE_URL", "sqlite:///vault.db", "database_path", ROOT / "vault.db"),
    ("DATABASE_URL", "postgresql+psycopg://ada:pw@127.0.0.1/vault", "database_path", None),
    (
        "DATABASE_URL",
        "postgresql+psycopg://ada:p%40w@db.acme.test/vault?sslmode=verify-full",
        "database_path",
        None,
    ),
]


@pytest.mark.parametrize(("name", "value", "attribute", "expected"), GOOD)
def test_a_good_value_is_understood(name, value, attribute, expected):
    assert getattr(load(**{name: value}), attribute) == expected


STORE = {"S3_ACCESS_KEY": "AKIDACME", "S3_SECRET_KEY": "wJalr/EMI+K7"}


def test_files_lie_beside_the_sqlite_file_unless_they_are_told_where():
    at = {"DATABASE_URL": "sqlite:////var/lib/chatelaine/vault.db"}
    assert load(**at).attachments_to == StorePlace(folder=Path("/var/lib/chatelaine/attachments"))
    assert load(**at, ATTACHMENTS_TO="files").attachments_to == StorePlace(folder=ROOT / "files")
    here = "postgresql+psycopg://ada:pw@127.0.0.1/vault"
    assert load(DATABASE_URL=here).attachments_to == StorePlace(folder=ROOT / "instance" / "attachments")


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("https://s3.acme.test/bucket", ("https://s3.acme.test", "bucket", "")),
        (
            "https://S3.acme.test:9000/bucket.of/our/own/",
            ("https://s3.acme.test:9000", "bucket.of", "our/own/"),
        ),
        ("http://127.0.0.1:9000/bucket", ("http://127.0.0.1:9000", "bucket", "")),
    ],
)
def test_an_s3_compatible_store_is_named_by_its_address(address, place):
    settings = load(ATTACHMENTS_TO=address, **STORE)
    found = settings.attachments_to
    assert (found.folder, (found.endpoint, found.bucket, found.prefix)) == (None, place)
    shown = {name: text for name, text, _ in settings.effective()}
    assert shown["ATTACHMENTS_TO"] == address.lower().rstrip("/")
    assert (shown["S3_ACCESS_KEY"], shown["S3_SECRET_KEY"]) == ("AKIDACME", "set")
    assert STORE["S3_SECRET_KEY"] not in repr(settings)


def test_such_a_store_needs_an_account_and_tls():
    found = faults(ATTACHMENTS_TO="https://s3.acme.test/bucket")
    assert {fault.name for fault in found} == {"S3_ACCESS_KEY", "S3_SECRET_KEY"}
    (fault,) = faults(ATTACHMENTS_TO="http://s3.acme.test/bucket", **STORE)
    assert "S3_TLS=off" in fault.sentence
    assert load(ATTACHMENTS_TO="http://s3.acme.test/bucket", S3_TLS="off", **STORE).s3_tls == "off"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("/run/clamav/clamd.ctl", ("/run/clamav/clamd.ctl", None)),
        ("127.0.0.1:3310", ("127.0.0.1", 3310)),
        ("[::1]:3310", ("::1", 3310)),
    ],
)
def test_a_scanner_is_named_by_its_socket_or_port(text, place):
    settings = load(CLAMD=text)
    assert (settings.clamd.host, settings.clamd.port) == place
    assert ("CLAMD", text) in [(name, shown) for name, shown, _ in settings.effective()]


def test_a_scanner_on_another_machine_is_allowed_by_name_only():
    (fault,) = faults(CLAMD="clamav:3310")
    assert "CLAMD_TLS=off" in fault.sentence
    assert load(CLAMD="clamav:3310", CLAMD_TLS="off").clamd.host == "clamav"


SERVER = "postgresql+psycopg://ada:pw@db.acme.test/vault"


def test_a_way_without_tls_to_another_machine_is_allowed_by_name_only():
    (fault,) = faults(DATABASE_URL=SERVER)
    assert "DATABASE_TLS=off" in fault.sentence
    assert load(DATABASE_URL=SERVER, DATABASE_TLS="off").database_url == SERVER
    (fault,) = faults(REDIS_URL="redis://cache")
    assert "REDIS_TLS=off" in fault.sentence
    assert load(REDIS_URL="redis://cache", REDIS_TLS="off").redis_url == "redis://cache"


def test_that_one_is_switched_off_says_nothing_of_the_other():
    (fault,) = faults(DATABASE_URL=SERVER, REDIS_TLS="off")
    assert fault.name == "DATABASE_URL"
    (fault,) = faults(REDIS_URL="redis://cache", DATABASE_TLS="off")
    assert fault.name == "REDIS_URL"


def test_tls_is_asked_for_in_local_too():
    (fault,) = faults(APP_ENV="local", PUBLIC_URL=None, DATABASE_URL=SERVER)
    assert fault.name == "DATABASE_URL"


def test_the_owner_is_another_role_on_the_same_terms():
    here = "postgresql+psycopg://{}:pw@127.0.0.1/vault"
    settings = load(DATABASE_URL=here.format("app"), DATABASE_OWNER_URL=here.format("owner"))
    assert settings.database_owner_url == here.format("owner")
    (fault,) = faults(DATABASE_URL=here.format("app"), DATABASE_OWNER_URL=here.format("app"))
    assert "same role" in fault.sentence
    (fault,) = faults(DATABASE_URL=here.format("app"), DATABASE_OWNER_URL=SERVER)
    assert fault.name == "DATABASE_OWNER_URL"


def test_preloading_hsts_needs_a_year_and_the_subdomains():
    assert load(SECURE_HSTS_PRELOAD="true", SECURE_HSTS_SUBDOMAINS="true").secure_hsts_preload
    (fault,) = faults(
        SECURE_HSTS_PRELOAD="true", SECURE_HSTS_SUBDOMAINS="true", SECURE_HSTS_SECONDS="31535999"
    )
    assert fault.name == "SECURE_HSTS_PRELOAD"


@pytest.mark.parametrize(
    "url", ["https://vault.acme.test", "http://192.168.0.10:8000", "http://vault.acme.test"]
)
def test_local_takes_no_address_that_others_can_reach(url):
    (fault,) = faults(LOCAL, PUBLIC_URL=url)

    assert fault.name == "PUBLIC_URL"


def test_flask_debug_is_nobody_elses_business_in_local():
    assert load(LOCAL, FLASK_DEBUG="1").app_env == "local"


def test_in_a_space_its_host_is_the_address_and_one_proxy_is_believed():
    settings = load(PUBLIC_URL=None, SPACE_HOST="acme-vault.hf.space", SPACE_ID="acme/vault")

    assert settings.public_url == "https://acme-vault.hf.space"
    assert settings.trusted_proxies == 1
    assert ("PUBLIC_URL", "https://acme-vault.hf.space", "SPACE_HOST") in settings.effective()


def test_in_the_container_the_database_and_the_port_have_their_own_places():
    settings = load(CHATELAINE_CONTAINER="1")

    assert settings.database_path == Path("/data/chatelaine.db")
    assert settings.port == 7860


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("127.8.8.8", True),
        ("0.0.0.0", False),
        ("192.168.0.1", False),
        ("vault.acme.test", False),
        ("", False),
    ],
)
def test_loopback_hosts_are_told_from_others(host, loopback):
    assert is_loopback(host) is loopback


def test_secrets_can_come_from_files(tmp_path):
    for name, value in [
        ("FLASK_SECRET_KEY", FLASK),
        ("ENCRYPTION_KEYS", MASTER),
        ("ADMIN_TOKEN", ADMIN),
        ("BACKUP_KEY", BACKUP),
        ("METRICS_TOKEN", METRICS),
        ("DATABASE_URL", "postgresql+psycopg://ada@/x"),
        ("DATABASE_OWNER_URL", "postgresql+psycopg://owner@/x"),
        ("REDIS_URL", "rediss://cache"),
        ("S3_SECRET_KEY", "wJalr/EMI+K7"),
    ]:
        (tmp_path / name).write_text(f"{value}\n")
    settings = load(
        {"PUBLIC_URL": "https://vault.acme.test"} | {f"{name}_FILE": str(tmp_path / name) for name in SECRETS}
    )

    assert settings.flask_secret_key == FLASK
    assert settings.encryption_keys == MASTER
    assert settings.admin_token == ADMIN
    assert settings.backup_key == BACKUP
    assert settings.metrics_token == METRICS
    assert settings.database_url == "postgresql+psycopg://ada@/x"
    assert settings.database_owner_url == "postgresql+psycopg://owner@/x"
    assert settings.redis_url == "rediss://cache"
    assert settings.s3_secret_key == "wJalr/EMI+K7"
    assert ("ADMIN_TOKEN", "set", "ADMIN_TOKEN_FILE") in settings.effective()


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_and_its_file_are_not_both_taken(name, tmp_path):
    (tmp_path / "secret").write_text(ADMIN)
    found = faults(**{name: PRODUCTION.get(name, METRICS), f"{name}_FILE": str(tmp_path / "secret")})

    assert any(fault.name == name and "both set" in fault.sentence for fault in found)


@pytest.mark.parametrize(
    "content",
    [None, b"", b"  \n", b"\xff\xfe", b"x" * 65537],
    ids=["missing", "empty", "blank", "binary", "huge"],
)
def test_a_secret_file_that_cannot_be_used_is_named(tmp_path, content):
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    (fault,) = faults(FLASK_SECRET_KEY=None, FLASK_SECRET_KEY_FILE=str(path))

    assert fault.name == "FLASK_SECRET_KEY_FILE"


def test_no_secret_shows_in_repr_or_in_the_list_of_settings():
    settings = load(
        ADMIN_TOKEN=ADMIN,
        METRICS_TOKEN=METRICS,
        REDIS_URL="rediss://:hunter2@cache",
        DATABASE_URL="postgresql+psycopg://ada:hunter2@db.acme.test/vault?sslmode=verify-full",
    )
    shown = repr(settings) + str(settings.effective())

    assert not [value for value in (FLASK, MASTER, ADMIN, METRICS, "hunter2", "ada") if value in shown]
    assert ("ADMIN_TOKEN", "set", "environment") in settings.effective()
    assert ("AUDIT_SINK", "not set", "default") in settings.effective()
    assert ("DATABASE_URL", "PostgreSQL", "environment") in settings.effective()
    assert ("CSP_REPORT_ONLY", "false", "default") in settings.effective()


# --- The .env file


def test_the_environment_beats_the_file(tmp_path):
    env_file = tmp_path / ".env"
    env_file.write_text(
        f"# mine\n\nFLASK_SECRET_KEY={FLASK}\nENCRYPTION_KEYS='{MASTER}'\nTRASH_DAYS=7\nPORT = 9000\n"
    )
    settings = Settings.load({"PUBLIC_URL": "https://vault.acme.test", "PORT": "9001"}, env_file=env_file)

    assert (settings.trash_days, settings.port) == (7, 9001)
    assert ("TRASH_DAYS", "7", ".env") in settings.effective()
    assert ("PORT", "9001", "environment") in settings.effective()


def test_a_missing_file_is_no_fault(tmp_path):
    assert Settings.load(PRODUCTION, env_file=tmp_path / ".env").is_production


BAD_LINES = {
    "no equals sign": "PORT",
    "small letters": "port=8000",
    "exported": "export PORT=8000",
    "twice": "PORT=8000\nPORT=8001",
    "open quotation": 'ORGANIZATION_NAME="Acme',
    "inner quotation": 'ORGANIZATION_NAME="Ac"me"',
    "one quotation mark": 'ORGANIZATION_NAME="',
    "remark behind a value": "PORT=8000 # not here",
    "slip": "TRUSTED_PROXYS=1",
}


@pytest.mark.parametrize("lines", BAD_LINES.values(), ids=BAD_LINES)
def test_a_line_that_cannot_be_understood_is_named_by_its_number(tmp_path, lines):
    env_file = tmp_path / ".env"
    env_file.write_text(f"# first\n{lines}\n")
    with pytest.raises(ConfigError) as caught:
        Settings.load(PRODUCTION, env_file=env_file)

    (fault,) = caught.value.faults
    assert fault.name == ".env"
    assert re.match(r"Line [23] of \.env ", fault.sentence)


def test_names_of_other_programs_in_the_file_are_left_alone(tmp_path):
    env_file = tmp_path / ".env"
    env_file.write_text("COMPOSE_PROJECT_NAME=vault\n")

    assert Settings.load(PRODUCTION, env_file=env_file).is_production


def test_a_file_that_is_not_text_is_named(tmp_path):
    (tmp_path / ".env").write_bytes(b"PORT=\xff\n")
    with pytest.raises(ConfigError) as caught:
        Settings.load(PRODUCTION, env_file=tmp_path / ".env")

    assert "UTF-8" in caught.value.faults[0].sentence


def test_a_folder_in_the_place_of_the_file_is_named(tmp_path):
    with pytest.raises(ConfigError) as caught:
        Settings.load(PRODUCTION, env_file=tmp_path)

    assert "cannot be read" in caught.value.faults[0].sentence


def test_a_written_file_is_the_owners_alone_and_loads(tmp_path):
    env_file = tmp_path / ".env"
    write_local_env(env_file, flask_secret_key=FLASK, encryption_key=MASTER)

    assert stat.S_IMODE(env_file.stat().st_mode) == 0o600
    settings = Settings.load({}, env_file=env_file)
    assert (settings.app_env, settings.flask_secret_key, settings.encryption_keys) == ("local", FLASK, MASTER)


def test_a_file_that_is_there_is_never_overwritten(tmp_path):
    env_file = tmp_path / ".env"
    env_file.write_text("# mine\n")
    with pytest.raises(FileExistsError):
        write_local_env(env_file, flask_secret_key=FLASK, encryption_key=MASTER)

    assert env_file.read_text() == "# mine\n"


# --- The example and what git ignores


def example():
    lines = (ROOT / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_the_example_holds_every_setting_and_nothing_else():
    assert set(example()) == set(NAMES)


def test_each_line_of_the_example_has_a_remark_above_it():
    blocks = (ROOT / ".env.example").read_text().strip().split("\n\n")

    assert all(block.startswith("#") for block in blocks)


@pytest.mark.parametrize("name", [name for name, value in example().items() if name in SECRETS and value])
def test_the_start_refuses_each_placeholder_of_the_example(name):
    (fault,) = faults(**{name: example()[name]})

    assert fault.name == name
    assert "placeholder" in fault.sentence


def test_the_example_itself_does_not_start():
    with pytest.raises(ConfigError) as caught:
        Settings.load({}, env_file=ROOT / ".env.example")

    assert {fault.name for fault in caught.value.faults} == {
        "FLASK_SECRET_KEY", "ENCRYPTION_KEYS", "ADMIN_TOKEN", "BACKUP_KEY", "METRICS_TOKEN", "PUBLIC_URL",
    }  # fmt: skip


def test_the_other_values_of_the_example_are_the_defaults():
    given_values = {name: value for name, value in example().items() if name not in SECRETS and value}

    settings = Settings.load(given_values | PRODUCTION, env_file=None)
    assert settings == load()


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".env.production",
        "instance/chatelaine.db",
        "vault.sqlite",
        "vault.db-wal",
        "tls.key",
        "tls.pem",
        "credentials.json",
        ".venv/bin/python",
    ],
)
def test_git_ignores_secrets_and_data(path):
    assert subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("path", [".env.example", "instance/.gitkeep", "config.py"])
def test_git_keeps_what_belongs_to_the_program(path):
    assert subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT, check=False).returncode == 1
