"""What monitors are told, and what nobody is."""

from __future__ import annotations

import re
import shutil
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import time_machine
from sqlalchemy import text

from policy import Scope
from services import health
from tests import world as worlds
from tests.web.conftest import METRICS_TOKEN
from tests.world import MASTER_KEY, PASSWORD

OTHER_KEY = "_-7dzLuqmYh3ZlVEMyIRAP_u3cy7qpmId2ZVRDMiEQA"


def ready(app) -> tuple[int, dict[str, str]]:
    answer = app.test_client().get("/readyz")
    lines = answer.get_data(as_text=True).splitlines()
    return answer.status_code, dict(line.split(": ", 1) for line in lines)


def test_the_process_says_that_it_lives_without_asking_the_database(app, runtime, monkeypatch):
    def refuse(*_args: object) -> None:
        raise AssertionError("asked the database")

    monkeypatch.setattr(runtime.engine, "connect", refuse)
    monkeypatch.setattr(runtime.engine, "raw_connection", refuse)
    client = app.test_client()
    client.set_cookie("chatelaine", "anything")

    answer = client.get("/healthz")

    assert (answer.status_code, answer.get_data(as_text=True)) == (200, "ok\n")


def test_all_is_well(app):
    assert ready(app) == (200, {"database": "ok", "keys": "ok", "disk": "ok", "audit": "ok"})


@pytest.mark.sqlite
def test_a_database_that_does_not_answer(app, runtime, database):
    runtime.engine.dispose()
    content = database.read_bytes()
    database.write_bytes(b"not a database any more" * 200)

    status, words = ready(app)
    runtime.engine.dispose()
    database.write_bytes(content)

    assert status == 503
    assert words["database"] == "the database does not answer"


def test_a_database_of_another_schema(app, database):
    worlds.past_the_program(database, "UPDATE alembic_version SET version_num = 'newer'")

    status, words = ready(app)

    assert status == 503
    assert "another schema" in words["database"]


def test_keys_that_do_not_open(app, runtime):
    with runtime.engine.connect() as connection, connection.begin():
        connection.execute(text("UPDATE data_key SET wrapped = zeroblob(200)"))

    status, words = ready(app)

    assert status == 503
    assert words["keys"] == "the keys cannot be opened"


@pytest.mark.sqlite
def test_a_disk_with_next_to_no_room(app, monkeypatch):
    usage = SimpleNamespace(free=health.DISK_BYTES - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)

    status, words = ready(app)

    assert status == 503
    assert words["disk"] == "the disk is nearly full"


def test_an_audit_log_that_nobody_writes(app, runtime):
    ended = threading.Thread(target=lambda: None)
    ended.start()
    ended.join()
    runtime.committer._thread = ended

    status, words = ready(app)

    assert status == 503
    assert words["audit"] == "the audit log is not being written"


def test_strangers_learn_no_version_name_or_path(app, database):
    for path in ("/healthz", "/readyz"):
        answer = app.test_client().get(path)
        told = answer.get_data(as_text=True) + str(answer.headers)
        assert not re.search(r"\d+\.\d+\.\d+|[Ff]lask|[Ww]erkzeug|[Pp]ython|[Ss]qlite", told)
        assert str(database.parent) not in told


@pytest.fixture
def watched(make_app):
    return make_app(METRICS_TOKEN=METRICS_TOKEN)


def figures(app) -> dict[str, float]:
    answer = app.test_client().get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = (line.rpartition(" ") for line in answer.get_data(as_text=True).splitlines() if line[0] != "#")
    return {name: float(value) for name, _, value in lines}


def test_without_a_token_in_the_settings_there_are_no_metrics(app):
    answer = app.test_client().get("/metrics", headers={"Authorization": "Bearer None"})

    assert answer.status_code == 404


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Bearer wrong", f"Basic {METRICS_TOKEN}", "Bearer é"]
)
def test_metrics_are_for_the_bearer_of_the_token(watched, header):
    answer = watched.test_client().get(
        "/metrics", headers={"Authorization": header} if header is not None else {}
    )

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="metrics"'
    assert "chatelaine_" not in answer.get_data(as_text=True)


def test_metrics_count_requests_events_and_batches(watched, sign_in):
    nobody = sign_in(watched)
    nobody.open("/sign-in")
    nobody.submit("sign-in", token="wrong", status=422)
    nobody.open("/no/such/page", status=404)
    sign_in(watched, "mia").open("/o/lakeside/", status=404)

    found = figures(watched)

    assert found['chatelaine_requests_total{endpoint="signin.submit",status="4xx"}'] == 1
    assert found['chatelaine_requests_total{endpoint="nowhere",status="4xx"}'] == 1
    assert found['chatelaine_events_total{action="signin.failed"}'] == 1
    assert found['chatelaine_events_total{action="session.started"}'] == 1
    assert found['chatelaine_events_total{action="access.denied"}'] == 1
    assert found["chatelaine_committer_batch_events_count"] == 1
    assert found["chatelaine_committer_batch_events_sum"] == 2, "the denial, and that it was a crossing"
    assert found["chatelaine_committer_waiting"] == 0
    assert found["chatelaine_database_bytes"] > 100_000
    assert found["chatelaine_request_seconds_count"] >= 5
    assert found["chatelaine_checkpoint_age_seconds"] >= 0


