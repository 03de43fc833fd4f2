"""Moving in with a real browser: a file from the disk, and an import that goes on by itself."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from policy import Right
from services import import_runs, imports, vaults
from tests import world as worlds
from tests.imported import keep_preview
from tests.journeys import looks

pytestmark = pytest.mark.browser

ROWS = b"name,password\n" + b"".join(b"n%d,p%d\n" % (n, n) for n in range(250))


def leave_halfway(house, world):
    """Store the first part of an import of Mia's, as if her browser had been closed then; return its page."""
    vault_id = world.vaults["Production"]
    runtime = worlds.open_world(house.database)
    try:
        mia = world.actor("mia", {vault_id: Right.EDIT})
        run_id = keep_preview(runtime, mia, vault_id, ROWS)
        with runtime.work(writing=True, actor=mia) as uow:
            run = imports.find(uow, run_id)
            batch = import_runs.next_batch(uow, run)
            import_runs.store(uow, run, vaults.find(uow, vault_id), batch)
    finally:
        runtime.close()
    return f"/o/northwind/imports/{run_id}"


def test_a_file_moves_in_and_out_again_and_what_was_left_goes_on(visit, world, house):
    window = visit("mia")
    page = window.open(f"/o/northwind/vaults/{world.vaults['Production']}/import")
    moved = {"name": "moved.csv", "mimeType": "text/csv", "buffer": b"name,password\nRouter,a\nMail,b\n"}
    page.get_by_label("File", exact=True).set_input_files(moved)
    page.get_by_role("button", name="Show what is in it").click()
    expect(page.get_by_role("row", name="Router")).to_contain_text("New")
    looks.assert_everybody_can_use(page)
    page.get_by_role("button", name="Import 2 credentials").click()
    expect(page.get_by_role("main")).to_contain_text("2 of 2 credentials were stored")
    page.get_by_role("button", name="Undo the import").click()
    page.get_by_role("dialog", name="Undo the import").get_by_role("button", name="Undo the import").click()
    expect(page.get_by_role("main")).to_contain_text("2 credentials are in the trash")

    page = window.open(leave_halfway(house, world))
    expect(page.get_by_role("main")).to_contain_text("250 of 250 credentials were stored")
