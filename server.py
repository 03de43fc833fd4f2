"""The production server: Granian's sockets and event loop, our gateway, and a clean end."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import resource
import signal
import socket
import sys
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any, NoReturn, cast

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server as OneProcess
from granian.server.mp import MPServer as ManyProcesses

from errors import StartRefused
from gateway import Gateway, Limits

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Coroutine
    from wsgiref.types import WSGIApplication

    from granian._granian import RSGIHTTPProtocol as HTTPProtocol
    from granian.rsgi import Scope

THREADS = 16
HEAD_MILLISECONDS = 10_000
CONNECTIONS = 1000
DRAIN_SECONDS = 10.0
ORPHAN_SECONDS = 1.0
STOPPING = (signal.SIGINT, signal.SIGTERM)
HTTP = HTTP1Settings(header_read_timeout=HEAD_MILLISECONDS, max_buffer_size=64 * 1024)


class AddressRefused(StartRefused):
    """The server cannot listen there; the message says why and what to do."""


@dataclass(frozen=True)
class Plan:
    """What every worker needs to begin.

    Args:
        make_application: called once in each process, so that nothing is shared by accident.
        threads: requests that one process works on at the same time.
    """

    make_application: Callable[[], WSGIApplication]
    threads: int = THREADS
    limits: Limits = field(default_factory=Limits)
    multiprocess: bool = False


class Worker:
    """One process's gateway and application, from start to a clean end."""

    def __init__(self, plan: Plan) -> None:
        self._application = plan.make_application()
        self._gateway = Gateway(
            self._application, threads=plan.threads, limits=plan.limits, multiprocess=plan.multiprocess
        )

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        """Answer one request."""
        await self._gateway.__rsgi__(scope, protocol)

    async def finish(self) -> None:
        """Let what runs come to its end, then let the application write its last words."""
        await self._gateway.drain(DRAIN_SECONDS)
        room = getattr(self._application, "extensions", {}).get("chatelaine")
        if room is not None:
            room.close()


class ProcessWorker(Worker):
    """A worker of several; Granian tells it when its process begins and ends."""

    def __init__(self, plan: Plan, parent: int) -> None:
        # Granian's own handlers came along with the fork; until this process has its own, a signal ends it.
        for number in STOPPING:
            signal.signal(number, signal.SIG_DFL)
        super().__init__(plan)
        self._parent = parent

    def __rsgi_init__(self, loop: AbstractEventLoop) -> None:
        """Watch the process that started this one: without it nobody would ever end this."""
        if os.getppid() == self._parent:
            loop.call_later(ORPHAN_SECONDS, self.__rsgi_init__, loop)
        else:
            os.kill(os.getpid(), signal.SIGTERM)

    def __rsgi_del__(self, loop: AbstractEventLoop) -> None:
        """Finish, once Granian has stopped taking requests."""
        loop.run_until_complete(self.finish())


def serve(plan: Plan, *, host: str, port: int, workers: int = 1, on_ready: Callable[[], None]) -> NoReturn:
    """Serve until SIGINT or SIGTERM, then end the process.

    Args:
        on_ready: called when the server answers.

    Raises:
        AddressRefused: before anything is started.
    """
    address = check_address(host, port)
    raise_file_limit()
    if workers == 1:
        code = asyncio.run(_serve_here(Worker(plan), address, port, on_ready))
    else:
        code = _serve_many(plan, address, port, workers, on_ready)
    # All is closed by now, but Granian's threads live on and panic when the interpreter is taken down.
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def check_address(host: str, port: int) -> str:
    """Find out whether this process can listen there, and return the numeric address.

    Granian shares a port with whoever asks for it, so two servers on one port would go unnoticed.

    Raises:
        AddressRefused: it cannot; the message says why and what to do.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror:
        raise AddressRefused(f"{host} is no address of this machine. Give another with --host.") from None
    except OSError as error:
        raise AddressRefused(_why_not(error, host, port)) from None
    return str(address[0])


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use. End the program that listens there, or choose another with --port."
    if error.errno == errno.EACCES:
        return f"This user may not listen on port {port}. Choose one above 1023 with --port."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine. Give another with --host."
    return f"Cannot listen on {host}, port {port} ({error.strerror})."


def raise_file_limit() -> None:
    """Allow this process as many open sockets and files as it may have, if that is few."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * CONNECTIONS if hard == resource.RLIM_INFINITY else min(hard, 4 * CONNECTIONS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _quiet_log() -> dict[str, Any]:
    # Granian would otherwise replace the handlers that the application has set up.
    return {"version": 1, "incremental": True, "handlers": {}, "loggers": {"_granian": {}}}


async def _announce(host: str, port: int, on_ready: Callable[[], None]) -> None:
    """Call *on_ready* as soon as the door is open; Granian itself does not say when."""
    writer: asyncio.StreamWriter | None = None
    while writer is None:
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(0.01)
    writer.close()
    on_ready()


async def _serve_here(worker: Worker, host: str, port: int, on_ready: Callable[[], None]) -> int:
    server = OneProcess(
        worker,
        address=host,
        port=port,
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        http1_settings=HTTP,
        websockets=False,
        backlog=CONNECTIONS,
        backpressure=CONNECTIONS,
        log_level=LogLevels.error,
        log_dictconfig=_quiet_log(),
    )
    loop = asyncio.get_running_loop()

    def stop(number: signal.Signals) -> None:
        server.stop()  # type: ignore[no-untyped-call]
        # Whoever asks twice does not want to wait.
        loop.add_signal_handler(number, os._exit, 128 + number)

    for number in STOPPING:
        loop.add_signal_handler(number, stop, number)
    announcement = asyncio.create_task(_announce(host, port, on_ready))
    await server.serve()
    announcement.cancel()
    await worker.finish()
    return 1 if server.interrupt_children else 0


class _Announcing(ManyProcesses):
    announcement: Callable[[], Coroutine[None, None, None]]

    def startup(self, *arguments: Any) -> None:
        super().startup(*arguments)  # type: ignore[no-untyped-call]
        # Only now: a thread that runs while processes are forked could hold a lock that they inherit.
        Thread(target=lambda: asyncio.run(self.announcement()), daemon=True).start()


def _serve_many(plan: Plan, host: str, port: int, workers: int, on_ready: Callable[[], None]) -> int:
    server = _Announcing(
        "chatelaine",
        address=host,
        port=port,
        interface=Interfaces.RSGI,
        workers=workers,
        http=HTTPModes.http1,
        http1_settings=HTTP,
        websockets=False,
        backlog=CONNECTIONS,
        backpressure=CONNECTIONS,
        respawn_failed_workers=True,
        workers_kill_timeout=round(DRAIN_SECONDS) + 5,
        log_level=LogLevels.error,
        log_dictconfig=_quiet_log(),
    )
    # Granian asks for something to call, and takes an object with __rsgi__ as well.
    server.announcement = partial(_announce, host, port, on_ready)
    worker = partial(ProcessWorker, replace(plan, multiprocess=True), os.getpid())
    load = cast("Callable[..., Callable[..., Any]]", worker)
    try:
        server.serve(target_loader=load, wrap_loader=False)
    except SystemExit as stopped:
        return int(stopped.code or 0)
    return 0
