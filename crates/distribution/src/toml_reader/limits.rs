//! Reads what the edge puts up with.

use super::table::{Reader, Table};
use super::{DAY, HOUR, MIB, SECOND};
use crate::document::Limits;
use std::time::Duration;

pub(super) fn read_limits<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> Limits {
    let mut limits = Limits::default();
    let many = 1..=1_u64 << 24;
    let l = &mut limits;
    reader.set_number(
        table,
        "connections_max",
        many.clone(),
        &mut l.connections_max,
    );
    reader.set_number(
        table,
        "requests_per_connection_max",
        1..=u64::from(u32::MAX),
        &mut l.requests_per_connection_max,
    );
    reader.set_number(table, "h2_streams_max", 1..=10_000, &mut l.h2_streams_max);
    reader.set_size(
        table,
        "url_size_bytes_max",
        256..=MIB,
        &mut l.url_size_bytes_max,
    );
    reader.set_size(
        table,
        "head_size_bytes_max",
        1024..=MIB,
        &mut l.head_size_bytes_max,
    );
    read_timeouts(reader, table, l);
    reader.set_number(
        table,
        "log_queue_records_max",
        many.clone(),
        &mut l.log_queue_records_max,
    );
    reader.set_number(
        table,
        "signature_memory_entries_max",
        many.clone(),
        &mut l.signature_memory_entries_max,
    );
    reader.set_size(
        table,
        "hot_objects_size_bytes_max",
        0..=1 << 40,
        &mut l.hot_objects_size_bytes_max,
    );
    reader.set_size(
        table,
        "answers_size_bytes_max",
        MIB..=1 << 40,
        &mut l.answers_size_bytes_max,
    );
    reader.set_number(table, "open_files_max", many, &mut l.open_files_max);
    reader.set_number(table, "ranges_max", 1..=1000, &mut l.ranges_max);
    reader.set_number(
        table,
        "rtmp_connections_per_address_max",
        1..=1 << 24,
        &mut l.rtmp_connections_per_address_max,
    );
    limits
}

fn read_timeouts<'t>(reader: &mut Reader<'t>, table: &Table<'t>, limits: &mut Limits) {
    let timeouts = [
        ("head_timeout", &mut limits.head_timeout),
        ("idle_timeout", &mut limits.idle_timeout),
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
