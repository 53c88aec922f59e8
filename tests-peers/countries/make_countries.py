#!/usr/bin/env python3
"""Writes the database of countries that the tests use; argument: the file.

Needs `mmdb_writer` 0.2.7 from PyPI, which nothing else does: the file it makes is in the repository, and is made
anew only when this list changes. Like the databases that people have, it is an IPv6 tree with IPv4 inside.
"""

import sys
import time

from mmdb_writer import MMDBWriter
from netaddr import IPSet

COUNTRIES = {
    "127.0.0.5/32": {"country": {"iso_code": "BR"}, "registered_country": {"iso_code": "US"}},
    "127.0.0.6/32": {"country": {"iso_code": "DE"}},
    # Known by its registration only, and not at all.
    "127.0.0.7/32": {"continent": {"code": "EU"}, "registered_country": {"iso_code": "PT"}},
    "127.0.0.8/32": {"continent": {"code": "EU"}},
    "198.51.100.0/24": {"country": {"iso_code": "JP"}},
    "2001:db8::/32": {"country": {"iso_code": "CA"}},
}


def main():
    writer = MMDBWriter(
        ip_version=6,
        ipv4_compatible=True,
        database_type="Privet-Test-Country",
        languages=["en"],
        description="Addresses of tests and examples",
    )
    for network, record in COUNTRIES.items():
        writer.insert_network(IPSet([network]), record)
    # The same list makes the same file.
    time.time = lambda: 1_767_000_000
    writer.to_db_file(sys.argv[1])


if __name__ == "__main__":
    main()
