#!/usr/bin/env python3
"""Turns wishes (JSON lines) into fields that a shell can read, and its fields into answers.

`read FIELD…` prints the named members of each wish, one line a wish, separated by the unit
separator. `write` makes `{"NAME": "TEXT"}` from `NAME`, unit separator, `TEXT`, where NAME may be
`verified` (TEXT is true or false) or `cookies` (TEXT is `name=value; name=value`).
"""

import json
import sys

SEPARATOR = "\x1f"


def text(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def read(names):
    for line in sys.stdin:
        if not line.strip():
            continue
        wish = json.loads(line)
        fields = [text(wish.get(name)) for name in names]
        if any(character in field for field in fields for character in "\x1f\n\r\0"):
            fields = ["" for _ in names]
        print(SEPARATOR.join(fields), flush=True)


def answer(name, value):
    if name == "verified":
        return {name: value == "true"}
    if name == "cookies":
        return {name: dict(pair.split("=", 1) for pair in value.split("; "))}
    return {name: value}


def write():
    for line in sys.stdin:
        name, _, value = line.rstrip("\n").partition(SEPARATOR)
        print(json.dumps(answer(name, value)), flush=True)


if __name__ == "__main__":
    sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")
    sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    if sys.argv[1] == "read":
        read(sys.argv[2:])
    else:
        write()
