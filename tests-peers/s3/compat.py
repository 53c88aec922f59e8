#!/usr/bin/env python3
"""Asks an S3 endpoint what Ceph's public suite of tests asks, in short form: input, then status, code or members.

    compat.py privet|ceph [WORD…]

Settings come by standard input, as for the stories. Each case has a bucket of its own. `compat/differences.json` names the
cases in which a server differs, with the reason; a difference that is not there, and one that has vanished, ends the
script with an error. With words, only the cases whose names have one of them are run.
"""

import json
import os
import sys

from story import settings

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "compat"))

import buckets  # noqa: E402
import forms  # noqa: E402
import heads  # noqa: E402
import lists  # noqa: E402
import multipart  # noqa: E402
import objects  # noqa: E402
import refused  # noqa: E402
from world import World, outcome  # noqa: E402

MODULES = [buckets, forms, heads, lists, multipart, objects, refused]


def cases(words):
    """Returns names and functions of the cases: what a module calls `test_…`."""
    for module in MODULES:
        for name, function in vars(module).items():
            full = f"{module.__name__}.{name.removeprefix('test_')}"
            if name.startswith("test_") and (not words or any(word in full for word in words)):
                yield full, function


def main():
    server, words = sys.argv[1], sys.argv[2:]
    with open(os.path.join(HERE, "compat/differences.json"), encoding="utf-8") as file:
        expected = json.load(file)[server]
    world = World(settings())
    seen = {}
    names = []
    for name, function in cases(words):
        names.append(name)
        fault = outcome(world, function)
        if fault is not None:
            seen[name] = fault
            print(f"{name}: {fault}")
    wrong = [name for name in seen if name not in expected]
    vanished = [name for name in expected if name not in seen and (name in names or not words)]
    print(f"{len(names)} cases, {len(seen)} differ")
    if wrong or vanished:
        raise SystemExit(f"not expected: {wrong}; expected and not seen: {vanished}")
    print("end")


main()
