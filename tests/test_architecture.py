"""The rules of the house that a reader cannot check by hand: who imports whom, and what stands nowhere."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Delete, Insert, Select, Update
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import BindParameter

import services
from models import Base, Tenant

ROOT = Path(__file__).parent.parent

MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "config_reader": set(),
    "config_rules": {"config_reader"},
    "config_providers": {"config_reader", "config_rules"},
    "config_rates": {"config_reader"},
    "config_servers": {"config_reader", "config_rules"},
    "config_stores": {"config_reader", "config_rules"},
    "config": {
        *("config_providers", "config_rates", "config_reader", "config_rules", "config_servers"),
        "config_stores",
    },
    "policy_programs": set(),
    "policy": {"policy_programs"},
    "crypto": set(),
    "models": set(),
    "importers": {"errors", "crypto"},
    "exporters": {"crypto"},
    "services": {"errors", "policy", "models", "crypto", "importers", "exporters"},
    "forms": {"errors", "policy", "models", "crypto", "importers", "exporters", "services"},
    "extensions": {"errors", "models", "services"},
    "blueprints": {
        *("config", "errors", "extensions", "forms", "importers", "services", "policy", "models", "crypto"),
        "exporters",
    },
    "gateway": set(),
    "server": {"errors", "gateway"},
    "assembly": {"config", "errors", "services", "crypto", "policy"},
    "app": {
        "assembly",
        "config",
        "errors",
        "extensions",
        "blueprints",
        "services",
        "crypto",
        "policy",
        "models",
    },
    "commands": {
        *(
            "app",
            "config",
            "config_reader",
            "config_rules",
            "config_servers",
            "config_stores",
            "errors",
            "server",
            "gateway",
            "services",
            "policy",
        ),
        *("models", "crypto", "importers"),
    },
    "cli": {"app", "commands", "config", "config_reader", "errors"},
}
"""What each part may import of ours, besides itself."""
FLASK = {
    *("flask", "flask_login", "flask_limiter", "flask_sqlalchemy", "flask_talisman", "flask_wtf", "werkzeug"),
    "wtforms",
}
KNOWS_FLASK = {"app", "extensions", "blueprints", "forms"}
PRIMITIVES = {"cryptography", "argon2", "hmac", "hashlib", "Crypto", "nacl", "joserfc"}
BEHIND_ONE_MODULE = {"pyotp": "crypto/authenticator.py", "webauthn": "crypto/passkeys.py"}
"""Libraries that compute with keys, and the one file of ours that knows each."""
SERVES = {"granian"}


def files_of(part: str) -> list[Path]:
    return [*ROOT.glob(f"{part}.py"), *ROOT.glob(f"{part}/**/*.py")]


def program_files() -> list[Path]:
    return sorted({file for part in MAY_IMPORT for file in files_of(part)})


def trees(files: list[Path]) -> Iterator[tuple[Path, ast.Module]]:
    for file in files:
        yield file, ast.parse(file.read_text(encoding="utf-8"))


def imports_in(tree: ast.AST) -> set[str]:
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in names}


def imports_of(part: str) -> set[str]:
    return {name for _, tree in trees(files_of(part)) for name in imports_in(tree)}


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_parts_import_only_downwards(part):
    assert imports_of(part) & set(MAY_IMPORT) <= MAY_IMPORT[part] | {part}


def test_every_python_file_belongs_to_a_part():
    outside = {"chatelaine", "tests", "tools", "migrations", "docs", "bench", "deploy"}
    parts = {
        path.stem if path.is_file() else path.name for path in ROOT.iterdir() if not path.name.startswith(".")
    }
    python = {part for part in parts if files_of(part)}
    assert python - outside == set(MAY_IMPORT)


@pytest.mark.parametrize("part", sorted(set(MAY_IMPORT) - KNOWS_FLASK))
def test_flask_is_unknown_below_the_edge(part):
    assert not imports_of(part) & FLASK


@pytest.mark.parametrize("part", sorted(set(MAY_IMPORT) - {"crypto"}))
def test_only_crypto_touches_primitives(part):
    assert not imports_of(part) & PRIMITIVES


@pytest.mark.parametrize("library", BEHIND_ONE_MODULE)
def test_a_library_that_computes_with_keys_stands_behind_one_module(library):
    importing = {
        str(file.relative_to(ROOT)) for file, tree in trees(program_files()) if library in imports_in(tree)
    }
    assert importing == {BEHIND_ONE_MODULE[library]}


def test_what_passkeys_need_is_loaded_with_the_first_of_them():
    """It takes 17 MB, which most processes of a small team can do without."""
    code = "import sys, app; sys.exit('webauthn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_only_the_server_knows_what_serves():
    assert {part for part in MAY_IMPORT if imports_of(part) & SERVES} <= {"server", "gateway", "commands"}


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Yield each call with the last part of the name that is called, and its full text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def found(test) -> list[str]:
    """List where a call of the program meets *test*."""
    return [
        f"{file.relative_to(ROOT)}:{node.lineno} {name}"
        for file, tree in trees(program_files())
        for name, node in calls(tree)
        if test(name, node)
    ]


DANGEROUS = re.compile(
    r"(eval|exec|compile|__import__|input)|"
    r"(os\.(system|popen)|pickle\.\w+|marshal\.\w+|shelve\.\w+|yaml\.(load|unsafe_load)|tempfile\.mktemp)|"
    r"((xml|lxml)\..*)|(random\.(random|randint|choice|choices|sample|shuffle))|.*\.from_string|render_template_string"
)


def test_nothing_is_executed_or_unpickled():
    assert found(lambda name, _: DANGEROUS.fullmatch(name)) == []


def test_no_shell_is_started():
    def starts_shell(name: str, node: ast.Call) -> bool:
        return any(k.arg == "shell" and not _is_false(k.value) for k in node.keywords)

    assert found(starts_shell) == []


def _is_false(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is False


def _is_put_together(value: ast.expr) -> bool:
    if isinstance(value, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) for part in value.values)
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mod | ast.Add):
        return not all(isinstance(side, ast.Constant) for side in (value.left, value.right))
    return isinstance(value, ast.Call) and ast.unparse(value.func).endswith(".format")


ALLOWED_SQL = {"services/database.py", "services/row_security.py"}
"""PRAGMA statements come from a constant list; a GRANT takes no parameters, and its names are quoted."""


def test_sql_is_never_put_together_from_pieces():
    def puts_together(name: str, node: ast.Call) -> bool:
        runs = name in {"text", "sqlalchemy.text"} or name.rpartition(".")[2] in {
            *("execute", "executemany", "executescript", "exec_driver_sql", "scalar", "scalars"),
        }
        return runs and bool(node.args) and _is_put_together(node.args[0])

    places = [place for place in found(puts_together) if place.partition(":")[0] not in ALLOWED_SQL]
    assert places == []


MAY_CONNECT = {
    "services/backup_sqlite.py",
    "services/connections.py",
    "services/database.py",
    "services/rate_storage.py",
}


def test_whoever_opens_a_connection_says_whose_rows_it_sees():
    """Everybody else goes through ``reading``, ``writing`` or a unit of work, which say it to PostgreSQL."""

    def connects(name: str, _: ast.Call) -> bool:
        return re.search(r"(^|[._])engine\.(connect|begin)$", name) is not None

    assert [place for place in found(connects) if place.partition(":")[0] not in MAY_CONNECT] == []


def test_what_is_logged_is_never_put_together_before():
    """A name with a % in it would otherwise be read as a format, and a filter could not see the parts."""

    def logs(name: str, node: ast.Call) -> bool:
        is_log = re.fullmatch(r"(log|logger|logging)\.(debug|info|warning|error|exception|critical)", name)
        return bool(is_log and node.args and _is_put_together(node.args[0]))

    assert found(logs) == []


def test_formats_are_constants():
    def formats(name: str, node: ast.Call) -> bool:
        return name.endswith(".format") and not name.startswith(
            ("'", '"', "str", "ProcessorFormatter", "super")
        )

    assert [place for place in found(formats) if not place.endswith("strftime")] == []


def test_requests_are_read_from_one_place_each():
    """``request.values`` merges address and body: which of two counts would be luck."""

    def merges(tree: ast.Module) -> bool:
        return any(
            isinstance(node, ast.Attribute) and ast.unparse(node) in {"request.values", "request.json"}
            for node in ast.walk(tree)
        )

    assert [str(file.relative_to(ROOT)) for file, tree in trees(program_files()) if merges(tree)] == []


def test_nothing_is_caught_wholesale():
    """The last resorts around the application are the places for that."""
    wide = {"Exception", "BaseException", ""}
    places = []
    for file, tree in trees(program_files()):
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler):
                names = {
                    ast.unparse(name) for name in getattr(node.type, "elts", [node.type]) if name is not None
                }
                reraises = any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node))
                if (names & wide or node.type is None) and not reraises:
                    places.append(f"{file.relative_to(ROOT)}:{node.lineno}")
    assert {place.partition(":")[0] for place in places} <= {"blueprints/wsgi.py", "gateway.py"}


def test_nothing_mutable_stands_at_module_level():
    """A cache of opened keys or of somebody's items there would outlive everything that guards it."""
    makers = {"dict", "list", "set", "defaultdict", "OrderedDict", "Counter", "deque"}
    places = []
    for file, tree in trees(program_files()):
        for node in tree.body:
            value = getattr(node, "value", None)
            if not isinstance(node, ast.Assign | ast.AnnAssign) or value is None:
                continue
            empty = isinstance(value, ast.Dict | ast.List | ast.Set) and not ast.unparse(value).strip("{}[] ")
            made = isinstance(value, ast.Call) and ast.unparse(value.func) in makers and not value.args
            if empty or made:
                places.append(f"{file.relative_to(ROOT)}:{node.lineno}")
    assert places == []


TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS = sorted((ROOT / "static").glob("*.js"))
IN_TEMPLATES = {
    "an unescaped value": r"\|\s*safe\b|Markup\(|autoescape\s+false",
    "an inline style": r"\sstyle\s*=",
    "an inline style sheet": r"<style[\s>]",
    "an inline handler": r"\son[a-z]+\s*=\s*[\"']",
    "an inline script": r"<script(?![^>]*\bsrc=)[^>]*>",
    "a script without nonce": r"<script(?![^>]*\bnonce=\"\{\{ csp_nonce\(\) \}\}\")[^>]*>",
    "something of another site": r"(src|href|action)=[\"'](https?:)?//",
    "a script address": r"javascript:",
    "a value in a script address": r"href=[\"']data:",
}
IN_SCRIPTS = {
    "markup put together": r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|srcdoc)\b",
    "text as code": r"\beval\(|new Function\(|set(Timeout|Interval)\(\s*[\"'`]",
    "an open ear": r"addEventListener\(\s*[\"']message[\"']|\.onmessage",
    "kept data": r"\b(localStorage|sessionStorage|indexedDB)\b",
    "another site": r"https?://(?!www\.w3\.org/)",
}


def test_there_are_templates_and_scripts_to_look_at():
    assert len(TEMPLATES) > 10
    assert SCRIPTS


