"""What a use case works with: one transaction, one actor, the opened keys, the events so far."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from crypto.keyring import KeyRoom
from errors import ChatelaineError
from policy import NOBODY, Actor, ActorKind
from services import clock, postgresql
from services.audit_append import append
from services.committer import Mark
from services.database import see_organization
from services.events import Event, Origin

if TYPE_CHECKING:
    from services.rules import Rules
    from services.runtime import Runtime


log = logging.getLogger("chatelaine.work")


class UnitOfWork:
    """One request's (or command's) work on the database.

    A *writing* unit holds the one write transaction from before its first read; its events are appended in
    it. A *reading* unit holds none: its events go through the committer when it finishes.

    Args:
        writing: whether the unit changes more than the audit log.
    """

    def __init__(self, runtime: Runtime, *, origin: Origin, writing: bool) -> None:
        self.runtime = runtime
        self.origin = origin
        self.actor: Actor = NOBODY
        self.events: list[Event] = []
        self.now: datetime = clock.now()
        self._writing = False
        self._keys: KeyRoom | None = None
        self._connection: Connection | None = None
        self._session: Session | None = None
        self._afterwards: list[Callable[[], None]] = []
        if writing:
            self._begin()

    @property
    def writing(self) -> bool:
        """Whether the write transaction is held."""
        return self._writing

    @property
    def rules(self) -> Rules:
        """The settings that use cases need."""
        return self.runtime.rules

    @property
    def connection(self) -> Connection:
        """The connection with this unit's transaction, for prepared statements."""
        if self._connection is None:
            self._connection = self.runtime.connections.take(writing=False)
            self._show(self._connection)
        elif not self._connection.in_transaction():
            self._connection.begin()
            self._show(self._connection)
        return self._connection

    @property
    def session(self) -> Session:
        """The session in this transaction; made when first asked for, as what runs often needs none."""
        if self._session is None:
            self._session = Session(self.connection, expire_on_commit=False)
            see_organization(self._session, self.actor.organization_id, self._person_id)
        return self._session

    @property
    def keys(self) -> KeyRoom:
        """The opened data keys, as fresh as this unit's view of the database."""
        if self._keys is None:
            self._keys = self.runtime.keys_for(self.connection)
        return self._keys

    def use_keys(self, generation: int) -> None:
        """Take the keys of *generation*, which a statement of this unit has just read."""
        self._keys = self.runtime.keys_of(generation, self.connection)

    def forget_keys(self) -> None:
        """Open the keys anew at their next use: this unit has changed ``data_key``."""
        if self._session is not None:
            self._session.flush()
        self._keys = None

    def act_as(self, actor: Actor) -> None:
        """Go on as *actor*, who sees the rows of their organization only."""
        self.actor = actor
        if self._session is not None:
            see_organization(self._session, actor.organization_id, self._person_id)
        if self._connection is not None:
            self._show(self._connection)

    def _show(self, connection: Connection) -> None:
        postgresql.show(connection, self.actor.organization_id, self._person_id)

    @property
    def _person_id(self) -> UUID | None:
        return self.actor.id if self.actor.kind is ActorKind.PERSON else None

    @property
    def organization_id(self) -> UUID:
        """The organization that the actor works in.

        Raises:
            RuntimeError: there is none; a fault of ours.
        """
        if self.actor.organization_id is None:
            message = "this work needs an organization"
            raise RuntimeError(message)
        return self.actor.organization_id

    def note(self, mark: Mark) -> None:
        """Hand a last-used mark to the committer."""
        self.runtime.committer.note(mark)

    def afterwards(self, act: Callable[[], None]) -> None:
        """Have *act* called once the work is durable, and never if it is not; it fails without consequence.

        For what lies outside the database and goes with a row: left behind, housekeeping finds it.
        """
        self._afterwards.append(act)

    def begin_writing(self) -> None:
        """Go on with the write transaction, from what is in the database when its turn has come."""
        self.release()
        self._begin()
        self.act_as(self.actor)

    def finish(self) -> None:
        """Make the work and its events durable. Nothing may be answered before this returns."""
        if self._writing:
            self._commit()
        else:
            events, self.events = self.events, []
            keys = self.keys if events else None
            self.release()
            if keys is not None:
                self.runtime.committer.submit(keys, events)

    def abandon(self) -> None:
        """Undo the work and forget its events. The unit can then record a denial and finish as a reader.

        What failed is a fact whatever becomes of the work, such as a value that could not be decrypted: the
        event is stored all the same.
        """
        kept = [event for event in self.events if not event.success]
        self.events, self._afterwards = [], []
        self.release()
        if kept:
            self.events = kept
            self.finish()

    def release(self) -> None:
        """Let go of the transaction, undoing what was not committed, and of the turn to write."""
        session, self._session = self._session, None
        connection, self._connection = self._connection, None
        try:
            if session is not None:
                session.close()
        finally:
            if connection is not None:
                self.runtime.connections.give_back(connection)
            self._end()

    def _begin(self) -> None:
        # Whoever holds the lock of the writers computes first: all others wait for it.
        with self.runtime.turns.aside(ahead=True):
            self.runtime.write_lock.acquire()
        self._writing = True
        try:
            self._connection = self.runtime.connections.take(writing=True)
        except BaseException:
            self._end()
            raise

    def _commit(self) -> None:
        try:
            if self._session is not None:
                self._session.flush()
            if self.events:
                keys = self.keys
                postgresql.show(self.connection, postgresql.EVERY_ORGANIZATION)
                append(self.connection, keys, self.events)
                self.events = []
            with self.runtime.turns.aside():
                self.connection.commit()
                self._end()
        finally:
            self.release()
        self._follow()

    def _follow(self) -> None:
        acts, self._afterwards = self._afterwards, []
        try:
            for act in acts:
                with self.runtime.turns.aside():
                    act()
        except ChatelaineError:
            # The others would wait for the same, one after the other.
            log.exception("what follows a transaction failed; housekeeping goes on with it")

    def _end(self) -> None:
        if self._writing:
            self._writing = False
            self.runtime.write_lock.release()