def test_metrics_count_reveals(app, api, world, make_app):
    program = api("rhea", Scope.ITEMS_REVEAL)
    watched = make_app(METRICS_TOKEN=METRICS_TOKEN)
    answer = watched.test_client().post(
        f"/api/v1/items/{world.items['Stripe dashboard']}/reveal",
        headers={"Authorization": f"Bearer {program.token}"},
    )
    assert answer.get_json()["fields"]["Password"] == PASSWORD

    assert figures(watched)['chatelaine_events_total{action="item.revealed"}'] == 1


def test_metrics_name_nobody_and_nothing(watched, sign_in, world):
    mia = sign_in(watched, "mia", "198.51.100.77")
    mia.open(
        f"/o/northwind/items/{world.items['Stripe dashboard']}",
        status=mia.client.get(
            f"/o/northwind/items/{world.items['Stripe dashboard']}", base_url="http://localhost"
        ).status_code,
    )
    text_shown = (
        watched.test_client()
        .get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
        .get_data(as_text=True)
    )

    for word in ("mia", "northwind", "Stripe", "198.51", str(world.items["Stripe dashboard"]), "chl_"):
        assert word not in text_shown


def test_two_applications_count_for_themselves(make_app, sign_in):
    one, other = make_app(METRICS_TOKEN=METRICS_TOKEN), make_app(METRICS_TOKEN=METRICS_TOKEN)
    sign_in(one).open("/sign-in")

    name = 'chatelaine_requests_total{endpoint="signin.show",status="2xx"}'
    assert name in figures(one)
    assert name not in figures(other)


def test_security_txt_says_where_to_report(make_app):
    app = make_app(production=True, SECURITY_CONTACT="mailto:security@example.org")
    with time_machine.travel("2026-11-22T12:00:00Z", tick=False):
        answer = app.test_client().get("/.well-known/security.txt", base_url="https://vault.example.org")
    fields = dict(line.split(": ", 1) for line in answer.get_data(as_text=True).splitlines())

    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert fields["Contact"] == "mailto:security@example.org"
    assert fields["Canonical"] == "https://vault.example.org/.well-known/security.txt"
    expires = datetime.strptime(fields["Expires"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert timedelta(0) < expires - datetime(2026, 11, 22, 12, tzinfo=UTC) < timedelta(days=365)
    policy = app.test_client().get(
        fields["Policy"].removeprefix("https://vault.example.org"), base_url="https://vault.example.org"
    )
    assert "mailto:security@example.org" in policy.get_data(as_text=True)


@pytest.mark.parametrize("path", ["/.well-known/security.txt", "/security"])
def test_without_a_contact_nothing_is_claimed(app, path):
    assert app.test_client().get(path).status_code == 404


ROOT_IN_LAYER = "1 0 0:50 / / rw,relatime - overlay overlay rw,lowerdir=/a,upperdir=/b\n"
ROOT_ON_DISK = "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard\n"
VOLUME = "40 1 254:1 /v /data rw,relatime shared:1 - ext4 /dev/vdb rw\n"
MEMORY = "41 1 0:60 / /data rw,nosuid - tmpfs tmpfs rw\n"
SPACED = "42 1 254:1 /v /my\\040data rw - ext4 /dev/vdb rw\n"


NAMED = "43 1 254:1 /var/lib/docker/volumes/vault_data/_data /data rw - ext4 /dev/vda1 rw\n"
NAMELESS = f"44 1 254:1 /var/lib/docker/volumes/{'0a' * 32}/_data /data rw - ext4 /dev/vda1 rw\n"


@pytest.mark.parametrize(
    ("mounts", "path", "lost"),
    [
        (ROOT_IN_LAYER, "/data/chatelaine.db", "container's own layer"),
        (ROOT_IN_LAYER + VOLUME, "/data/chatelaine.db", ""),
        (ROOT_IN_LAYER + VOLUME, "/database/chatelaine.db", "container's own layer"),
        (ROOT_IN_LAYER + MEMORY, "/data/chatelaine.db", "in memory"),
        (ROOT_IN_LAYER + VOLUME + MEMORY, "/data/chatelaine.db", "in memory"),
        (ROOT_IN_LAYER + SPACED, "/my data/chatelaine.db", ""),
        (ROOT_IN_LAYER + NAMED, "/data/deeper/chatelaine.db", ""),
        (ROOT_IN_LAYER + NAMELESS, "/data/chatelaine.db", "has no name"),
        (ROOT_ON_DISK, "/data/chatelaine.db", ""),
        ("", "/data/chatelaine.db", ""),
        ("nonsense\n", "/data/chatelaine.db", ""),
    ],
)
def test_data_that_will_not_outlive_the_container_is_noticed(mounts, path, lost):
    words = health.fleeting(Path(path), mounts, contained=False)

    assert (lost in words) if lost else words == ""


def test_in_a_container_the_root_is_lost_whatever_it_is_made_of():
    assert health.fleeting(Path("/app/x.db"), ROOT_ON_DISK, contained=True)
    assert not health.fleeting(Path("/data/x.db"), ROOT_ON_DISK + VOLUME, contained=True)


def test_the_warning_says_what_is_lost_and_what_to_do(monkeypatch, tmp_path):
    mounts = tmp_path / "mountinfo"
    mounts.write_text(ROOT_IN_LAYER)
    monkeypatch.setattr(health, "MOUNTS", mounts)

    words = health.fleeting_data(Path("/data/chatelaine.db"), contained=True)

    assert "EVERYTHING IN THE DATABASE IS GONE" in words
    assert "Mount a volume with a name at /data" in words
    assert health.fleeting_data(None, contained=True) == ""

    mounts.write_text(ROOT_ON_DISK)
    assert health.fleeting_data(Path("/data/chatelaine.db"), contained=False) == ""
    assert MASTER_KEY not in words
