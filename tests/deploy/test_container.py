"""The image and what runs it: nothing inside but the program, no rights, nothing to write but /data."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest
import yaml

from crypto.master_keys import generate_master_key
from tests.deploy.image import ROOT, build, command_of, in_context, read_dockerfile
from tests.fresh_clone import free_port

DEBIAN_PYTHON = Path("/usr/bin/python3")
USER = 1000


@pytest.fixture(scope="module")
def final():
    return read_dockerfile()[-1]


def test_the_image_is_made_in_two_stages_on_one_pinned_debian():
    preamble, first, second = read_dockerfile()

    assert re.fullmatch(r"BASE=python:3\.\d+-slim-bookworm", preamble.last("ARG"))
    assert (first.base, first.name, second.base) == ("${BASE}", "build", "${BASE}")
    assert second.last("COPY").startswith("--from=build ")


def test_it_runs_as_a_user_without_rights(final):
    assert final.last("USER") == "1000:1000"
    after = [name for name, _ in final.steps[[name for name, _ in final.steps].index("USER") :]]
    assert "RUN" not in after
    assert "COPY" not in after


def test_data_has_a_volume_of_that_user_and_the_port_is_the_spaces(final):
    assert final.last("VOLUME") == "/data"
    assert "install -d -o 1000 -g 1000 -m 700 /data" in final.last("RUN")
    assert final.last("EXPOSE") == "7860"
    assert final.environ()["CHATELAINE_CONTAINER"] == "1"


def test_no_secret_stands_in_the_image(final):
    assert not [
        step for stage in read_dockerfile() for step in stage.steps if re.search("KEY|TOKEN|PASSW", str(step))
    ]


@pytest.mark.parametrize(
    "path",
    [".env", ".env.local", ".git/config", ".venv/bin/python", "instance/chatelaine.db", "vault.db-wal",
     "services/x.db", "secrets/encryption_keys", "tests/world.py", "requirements-dev.txt", "tls.key"],
)  # fmt: skip
def test_nothing_but_the_program_goes_into_the_image(path):
    assert not in_context(path)


@pytest.mark.parametrize(
    "path",
    ["app.py", "cli.py", "chatelaine", "requirements.txt", "CHANGELOG.md", "services/keys.py",
     "commands/secrets.py", "templates/page.html", "static/app.css", "migrations/env.py",
     "deploy/healthcheck.py"],
)  # fmt: skip
def test_the_whole_program_goes_into_the_image(path):
    assert in_context(path)


def test_every_python_file_that_runs_goes_into_the_image():
    listed = subprocess.run(
        ["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    left_out = {path for path in listed if not in_context(path)}

    assert {path.split("/")[0] for path in left_out} <= {"tests", "bench", "tools", "docs"}


@pytest.fixture(scope="module")
def container():
    """The built image in an empty folder, and an empty data folder of the container's user."""
    if os.geteuid() != 0:
        pytest.skip("becoming another user needs root")
    probe = [DEBIAN_PYTHON, "-c", "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))"]
    if not DEBIAN_PYTHON.exists() or subprocess.run(probe, check=False, capture_output=True).returncode != 0:
        pytest.skip("Debian's Python 3.11 with venv is not here; root's own cannot be run by others")
    # Not pytest's own folder, which only root may enter.
    folder = Path(tempfile.mkdtemp(prefix="chatelaine-image-"))
    folder.chmod(0o755)
    try:
        app = build(folder)
        for path in [app, *app.rglob("*")]:
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & 0o555 | 0o444)
        (folder / "data").mkdir(mode=0o700)
        os.chown(folder / "data", USER, USER)
        yield folder
    finally:
        shutil.rmtree(folder)


class Running:
    """The container's command, as its user, on a folder that user cannot write."""

    def __init__(self, folder, **environ):
        final = read_dockerfile()[-1]
        self.port = free_port()
        self.environ = {
            "PATH": "/usr/bin:/bin",
            "HOME": "/nonexistent",
            "PORT": str(self.port),
            "PUBLIC_URL": "https://vault.acme.test",
            "FLASK_SECRET_KEY": generate_master_key(),
            "ENCRYPTION_KEYS": generate_master_key(),
            "DATABASE_URL": f"sqlite:///{folder}/data/chatelaine.db",
            **final.environ(),
            **environ,
        }
        self.folder = folder
        self.process = subprocess.Popen(
            [word.replace("/app/", f"{folder}/app/") for word in command_of(final)],
            cwd=folder / "app",
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            user=USER,
            group=USER,
            extra_groups=[],
        )
        self.said = ""
        for line in self.process.stdout:
            self.said += line
            if line.startswith("Chatelaine is at "):
                break

    def healthy(self):
        text = read_dockerfile()[-1].last("HEALTHCHECK")
        command = re.findall(r'"([^"]+)"', text[text.index("CMD") :])
        return subprocess.run(
            [word.replace("/app/", f"{self.folder}/app/") for word in command],
            env=self.environ,
            user=USER,
            group=USER,
            extra_groups=[],
            check=False,
            timeout=20,
        ).returncode

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