@pytest.mark.parametrize("what", IN_TEMPLATES)
def test_no_template_holds(what):
    pattern = re.compile(IN_TEMPLATES[what])
    held = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in TEMPLATES
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if pattern.search(line)
    ]
    assert held == []


@pytest.mark.parametrize("what", IN_SCRIPTS)
def test_no_script_holds(what):
    pattern = re.compile(IN_SCRIPTS[what])
    held = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in SCRIPTS
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if pattern.search(line) and not line.lstrip().startswith("//")
    ]
    assert held == []


def test_no_python_makes_markup():
    assert found(lambda name, _: name in {"Markup", "markupsafe.Markup", "flask.Markup"}) == []


BY_ITSELF = {
    "actor_queries.FIND_SESSION": "by the digest of a random id; makes the person known",
    "actor_queries.FIND_TOKEN": "by the visible handle; makes the program known",
    "actor_queries.FIND_MEMBERSHIP": "by slug and person; makes the organization known",
    "profile_queries.OWN_PLACES": "a person's own organizations",
    "actor_queries.MEMBERSHIPS": "a person's own organizations",
    "actor_queries.TOKEN_HOMES": "the organizations that a person's tokens come from",
    "organization_queries.LINES": "the operator's list of all organizations",
    "item_queries.EXPIRED_PLACES": "of all organizations: where the purge has work to do",
    "attachment_queries.EVERYWHERE": "of all organizations: whose content is no stray",
    "item_queries.INSERT_ITEM": "an INSERT names its organization among its values",
    "attachment_queries.INSERT": "the same",
    "attachment_queries.HOLD": "the same",
    "item_queries.INSERT_VERSION": "the same",
    "kv_queries.INSERT_RULES": "the same",
    "wrapping_queries.INSERT": "the same",
    "wrapping_queries.FIND": "by the visible handle of a token that opens an answer once",
    "app_role_queries.FIND": "by role id and mount; makes the organization known",
    "app_role_queries.FIND_SECRET": "by the role, and the digest of a secret id",
    "mount_queries.INSERT": "the same",
    "item_queries.INSERT_GONE": "the same",
    "item_queries.INSERT_FAVORITE": "the same",
    "audit_queries.INSERT_EVENTS": "the same, as the chain",
    "audit_queries.HEADS": "a checkpoint is over all chains",
    "audit_queries.INSERT_CHECKPOINT": "a checkpoint is the installation's",
    "audit_queries.LAST_CHECKPOINT": "the same",
    "audit_queries.LAST_HEADS": "the same",
    "audit_queries.LAST_NOTE": "the same",
    "audit_queries.TOTAL": "the same",
    "audit_verify_queries.CHAINS": "a verification walks all chains",
    "audit_verify_queries.CHECKPOINTS": "the same",
    "audit_verify_queries.FIRST_CHAIN": "the same",
    "audit_verify_queries.NEXT_CHAIN": "the same",
    "audit_verify_queries.ORGANIZATIONS": "the same",
    "factor_queries.HAS": "a person's own factors, which belong to no organization",
    "passkey_queries.TAKE_CHALLENGE": "by a random challenge, which belongs to a session or a browser",
    "passkey_queries.COUNT_USE": "by the id of a passkey, which belongs to a person and to no organization",
    "passkey_queries.SIGNIN_TOKENS": "a person's own tokens, of which one makes the organization known",
    "factor_queries.COUNT_FAILURE": "by the id of a factor, which belongs to a person and to no organization",
    "factor_queries.SPEND_CODE": "the same",
    "factor_queries.TAKE_STEP": "the same",
    "identity_queries.FIND_IDENTITY": "by issuer and subject, which name one account; makes the person known",
    "identity_queries.IDENTITIES_OF": "a person's own accounts",
    "identity_queries.OTHER_WAYS_IN": "a person's own tokens",
    "identity_queries.TAKE_ATTEMPT": "by the digest of a random state, before anybody is known",
}
"""Prepared statements that name no organization, and why."""


