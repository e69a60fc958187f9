"""Runs one Lambda function on this machine and stamps what it does.

It plays Lambda's Runtime API on loopback: starts the function's program, hands it one event at a time, takes the
answers. The program cannot tell it from Lambda, except that there is no micro-VM around it.
"""

import itertools
import json
import os
import queue
import socket
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

from http1 import requests, response

# A share of 1,769 MB is one full core.
MB_PER_CORE = 1769
# Lambda gives out CPU time in periods of 20 ms.
PERIOD_US = 20_000
PATIENCE = 30.0


class FunctionError(Exception):
    """The function answered with an error, ended, or did not answer."""


class CpuShare:
    """A control group that holds one program to the share of a core that a memory size buys."""

    _numbers = itertools.count()

    def __init__(self, memory_mb: int):
        quota = max(1_000, PERIOD_US * memory_mb // MB_PER_CORE)
        root = Path("/sys/fs/cgroup")
        if (root / "cgroup.controllers").exists():
            limits = {"cpu.max": f"{quota} {PERIOD_US}"}
        else:
            root = root / "cpu"
            limits = {"cpu.cfs_period_us": PERIOD_US, "cpu.cfs_quota_us": quota}
        self._root = root
        self._path = root / f"lambda-bench-{os.getpid()}-{next(self._numbers)}"
        self._path.mkdir()
        try:
            for name, value in limits.items():
                (self._path / name).write_text(str(value))
        except OSError:
            self.close()
            raise

    def hold(self, pid: int):
        (self._path / "cgroup.procs").write_text(str(pid))

    def release(self, pid: int):
        (self._root / "cgroup.procs").write_text(str(pid))

    def close(self):
        self._path.rmdir()


def cpu_seconds(pid: int) -> float:
    """CPU time of all threads of a process so far, also of those that ended (the process's own CPU clock)."""
    return time.clock_gettime((~pid << 3) | 2)


class Function:
    """One running instance of a function: one process, one event at a time."""

    def __init__(
        self, name: str, command: list[str], environment: dict[str, str], memory_mb: int | None = None
    ):
        """Starts it. With a memory size, it is held to that size's share of a core as soon as it asks for its first
        event: Lambda does not throttle the initialisation."""
        self.name = name
        self._share = CpuShare(memory_mb) if memory_mb else None
        self.first_poll: float | None = None
        self.init_cpu_ms = 0.0
        self._events: queue.SimpleQueue = queue.SimpleQueue()
        self._done: queue.SimpleQueue = queue.SimpleQueue()
        self._launched = threading.Event()
        self._ready = threading.Event()
        self._current = ("", 0.0)
        self._count = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        environment = {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "bench",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "_HANDLER": "bootstrap",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            **environment,
        }
        self._log = os.memfd_create("log")
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log
        )
        self.pid = self.process.pid
        self._launched.set()
        try:
            self._wait_for_first_poll()
        except FunctionError:
            self.stop()
            raise

    @property
    def init_ms(self) -> float:
        return (self.first_poll - self.started) * 1e3

    def invoke(self, event: dict) -> tuple[dict, float]:
        """Hands it an event; its answer, and how many ms passed until it was complete."""
        self._count += 1
        self._events.put((f"00000000-0000-4000-8000-{self._count:012}", json.dumps(event).encode()))
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                kind, body, sent, answered = self._done.get(timeout=0.2)
                break
            except queue.Empty:
                self._check(deadline)
        if kind != "response":
            raise FunctionError(f"{self.name} failed: {body.decode(errors='replace')}\n{self.log()}")
        return json.loads(body or b"null"), (answered - sent) * 1e3

    def log(self) -> str:
        return os.pread(self._log, os.fstat(self._log).st_size, 0).decode(errors="replace")

    def log_bytes(self) -> int:
        return os.fstat(self._log).st_size

    def peak_mib(self) -> float:
        """The most memory that it ever had resident."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024

    def cpu_ms(self) -> float:
        return cpu_seconds(self.pid) * 1e3

    def stop(self):
        if self._share:
            with suppress(OSError):  # it has ended already
                self._share.release(self.pid)
        self.process.kill()
        self.process.wait()
        if self._share:
            self._share.close()
        self._events.put(None)
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        os.close(self._log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _wait_for_first_poll(self):
        deadline = time.monotonic() + PATIENCE
        while not self._ready.wait(0.2):
            self._check(deadline)

    def _check(self, deadline: float):
        if self.process.poll() is not None:
            raise FunctionError(f"{self.name} ended with {self.process.returncode}:\n{self.log()}")
        if time.monotonic() > deadline:
            raise FunctionError(f"{self.name} did not answer within {PATIENCE:.0f} s:\n{self.log()}")

    def _accept(self):
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                # Otherwise answers wait 40 ms for an acknowledgement.
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket):
        with suppress(OSError), connection:
            for request in requests(connection):
                self._answer(connection, *request)

    def _answer(self, connection: socket.socket, _method: str, path: str, _headers: dict, body: bytes):
        now = time.perf_counter()
        what = path.rpartition("/")[2]
        if what == "next":
            if self.first_poll is None:
                self.first_poll = now
                self._launched.wait()
                self.init_cpu_ms = self.cpu_ms()
                if self._share:
                    self._share.hold(self.pid)
                self._ready.set()
            # After the last event this waits for ever, as Lambda's does.
            event = self._events.get()
            if event is None:
                raise ConnectionError("stopped")
            request_id, event = event
            self._current = (request_id, time.perf_counter())
            deadline = int(time.time() * 1e3) + 30_000
            head = (
                f"lambda-runtime-aws-request-id: {request_id}\r\nlambda-runtime-deadline-ms: {deadline}\r\n"
                f"lambda-runtime-invoked-function-arn: arn:aws:lambda:eu-central-1:000000000000:function:{self.name}\r\n"
            )
            connection.sendall(response(200, event, head))
        else:
            connection.sendall(response(202, b'{"status":"OK"}'))
            self._done.put((what, body, self._current[1], now))
