"""The providers of single sign-on among the settings: what is accepted, and what a bad value is told."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from app import ROOT
from assembly import providers
from commands.check import _files
from commands.secrets import secrets
from config import NAMES, ConfigError, Settings, load_secrets, secret_names
from config_providers import PARTS, PROVIDERS_MAX
from policy import Role
from tests.test_config import LOCAL, PRODUCTION

SECRET = "GOCSPX-9fK2mQ7wZt"
WORK = {
    "OIDC_PROVIDERS": "work",
    "OIDC_WORK_ISSUER": "https://login.acme.test/realms/team",
    "OIDC_WORK_CLIENT_ID": "chatelaine",
    "OIDC_WORK_CLIENT_SECRET": SECRET,
}
SPACE = {
    "SPACE_ID": "acme/vault",
    "OAUTH_CLIENT_ID": "0a1b2c3d",
    "OAUTH_CLIENT_SECRET": "4e5f6a7b-8c9d",
    "OPENID_PROVIDER_URL": "https://huggingface.co",
}


def load(base=PRODUCTION, **changes):
    environ = {name: value for name, value in (base | changes).items() if value is not None}
    return Settings.load(environ, env_file=None)


def faults(base=PRODUCTION, **changes):
    with pytest.raises(ConfigError) as caught:
        load(base, **changes)
    return {fault.name: fault.sentence for fault in caught.value.faults}


def test_without_any_there_is_none():
    assert load().oidc_providers == ()


def test_a_provider_needs_a_name_an_address_an_id_and_a_secret():
    (work,) = load(**WORK).oidc_providers
    assert (work.name, work.label) == ("work", "Work")
    assert (work.issuer, work.client_id, work.client_secret) == (
        "https://login.acme.test/realms/team",
        "chatelaine",
        SECRET,
    )
    assert work.scopes == ("openid", "email", "profile")
    assert (work.organization, work.allowed_domains, work.default_role) == (None, (), "member")
    assert (work.trust_mfa, work.mfa_acr, work.email_is_verified) == (True, (), False)


def test_everything_that_can_be_said_of_a_provider_arrives_where_it_is_used():
    settings = load(
        **WORK,
        OIDC_WORK_LABEL="Acme & Co",
        OIDC_WORK_SCOPES="openid email",
        OIDC_WORK_ORGANIZATION="acme",
        OIDC_WORK_ALLOWED_DOMAINS="Acme.test, acme.example",
        OIDC_WORK_DEFAULT_ROLE="Auditor",
        OIDC_WORK_TRUST_MFA="false",
        OIDC_WORK_MFA_ACR="gold urn:two",
        OIDC_WORK_EMAIL_IS_VERIFIED="true",
    )
    (work,) = providers(settings)
    assert (work.name, work.label, work.organization) == ("work", "Acme & Co", "acme")
    assert (work.issuer, work.client_id, work.client_secret) == (
        "https://login.acme.test/realms/team",
        "chatelaine",
        SECRET,
    )
    assert list(work.scopes) == ["openid", "email"]
    assert (work.domains, work.role) == (frozenset({"acme.test", "acme.example"}), Role.AUDITOR)
    assert (work.trusts_mfa, work.levels, work.email_is_verified) == (False, ("gold", "urn:two"), True)
    assert not work.plain


def test_several_keep_their_order_and_a_hyphen_becomes_a_line():
    settings = load(
        **WORK
        | {
            "OIDC_PROVIDERS": "my-team, work",
            "OIDC_MY_TEAM_ISSUER": "https://id.acme.test",
            "OIDC_MY_TEAM_CLIENT_ID": "x",
            "OIDC_MY_TEAM_CLIENT_SECRET": "another-secret-9",
        }
    )
    assert [(each.name, each.label) for each in settings.oidc_providers] == [
        ("my-team", "My Team"),
        ("work", "Work"),
    ]


@pytest.mark.parametrize("missing", ["ISSUER", "CLIENT_ID", "CLIENT_SECRET"])
def test_what_is_missing_is_named(missing):
    found = faults(**WORK | {f"OIDC_WORK_{missing}": None})
    assert list(found) == [f"OIDC_WORK_{missing}"]
    assert "is missing" in found[f"OIDC_WORK_{missing}"]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("OIDC_PROVIDERS", "Work", "small letters"),
        ("OIDC_PROVIDERS", "work,work", "different names"),
        ("OIDC_PROVIDERS", "work,code", "small letters"),
        ("OIDC_PROVIDERS", "../x", "small letters"),
        ("OIDC_PROVIDERS", "-work", "small letters"),
        ("OIDC_PROVIDERS", "w" * 21, "small letters"),
        ("OIDC_WORK_ISSUER", "http://login.acme.test", "https"),
        ("OIDC_WORK_ISSUER", "http://127.0.0.1:8080", "https"),
        ("OIDC_WORK_ISSUER", "login.acme.test", "https"),
        ("OIDC_WORK_ISSUER", "https://a:b@login.acme.test", "https"),
        ("OIDC_WORK_ISSUER", "https://login.acme.test/?x=1", "https"),
        ("OIDC_WORK_ISSUER", "https://login.acme.test/#x", "https"),
        ("OIDC_WORK_ISSUER", "https://login.acme.test:99999", "https"),
        ("OIDC_WORK_ISSUER", "https://login.microsoftonline.com/{tenantid}/v2.0", "https"),
        ("OIDC_WORK_CLIENT_ID", "naïve", "printable"),
        ("OIDC_WORK_CLIENT_SECRET", "your_client_secret", "placeholder"),
        ("OIDC_WORK_CLIENT_SECRET", "changeme", "placeholder"),
        ("OIDC_WORK_CLIENT_SECRET", "short", "8 or more"),
        ("OIDC_WORK_LABEL", "x" * 41, "button"),
        ("OIDC_WORK_SCOPES", "email profile", "openid among them"),
        ("OIDC_WORK_SCOPES", 'openid "email"', "openid among them"),
        ("OIDC_WORK_ORGANIZATION", "Acme Inc", "addresses name it"),
        ("OIDC_WORK_ALLOWED_DOMAINS", "acme.test", "OIDC_WORK_ORGANIZATION"),
        ("OIDC_WORK_ALLOWED_DOMAINS", "@acme.test", "domains"),
        ("OIDC_WORK_ALLOWED_DOMAINS", "*.acme.test", "domains"),
        ("OIDC_WORK_ALLOWED_DOMAINS", "test", "domains"),
        ("OIDC_WORK_DEFAULT_ROLE", "admin", "member or auditor"),
        ("OIDC_WORK_DEFAULT_ROLE", "owner", "member or auditor"),
        ("OIDC_WORK_TRUST_MFA", "maybe", "true or false"),
        ("OIDC_WORK_EMAIL_IS_VERIFIED", "maybe", "true or false"),
        ("OIDC_WORK_ALOWED_DOMAINS", "acme.test", "is no setting"),
        ("OIDC_WORK_", "x", "is no setting"),
    ],
)
def test_a_bad_value_gets_a_sentence_that_names_the_variable_and_never_a_secret(name, value, words):
    found = faults(**WORK | {name: value})
    assert list(found) == [name]
    assert found[name].startswith(name)
    assert words in found[name]
    assert "SECRET" not in name or value not in found[name]


def test_there_are_eight_at_most():
    names = [f"p{number}" for number in range(PROVIDERS_MAX + 1)]
    found = faults(OIDC_PROVIDERS=",".join(names))
    assert "at most 8" in found["OIDC_PROVIDERS"]


def test_plain_http_is_for_this_machine_in_local_alone():
    (work,) = load(LOCAL, **WORK | {"OIDC_WORK_ISSUER": "http://127.0.0.1:8080"}).oidc_providers
    assert work.issuer == "http://127.0.0.1:8080"
    assert "OIDC_WORK_ISSUER" in faults(LOCAL, **WORK | {"OIDC_WORK_ISSUER": "http://login.acme.test"})


def test_one_issuer_stands_once():
    other = {name.replace("WORK", "HOME"): value for name, value in WORK.items() if name != "OIDC_PROVIDERS"}
    found = faults(**WORK | other | {"OIDC_PROVIDERS": "work,home"})
    assert list(found) == ["OIDC_HOME_ISSUER"]


def test_a_provider_that_is_not_named_is_not_read():
    assert load(**WORK | {"OIDC_PROVIDERS": None}).oidc_providers == ()


def test_the_secret_may_come_from_a_file(tmp_path):
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    changes = WORK | {"OIDC_WORK_CLIENT_SECRET": None, "OIDC_WORK_CLIENT_SECRET_FILE": str(file)}
    assert load(**changes).oidc_providers[0].client_secret == SECRET
    assert list(faults(**changes | {"OIDC_WORK_CLIENT_SECRET": SECRET})) == ["OIDC_WORK_CLIENT_SECRET"]
    file.unlink()
    assert list(faults(**changes)) == ["OIDC_WORK_CLIENT_SECRET_FILE"]


# Secrets


def test_the_secret_is_never_shown():
    settings = load(**WORK)
    assert SECRET not in repr(settings)
    assert SECRET not in repr(settings.oidc_providers)
    shown = {name: (text, source) for name, text, source in settings.effective()}
    assert shown["OIDC_WORK_CLIENT_SECRET"] == ("set", "environment")
    assert shown["OIDC_WORK_ISSUER"] == ("https://login.acme.test/realms/team", "environment")
    assert shown["OIDC_PROVIDERS"] == ("work", "environment")
    assert {f"OIDC_WORK_{part}" for part in PARTS} <= shown.keys()
    assert set(NAMES) <= shown.keys()
    assert SECRET not in str(shown)


def test_what_speaks_with_the_provider_does_not_show_it_either():
    (work,) = providers(load(**WORK))
    assert SECRET not in repr(work)


def test_it_is_among_the_secrets_that_are_checked():
    assert "OIDC_WORK_CLIENT_SECRET" in secret_names(load(**WORK))
    with pytest.raises(ConfigError) as caught:
        load_secrets(PRODUCTION | WORK | {"OIDC_WORK_CLIENT_SECRET": "changeme"}, env_file=None)
    assert [fault.name for fault in caught.value.faults] == ["OIDC_WORK_CLIENT_SECRET"]
    load_secrets(PRODUCTION | WORK, env_file=None)


# A Hugging Face Space


def test_a_space_with_hf_oauth_brings_its_provider_along():
    settings = load(**SPACE, OAUTH_SCOPES="openid profile email")
    (space,) = settings.oidc_providers
    assert (space.name, space.label, space.issuer) == (
        "huggingface",
        "Hugging Face",
        "https://huggingface.co",
    )
    assert (space.client_id, space.client_secret) == ("0a1b2c3d", "4e5f6a7b-8c9d")
    assert space.scopes == ("openid", "profile", "email")
    assert "4e5f6a7b-8c9d" not in repr(settings)


@pytest.mark.parametrize("missing", SPACE)
def test_only_with_all_that_belongs_to_it(missing):
    assert load(**{name: value for name, value in SPACE.items() if name != missing}).oidc_providers == ()


def test_what_is_set_for_it_counts_for_more_and_others_stand_beside_it():
    settings = load(
        **SPACE,
        **WORK,
        OIDC_HUGGINGFACE_ORGANIZATION="acme",
        OIDC_HUGGINGFACE_ALLOWED_DOMAINS="acme.test",
        OIDC_HUGGINGFACE_LABEL="HF",
    )
    work, space = settings.oidc_providers
    assert (work.name, space.name) == ("work", "huggingface")
    assert (space.label, space.allowed_domains) == ("HF", ("acme.test",))


# What checks look at


def test_a_file_that_holds_the_secret_has_to_be_private(tmp_path, monkeypatch):
    file = tmp_path / "secret"
    file.write_text(SECRET)
    settings = load(**WORK)
    monkeypatch.setenv("OIDC_WORK_CLIENT_SECRET_FILE", str(file))
    assert _files(settings)["OIDC_WORK_CLIENT_SECRET_FILE"] == file


def test_a_start_with_a_fault_ends_with_78_and_names_the_variable(tmp_path):
    environ = LOCAL | WORK | {"OIDC_WORK_CLIENT_ID": "", "PATH": os.environ["PATH"]}
    environ["DATABASE_URL"] = f"sqlite:///{tmp_path / 'chatelaine.db'}"
    command = [sys.executable, str(ROOT / "cli.py"), "serve"]
    ended = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 78
    assert "OIDC_WORK_CLIENT_ID is missing" in ended.stderr + ended.stdout
    assert SECRET not in ended.stderr + ended.stdout


def test_secrets_validate_looks_at_it(monkeypatch):
    for name, value in (PRODUCTION | WORK | {"OIDC_WORK_CLIENT_SECRET": "changeme"}).items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(secrets, ["validate"])
    assert result.exit_code == 1
    assert "OIDC_WORK_CLIENT_SECRET is still a placeholder" in result.output