def statements() -> dict[str, object]:
    """Return every prepared statement of the modules that hold them."""
    held = {}
    for module in pkgutil.iter_modules(services.__path__):
        if module.name.endswith("_queries"):
            loaded = importlib.import_module(f"services.{module.name}")
            for name, value in vars(loaded).items():
                for key, one in value.items() if isinstance(value, dict) else [("", value)]:
                    if isinstance(one, Select | Insert | Update | Delete):
                        held[f"{module.name}.{name}" + (f"[{key}]" if key else "")] = one
    return held


def names_an_organization(statement) -> bool:
    bound = {element.key for element in visitors.iterate(statement) if isinstance(element, BindParameter)}
    return bool(bound & {"organization_id", "own_organization_id", "chain_id"})


def test_every_prepared_statement_is_bound_to_an_organization():
    """The filter that the session adds by itself does not reach these."""
    held = statements()
    assert len(held) > 30
    loose = {name for name, statement in held.items() if not names_an_organization(statement)}
    assert {name.partition("[")[0] for name in loose} <= BY_ITSELF.keys()
    assert BY_ITSELF.keys() <= {name.partition("[")[0] for name in held}


def test_every_table_of_an_organization_refers_to_it():
    for mapper in Base.registry.mappers:
        if issubclass(mapper.class_, Tenant):
            column = mapper.local_table.c.organization_id
            assert not column.nullable
            assert {key.target_fullname for key in column.foreign_keys} == {"organization.id"}


def test_every_table_exists_in_the_migrations(runtime):
    from sqlalchemy import inspect

    tables = set(inspect(runtime.engine).get_table_names()) - {"alembic_version"}
    assert tables == set(Base.metadata.tables)


ROUTES = ROOT / "docs" / "routes.txt"


def test_the_list_of_addresses_is_the_one_that_is_written_down(app):
    """A route that appears or goes is seen in the change that does it; tools/list_routes renews the list."""
    served = sorted(
        f"{method:6} {rule}"
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    )
    written = ROUTES.read_text(encoding="utf-8").splitlines()
    assert served == sorted(written), "docs/routes.txt is not what is served"
