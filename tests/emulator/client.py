"""An AWS client that shares no code with stagegate: JSON lines on standard input and output, boto3 in between.

    {"id": 1, "account": "111111111111", "service": "lambda", "op": "create_function", "args": {...}}
    {"id": 1, "ok": {...}}    or    {"id": 1, "error": {"code": "...", "message": "...", "status": 404}}

`op` is boto3's method name, or `wait:` and a boto3 waiter's name. Service `helper` has `zip` and `http`. Requests are
answered as they finish, not in order. Bytes go in as {"$base64": "..."}; they come out as text where they are UTF-8,
else as {"$base64": "..."}; times come out in ISO 8601.

Run as `python client.py ENDPOINT REGION`; ends when standard input closes.
"""

import base64
import datetime
import decimal
import http.client
import io
import json
import os
import signal
import sys
import threading
import urllib.parse
import zipfile
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.response import StreamingBody

ENDPOINT, REGION = sys.argv[1:3]
WAIT = {"Delay": 0.1, "MaxAttempts": 600}

# A test must see every single answer, so nothing is retried.
SETTINGS = Config(retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=120, max_pool_connections=32)

clients = {}
clients_lock = threading.Lock()
output_lock = threading.Lock()


def client_of(service, account):
    # Making a client is not thread-safe, using one is.
    with clients_lock:
        if (service, account) not in clients:
            clients[service, account] = boto3.client(
                service,
                region_name=REGION,
                endpoint_url=ENDPOINT,
                aws_access_key_id=account,
                aws_secret_access_key="test",
                config=SETTINGS,
            )
        return clients[service, account]


def from_json(value):
    if isinstance(value, dict):
        if value.keys() == {"$base64"}:
            return base64.b64decode(value["$base64"])
        return {name: from_json(each) for name, each in value.items()}
    return [from_json(each) for each in value] if isinstance(value, list) else value


def to_json(value):
    match value:
        case dict():
            return {str(name): to_json(each) for name, each in value.items() if name != "ResponseMetadata"}
        case list() | tuple() | set():
            return [to_json(each) for each in value]
        case StreamingBody():
            return to_json(value.read())
        case bytes() | bytearray():
            try:
                return value.decode()
            except UnicodeDecodeError:
                return {"$base64": base64.b64encode(value).decode()}
        case datetime.datetime() | datetime.date():
            return value.isoformat()
        case decimal.Decimal():
            return float(value)
    return value


def zip_archive(files):
    """The same files give the same bytes, so that equal code has an equal CodeSha256."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in sorted(files.items()):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, text)
    return {"$base64": base64.b64encode(buffer.getvalue()).decode()}


def http_request(method, api, stage, path, body=None):
    """A request to a REST API's stage, as its caller on the internet makes it."""
    address = urllib.parse.urlsplit(ENDPOINT)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=120)
    try:
        headers = {"Host": f"{api}.execute-api.localhost:{address.port}"}
        connection.request(method, f"/{stage}/{path.lstrip('/')}", body=body, headers=headers)
        response = connection.getresponse()
        return {"status": response.status, "body": response.read().decode(errors="replace")}
    finally:
        connection.close()


def perform(request):
    service, operation, arguments = request["service"], request["op"], from_json(request.get("args", {}))
    if service == "helper":
        return {"zip": zip_archive, "http": http_request}[operation](**arguments)
    client = client_of(service, request["account"])
    if operation.startswith("wait:"):
        return client.get_waiter(operation.removeprefix("wait:")).wait(WaiterConfig=WAIT, **arguments)
    return to_json(getattr(client, operation)(**arguments))


def failure(error):
    if isinstance(error, ClientError):
        answer = error.response
        status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        details = answer.get("Error", {})
        return {"code": details.get("Code", ""), "message": details.get("Message", ""), "status": status}
    kind = "Client" if isinstance(error, (BotoCoreError, OSError)) else "ClientProgram"
    return {"code": f"{kind}.{type(error).__name__}", "message": str(error), "status": 0}


def answer(request):
    try:
        line = json.dumps({"id": request["id"], "ok": perform(request)})
    except Exception as error:
        line = json.dumps({"id": request["id"], "error": failure(error)})
    with output_lock:
        print(line, flush=True)


def main():
    # An interrupt of the terminal ends the test process, which closes the input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pool = ThreadPoolExecutor(32)
    for line in sys.stdin:
        pool.submit(answer, json.loads(line))
    # Nobody is left to read the answers still to come.
    os._exit(0)


if __name__ == "__main__":
    main()
