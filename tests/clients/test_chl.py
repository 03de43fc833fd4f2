"""The program for terminals, as a process of its own against the production server."""

from __future__ import annotations

import ast
import json
import os
import shutil
import stat
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from policy import Scope
from services import api_tokens
from services.token_limits import UNLIMITED, Limits
from tests import world as worlds
from tests.journeys.house import House

CHL = Path(__file__).resolve().parents[2] / "clients" / "chl"
PASSWORD = "correct horse 4 staple"
NOTHING_ELSE = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
pytestmark = pytest.mark.sqlite


class Terminal:
    """A person's terminal, on a machine where nothing is kept yet."""

    def __init__(self, home: Path, address: str, tokens: dict[str, str]) -> None:
        self.home = home
        self.address = address
        self.tokens = tokens
        self.path = NOTHING_ELSE["PATH"]

    def run(self, *words: str, token: str | None = "all", given: str = "", **environ: str):
        """Run chl; *token* is the name of one of ours, or None."""
        known = {"CHATELAINE_ADDR": self.address, "CHATELAINE_TOKEN": self.tokens.get(token or "", "")}
        return subprocess.run(
            [sys.executable, str(CHL), *words],
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**NOTHING_ELSE, "PATH": self.path, "HOME": str(self.home), **known, **environ},
        )

    def says(self, *words: str, **arguments: str) -> str:
        """Return what chl prints when all goes well."""
        done = self.run(*words, **arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refusal(self, *words: str, **arguments: str | None) -> tuple[int, str]:
        """Return the code and the sentence of a command that fails, which prints nothing else."""
        done = self.run(*words, **arguments)
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
        return done.returncode, done.stderr.removeprefix("chl: ").strip()


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Iterator[tuple[House, dict[str, str], worlds.World]]:
    """Start one server, with tokens that may do all or little."""
    database = tmp_path_factory.mktemp("chl") / "chatelaine.db"
    world = worlds.build(database)
    runtime = worlds.open_world(database)
    tokens = {}
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        for name, scopes, limits in (
            ("all", tuple(Scope), UNLIMITED),
            ("list", [Scope.ITEMS_LIST], UNLIMITED),
            ("slow", [Scope.ITEMS_LIST], Limits(per_minute=1)),
        ):
            tokens[name] = api_tokens.issue(uow, name, scopes, timedelta(days=1), limits=limits).text
    runtime.close()
    with House(database) as started:
        yield started, tokens, world


@pytest.fixture
def chl(house, tmp_path) -> Terminal:
    started, tokens, _ = house
    return Terminal(tmp_path, started.address, tokens)


# --- One file, anywhere


def test_it_is_one_file_of_python_3_9_that_needs_nothing_else():
    tree = ast.parse(CHL.read_text(encoding="utf-8"), feature_version=(3, 9))
    names = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names])
    }
    assert names <= sys.stdlib_module_names
    assert os.access(CHL, os.X_OK)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions_can_be_read_by_their_shell(chl, shell):
    script = chl.says("completion", shell)
    assert "inject" in script
    if found := shutil.which(shell):
        subprocess.run([found, "-n"], input=script, text=True, check=True)
    else:
        assert shell != "bash"


def test_bash_completes_commands_and_names(chl, tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "chl").write_text(f'#!/bin/sh\nexec "{sys.executable}" "{CHL}" "$@"\n')
    (folder / "chl").chmod(0o755)
    script = f"""{chl.says("completion", "bash")}
        COMP_WORDS=(chl get Production/St) COMP_CWORD=2; _chl; printf '%s\\n' "${{COMPREPLY[@]}}"
        COMP_WORDS=(chl inj) COMP_CWORD=1; _chl; printf '%s\\n' "${{COMPREPLY[@]}}" """
    environ = {"CHATELAINE_ADDR": chl.address, "CHATELAINE_TOKEN": chl.tokens["all"], "HOME": str(tmp_path)}
    done = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        env={"PATH": f"{folder}:/usr/bin:/bin", **environ},
        check=True,
    )
    assert done.stdout.splitlines() == ["Production/Stripe\\ dashboard", "inject"]


