//! Reads a document from TOML and reports all faults at once, each with its position.

use crate::config::config_error::{ConfigError, Places};
use crate::config::document::{
    CacheSettings, Document, EdgeIdentity, KeyGroupDocument, KeySource, LedgerAddresses, Limits,
    LinksSettings, Listener, ListenerProtocol, LogSettings, NodeDocument, PublicKeyDocument,
    ServiceDocument, StaleLinks, TrustedSignerDocument, UndeliveredFull, VideosDocument,
};
use crate::config::service_item::{ServiceItem, ServiceKind};
use crate::config::snapshot::check;
use crate::config::trusted_proxies::TrustedProxies;
use bucket_access::{read_bucket, read_origin_access_control, read_origin_access_identity};
use buckets::{open_buckets, read_buckets};
use certificates::{read_certificate_files, read_named_certificate};
use control::{read_control, read_store};
use description::{check_description, read_name};
use distributions::{read_distribution, read_streaming_distribution};
use limits::read_limits;
pub use paths::item_paths;
use policies::{read_cache_policy, read_origin_request_policy};
use response_policies::read_response_headers_policy;
use settings::{FORWARDED_HEADERS, read_cache, read_trusted_proxies};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use table::{Reader, Table};
use toml::de::DeTable;
use tree::{Entries, Node};
use videos::read_videos;

mod behaviors;
mod bucket_access;
mod buckets;
mod certificates;
mod control;
mod description;
mod distributions;
mod http_values;
mod limits;
mod origins;
mod paths;
mod policies;
mod response_policies;
mod schema;
mod settings;
mod table;
mod tree;
mod units;
mod videos;

const MIB: u64 = 1 << 20;
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// Reads a document from TOML; all errors are returned at once, each with its position.
///
/// `file` is only the name of the text in messages; relative paths in the text are relative to its folder. The keys are
/// those of `docs/default-config.toml`.
///
/// # Errors
/// Returns only the syntax errors if there are any. Otherwise returns unknown keys, wrong types, values out of range
/// and missing values, together with everything that [`crate::config::Snapshot::build`] would refuse in the values that
/// were read, except for files; in the order of the text.
pub fn read_toml(text: &str, file: &Path) -> Result<(Document, Places), Vec<ConfigError>> {
    let (document, places, mut errors) = read_toml_in_part(text, file)?;
    if errors.is_empty() {
        return Ok((document, places));
    }
    errors.extend(check(&document, &places));
    errors.sort_by_key(|error| (error.line, error.column));
    Err(errors)
}

