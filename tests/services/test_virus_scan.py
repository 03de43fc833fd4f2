"""Files are looked at by clamd, where there is one, before anything of them is stored."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from io import BytesIO

import pytest

from policy import Right
from services.rules import AttachmentRules
from services.virus_scan import Infected, Scanner, ScannerAway
from tests.attached import attach
from tests.clamd import EICAR, Clamd

LONG = b"a line of text\n" * 20_000


@pytest.fixture
def clamd():
    with closing(Clamd()) as daemon:
        yield daemon


@pytest.fixture
def scanner(clamd):
    return Scanner("127.0.0.1", clamd.port)


def test_what_is_clean_passes_and_was_seen_whole(scanner, clamd):
    scanner.look_at(BytesIO(LONG))
    assert clamd.seen == [LONG]


def test_it_is_found_on_a_socket_of_this_machine_as_well(tmp_path):
    with closing(Clamd(tmp_path / "clamd")) as daemon:
        scanner = Scanner(str(tmp_path / "clamd"))
        scanner.look_at(BytesIO(b"clean"))
        with pytest.raises(Infected):
            scanner.look_at(BytesIO(EICAR))
        assert daemon.seen == [b"clean", EICAR]


def test_the_test_virus_is_refused_wherever_it_stands(scanner):
    with pytest.raises(Infected, match="found Eicar-Signature in this file") as caught:
        scanner.look_at(BytesIO(LONG + EICAR))
    assert (caught.value.found, caught.value.field) == ("Eicar-Signature", "file")


@pytest.mark.parametrize(
    "says",
    [
        b"",
        b"OK\0",
        b"INSTREAM size limit exceeded. ERROR\0",
        b"\xff" * 9000,
        b"stream: FOUND\0",
    ],
)
def test_an_answer_that_means_nothing_is_none(says):
    with closing(Clamd(says=says)) as daemon:
        scanner = Scanner("127.0.0.1", daemon.port)
        with pytest.raises(ScannerAway):
            scanner.look_at(BytesIO(b"x"))
        replace(scanner, mandatory=False).look_at(BytesIO(b"x"))


def test_while_it_is_away_nothing_is_taken_unless_the_operator_wants_that(tmp_path):
    away = Scanner(str(tmp_path / "nobody"))
    with pytest.raises(ScannerAway, match="cannot be reached, so the file was not stored"):
        away.look_at(BytesIO(b"x"))
    replace(away, mandatory=False).look_at(BytesIO(b"x"))


def test_what_it_finds_counts_also_where_it_is_not_mandatory(clamd):
    with pytest.raises(Infected):
        Scanner("127.0.0.1", clamd.port, mandatory=False).look_at(BytesIO(EICAR))


def test_an_infected_file_is_stored_nowhere_and_its_attempt_is_recorded(
    runtime, world, scanner, trail, clamd
):
    runtime.rules = replace(runtime.rules, attachments=AttachmentRules(scanner=scanner))
    mia = world.actor("mia", {world.vaults["Production"]: Right.EDIT})
    item = world.items["prod/db primary"]
    attach(runtime, mia, item, "clean.txt", b"clean")
    with pytest.raises(Infected):
        attach(runtime, mia, item, "eicar.txt", EICAR)
    assert clamd.seen == [b"clean", EICAR]
    assert len(list(runtime.files.list())) == 1
    clean, infected = trail.events("file.added")
    assert (clean["success"], infected["success"]) == (True, False)
    assert infected["extra"] == {"reason": "the virus scanner refused it", "found": "Eicar-Signature"}