HOSTILE = ("$(touch pwned)", "`touch pwned`", "a;touch pwned", "* 'quoted\"")
"""Names that a colleague may give to a credential."""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completing_runs_nothing_that_a_name_holds(chl, tmp_path, shell):
    found = shutil.which(shell)
    if found is None:
        assert shell != "bash"
        # CI brings no shells; their completions are the same text for everybody.
        pytest.skip(f"{shell} is not installed here")
    folder = tmp_path / "bin"
    folder.mkdir()
    (tmp_path / "names").write_text("".join(f"Production/{name}\n" for name in HOSTILE))
    (folder / "chl").write_text(f'#!/bin/sh\ncat "{tmp_path}/names"\n')
    (folder / "chl").chmod(0o755)
    done = subprocess.run(
        [found, "-c", chl.says("completion", shell) + ASKED[shell]],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(tmp_path), "LANG": "C.UTF-8"},
        check=False,
    )
    assert not (tmp_path / "pwned").exists()
    offered = [line.partition("\t")[0] for line in done.stdout.splitlines()]
    assert sorted(offered) == sorted(f"Production/{name}" for name in HOSTILE), done.stderr


ASKED = {
    "bash": """
        COMP_WORDS=(chl get Production/) COMP_CWORD=2; _chl
        for one in "${COMPREPLY[@]}"; do eval "printf '%s\\n' $one"; done""",
    "zsh": """
        compadd() { print -rl -- "${(@)found}" }
        words=(chl get Production/) CURRENT=3; _chl""",
    "fish": "complete -C 'chl get '",
}
"""What completes ``chl get Production/`` in a script, and prints what a program would be given."""


# --- Signing in


def test_a_token_is_tried_and_kept_where_only_its_owner_reads_it(chl):
    done = chl.run("--address", chl.address, "login", token=None, given=f"{chl.tokens['all']}\n")
    kept = chl.home / ".config" / "chatelaine" / "chl.json"
    assert done.returncode == 0, done.stderr
    assert chl.tokens["all"] not in done.stdout + done.stderr
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert "all of Alice" in chl.says("status", token=None, CHATELAINE_ADDR="")

    chl.says("logout", token=None, CHATELAINE_ADDR="")
    assert chl.tokens["all"] not in kept.read_text()
    assert chl.refusal("status", token=None, CHATELAINE_ADDR="")[0] == 3