/// Reads as [`read_toml`] does, but returns the readable part along with its faults, so that a caller can find more.
///
/// Unreadable values are empty. The faults are only those of reading; [`crate::config::Snapshot::build`] finds the
/// others.
///
/// # Errors
/// Returns syntax errors, after which nothing can be read.
pub fn read_toml_in_part(
    text: &str,
    file: &Path,
) -> Result<(Document, Places, Vec<ConfigError>), Vec<ConfigError>> {
    let (root, syntax_errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader::new(text, file);
    if !syntax_errors.is_empty() {
        for error in &syntax_errors {
            reader.syntax_fault(error);
        }
        return Err(reader.errors);
    }
    let entries = Entries::of_toml(root.into_inner());
    let mut document = read_document(&mut reader, &entries);
    document.node.file = file.to_owned();
    let Reader { places, errors, .. } = reader;
    Ok((document, places, errors))
}

/// Reads the items of a service from JSON, each with its kind, and returns what is readable along with all faults. The
/// paths of faults are those of a file with the same items: `distributions[1].id` is that of the second distribution.
pub(super) fn read_items_in_part<'i>(
    items: impl IntoIterator<Item = (ServiceKind, &'i str)>,
    folder: &Path,
) -> (ServiceDocument, Vec<ConfigError>) {
    let mut service = ServiceDocument::default();
    let mut errors = Vec::new();
    for (kind, text) in items {
        let path = format!("{}[{}]", kind.table(), count(&service, kind));
        let node = match Node::of_json(text) {
            Ok(node) => node,
            Err(error) => {
                errors.push(Places::default().error(&path, format!("is not JSON: {error}")));
                Node::empty_table()
            }
        };
        let mut reader = Reader::without_places(folder);
        reader.item(kind, &node, path, &mut service);
        errors.append(&mut reader.errors);
    }
    (service, errors)
}

/// Reads the service of a TOML text as items. Relative paths become those from `file`.
///
/// # Errors
/// As [`read_toml_in_part`], with the faults of the service's values.
pub fn read_toml_items(text: &str, file: &Path) -> Result<Vec<ServiceItem>, Vec<ConfigError>> {
    let (root, syntax_errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader::new(text, file);
    for error in &syntax_errors {
        reader.syntax_fault(error);
    }
    let entries = Entries::of_toml(root.into_inner());
    if reader.errors.is_empty() {
        read_document(&mut reader, &entries);
    }
    if !reader.errors.is_empty() {
        return Err(reader.errors);
    }
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut items = Vec::new();
    for kind in ServiceKind::ALL {
        let elements = entries
            .at(kind.table())
            .and_then(|node| node.value.as_array());
        for element in elements.into_iter().flatten() {
            let mut value = element.to_json();
            paths::make_absolute(&mut value, folder);
            let id = value.get(kind.id_key()).and_then(serde_json::Value::as_str);
            items.push(ServiceItem {
                kind,
                id: id.unwrap_or_default().to_owned(),
                value,
            });
        }
    }
    Ok(items)
}

/// Returns the number of items of a kind.
fn count(service: &ServiceDocument, kind: ServiceKind) -> usize {
    match kind {
        ServiceKind::PublicKey => service.public_keys.len(),
        ServiceKind::KeyGroup => service.key_groups.len(),
        ServiceKind::TrustedSigner => service.trusted_signers.len(),
        ServiceKind::CachePolicy => service.cache_policies.len(),
        ServiceKind::OriginRequestPolicy => service.origin_request_policies.len(),
        ServiceKind::ResponseHeadersPolicy => service.response_headers_policies.len(),
        ServiceKind::Certificate => service.certificates.len(),
        ServiceKind::Bucket => service.buckets.len(),
        ServiceKind::OriginAccessIdentity => service.origin_access_identities.len(),
        ServiceKind::OriginAccessControl => service.origin_access_controls.len(),
        ServiceKind::Distribution => service.distributions.len(),
        ServiceKind::StreamingDistribution => service.streaming_distributions.len(),
    }
}

impl<'t> Reader<'t> {
    /// Reads one item at `path` into `service`.
    fn item(
        &mut self,
        kind: ServiceKind,
        node: &'t Node<'t>,
        path: String,
        service: &mut ServiceDocument,
    ) {
        let schema = match kind {
            ServiceKind::PublicKey => &schema::PUBLIC_KEY,
            ServiceKind::KeyGroup => &schema::KEY_GROUP,
            ServiceKind::TrustedSigner => &schema::TRUSTED_SIGNER,
            ServiceKind::CachePolicy => &schema::CACHE_POLICY,
            ServiceKind::OriginRequestPolicy => &schema::ORIGIN_REQUEST_POLICY,
            ServiceKind::ResponseHeadersPolicy => &schema::RESPONSE_HEADERS_POLICY,
            ServiceKind::Certificate => &schema::NAMED_CERTIFICATE,
            ServiceKind::Bucket => &schema::BUCKET,
            ServiceKind::OriginAccessIdentity => &schema::ORIGIN_ACCESS_IDENTITY,
            ServiceKind::OriginAccessControl => &schema::ORIGIN_ACCESS_CONTROL,
            ServiceKind::Distribution => &schema::DISTRIBUTION,
            ServiceKind::StreamingDistribution => &schema::STREAMING_DISTRIBUTION,
        };
        let Some(entries) = node.value.as_table() else {
            return self.wrong_type(&path, &node.value, "write an object");
        };
        let table = self.open(entries, path, schema);
        self.item_of_table(kind, &table, service);
    }

    fn item_of_table(
        &mut self,
        kind: ServiceKind,
        table: &Table<'t>,
        service: &mut ServiceDocument,
    ) {
        match kind {
            ServiceKind::PublicKey => service.public_keys.push(read_public_key(self, table)),
            ServiceKind::KeyGroup => service.key_groups.push(read_key_group(self, table)),
            ServiceKind::TrustedSigner => {
                service
                    .trusted_signers
                    .push(read_trusted_signer(self, table));
            }
            ServiceKind::CachePolicy => service.cache_policies.push(read_cache_policy(self, table)),
            ServiceKind::OriginRequestPolicy => {
                let policy = read_origin_request_policy(self, table);
                service.origin_request_policies.push(policy);
            }
            ServiceKind::ResponseHeadersPolicy => {
                let policy = read_response_headers_policy(self, table);
                service.response_headers_policies.push(policy);
            }
            ServiceKind::Certificate => {
                service
                    .certificates
                    .push(read_named_certificate(self, table));
            }
            ServiceKind::Bucket => service.buckets.push(read_bucket(self, table)),
            ServiceKind::OriginAccessIdentity => {
                let identity = read_origin_access_identity(self, table);
                service.origin_access_identities.push(identity);
            }
            ServiceKind::OriginAccessControl => {
                let control = read_origin_access_control(self, table);
                service.origin_access_controls.push(control);
            }
            ServiceKind::Distribution => service.distributions.push(read_distribution(self, table)),
            ServiceKind::StreamingDistribution => {
                let streaming = read_streaming_distribution(self, table);
                service.streaming_distributions.push(streaming);
            }
        }
    }
}

fn read_document<'t>(reader: &mut Reader<'t>, root: &'t Entries<'t>) -> Document {
    let root = reader.open(root, String::new(), &schema::ROOT);
    // Settings of the machine, and beneath them items that are served.
    let buckets = open_buckets(reader, &root);
    Document {
        node: NodeDocument {
            buckets: buckets
                .as_ref()
                .and_then(|table| read_buckets(reader, table)),
            ..read_node(reader, &root)
        },
        service: ServiceDocument {
            buckets: buckets.map_or_else(Vec::new, |table| {
                read_all(reader, &table, &schema::BUCKET, read_bucket)
            }),
            ..read_service(reader, &root)
        },
    }
}

/// Reads everything but buckets and the arrays of what is served.
fn read_node<'t>(reader: &mut Reader<'t>, root: &Table<'t>) -> NodeDocument {
    let edge = reader.table(root, "edge", &schema::EDGE);
    let limits = reader.table(root, "limits", &schema::LIMITS);
    let log = reader.table(root, "log", &schema::LOG);
    let links = reader.table(root, "links", &schema::LINKS);
    let cache = reader.table(root, "cache", &schema::CACHE);
    let videos = reader.table(root, "video", &schema::VIDEOS);
    let geo = reader.table(root, "geo", &schema::GEO);
    let admin = reader.table(root, "admin", &schema::ADMIN);
    let control = reader.table(root, "control", &schema::CONTROL);
    let store = reader.table(root, "store", &schema::STORE);
    let test = reader.table(root, "test", &schema::TEST);
    NodeDocument {
        file: PathBuf::new(),
        trusted_proxies: edge.as_ref().map_or_else(TrustedProxies::default, |table| {
            read_trusted_proxies(reader, table)
        }),
        forwarded_headers: edge
            .as_ref()
            .and_then(|table| reader.choice(table, "forwarded_headers", &FORWARDED_HEADERS))
            .unwrap_or_default(),
        edge: edge.map_or_else(EdgeIdentity::default, |table| read_edge(reader, &table)),
        listeners: read_all(reader, root, &schema::LISTENER, read_listener),
        limits: limits.map_or_else(Limits::default, |table| read_limits(reader, &table)),
        cache: cache.map_or_else(CacheSettings::default, |table| read_cache(reader, &table)),
        videos: videos.map_or_else(VideosDocument::default, |table| read_videos(reader, &table)),
        geo_database: geo.map(|table| reader.required_path(&table, "database")),
        admin_socket: admin.map(|table| reader.required_path(&table, "socket")),
        control: control.map(|table| read_control(reader, &table)),
        store: store.map(|table| read_store(reader, &table)),
        buckets: None,
        log: log.map(|table| read_log(reader, &table)),
        links: links.map_or_else(LinksSettings::default, |table| read_links(reader, &table)),
        test_clock: test
            .and_then(|table| reader.boolean(&table, "clock"))
            .unwrap_or(false),
    }
}

