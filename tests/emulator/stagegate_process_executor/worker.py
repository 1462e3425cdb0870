"""The process in which a handler runs: answers one JSON line per invocation over the inherited socket.

Run as `python worker.py FD`. The function's settings come in the environment variables that AWS documents; what the
handler prints goes to stdout and stderr, which the executor keeps as the function's log.
"""

import importlib
import json
import os
import socket
import sys
import time
import traceback


class Context:
    """The handler's second argument."""

    function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
    function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
    memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
    log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
    log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
    identity = None
    client_context = None

    def __init__(self, request_id, arn):
        self.aws_request_id = request_id
        self.invoked_function_arn = arn
        self._deadline = time.monotonic() + float(os.environ["AWS_LAMBDA_FUNCTION_TIMEOUT"])

    def get_remaining_time_in_millis(self):
        return max(0, round((self._deadline - time.monotonic()) * 1000))


class RuntimeFailure(Exception):
    """A failure of the runtime around the handler, with the error type that AWS gives it."""

    def __init__(self, error_type, message):
        super().__init__(message)
        self.error_type = error_type


def load_handler():
    module_name, _, attribute = os.environ["_HANDLER"].rpartition(".")
    module_name = module_name.replace("/", ".")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise RuntimeFailure("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}") from error
    try:
        return getattr(module, attribute)
    except AttributeError:
        message = f"Handler '{attribute}' missing on module '{module_name}'"
        raise RuntimeFailure("Runtime.HandlerNotFound", message) from None


def run(handler, invocation):
    event = json.loads(invocation["payload"] or "null")
    result = handler(event, Context(invocation["invoke-id"], invocation["invoked-function-arn"]))
    try:
        return json.dumps(result)
    except (TypeError, ValueError) as error:
        raise RuntimeFailure("Runtime.MarshalError", f"Unable to marshal response: {error}") from error


def describe(error, request_id):
    return json.dumps(
        {
            "errorMessage": str(error),
            "errorType": getattr(error, "error_type", type(error).__name__),
            "requestId": request_id,
            "stackTrace": traceback.format_tb(error.__traceback__),
        }
    )


def main():
    channel = socket.socket(fileno=int(sys.argv[1]))
    channel.set_inheritable(False)
    # The first entry is this file's directory, where a handler must not find the executor's modules.
    sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]
    handler = None
    for line in channel.makefile("rb"):
        invocation = json.loads(line)
        try:
            handler = handler or load_handler()
            reply = {"body": run(handler, invocation), "failed": False}
        except Exception as error:
            traceback.print_exc()
            reply = {"body": describe(error, invocation["invoke-id"]), "failed": True}
        sys.stdout.flush()
        sys.stderr.flush()
        channel.sendall(json.dumps(reply).encode() + b"\n")


if __name__ == "__main__":
    main()