def test_the_container_serves_from_a_folder_it_cannot_write_and_ends_cleanly(container):
    before = set((container / "app").rglob("*"))
    running = Running(container)
    try:
        assert "https://vault.acme.test/enrol/" in running.said
        assert running.healthy() == 0
    finally:
        code, _, err = running.end()

    assert code == 0
    assert "WHEN THE CONTAINER IS REPLACED, EVERYTHING IN THE DATABASE IS GONE" in err
    assert running.healthy() == 1
    assert set((container / "app").rglob("*")) == before
    assert {path.stat().st_uid for path in (container / "data").iterdir()} == {USER}
    assert {path.stat().st_mode & 0o077 for path in (container / "data").iterdir()} == {0}


def test_the_data_survives_a_new_container_with_the_same_keys(container):
    keys = {"FLASK_SECRET_KEY": generate_master_key(), "ENCRYPTION_KEYS": generate_master_key()}
    keys["DATABASE_URL"] = f"sqlite:///{container}/data/kept.db"
    first = Running(container, **keys)
    assert "enrol" in first.said
    assert first.end()[0] == 0
    second = Running(container, **keys)
    try:
        assert "enrol" not in second.said
        assert second.healthy() == 0
    finally:
        second.end()


def test_three_secrets_are_enough_in_a_space(container):
    secrets = {name: generate_master_key() for name in ["FLASK_SECRET_KEY", "ENCRYPTION_KEYS", "ADMIN_TOKEN"]}
    space = {
        "PUBLIC_URL": "",
        "SPACE_HOST": "acme-vault.hf.space",
        "SPACE_ID": "acme/vault",
        "FLASK_ENV": "production",
    }
    running = Running(container, **secrets, **space, DATABASE_URL=f"sqlite:///{container}/data/space.db")
    try:
        assert "Chatelaine is at https://acme-vault.hf.space" in running.said
        assert "enrol" not in running.said
        assert running.healthy() == 0
    finally:
        running.end()


def test_a_container_without_keys_ends_with_78_and_writes_none(container):
    running = Running(container, FLASK_SECRET_KEY="", ENCRYPTION_KEYS="")
    code, _, err = running.end()

    assert code == 78
    assert "FLASK_SECRET_KEY is missing" in err
    assert not (container / "app" / ".env").exists()


# --- compose.yaml and the Space


@pytest.fixture(scope="module")
def service():
    return yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["chatelaine"]


def test_compose_takes_every_right_away(service):
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert "cap_add" not in service
    assert service["volumes"] == ["data:/data"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])


def test_compose_hands_secrets_over_as_files_only(service):
    named = {name for name in service["environment"] if re.search("KEY|TOKEN", name)}

    assert named == {"FLASK_SECRET_KEY_FILE", "ENCRYPTION_KEYS_FILE"}
    assert {Path(service["environment"][name]).name for name in named} == set(service["secrets"])


def test_the_database_beside_it_is_reached_inside_of_this_machine_only():
    """Without TLS, hence on a network that nobody else is on, and by a role that owns nothing."""
    text = (ROOT / "deploy/compose.postgresql.yaml").read_text()
    beside = yaml.safe_load(text)
    ours = beside["services"]["chatelaine"]

    assert (ours["environment"]["DATABASE_TLS"], ours["environment"]["REDIS_TLS"]) == ("off", "off")
    assert beside["networks"]["inside"] == {"internal": True}
    for name in ("postgres", "redis"):
        assert beside["services"][name]["networks"] == ["inside"]
        assert "ports" not in beside["services"][name]
    assert "postgresql+psycopg://chatelaine:%s@postgres/chatelaine' " in text
    for name, service in beside["services"].items():
        named = {key for key in service.get("environment", {}) if key.endswith("_FILE")}
        assert {Path(service["environment"][key]).name for key in named} <= set(service.get("secrets", ())), (
            name
        )
    assert set(beside["secrets"]) == {
        secret for service in beside["services"].values() for secret in service.get("secrets", ())
    }


def test_the_spaces_front_matter_fits_the_image(final):
    text = (ROOT / "deploy/huggingface/README.md").read_text()
    matter = yaml.safe_load(text.split("---")[1])

    assert matter["sdk"] == "docker"
    assert str(matter["app_port"]) == final.last("EXPOSE")
    assert len(matter["short_description"]) <= 60
    assert "ephemeral" in text