def test_where_there_is_a_keyring_the_token_is_there_and_nowhere_else(chl, tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    ring, said = tmp_path / "ring", tmp_path / "said"
    (folder / "secret-tool").write_text(
        f'#!/bin/sh\necho "$@" >>{said}\n'
        f"case $1 in store) cat >{ring};; lookup) cat {ring};; clear) rm {ring};; esac\n"
    )
    (folder / "secret-tool").chmod(0o755)
    chl.path = f"{folder}:{chl.path}"
    chl.says("login", token=None, given=chl.tokens["all"])
    assert ring.read_text() == chl.tokens["all"]
    assert "token" not in (chl.home / ".config/chatelaine/chl.json").read_text()
    assert "all of Alice" in chl.says("status", token=None, CHATELAINE_ADDR="")

    chl.says("logout", token=None)
    assert not ring.exists()
    assert chl.tokens["all"] not in said.read_text()


def test_a_file_that_others_can_read_is_refused(chl):
    chl.says("login", "--file", token=None, given=chl.tokens["all"])
    (chl.home / ".config/chatelaine/chl.json").chmod(0o644)
    code, words = chl.refusal("status", token=None, CHATELAINE_ADDR="")
    assert (code, "chmod 600" in words) == (1, True)


def test_a_token_that_was_kept_for_one_server_is_not_shown_to_another(chl):
    chl.says("login", "--file", token=None, given=chl.tokens["all"])
    elsewhere = chl.address.replace("127.0.0.1", "localhost")
    code, words = chl.refusal("--address", elsewhere, "status", token=None)
    assert (code, f"no token for {elsewhere}" in words) == (3, True)


def test_a_wrong_token_is_not_kept(chl):
    wrong = "chl_api_0000000000_" + "A" * 43
    assert chl.refusal("login", token=None, given=wrong)[0] == 3
    assert not (chl.home / ".config").exists()
    assert chl.refusal("login", token=None, given="two words")[0] == 2


def test_revoking_ends_the_token(chl, house):
    started, _, world = house
    runtime = worlds.open_world(started.database)
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        chl.tokens["short"] = api_tokens.issue(uow, "short", [Scope.ITEMS_LIST], timedelta(days=1)).text
    runtime.close()
    chl.says("logout", "--revoke", token="short")
    assert chl.refusal("list", token="short")[0] == 3


def test_signing_out_says_what_became_of_the_kept_token(chl, house):
    """Where the environment has a token, revoking means that one, and the kept one goes on."""
    started, _, world = house
    runtime = worlds.open_world(started.database)
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        chl.tokens["brief"] = api_tokens.issue(uow, "brief", [Scope.ITEMS_LIST], timedelta(days=1)).text
    runtime.close()
    chl.says("login", "--file", token=None, given=chl.tokens["all"])
    chl.says("logout", "--revoke", token="brief")
    assert chl.refusal("list", token="brief")[0] == 3
    assert "all of Alice" in chl.says("status", token=None)


@pytest.mark.parametrize(
    "address",
    [
        "http://vault.example.org",
        "http://127.example.org",
        "http://127.0.0.1.example.org",
        "vault.example.org",
        "ftp://localhost",
        "https://u:p@localhost",
        "https://:p@localhost",
    ],
)
def test_an_address_over_which_a_token_could_be_read_is_refused(chl, address):
    assert chl.refusal("--address", address, "list")[0] == 2


def test_a_server_that_is_away_is_told_from_one_that_refuses(chl):
    code, words = chl.refusal("--address", "http://127.0.0.1:9", "list")
    assert (code, words) == (6, "http://127.0.0.1:9 cannot be reached: Connection refused.")


class Other(BaseHTTPRequestHandler):
    """Sends everybody elsewhere, or answers something else."""

    seen: list[str] = []  # noqa: RUF012 - of the one test server

    def do_GET(self) -> None:
        self.seen.append(self.path)
        if "elsewhere" in self.path:
            self.send_response(302)
            self.send_header("Location", f"http://localhost:{self.server.server_port}/stolen")
        else:
            self.send_response(200)
        self.send_header("Content-Length", "7")
        self.end_headers()
        self.wfile.write(b"<html/>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def other():
    server = HTTPServer(("127.0.0.1", 0), Other)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_token_is_never_carried_elsewhere(chl, other):
    code, words = chl.refusal("--address", f"{other}/elsewhere", "status")
    assert (code, "not sent there" in words) == (6, True)
    assert not any("stolen" in path for path in Other.seen)


def test_what_is_not_the_server_is_said_so(chl, other):
    code, words = chl.refusal("--address", other, "status")
    assert (code, words) == (6, f"What answers at {other} is not Chatelaine.")


# --- Reading


def test_a_field_is_printed_and_nothing_else(chl):
    assert chl.says("get", "Production/prod/db primary", "password") == f"{PASSWORD}\n"
    assert chl.says("get", "-n", "prod/db primary", "Password") == PASSWORD
    assert chl.says("get", "prod/db primary", "user_name") == "vault_rw\n"


def test_all_of_it_is_printed_for_people_and_as_json(chl):
    assert f"Password:  {PASSWORD}\n" in chl.says("get", "Production/prod/db primary")
    told = json.loads(chl.says("get", "--json", "Production/prod/db primary"))
    assert (told["name"], told["fields"]["Password"]) == ("prod/db primary", PASSWORD)
    assert json.loads(chl.says("get", "--json", told["id"], "password")) == {
        "id": told["id"],
        "value": PASSWORD,
    }


def test_every_reading_stands_in_the_audit_log_with_the_token_s_name(chl, house):
    chl.says("get", "Production/Stripe dashboard", "password")
    _, _, world = house
    query = f"action=item.revealed&target={world.items['Stripe dashboard']}"
    asked = urllib.request.Request(
        f"{chl.address}/api/v1/audit?{query}", headers={"Authorization": f"Bearer {chl.tokens['all']}"}
    )
    with urllib.request.urlopen(asked) as answer:
        [event] = json.load(answer)["events"]
    assert event["who"] == "Alice (all)"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("get", "Production/nothing", "password"), 5),
        (("get", "Production/prod/db primary", "pin"), 5),
        (("list", "Nowhere"), 5),
        (("get", "00000000-0000-4000-8000-000000000000"), 5),
        (("put", "Nowhere/x", "password=-"), 5),
        (("get",), 2),
        (("put", "Production/x", "password=on-the-line"), 2),
        (("put", "Production/x", "password"), 2),
        (("put", "Production/x"), 2),
        (("put", "Production/x", "a=-", "b=-"), 2),
        (("put", "Production/x", "password=@/nowhere"), 2),
        (("run", "--env", "Production/prod/db primary"), 2),
    ],
)
def test_what_cannot_be_done_has_its_code(chl, words, code):
    found, said = chl.refusal(*words)
    assert found == code
    assert "on-the-line" not in said
    assert PASSWORD not in said


