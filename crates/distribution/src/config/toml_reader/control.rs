//! Reads the operators' listener and the store.

use super::table::{Reader, Table, value};
use super::{DAY, SECOND, read_certificate_files, schema};
use crate::config::document::{ControlSettings, Secret, StoreLocation, StoreSettings};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Leaves room for the label in front of it.
const DOMAIN_SUFFIX_LENGTH_MAX: usize = 200;
/// Time without news of the database after which an edge says that it is stale.
const STALE_AFTER: Duration = Duration::from_secs(60);

pub(super) fn read_control<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> ControlSettings {
    let text = reader.required_string(table, "address");
    let address = text.parse();
    if address.is_err() && !text.is_empty() {
        let message =
            format!("{text:?} is not an address; write it like 127.0.0.1:9443 or [::1]:9443");
        reader.fault(&table.path("address"), message);
    }
    let certificate = reader.table(table, "certificate", &schema::CONTROL_CERTIFICATE);
    ControlSettings {
        // An unreadable address is a fault, and stands for one that causes no other.
        address: address.unwrap_or_else(|_| SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
        hosts: reader.strings(table, "hosts").unwrap_or_default(),
        files: reader
            .strings(table, "files")
            .map(|folders| folders.iter().map(|folder| reader.beside(folder)).collect()),
        certificate: certificate.map(|table| read_certificate_files(reader, &table)),
        account: read_text(reader, table, "account", |text| {
            let is_account = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
            (!is_account).then_some("is not a number of 12 digits")
        }),
        domain_suffix: read_domain_suffix(reader, table),
        base_url: read_text(reader, table, "base_url", |text| {
            let host = ["https://", "http://"]
                .iter()
                .find_map(|scheme| text.strip_prefix(scheme));
            let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"?#\"<>".contains(&byte);
            let is_url = host.is_some_and(|host| !host.is_empty() && !text.ends_with('/'));
            let is_url = is_url && text.bytes().all(is_plain);
            (!is_url).then_some(
                "is not a URL without a slash at its end, such as https://cloudfront.amazonaws.com",
            )
        }),
    }
}

/// Reads the end of host names, with the dot.
pub(super) fn read_domain_suffix<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> Option<String> {
    read_text(reader, table, "domain_suffix", |text| {
        let labels = text.strip_prefix('.');
        let is_suffix = labels.is_some_and(|labels| labels.split('.').all(is_label));
        let is_short = text.len() <= DOMAIN_SUFFIX_LENGTH_MAX;
        (!is_suffix || !is_short).then_some("is not the end of a host name, such as .example.com")
    })
}

/// Reads a text for which `fault` returns no message.
pub(super) fn read_text<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
    key: &str,
    fault: impl Fn(&str) -> Option<&'static str>,
) -> Option<String> {
    let text = reader.string(table, key)?;
    let fault = fault(&text);
    if let Some(message) = fault {
        reader.fault(&table.path(key), message);
    }
    fault.is_none().then_some(text)
}

fn is_label(label: &str) -> bool {
    let mut bytes = label.bytes();
    !label.is_empty() && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

pub(super) fn read_store<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> StoreSettings {
    let location = read_location(reader, table);
    let copy = reader.path(table, "copy");
    if let (StoreLocation::File(_), Some(_)) = (&location, &copy) {
        let message = "is only for url; a database in a file is its own copy";
        reader.fault(&table.path("copy"), message);
    }
    let key_file = reader.path(table, "key_file");
    let mut stale_after = STALE_AFTER;
    let range = SECOND..=30 * DAY;
    reader.set_duration(table, "stale_after", range, &mut stale_after);
    StoreSettings {
        key_file: match (&location, key_file) {
            (_, Some(file)) => Some(file),
            (StoreLocation::File(file), None) => Some(with_suffix(file, ".key")),
            (StoreLocation::Url(_), None) => None,
        },
        copy: match (&location, copy) {
            (StoreLocation::File(file), _) => file.clone(),
            (StoreLocation::Url(_), Some(copy)) => copy,
            (StoreLocation::Url(_), None) => reader.beside("privet-copy.db"),
        },
        stale_after,
        edge_name: reader.string(table, "edge_name"),
        location,
    }
}

fn read_location<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> StoreLocation {
    let has = |key| value(table, key).is_some();
    match (has("file"), has("url")) {
        (true, true) => {
            let message = "cannot be combined with file; remove one of them";
            reader.fault(&table.path("url"), message);
        }
        (false, false) => {
            let message = "is missing; add file = \"privet.db\", or url = \"postgres://…\"";
            reader.fault(&table.path("file"), message);
            return StoreLocation::File(PathBuf::new());
        }
        (true, false) | (false, true) => {}
    }
    if has("file") {
        return StoreLocation::File(reader.required_path(table, "file"));
    }
    let url = reader.required_string(table, "url");
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") && !url.is_empty() {
        // The message does not repeat the URL, which may contain a password.
        let message =
            "is not the URL of a PostgreSQL database; write it like postgres://user@host/database";
        reader.fault(&table.path("url"), message);
    }
    StoreLocation::Url(Secret::new(url))
}

fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
