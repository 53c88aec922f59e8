//! Reads the settings of the cache, trusted proxies, custom error responses, and restrictions by country.

use super::policies::TTL_MAX;
use super::table::{Reader, Table, value};
use crate::config::distribution::{
    CustomErrorResponse, ERROR_MIN_TTL_DEFAULT, ErrorPage, GeoRestriction,
};
use crate::config::document::{CacheSettings, DiskCacheSettings};
use crate::config::trusted_proxies::{AddressRange, ForwardedHeaders, TrustedProxies};
use http::StatusCode;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const PIB: u64 = 1 << 50;

pub(super) fn read_cache<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> CacheSettings {
    let mut cache = CacheSettings::default();
    reader.set_size(
        table,
        "memory",
        16 * MIB..=PIB,
        &mut cache.memory_size_bytes_max,
    );
    reader.set_size(
        table,
        "block_size",
        64 * KIB..=8 * MIB,
        &mut cache.block_size_bytes,
    );
    if !cache.block_size_bytes.is_power_of_two() {
        let message = "is not a power of two; write a value such as \"1 MiB\"";
        reader.fault(&table.path("block_size"), message);
    }
    let mut size_bytes_max = DiskCacheSettings::SIZE_BYTES_MAX_DEFAULT;
    reader.set_size(table, "disk", 16 * MIB..=PIB, &mut size_bytes_max);
    cache.disk = reader
        .path(table, "folder")
        .map(|folder| DiskCacheSettings {
            folder,
            size_bytes_max,
        });
    if cache.disk.is_none() && value(table, "disk").is_some() {
        let message = "is a size without a folder; add folder = \"…\"";
        reader.fault(&table.path("disk"), message);
    }
    cache
}

pub(super) const FORWARDED_HEADERS: [(&str, ForwardedHeaders); 3] = [
    ("x-forwarded", ForwardedHeaders::XForwarded),
    ("forwarded", ForwardedHeaders::Forwarded),
    ("none", ForwardedHeaders::None),
];

pub(super) fn read_trusted_proxies<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
) -> TrustedProxies {
    let texts = reader.strings(table, "trusted_proxies").unwrap_or_default();
    let mut ranges = Vec::new();
    for (position, text) in texts.iter().enumerate() {
        match AddressRange::parse(text) {
            Some(range) => ranges.push(range),
            None if text.is_empty() => {}
            None => {
                let message =
                    format!("{text:?} is not a range; write it like 10.0.0.0/8 or 2001:db8::/32");
                reader.fault(
                    &format!("{}[{position}]", table.path("trusted_proxies")),
                    message,
                );
            }
        }
    }
    TrustedProxies::new(ranges)
}

/// Reads a custom error response; `None` if its status is unreadable.
pub(super) fn read_custom_error<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
) -> Option<CustomErrorResponse> {
    if value(table, "status").is_none() {
        reader.fault(&table.path("status"), "is missing; add it");
    }
    let error_status = reader.status(table, "status");
    let page = reader.string(table, "page");
    let page_status = reader.status(table, "page_status");
    if page.is_none() && page_status.is_some() {
        let message = "is only for page; remove it";
        reader.fault(&table.path("page_status"), message);
    }
    let mut min_ttl = ERROR_MIN_TTL_DEFAULT;
    let range = std::time::Duration::ZERO..=TTL_MAX;
    reader.set_duration(table, "min_ttl", range, &mut min_ttl);
    let error_status: StatusCode = error_status?;
    Some(CustomErrorResponse {
        error_status,
        page: page.map(|path| ErrorPage {
            path,
            status: page_status.unwrap_or(error_status),
        }),
        min_ttl,
    })
}

pub(super) fn read_geo_restriction<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
) -> GeoRestriction {
    let allow = reader.strings(table, "allow");
    let block = reader.strings(table, "block");
    match (allow, block) {
        (Some(countries), None) => GeoRestriction::Allow(countries),
        (None, Some(countries)) => GeoRestriction::Block(countries),
        (None, None) => {
            let message = "is missing; add allow = [\"…\"] or block = [\"…\"]";
            reader.fault(&table.path("allow"), message);
            GeoRestriction::None
        }
        (Some(countries), Some(_)) => {
            let message = "cannot be combined with allow; remove one of them";
            reader.fault(&table.path("block"), message);
            GeoRestriction::Allow(countries)
        }
    }
}
