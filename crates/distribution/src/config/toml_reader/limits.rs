//! Reads the limits on connections, requests and memory.

use super::table::{Reader, Table};
use super::{DAY, HOUR, MIB, SECOND};
use crate::config::document::Limits;
use std::time::Duration;

pub(super) fn read_limits<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> Limits {
    let mut limits = Limits::default();
    read_counts(reader, table, &mut limits);
    read_sizes(reader, table, &mut limits);
    read_timeouts(reader, table, &mut limits);
    limits
}

fn read_counts<'t>(reader: &mut Reader<'t>, table: &Table<'t>, limits: &mut Limits) {
    let counts = [
        ("connections_max", &mut limits.connections_max),
        (
            "connections_per_address_max",
            &mut limits.connections_per_address_max,
        ),
        (
            "rtmp_connections_per_address_max",
            &mut limits.rtmp_connections_per_address_max,
        ),
        ("log_queue_records_max", &mut limits.log_queue_records_max),
        (
            "signature_memory_entries_max",
            &mut limits.signature_memory_entries_max,
        ),
        ("open_files_max", &mut limits.open_files_max),
    ];
    for (key, count) in counts {
        reader.set_number(table, key, 1..=1 << 24, count);
    }
    let requests_max = &mut limits.requests_per_connection_max;
    let key = "requests_per_connection_max";
    reader.set_number(table, key, 1..=u64::from(u32::MAX), requests_max);
    reader.set_number(
        table,
        "h2_streams_max",
        1..=10_000,
        &mut limits.h2_streams_max,
    );
    reader.set_number(table, "ranges_max", 1..=1000, &mut limits.ranges_max);
}

fn read_sizes<'t>(reader: &mut Reader<'t>, table: &Table<'t>, limits: &mut Limits) {
    let sizes = [
        (
            "url_size_bytes_max",
            256..=MIB,
            &mut limits.url_size_bytes_max,
        ),
        (
            "head_size_bytes_max",
            1024..=MIB,
            &mut limits.head_size_bytes_max,
        ),
        (
            "hot_objects_size_bytes_max",
            0..=1 << 40,
            &mut limits.hot_objects_size_bytes_max,
        ),
        (
            "responses_size_bytes_max",
            MIB..=1 << 40,
            &mut limits.responses_size_bytes_max,
        ),
    ];
    for (key, range, size) in sizes {
        reader.set_size(table, key, range, size);
    }
    let rates = [
        ("body_rate_min", &mut limits.body_rate_min),
        ("write_rate_min", &mut limits.write_rate_min),
    ];
    for (key, rate) in rates {
        reader.set_size(table, key, 0..=MIB, rate);
    }
}

fn read_timeouts<'t>(reader: &mut Reader<'t>, table: &Table<'t>, limits: &mut Limits) {
    let timeouts = [
        ("head_timeout", &mut limits.head_timeout),
        ("idle_timeout", &mut limits.idle_timeout),
        ("body_timeout", &mut limits.body_timeout),
        ("write_timeout", &mut limits.write_timeout),
        ("tls_handshake_timeout", &mut limits.tls_handshake_timeout),
        ("rtmp_handshake_timeout", &mut limits.rtmp_handshake_timeout),
        ("rtmp_idle_timeout", &mut limits.rtmp_idle_timeout),
        ("rtmp_write_timeout", &mut limits.rtmp_write_timeout),
    ];
    for (key, timeout) in timeouts {
        reader.set_duration(table, key, SECOND..=HOUR, timeout);
    }
    reader.set_duration(
        table,
        "drain_timeout",
        Duration::ZERO..=DAY,
        &mut limits.drain_timeout,
    );
}