def test_a_token_that_may_only_list_opens_nothing(chl):
    assert "Production/prod/db primary\n" in chl.says("list", token="list")
    assert chl.refusal("get", "prod/db primary", "password", token="list")[0] == 4


def test_too_fast_says_when_to_come_back(chl):
    codes = [chl.run("list", token="slow") for _ in range(2)]
    assert [done.returncode for done in codes] == [0, 8]
    assert "Try again in" in codes[1].stderr


def test_lists_are_of_all_of_a_vault_and_of_what_is_searched(chl):
    assert chl.says("list", "Production", "stripe") == "Production/Stripe dashboard\n"
    assert "Production\n" in chl.says("list", "--vaults")
    assert [line["name"] for line in json.loads(chl.says("list", "--json", "Production", "stripe"))] == [
        "Stripe dashboard"
    ]


def test_a_code_is_one_of_now(chl):
    assert chl.says("otp", "prod/db primary").strip().isdigit()


# --- Writing


def test_what_is_put_is_made_and_then_changed(chl):
    chl.says("put", "Production/ci/deploy", "password=-", "--user", "ci", given="first\n")
    assert chl.says("get", "Production/ci/deploy", "password") == "first\n"
    stored = json.loads(
        chl.says("put", "--json", "Production/ci/deploy", "password=-", "--tag", "ci", given="second")
    )
    assert stored["version"] == 2
    assert chl.says("get", "Production/ci/deploy", "password") == "second\n"
    assert chl.says("get", "--version", "1", "Production/ci/deploy", "password") == "first\n"
    assert chl.says("get", "Production/ci/deploy", "user_name") == "ci\n"


def test_nobody_s_change_is_lost(chl):
    chl.says("put", "Production/ci/twice", "password=-", given="one")
    chl.says("put", "Production/ci/twice", "password=-", given="two")
    assert chl.refusal("put", "--if-version", "1", "Production/ci/twice", "password=-", given="late")[0] == 7
    assert chl.refusal("put", "--new", "Production/ci/twice", "password=-", given="late")[0] == 7
    assert chl.says("get", "Production/ci/twice", "password") == "two\n"


def test_a_file_is_stored_as_it_is_and_a_password_can_be_made_up(chl, tmp_path):
    key = "-----BEGIN-----\nabc\n-----END-----\n"
    (tmp_path / "key").write_text(key)
    chl.says("put", "Production/ci/host", f"private key=@{tmp_path / 'key'}", "--type", "ssh-key")
    chl.says("put", "Production/ci/host", "--generate", "passphrase")
    assert chl.says("get", "Production/ci/host", "private key") == key
    assert len(chl.says("get", "Production/ci/host", "passphrase").strip()) == 24