/// Reads what is served, without buckets.
fn read_service<'t>(reader: &mut Reader<'t>, root: &Table<'t>) -> ServiceDocument {
    ServiceDocument {
        public_keys: read_all(reader, root, &schema::PUBLIC_KEY, read_public_key),
        key_groups: read_all(reader, root, &schema::KEY_GROUP, read_key_group),
        trusted_signers: read_all(reader, root, &schema::TRUSTED_SIGNER, read_trusted_signer),
        certificates: read_all(
            reader,
            root,
            &schema::NAMED_CERTIFICATE,
            read_named_certificate,
        ),
        buckets: Vec::new(),
        origin_access_identities: read_all(
            reader,
            root,
            &schema::ORIGIN_ACCESS_IDENTITY,
            read_origin_access_identity,
        ),
        origin_access_controls: read_all(
            reader,
            root,
            &schema::ORIGIN_ACCESS_CONTROL,
            read_origin_access_control,
        ),
        cache_policies: read_all(reader, root, &schema::CACHE_POLICY, read_cache_policy),
        origin_request_policies: read_all(
            reader,
            root,
            &schema::ORIGIN_REQUEST_POLICY,
            read_origin_request_policy,
        ),
        response_headers_policies: read_all(
            reader,
            root,
            &schema::RESPONSE_HEADERS_POLICY,
            read_response_headers_policy,
        ),
        distributions: read_all(reader, root, &schema::DISTRIBUTION, read_distribution),
        streaming_distributions: read_all(
            reader,
            root,
            &schema::STREAMING_DISTRIBUTION,
            read_streaming_distribution,
        ),
    }
}

