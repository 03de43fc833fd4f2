"""What the documents say about settings, commands and the API is what the program does."""

from __future__ import annotations

import io
import json
import logging
import re
import shlex
from datetime import timedelta

import click
import pytest

from cli import cli
from config import KNOWN, NAMES, SECRETS, Settings
from config_providers import PARTS
from policy import Scope
from services import api_tokens, logs
from tests.documents import ROOT, blocks, code, documents, name_of, tables

RUNNING = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")
API = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
MINIMAL = {
    "FLASK_SECRET_KEY": "mJ0dC1mZ5x7fQb3Xn8kPq2Rt6Vw9Ys4Aa1Ee5Ii7Oo0",
    "ENCRYPTION_KEYS": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
    "PUBLIC_URL": "https://vault.example.org",
}
OTHER_NAMES = {
    # Of the programs that people move here from.
    *("APP_MASTER_KEY", "FIELD_ENCRYPTION_KEY", "PINAKES_DB_ENCRYPTION_KEYS", "SECRET_KEY"),
    "SPACE_HOST",
    "SPACE_ID",
    "NAME_FILE",
    "CHATELAINE_CONTAINER",
    "STOP_GRACE_PERIOD",
    "SSL_CERT_FILE",
    # Of chl, on other machines, and of what it hands on there.
    *("CHATELAINE_ADDR", "CHATELAINE_TOKEN", "API_KEY", "DB_PASSWORD", "LD_PRELOAD"),
}
"""Names in capitals that are not settings: the platform's, and a placeholder."""
COMMANDS = [*documents(), ROOT / "compose.yaml", ROOT / ".env.example"]


@pytest.fixture(scope="module")
def settings_table():
    """The rows of the table of settings: name, default, meaning."""
    rows = [row for row in tables(RUNNING) if re.fullmatch(r"`[A-Z0-9_]+`", row[0])]
    return {row[0].strip("`"): row[1:] for row in rows}


def test_the_table_of_settings_is_complete(settings_table):
    assert list(settings_table) == list(NAMES)


def test_the_table_names_the_defaults(settings_table):
    settings = Settings.load(MINIMAL, env_file=None)
    for name, shown, source in settings.effective():
        written = settings_table[name][0].strip("`")
        if name in MINIMAL:
            assert (written, source) == ("required", "environment")
        elif name == "DATABASE_URL":
            assert (
                Settings.load(MINIMAL | {name: written}, env_file=None).database_url == settings.database_url
            )
        else:
            assert (name, written, source) == (name, shown, "default")


def test_the_table_of_a_provider_s_settings_is_complete():
    rows = tables((ROOT / "docs" / "single-sign-on.md").read_text(encoding="utf-8"))
    named = [row[0].strip("`").removeprefix("OIDC_<NAME>_") for row in rows if row[0].startswith("`OIDC_")]
    assert named == list(PARTS)


def test_the_table_says_what_is_secret(settings_table):
    assert {name for name, row in settings_table.items() if row[1].startswith("secret.")} == set(SECRETS)


@pytest.mark.parametrize("document", documents(), ids=name_of)
def test_settings_that_a_document_names_exist(document):
    named = {text.partition("=")[0] for text in code(document.read_text(encoding="utf-8"))}
    settings = {name for name in named if re.fullmatch(r"[A-Z]+(_[A-Z]+)+", name)}
    of_providers = {name for name in settings if re.fullmatch(rf"OIDC_[A-Z]+_({'|'.join(PARTS)})", name)}
    assert settings - of_providers <= KNOWN | OTHER_NAMES | {"ENCRYPTION_KEYS"}


@pytest.mark.parametrize("document", COMMANDS, ids=name_of)
def test_commands_that_a_document_names_exist(document):
    """Down to their options; `test` is the shell's own."""
    for command in re.findall(r"\./chatelaine ([a-z][^`\n#>|)]*)", document.read_text(encoding="utf-8")):
        words = command.replace("&&", " ").split()
        if words[0] != "test":
            follow(words, command)


def follow(words, command):
    """Walk from the group to the command that *words* name, and check its options."""
    context = click.Context(cli)
    _, found, words = cli.resolve_command(context, words)
    while isinstance(found, click.Group) and words and not words[0].startswith("-"):
        below = found.get_command(context, words.pop(0))
        assert below is not None, f"there is no ./chatelaine {command}"
        found = below
    options = {name for parameter in found.params for name in parameter.opts} | {"--help"}
    assert {word for word in words if word.startswith("--")} <= options, f"./chatelaine {command}"


def test_the_line_that_fail2ban_looks_for_is_the_line_that_is_written():
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.formatter("json"))
    record = logging.LogRecord(
        "chatelaine.signin", logging.WARNING, "", 0, "FAILED LOGIN from %s", ("2001:db8::7",), None
    )
    handler.handle(record)
    (expression,) = re.findall(r"^failregex = (.*)$", RUNNING, re.MULTILINE)
    found = re.search(expression.replace("<HOST>", r"(\S+)"), written.getvalue())
    assert found
    assert found[1] == "2001:db8::7"


@pytest.fixture
def program(app, runtime, world):
    """Send a request as a document's curl line says; Mia's token has both scopes."""
    with runtime.work(writing=True, actor=world.actor("mia")) as uow:
        token = api_tokens.issue(uow, "Nightly backup", list(Scope), timedelta(days=1)).text
    put_in = {
        "$TOKEN": token,
        "$CHATELAINE": "http://localhost",
        "$ITEM": str(world.items["prod/db primary"]),
        "$VAULT": str(world.vaults["Production"]),
    }

    def send(line):
        for name, value in put_in.items():
            line = line.replace(name, value)
        words = shlex.split(line)
        assert words.pop(0) == "curl"
        method, body, headers, address = "GET", None, {}, ""
        while words:
            word = words.pop(0)
            if word == "-X":
                method = words.pop(0)
            elif word == "-H":
                name, _, value = words.pop(0).partition(": ")
                headers[name] = value
            elif word == "-d":
                body = words.pop(0)
            else:
                address = word
        return app.test_client().open(address, method=method, headers=headers, data=body)

    return send


def test_the_examples_of_the_api_work(program):
    """Each curl line gets an answer of the form that stands below it."""
    lines = [block.strip() for block in blocks(API, "sh") if block.startswith("curl")]
    answers = [json.loads(block) for block in blocks(API, "json")]
    assert len(lines) == 6
    for line, example in zip(lines, answers, strict=False):
        answer = program(line)
        assert answer.status_code in {200, 201}, answer.get_data(as_text=True)
        assert shape(answer.get_json()) == shape(example), line


def test_the_example_of_a_failure_is_one(program):
    example = json.loads(blocks(API, "json")[-1])
    answer = program('curl -H "Authorization: Bearer $TOKEN" "$CHATELAINE/api/v1/items?vault=Nowhere"')
    assert answer.content_type.startswith("application/problem+json")
    assert answer.get_json() | {"request": example["request"]} == example


def shape(value):
    """Return the names in an answer and the kinds of its values; of a list, those of its first entry."""
    if isinstance(value, dict):
        return {name: shape(part) for name, part in value.items()}
    if isinstance(value, list):
        return [shape(part) for part in value[:1]]
    return type(value)
