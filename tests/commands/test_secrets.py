"""Keys are made by one command and checked by another, before anything is started."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from commands.secrets import secrets as command
from crypto.master_keys import MasterKeys, generate_master_key

ROOT = Path(__file__).resolve().parents[2]
KINDS = {"flask": "FLASK_SECRET_KEY", "encryption": "ENCRYPTION_KEYS", "admin-token": "ADMIN_TOKEN"}


def secrets(*arguments, **environ):
    """Run the command on a machine that has nothing but *environ* configured."""
    return subprocess.run(
        [sys.executable, ROOT / "cli.py", "secrets", *arguments],
        env={"PATH": os.environ["PATH"]} | environ,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def configured():
    return {name: generate_master_key() for name in ["FLASK_SECRET_KEY", "ENCRYPTION_KEYS"]}


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_stands_alone_on_standard_output_and_is_accepted(kind, configured):
    made = secrets("generate-key", "--kind", kind)

    assert made.returncode == 0
    (key,) = made.stdout.splitlines()
    assert len(base64.urlsafe_b64decode(key)) == 32
    assert KINDS[kind] in made.stderr
    assert key not in made.stderr
    assert (
        secrets("validate", **configured | {KINDS[kind]: key}).stdout == "All secrets configured correctly\n"
    )


def test_no_two_keys_are_the_same():
    assert secrets("generate-key").stdout != secrets("generate-key").stdout


def test_an_unknown_kind_is_wrong_usage():
    assert secrets("generate-key", "--kind", "fernet").returncode == 2


@pytest.mark.parametrize(
    "make",
    [
        "import base64, secrets; print(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())",
        "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())",
        "import secrets; print(secrets.token_urlsafe(32))",
    ],
    ids=["base64", "Fernet", "token_urlsafe"],
)
def test_keys_made_by_other_means_are_taken(make, configured):
    key = subprocess.run(
        [sys.executable, "-c", make], capture_output=True, text=True, check=True
    ).stdout.strip()

    assert secrets("validate", **configured | {"ENCRYPTION_KEYS": key}).returncode == 0


def test_a_key_made_with_shell_tools_is_taken(configured):
    make = "head -c32 /dev/urandom | base64 | tr '+/' '-_'"
    key = subprocess.run(["sh", "-c", make], capture_output=True, text=True, check=True).stdout.strip()

    assert secrets("validate", **configured | {"ENCRYPTION_KEYS": key}).returncode == 0


def test_good_secrets_need_nothing_else(configured):
    result = secrets("validate", **configured)

    assert (result.returncode, result.stdout, result.stderr) == (0, "All secrets configured correctly\n", "")


FAULTS = {
    "flask key missing": ({"FLASK_SECRET_KEY": ""}, "FLASK_SECRET_KEY is missing"),
    "master key missing": ({"ENCRYPTION_KEYS": ""}, "ENCRYPTION_KEYS is missing"),
    "placeholder": ({"FLASK_SECRET_KEY": "your_secret_key_here"}, "FLASK_SECRET_KEY is still a placeholder"),
    "insecure default": (
        {"FLASK_SECRET_KEY": "change-me-in-production"},
        "FLASK_SECRET_KEY is still a placeholder",
    ),
    "weak": ({"ADMIN_TOKEN": "ADMIN123"}, "ADMIN_TOKEN is too weak"),
    "not encrypting": (
        {"ENCRYPTION_KEYS": "Zt4pXwV2q6UiAo0gYcLb8Jh5zTfRd1Ex"},
        "ENCRYPTION_KEYS is too weak",
    ),
    "file missing": (
        {"METRICS_TOKEN_FILE": "/nowhere/token"},
        "METRICS_TOKEN_FILE names a file that cannot be read",
    ),
}


@pytest.mark.parametrize(("change", "sentence"), FAULTS.values(), ids=FAULTS)
def test_each_fault_is_a_line_and_the_exit_code_is_1(configured, change, sentence):
    result = secrets("validate", **configured | change)

    assert result.returncode == 1
    first, *lines = result.stdout.splitlines()
    assert first == "Validation failed:"
    assert [line for line in lines if line.startswith(f"  - {sentence}")]


def test_all_faults_are_listed():
    assert secrets("validate").stdout.count("\n  - ") == 2


def test_equal_secrets_are_a_fault(configured):
    result = secrets("validate", **configured | {"ADMIN_TOKEN": configured["FLASK_SECRET_KEY"]})

    assert "  - ADMIN_TOKEN has the same value as FLASK_SECRET_KEY" in result.stdout


def test_no_secret_is_printed(configured):
    weak = "Tr0ub4dor-and-3-times-horse"
    result = secrets("validate", **configured | {"ADMIN_TOKEN": weak})

    assert result.returncode == 1
    assert weak not in result.stdout + result.stderr


def key_id_of(text):
    return CliRunner().invoke(command, ["key-id"], input=text)


def test_the_id_of_a_key_is_printed_and_never_the_key():
    key = generate_master_key()
    shown = key_id_of(f"{key}\n")
    assert (shown.exit_code, shown.stdout) == (0, f"{MasterKeys.parse(key).primary_id}\n")


def test_of_several_keys_it_is_the_id_of_the_first():
    first, second = generate_master_key(), generate_master_key()
    assert key_id_of(f"{first}:{second}").stdout == key_id_of(first).stdout


def test_the_id_of_what_is_no_key_is_wrong_usage_and_repeats_nothing():
    shown = key_id_of("not-a-key-at-all")
    assert shown.exit_code == 2
    assert "not-a-key-at-all" not in shown.output
