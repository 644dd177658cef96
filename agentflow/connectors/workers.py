"""Workers: calls to a plain function in child processes that may be slow, greedy or crash without harm."""

import asyncio
import contextlib
import ctypes
import importlib
import math
import os
import pickle
import resource
import signal
import struct
import sys
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal, Self, cast

from agentflow.errors import WorkerDied, WorkerError, WorkerTimeout

START_SECONDS = 60.0
"""Time a child may take to import its target; kept apart from the time of a call."""

_HEAD = struct.Struct(">Q")
_CODE = "from agentflow.connectors.workers import serve; serve()"
_PR_SET_PDEATHSIG = 1

Reply = tuple[Literal["ready", "value", "error", "memory"], Any]


class Workers:
    """Up to `count` child interpreters that run `target` ("package.module:function"), each one call at a time.

    A child starts with the first call that needs it and lives until the context ends. A call that takes more than
    `seconds`, or a child that dies or needs more than `memory_mb` (MiB of address space; not enforced on macOS), costs
    that child alone: the next call starts a new one. Arguments and results travel as pickles. Children end with the
    process that started them, however it ends.
    """

    def __init__(self, target: str, *, count: int = 1, seconds: float, memory_mb: int | None = None) -> None:
        self._target = target
        self._seconds = seconds
        self._memory_mb = memory_mb
        self._turns = asyncio.Semaphore(count)
        self._idle: list[_Child] = []
        self._all: set[_Child] = set()
        self._open = False

    async def __aenter__(self) -> Self:
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        self._idle.clear()
        for child in list(self._all):
            await self._end(child)

    @property
    def pids(self) -> list[int]:
        """The process ids of the children alive now."""
        return sorted(child.pid for child in self._all if child.alive)

    async def call(self, *args: Any) -> Any:
        """What `target(*args)` returns; an ordinary exception of the target is raised here as itself.

        Raises WorkerTimeout after `seconds`, WorkerDied when the child ended or ran out of memory, and WorkerError when
        the target cannot be imported or raised something that cannot be pickled.
        """
        async with self._turns:
            child = await self._ready_child()
            try:
                reply = await self._within(self._seconds, child.ask(args))
            except BaseException:
                await self._end(child)
                raise
            return await self._settle(child, reply)

    async def _settle(self, child: "_Child", reply: Reply) -> Any:
        kind, value = reply
        if kind == "memory":
            await self._end(child)
            raise WorkerDied(f"{self._target} ran out of memory; its limit is {self._memory_mb} MB")
        if self._open:
            self._idle.append(child)
        else:
            await self._end(child)
        if kind == "error":
            raise value
        return value

    async def _ready_child(self) -> "_Child":
        while self._idle:
            child = self._idle.pop()
            if child.alive:
                return child
            await self._end(child)
        if not self._open:
            raise WorkerError(f"the workers for {self._target} are closed; call them inside their `async with`")
        return await self._start()

    async def _start(self) -> "_Child":
        child = await _Child.start(self._target, self._seconds, self._memory_mb)
        self._all.add(child)
        try:
            kind, value = await self._within(START_SECONDS, child.read())
        except BaseException:
            await self._end(child)
            raise
        if kind != "ready":
            await self._end(child)
            raise WorkerError(f"{self._target} cannot be imported in a child process: {value!r}") from value
        return child

    async def _within(self, seconds: float, answer: Awaitable[Reply]) -> Reply:
        try:
            return await asyncio.wait_for(answer, seconds)
        except TimeoutError as error:
            raise WorkerTimeout(f"{self._target} took more than {seconds:g} s; give it less or more time") from error
        except (EOFError, OSError) as error:
            raise WorkerDied(f"the child process of {self._target} ended in the middle of a call") from error

    async def _end(self, child: "_Child") -> None:
        self._all.discard(child)
        await asyncio.shield(child.kill())


class _Child:
    """One child process and the pipes to it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._to = cast("asyncio.StreamWriter", process.stdin)
        self._from = cast("asyncio.StreamReader", process.stdout)

    @classmethod
    async def start(cls, target: str, seconds: float, memory_mb: int | None) -> Self:
        """A new interpreter with the import path of this one; a session of its own keeps Ctrl-C with the parent."""
        limits = (str(seconds), str(memory_mb or 0), str(os.getpid()))
        path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-c", _CODE, target, *limits),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,
        )
        return cls(process)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def ask(self, args: tuple[Any, ...]) -> Reply:
        body = pickle.dumps(args)
        self._to.writelines((_HEAD.pack(len(body)), body))
        await self._to.drain()
        return await self.read()

    async def read(self) -> Reply:
        (size,) = _HEAD.unpack(await self._from.readexactly(_HEAD.size))
        return pickle.loads(await self._from.readexactly(size))  # noqa: S301 - written by our own child

    async def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._to.close()
        await self._process.wait()


def serve() -> None:
    """Run in the child: answer calls from standard input until it ends."""
    target, seconds, memory_mb, parent = sys.argv[1:]
    _end_with(int(parent))
    calls, replies = _pipes()
    try:
        _limit_memory(int(memory_mb))
        module, _, name = target.partition(":")
        function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    except Exception as error:  # noqa: BLE001 - whatever an import may raise belongs to the parent
        _write(replies, _fault(error))
        return
    _write(replies, ("ready", None))
    while (args := _read(calls)) is not None:
        _limit_processor(float(seconds))
        reply = _answer(function, args)
        _write(replies, reply)
        if reply[0] == "memory":
            return


def _answer(function: Callable[..., Any], args: tuple[Any, ...]) -> Reply:
    try:
        return ("value", function(*args))
    except MemoryError:
        return ("memory", None)
    except Exception as error:  # noqa: BLE001 - whatever the target raises belongs to the caller
        return _fault(error)


def _fault(error: Exception) -> Reply:
    """The exception itself where it survives pickling both ways, else a WorkerError that words it."""
    error.add_note("in a child process:\n" + "".join(traceback.format_exception(error)).rstrip())
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - a value of our own
    except Exception:  # noqa: BLE001 - a foreign exception may break in any way when pickled
        return ("error", WorkerError(f"{type(error).__name__}: {error}"))
    return ("error", error)


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """The pipes to the parent, out of reach of whatever the target reads or prints."""
    calls, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return calls, replies


def _read(calls: BinaryIO) -> tuple[Any, ...] | None:
    head = calls.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    return pickle.loads(calls.read(_HEAD.unpack(head)[0]))  # noqa: S301 - written by our own parent


def _write(replies: BinaryIO, reply: Reply) -> None:
    try:
        body = pickle.dumps(reply)
    except Exception as error:  # noqa: BLE001 - a foreign value may break in any way when pickled
        body = pickle.dumps(("error", WorkerError(f"the result cannot be pickled: {error}")))
    replies.write(_HEAD.pack(len(body)) + body)
    replies.flush()


def _end_with(parent: int) -> None:
    """Have the kernel kill this process with its parent; elsewhere than on Linux it ends when its call does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _limit_memory(memory_mb: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory_mb:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (memory_mb << 20, memory_mb << 20))


def _limit_processor(seconds: float) -> None:
    """A last resort for a call whose parent no longer watches: processor time of all cores for the time of a call."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    limit = usage.ru_utime + usage.ru_stime + (seconds + 1) * (os.cpu_count() or 1)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(limit), hard))
