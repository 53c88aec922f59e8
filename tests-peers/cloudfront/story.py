"""What the stories of all clients have in common: their settings, the steps they print, and a viewer of the edge.

A story reads one JSON object from standard input, the settings, and prints one JSON object per step. It ends at the first
step that fails, with the exception on standard error.

Settings: `endpoint`, `access_key_id`, `secret_access_key`, `region`, `edge` ("host:port" of a plain HTTP listener),
`public_key` and `private_key` (PEM files, the second in PKCS #1), `key_pair_id` (of an account's key that the edge has
already), `bucket_host` (host name of a bucket that has `private.txt`), `origin_port` (of an HTTP server at localhost).
"""

import http.client
import json
import sys
import time
import urllib.parse

# Time that an edge may take to acknowledge a change, in seconds.
PATIENCE = 60
# Seconds between two polls of a client's waiter, at the least. A wait that takes longer polled more than once.
POLL = 20


def settings():
    """Reads the settings."""
    return json.loads(sys.stdin.read())


def step(name, **seen):
    """Prints a step and what was seen in it."""
    print(json.dumps({"step": name, **seen}, default=str), flush=True)


def until(what, is_so):
    """Asks again until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > deadline:
            raise SystemExit(f"it never came: {what}")
        time.sleep(0.05)


def at_first_poll(wait):
    """Runs a client's waiter; returns true if it ended without sleeping."""
    begun = time.monotonic()
    wait()
    return time.monotonic() - begun < POLL


def open_url(edge, url):
    """Requests a URL at the edge as a viewer whose resolver names it; returns status and text."""
    parts = urllib.parse.urlsplit(url)
    target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
    host, port = edge.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE)
    connection.request("GET", target, headers={"Host": parts.netloc})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text