def test_two_of_one_name_are_not_guessed_between(chl, house):
    started, _, world = house
    runtime = worlds.open_world(started.database)
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        worlds._add_vault(uow, world, "Spares")
    for vault in ("Production", "Spares"):
        worlds._add_item(runtime, world, "alice", vault, worlds.login("twin"))
    runtime.close()
    code, words = chl.refusal("get", "twin", "password")
    assert (code, "Production/twin" in words, "Spares/twin" in words) == (2, True, True)
    assert chl.says("get", "Spares/twin", "password") == f"{PASSWORD}\n"


# --- Running and filling


def test_a_program_gets_the_fields_and_not_the_token(chl):
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    environ = json.loads(
        chl.says(
            "run",
            "--env",
            "Production/prod/db primary",
            "--env",
            "S_=Production/Stripe dashboard",
            "--",
            sys.executable,
            "-c",
            show,
        )
    )
    assert (environ["PASSWORD"], environ["USER_NAME"], environ["S_PASSWORD"]) == (
        PASSWORD,
        "vault_rw",
        PASSWORD,
    )
    assert "CHATELAINE_TOKEN" not in environ


def test_a_program_s_end_is_ours_and_its_command_line_its_own(chl):
    look = """import sys
print(open('/proc/self/cmdline').read().count('sta' + 'ple'), sys.argv[1:])
sys.exit(42)"""
    done = chl.run("run", "--env", "prod/db primary", "--", sys.executable, "-c", look, "--json", "--", "-x")
    assert (done.returncode, done.stdout) == (42, "0 ['--json', '--', '-x']\n")
    assert chl.run("run", "--env", "prod/db primary", "--", "/no/such").returncode == 127
    assert chl.run("run", "--env", "prod/db primary", "--", "/etc/passwd").returncode == 126


@pytest.mark.parametrize(
    "name", ["LD_PRELOAD", "GIT_CONFIG_COUNT", "_JAVA_OPTIONS", "NODE_PATH", "PAGER", "MAKEFLAGS", "ZDOTDIR"]
)
def test_no_credential_decides_what_is_run(chl, name):
    sly = f"Production/ci/sly {name}"
    chl.says("put", sly, f"{name}=-", given="./x.so")
    code, words = chl.refusal("run", "--env", sly, "--", "true")
    assert (code, "decides what is run" in words) == (2, True)
    chl.says("run", "--env", f"X_={sly}", "--", "true")


def test_two_fields_of_one_name_are_not_guessed_between(chl):
    code, words = chl.refusal(
        "run", "--env", "prod/db primary", "--env", "Production/Stripe dashboard", "--", "true"
    )
    assert (code, "Give one a prefix" in words) == (2, True)


TEMPLATE = """user = "{{ chl:Production/prod/db primary#user_name }}"
pw = "{{chl:prod/db primary#password}}"
{{ other }}
"""


def test_a_template_is_filled_and_other_braces_stay(chl, tmp_path):
    (tmp_path / "t").write_text(TEMPLATE)
    filled = f'user = "vault_rw"\npw = "{PASSWORD}"\n{{{{ other }}}}\n'
    assert chl.says("inject", str(tmp_path / "t")) == filled
    chl.says("inject", "-", "-o", str(tmp_path / "out"), given=TEMPLATE)
    assert (tmp_path / "out").read_text() == filled
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ("{{ chl:Production/nothing#password }}", 5),
        ("{{ chl:prod/db primary#pin }}", 5),
        ("{{ chl:prod/db primary }}", 2),
        ("{{ chl prod/db primary password }}", 2),
    ],
)
def test_a_template_that_cannot_be_filled_writes_nothing(chl, tmp_path, wrong, code):
    out = tmp_path / "out"
    assert chl.refusal("inject", "-", "-o", str(out), given=TEMPLATE + wrong)[0] == code
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_has_enough_is_no_error(chl):
    script = f'"{sys.executable}" "{CHL}" list | head -c 1; echo " ${{PIPESTATUS[0]}}"'
    environ = {"CHATELAINE_ADDR": chl.address, "CHATELAINE_TOKEN": chl.tokens["all"], "HOME": str(chl.home)}
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, env={**NOTHING_ELSE, **environ}, check=True
    )
    assert (done.stdout.split()[-1], done.stderr) == ("0", "")