fn read_all<'t, T>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
    schema: &schema::TableSchema,
    read: fn(&mut Reader<'t>, &Table<'t>) -> T,
) -> Vec<T> {
    let tables = reader.tables(table, schema.key(), schema);
    tables.iter().map(|table| read(reader, table)).collect()
}

fn read_edge<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> EdgeIdentity {
    let mut edge = EdgeIdentity::default();
    if let Some(location) = reader.string(table, "location") {
        edge.location = location;
    }
    if let Some(server) = reader.string(table, "server") {
        edge.server = server;
    }
    reader.set_number(table, "workers", 0..=1024, &mut edge.workers);
    edge
}

fn read_listener<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> Listener {
    let protocols = [
        ("https", ListenerProtocol::Https),
        ("http", ListenerProtocol::Http),
        ("rtmp", ListenerProtocol::Rtmp),
        ("rtmps", ListenerProtocol::Rtmps),
    ];
    let text = reader.required_string(table, "address");
    let address = text.parse();
    if address.is_err() && !text.is_empty() {
        let message =
            format!("{text:?} is not an address; write it like 127.0.0.1:8443 or [::1]:8443");
        reader.fault(&table.path("address"), message);
    }
    Listener {
        // Port 0 on the loopback address stands for an unreadable address, and conflicts with nothing.
        address: address.unwrap_or_else(|_| SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
        protocol: reader
            .choice(table, "protocol", &protocols)
            .unwrap_or(ListenerProtocol::Http),
        proxy_protocol: reader.boolean(table, "proxy_protocol").unwrap_or(false),
    }
}

fn read_log<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> LogSettings {
    let mut log = LogSettings {
        folder: reader.required_path(table, "folder"),
        prefix: reader.string(table, "prefix").unwrap_or_default(),
        include_cookies: reader.boolean(table, "include_cookies").unwrap_or(false),
        rotate_after: HOUR,
        rotate_size_bytes_max: 64 * MIB,
        deliver_after: Duration::from_secs(60),
        undelivered_size_bytes_max: 1024 * MIB,
        undelivered_full: UndeliveredFull::default(),
    };
    reader.set_duration(table, "rotate_after", SECOND..=DAY, &mut log.rotate_after);
    reader.set_size(
        table,
        "rotate_size",
        1024..=1 << 40,
        &mut log.rotate_size_bytes_max,
    );
    let deliver_after = &mut log.deliver_after;
    reader.set_duration(table, "deliver_after", SECOND..=HOUR, deliver_after);
    reader.set_size(
        table,
        "undelivered_size_bytes_max",
        MIB..=1 << 40,
        &mut log.undelivered_size_bytes_max,
    );
    let ways = [
        ("drop-oldest", UndeliveredFull::DropOldest),
        ("refuse", UndeliveredFull::Refuse),
    ];
    if let Some(way) = reader.choice(table, "undelivered_full", &ways) {
        log.undelivered_full = way;
    }
    log
}

fn read_links<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> LinksSettings {
    let mut links = LinksSettings::default();
    reader.set_duration(table, "window", SECOND..=DAY, &mut links.window);
    let least = Duration::from_secs(5);
    reader.set_duration(table, "stale_after", least..=HOUR, &mut links.stale_after);
    let ways = [
        ("refuse", StaleLinks::Refuse),
        ("serve-visits", StaleLinks::ServeVisits),
    ];
    if let Some(way) = reader.choice(table, "when_stale", &ways) {
        links.when_stale = way;
    }
    let ways = [
        ("kept", LedgerAddresses::Kept),
        ("shortened", LedgerAddresses::Shortened),
        ("dropped", LedgerAddresses::Dropped),
    ];
    if let Some(way) = reader.choice(table, "addresses", &ways) {
        links.addresses = way;
    }
    if let Some(flag) = reader.boolean(table, "allow_asynchronous_standby") {
        links.allow_asynchronous_standby = flag;
    }
    links
}

fn read_public_key<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> PublicKeyDocument {
    check_description(reader, table);
    let id = reader.required_string(table, "id");
    let name = read_name(reader, table);
    let file = reader.path(table, "file");
    let pem = reader.string(table, "pem");
    let source = match (file, pem) {
        (Some(file), None) => KeySource::File(file),
        (None, Some(pem)) => KeySource::Pem(pem),
        (Some(file), Some(_)) => {
            reader.fault(
                &table.path("pem"),
                "cannot be combined with file; remove one of them",
            );
            KeySource::File(file)
        }
        (None, None) => {
            reader.fault(
                &table.path("file"),
                "is missing; add file = \"…\" or pem = \"…\"",
            );
            KeySource::Pem(String::new())
        }
    };
    PublicKeyDocument { id, name, source }
}

fn read_key_group<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> KeyGroupDocument {
    check_description(reader, table);
    KeyGroupDocument {
        id: reader.required_string(table, "id"),
        name: read_name(reader, table),
        public_keys: reader.strings(table, "public_keys").unwrap_or_default(),
    }
}

fn read_trusted_signer<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> TrustedSignerDocument {
    TrustedSignerDocument {
        name: reader.required_string(table, "name"),
        key_pairs: reader.strings(table, "key_pairs").unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
