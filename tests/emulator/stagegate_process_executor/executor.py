"""One execution environment of a function version, as LocalEmu's assignment service drives it.

LocalEmu calls `start` once, then `invoke` one at a time, then `stop`. Everything about versions, aliases, weights and
policies stays LocalEmu's own; this class only runs the code of the version it is given.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from localemu.services.lambda_.invocation.lambda_models import InvocationResult
from localemu.services.lambda_.invocation.runtime_executor import RuntimeExecutor

WORKER = Path(__file__).with_name("worker.py")
LOOPBACK = "127.0.0.1"


class ProcessExecutor(RuntimeExecutor):
    """Runs Python handlers with the interpreter that runs LocalEmu."""

    def __init__(self, id, function_version):
        super().__init__(id, function_version)
        self._environment = {}
        self._process = None
        self._channel = None
        self._replies = None
        self._log = None

    def start(self, env_vars):
        config = self.function_version.config
        if not (config.runtime or "").startswith("python"):
            raise ValueError(f"runtime {config.runtime!r}: only Python handlers can be run")
        self.prepare_version(self.function_version)
        self._environment = {"PATH": os.environ.get("PATH", os.defpath)}
        self._environment |= {name: str(value) for name, value in env_vars.items()}
        self._environment["LAMBDA_TASK_ROOT"] = str(config.code.get_unzipped_code_location())
        self._log = tempfile.TemporaryFile()
        self._spawn()

    def _spawn(self):
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-B", str(WORKER), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                env=self._environment,
                cwd=self._environment["LAMBDA_TASK_ROOT"],
            )
        self._channel = ours
        self._replies = ours.makefile("rb")

    def stop(self):
        process, channel, replies = self._process, self._channel, self._replies
        if process is None:
            return
        process.kill()
        process.wait()
        replies.close()
        channel.close()
        self._process = None

    def invoke(self, payload, function_timeout=None):
        request = payload["invoke-id"]
        seconds = int(function_timeout or self.function_version.config.timeout)
        if self._process is None or self._process.poll() is not None:
            # As on AWS, an environment whose process ended is initialised again for the next invocation.
            self.stop()
            self._spawn()
        process = self._process
        log_start = self._log.seek(0, os.SEEK_END)
        try:
            reply = self._exchange(payload, seconds)
        except TimeoutError:
            self.stop()
            reply = _failure("Sandbox.Timedout", f"RequestId: {request} Error: Task timed out after {seconds}.00 seconds")
        except (OSError, ValueError):
            # The process, or a `stop` from another thread, closed the channel.
            reply = None
        if reply is None:
            ending = f"RequestId: {request} Error: Runtime exited with error: {_exit_text(process.wait())}"
            reply = _failure("Runtime.ExitError", ending)
        return InvocationResult(
            request_id=request,
            payload=reply["body"].encode(),
            is_error=reply["failed"],
            logs=self._framed_log(request, self._log_since(log_start)),
        )

    def _exchange(self, payload, seconds):
        """The worker's reply, or None when it went away without one. Raises TimeoutError after `seconds`."""
        self._channel.settimeout(seconds)
        self._channel.sendall(json.dumps(payload).encode() + b"\n")
        line = self._replies.readline()
        return json.loads(line) if line.endswith(b"\n") else None

    def _log_since(self, start):
        return os.pread(self._log.fileno(), self._log.seek(0, os.SEEK_END) - start, start).decode(errors="replace")

    def _framed_log(self, request, text):
        version = self.function_version.id.qualifier
        text = text if not text or text.endswith("\n") else text + "\n"
        return f"START RequestId: {request} Version: {version}\n{text}END RequestId: {request}\nREPORT RequestId: {request}\n"

    def get_logs(self):
        return self._log_since(0) if self._log else ""

    def get_address(self):
        return LOOPBACK

    def get_endpoint_from_executor(self):
        return LOOPBACK

    def get_runtime_endpoint(self):
        # Workers are reached through their socket: nothing ever calls this address.
        return f"http://{LOOPBACK}/{self.id}"

    @classmethod
    def prepare_version(cls, function_version):
        if function_version.config.code is None:
            raise ValueError("only functions made from a zip file can be run")
        function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version):
        # Versions published without a change of code share their files, which go with the emulator's directory.
        pass


def _exit_text(status):
    return f"signal: {signal.strsignal(-status)}".lower() if status < 0 else f"exit status {status}"


def _failure(error_type, message):
    return {"body": json.dumps({"errorType": error_type, "errorMessage": message}), "failed": True}
