"""What one process of the program holds: the engine, the opened keys, the committer, the indexes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import Connection, Engine

from crypto.keyring import KeyRoom, MasterKeys
from crypto.passphrase import PassphraseHasher
from errors import ReadOnly
from policy import SYSTEM_ACTOR, Actor
from services import keys as key_service
from services.checkpoints import CheckpointKeeper
from services.committer import Committer
from services.connections import Connections
from services.database import EVERY_ORGANIZATION, reading, see_organization, write_lock_for
from services.events import Origin
from services.index import Indexes
from services.marks import write_marks
from services.object_store import ObjectStore
from services.provider_client import Providers
from services.rules import Rules
from services.turns import Turns
from services.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from services.audit_figures import Active

SYSTEM_ORIGIN = Origin(agent="chatelaine")


class Runtime:
    """The parts that live as long as the process; hangs on ``app.extensions["chatelaine"]``.

    Args:
        engine: prepared by ``services.database.prepare_engine``.
        masters: the operator's keys.
        files: where attached files lie; they are encrypted before they go there.
        providers: of single sign-on; None: there are none.
        sink: takes each signed checkpoint to a second place; None: kept in the database only.
    """

    def __init__(
        self,
        engine: Engine,
        masters: MasterKeys,
        rules: Rules,
        *,
        files: ObjectStore,
        sink: Callable[[str], None] | None = None,
        providers: Providers | None = None,
    ) -> None:
        self.engine = engine
        self.masters = masters
        self.rules = rules
        self.files = files
        self.providers = providers or Providers()
        self.write_lock = write_lock_for(engine)
        # A database elsewhere is waited for, and threads that wait are no burden to each other.
        self.turns = Turns(one_by_one=engine.dialect.name == "sqlite")
        self.hasher = PassphraseHasher()
        self.connections = Connections(engine)
        self.indexes = Indexes()
        self.active: dict[UUID, Active] = {}
        """By chain, who was active on its newest day."""
        self.broken_events: set[UUID] = set()
        """Events whose payload did not open: recorded once by a process, not at every look at the log."""
        self.checkpoints = CheckpointKeeper(self, sink)
        self.committer = Committer(
            engine, self.write_lock, self.turns, mark=write_marks, housekeeping=self.checkpoints.tend
        )
        self.missing_keys: tuple[str, ...] = ()
        """Ids of master keys that the operator has started without: everything is read-only then."""
        self._keys: KeyRoom | None = None
        self._opening = threading.Lock()
        self._endings: list[Callable[[], None]] = []

    def keys_for(self, connection: Connection) -> KeyRoom:
        """Return the keys as *connection* sees them."""
        return self.keys_of(key_service.generation(connection), connection)

    def keys_of(self, generation: int, connection: Connection) -> KeyRoom:
        """Return the keys of *generation*, opened anew from *connection* if the held ones are of another."""
        held = self._keys
        if held is not None and held.generation == generation:
            return held
        with self._opening:
            opened = key_service.open_keys(connection, self.masters, self._keys)
            self._keys = opened
            return opened

    def held_keys(self, connection: Connection) -> KeyRoom:
        """Return the keys that are open already, perhaps of an older generation; open them if none are."""
        return self._keys or self.keys_for(connection)

    def counter_name(self, *parts: str) -> str:
        """Return what a rate counter is called: it tells nobody whose requests it counts."""
        keys = self._keys
        if keys is None:
            with reading(self.engine) as connection:
                keys = self.keys_for(connection)
        return keys.throttle_digest("rate", *parts).hex()

    def at_close(self, ending: Callable[[], None]) -> None:
        """Have *ending* called first when this is closed, the last given before the others."""
        self._endings.append(ending)

    @contextmanager
    def work(
        self, *, writing: bool, actor: Actor = SYSTEM_ACTOR, origin: Origin = SYSTEM_ORIGIN
    ) -> Iterator[UnitOfWork]:
        """Run a unit of work outside any request: commands, maintenance. Finishes unless the block raises.

        Raises:
            ReadOnly: it would write, and a master key is missing.
        """
        if writing and self.missing_keys:
            raise ReadOnly
        uow = UnitOfWork(self, origin=origin, writing=writing)
        try:
            uow.act_as(actor)
            if actor.organization_id is None:
                see_organization(uow.session, EVERY_ORGANIZATION)
            yield uow
        except BaseException:
            uow.abandon()
            raise
        uow.finish()

    def close(self) -> None:
        """Make the closing checkpoint and end the threads of this process."""
        while self._endings:
            self._endings.pop()()
        self.committer.close()
        self.checkpoints.make()
        self.connections.close()
        self.engine.dispose()
        self.write_lock.close()
