//! Origins: S3 origins by their host names, custom origins as URLs, and those that CloudFront's form cannot say.

use crate::cloudfront::config_parts::{ConfigContext, read_identity, replace_part, show_identity};
use crate::cloudfront::members::{
    ConfigFault, Keys, Members, counted, counted_texts, is_host, seconds, set,
};
use serde_json::{Value, json};

/// Keys of an origin that CloudFront's form says; others are kept when an origin is changed.
const SAID: [&str; 17] = [
    "id",
    "url",
    "bucket_host",
    "origin_access_control",
    "origin_access_identity",
    "origin_path",
    "protocol",
    "http_port",
    "https_port",
    "headers",
    "connect_timeout",
    "connection_attempts",
    "response_timeout",
    "keep_alive_timeout",
    "ip_address_type",
    "ssl_protocols",
    "origin_shield",
];
/// Members that every origin may have changed, whatever it is; the keys of each.
const COMMON: [(&str, &str); 3] = [
    ("ConnectionAttempts", "connection_attempts"),
    ("ConnectionTimeout", "connect_timeout"),
    ("OriginShield", "origin_shield"),
];
/// Host names that stand for origins which have none; nobody else can have these (RFC 2606, 2).
const FOLDER_HOST: &str = "folder.privet.invalid";
const BUCKET_HOST_SUFFIX: &str = "bucket.privet.invalid";
/// Text that stands for the value of a header, to those who may not read it.
pub(super) const HIDDEN: &str = "(hidden)";

const ATTEMPTS_DEFAULT: i64 = 3;
const CONNECT_TIMEOUT_DEFAULT: i64 = 10;
const READ_TIMEOUT_DEFAULT: i64 = 30;
const KEEP_ALIVE_DEFAULT: i64 = 5;
const TIMEOUT_MAX: i64 = 120;
const ORIGIN_PATH_LENGTH_MAX: usize = 255;

/// Reads an origin into the keys of a new one.
pub(super) fn read_origin(value: &Value, context: &ConfigContext<'_>) -> Result<Keys, ConfigFault> {
    let id = Members::of(value, "Origins").required("Id")?;
    let origin = &Members::of(value, format!("Origin {id:?}"));
    let mut keys = Keys::new();
    set(&mut keys, "id", Some(id));
    refuse(origin)?;
    read_common(origin, context, &mut keys)?;
    let is_custom = origin.value("CustomOriginConfig").is_some();
    let is_bucket = origin.value("S3OriginConfig").is_some() || origin.has("OriginAccessControlId");
    match (is_bucket, is_custom) {
        (true, false) => read_bucket(origin, &mut keys)?,
        (false, true) => read_custom(origin, &mut keys)?,
        (true, true) if origin.has("OriginAccessControlId") => {
            let message = "has an origin access control, which only an S3 origin can have";
            let code = "InvalidDomainNameForOriginAccessControl";
            return Err(origin.fault("DomainName", code, message));
        }
        (true, true) => {
            let message = "cannot be combined with S3OriginConfig";
            return Err(origin.invalid("CustomOriginConfig", message));
        }
        (false, false) => {
            let message = "is missing, and CustomOriginConfig too";
            return Err(origin.fault("S3OriginConfig", "InvalidOrigin", message));
        }
    }
    Ok(keys)
}

/// Refuses what no origin of this edge can have.
fn refuse(origin: &Members<'_>) -> Result<(), ConfigFault> {
    if origin.has("VpcOriginConfig") {
        return Err(origin.invalid("VpcOriginConfig", "is not supported"));
    }
    if origin.whole("ResponseCompletionTimeout").unwrap_or(0) != 0 {
        let message = "is not supported; leave it out";
        return Err(origin.invalid("ResponseCompletionTimeout", message));
    }
    let custom = origin.inner("CustomOriginConfig");
    if custom.has("OriginMtlsConfig") {
        return Err(custom.invalid("OriginMtlsConfig", "is not supported"));
    }
    match custom.text("OriginHttpVersion") {
        None | Some("http1.1") => Ok(()),
        Some(_) => Err(custom.invalid("OriginHttpVersion", "is not supported but for http1.1")),
    }
}

fn read_common(
    origin: &Members<'_>,
    context: &ConfigContext<'_>,
    keys: &mut Keys,
) -> Result<(), ConfigFault> {
    set(keys, "origin_path", read_origin_path(origin)?);
    read_headers(origin, context, keys)?;
    let attempts = origin.in_range("ConnectionAttempts", 1..=3, "InvalidArgument")?;
    set(keys, "connection_attempts", attempts);
    let timeout = origin.in_range("ConnectionTimeout", 1..=10, "InvalidArgument")?;
    set(keys, "connect_timeout", timeout);
    let shield = origin.inner("OriginShield");
    match (shield.flag("Enabled"), shield.text("OriginShieldRegion")) {
        (true, Some(region)) => set(keys, "origin_shield", Some(region)),
        (true, None) => {
            let message = "is missing, and Origin Shield is enabled";
            return Err(shield.invalid("OriginShieldRegion", message));
        }
        (false, _) => {}
    }
    Ok(())
}

fn read_origin_path<'v>(origin: &Members<'v>) -> Result<Option<&'v str>, ConfigFault> {
    let Some(path) = origin.text("OriginPath") else {
        return Ok(None);
    };
    let is_raw = |byte: u8| byte.is_ascii_graphic() && byte != b'?' && byte != b'#';
    let is_path = path.starts_with('/') && !path.ends_with('/') && path.bytes().all(is_raw);
    if !is_path || path.len() > ORIGIN_PATH_LENGTH_MAX {
        let message = "has to begin with a slash, not to end with one, and to be URL-encoded";
        return Err(origin.invalid("OriginPath", message));
    }
    Ok(Some(path))
}

fn read_headers(
    origin: &Members<'_>,
    context: &ConfigContext<'_>,
    keys: &mut Keys,
) -> Result<(), ConfigFault> {
    let items = origin.items("CustomHeaders");
    let numbers = (items.len(), context.limits.origin_headers_max);
    origin.at_most("CustomHeaders", numbers, "TooManyOriginCustomHeaders")?;
    let mut headers = Keys::new();
    for item in items {
        let header = Members::of(item, origin.place("CustomHeaders"));
        let name = header.required("HeaderName")?;
        let mut known = headers.keys();
        if known.any(|other| other.eq_ignore_ascii_case(name)) {
            return Err(header.invalid("HeaderName", &format!("is {name:?} twice")));
        }
        let value = header.text("HeaderValue").unwrap_or_default();
        // Whoever reads as one operator and writes as another would put a text that everybody knows in the place of a
        // secret by which the origin recognizes the edge.
        if value == HIDDEN {
            let message = "is what is shown to those who may not read it; send the value itself";
            return Err(header.invalid("HeaderValue", message));
        }
        headers.insert(name.to_owned(), Value::from(value));
    }
    set(keys, "headers", (!headers.is_empty()).then_some(headers));
    Ok(())
}

fn read_bucket(origin: &Members<'_>, keys: &mut Keys) -> Result<(), ConfigFault> {
    let config = origin.inner("S3OriginConfig");
    let identity = read_identity(&config)?;
    let control = origin.text("OriginAccessControlId");
    if identity.is_some() && control.is_some() {
        let message = "cannot be combined with an origin access identity";
        let code = "IllegalOriginAccessConfiguration";
        return Err(origin.fault("OriginAccessControlId", code, message));
    }
    let timeout = read_timeout(&config, "OriginReadTimeout", "InvalidOriginReadTimeout")?;
    set(
        keys,
        "bucket_host",
        Some(read_domain_name(origin, "S3 bucket")?),
    );
    set(keys, "origin_access_control", control);
    set(keys, "origin_access_identity", identity);
    set(keys, "response_timeout", timeout);
    Ok(())
}

fn read_custom(origin: &Members<'_>, keys: &mut Keys) -> Result<(), ConfigFault> {
    let config = &origin.inner("CustomOriginConfig");
    let host = read_domain_name(origin, "server")?.to_ascii_lowercase();
    let port = |name| {
        let port = config.in_range(name, 1..=65_535, "InvalidArgument")?;
        port.ok_or_else(|| config.invalid(name, "is missing"))
    };
    let (http, https) = (port("HTTPPort")?, port("HTTPSPort")?);
    let policy = config.required("OriginProtocolPolicy")?;
    let is_tls = policy == "https-only";
    let url = match (is_tls, policy) {
        (true, _) if https == 443 => format!("https://{host}"),
        (true, _) => format!("https://{host}:{https}"),
        // The ports of `match-viewer` have keys of their own.
        (false, "match-viewer") => format!("http://{host}"),
        (false, _) if http == 80 => format!("http://{host}"),
        (false, _) => format!("http://{host}:{http}"),
    };
    let is_matched = policy == "match-viewer";
    set(keys, "url", Some(url));
    set(keys, "protocol", is_matched.then_some("match-viewer"));
    let http = (http != 80 && (is_tls || is_matched)).then_some(http);
    set(keys, "http_port", http);
    let https = (https != 443 && !is_tls).then_some(https);
    set(keys, "https_port", https);
    let protocols = config.texts("OriginSslProtocols");
    let is_plain = policy == "http-only";
    if !is_plain && !protocols.is_empty() && !protocols.contains(&"TLSv1.2") {
        let message = "has no TLSv1.2, and the edge speaks no older version";
        return Err(config.invalid("OriginSslProtocols", message));
    }
    let protocols = (!protocols.is_empty()).then(|| json!(protocols));
    set(keys, "ssl_protocols", protocols);
    let timeout = read_timeout(config, "OriginReadTimeout", "InvalidOriginReadTimeout")?;
    set(keys, "response_timeout", timeout);
    let code = "InvalidOriginKeepaliveTimeout";
    let timeout = read_timeout(config, "OriginKeepaliveTimeout", code)?;
    set(keys, "keep_alive_timeout", timeout);
    set(keys, "ip_address_type", config.text("IpAddressType"));
    Ok(())
}

fn read_timeout(
    config: &Members<'_>,
    name: &str,
    code: &'static str,
) -> Result<Option<i64>, ConfigFault> {
    config.in_range(name, 1..=TIMEOUT_MAX, code)
}

fn read_domain_name<'v>(origin: &Members<'v>, what: &str) -> Result<&'v str, ConfigFault> {
    let host = origin.required("DomainName")?;
    match is_host(host) {
        true => Ok(host),
        false => {
            let message =
                format!("The parameter Origin DomainName does not refer to a valid {what}.");
            Err(ConfigFault::new("InvalidArgument", message))
        }
    }
}

/// Shows an origin; one that CloudFront's form cannot say in the nearest form, with a host name that stands for it.
pub(super) fn show_origin(origin: &Value) -> Value {
    let origin = &Members::of(origin, "");
    let mut shown = Keys::new();
    set(
        &mut shown,
        "Id",
        Some(origin.text("id").unwrap_or_default()),
    );
    let path = origin.text("origin_path").unwrap_or_default();
    set(&mut shown, "OriginPath", Some(path));
    set(&mut shown, "CustomHeaders", Some(show_headers(origin)));
    let number = |key, default| origin.value(key).and_then(seconds).unwrap_or(default);
    let attempts = number("connection_attempts", ATTEMPTS_DEFAULT);
    set(&mut shown, "ConnectionAttempts", Some(attempts));
    let timeout = number("connect_timeout", CONNECT_TIMEOUT_DEFAULT);
    set(&mut shown, "ConnectionTimeout", Some(timeout));
    let shield = match origin.text("origin_shield") {
        Some(region) => json!({ "Enabled": true, "OriginShieldRegion": region }),
        None => json!({ "Enabled": false }),
    };
    set(&mut shown, "OriginShield", Some(shield));
    let control = origin.text("origin_access_control").unwrap_or_default();
    set(&mut shown, "OriginAccessControlId", Some(control));
    match origin.text("url") {
        Some(url) => show_custom(origin, url, &mut shown),
        None => {
            set(&mut shown, "DomainName", Some(bucket_host(origin)));
            let mut config = Keys::new();
            set(
                &mut config,
                "OriginAccessIdentity",
                Some(show_identity(origin)),
            );
            let timeout = origin.value("response_timeout").and_then(seconds);
            set(&mut config, "OriginReadTimeout", timeout);
            set(&mut shown, "S3OriginConfig", Some(config));
        }
    }
    Value::Object(shown)
}

/// Returns the host name of a bucket, or one that stands for it.
fn bucket_host(origin: &Members<'_>) -> String {
    // Where there is no endpoint, CloudFront would look for the bucket at Amazon's.
    if let Some(name) = origin.inner("bucket").text("name") {
        return format!("{name}.s3.amazonaws.com");
    }
    match (
        origin.text("bucket_host"),
        origin.inner("s3").text("bucket"),
    ) {
        (Some(host), _) => host.to_owned(),
        (None, Some(bucket)) => format!("{bucket}.{BUCKET_HOST_SUFFIX}"),
        (None, None) => FOLDER_HOST.to_owned(),
    }
}

fn show_headers(origin: &Members<'_>) -> Value {
    let headers = origin.value("headers").and_then(Value::as_object);
    let headers = headers.into_iter().flatten().map(|(name, value)| {
        let value = value.as_str().unwrap_or(HIDDEN);
        json!({ "HeaderName": name, "HeaderValue": value })
    });
    counted(headers.collect())
}

fn show_custom(origin: &Members<'_>, url: &str, shown: &mut Keys) {
    let server = Server::read(url);
    let number = |key, default| origin.value(key).and_then(seconds).unwrap_or(default);
    let of_url = |is_tls: bool| server.port.filter(|_| server.is_tls == is_tls);
    let policy = match (origin.text("protocol"), server.is_tls) {
        (Some(policy), _) => policy,
        (None, true) => "https-only",
        (None, false) => "http-only",
    };
    let protocols = origin.array_of_texts("ssl_protocols");
    let protocols = match protocols.is_empty() {
        true => counted_texts(&["TLSv1.2"]),
        false => counted_texts(&protocols),
    };
    let mut config = json!({
        "HTTPPort": number("http_port", of_url(false).unwrap_or(80)),
        "HTTPSPort": number("https_port", of_url(true).unwrap_or(443)),
        "OriginProtocolPolicy": policy,
        "OriginSslProtocols": protocols,
        "OriginReadTimeout": number("response_timeout", READ_TIMEOUT_DEFAULT),
        "OriginKeepaliveTimeout": number("keep_alive_timeout", KEEP_ALIVE_DEFAULT),
    });
    if let (Some(config), Some(addresses)) =
        (config.as_object_mut(), origin.text("ip_address_type"))
    {
        set(config, "IpAddressType", Some(addresses));
    }
    set(shown, "DomainName", Some(server.host));
    set(shown, "CustomOriginConfig", Some(config));
}

/// The parts of a URL that a document has.
struct Server<'u> {
    is_tls: bool,
    host: &'u str,
    port: Option<i64>,
}

impl<'u> Server<'u> {
    fn read(url: &'u str) -> Self {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let rest = rest.trim_end_matches('/');
        let port = rest.rsplit_once(':').and_then(|(host, port)| {
            let port = port.parse().ok()?;
            Some((host, port))
        });
        let (host, port) = port.map_or((rest, None), |(host, port)| (host, Some(port)));
        Server {
            is_tls: scheme.eq_ignore_ascii_case("https"),
            host,
            port,
        }
    }
}

/// Returns the changed origin: what the client says, and of the present one what CloudFront's form cannot say.
///
/// `shown` and `wanted` are the present origin and the new one in CloudFront's form.
pub(super) fn merge_origin(
    (present, shown): (&Value, &Value),
    (new, wanted): (&Keys, &Value),
) -> Result<Keys, ConfigFault> {
    let origin = Members::of(present, "");
    let is_said = origin.has("url") || origin.has("bucket_host");
    let empty = Keys::new();
    let present = present.as_object().unwrap_or(&empty);
    if is_said {
        let mut merged = new.clone();
        let kept = present
            .iter()
            .filter(|(key, _)| !SAID.contains(&key.as_str()));
        merged.extend(kept.map(|(key, value)| (key.clone(), value.clone())));
        return Ok(merged);
    }
    check_unsaid(&origin, shown, wanted)?;
    let mut merged = present.clone();
    let is_folder = origin.has("folder");
    let others = [
        ("CustomHeaders", "headers"),
        ("S3OriginConfig", "response_timeout"),
    ];
    let remote = COMMON.into_iter().chain(others);
    let remote = remote.filter(|_| !is_folder);
    for (member, key) in [("OriginPath", "origin_path")].into_iter().chain(remote) {
        if shown.get(member) != wanted.get(member) {
            replace_part(&mut merged, &[key], new);
        }
    }
    Ok(merged)
}

/// Refuses to change of an origin what its host name only stands for: where it is, and how it is reached.
fn check_unsaid(origin: &Members<'_>, shown: &Value, wanted: &Value) -> Result<(), ConfigFault> {
    let id = origin.text("id").unwrap_or_default();
    let new = Members::of(wanted, format!("Origin {id:?}"));
    let old = Members::of(shown, "");
    let is_folder = origin.has("folder");
    let (what, members): (_, &[&str]) = match is_folder {
        true => (
            "a folder of the edge",
            &[
                "DomainName",
                "CustomOriginConfig",
                "OriginAccessControlId",
                "S3OriginConfig",
                "CustomHeaders",
                "ConnectionAttempts",
                "ConnectionTimeout",
                "OriginShield",
            ],
        ),
        false => (
            "a bucket with settings of its own",
            &["DomainName", "CustomOriginConfig", "OriginAccessControlId"],
        ),
    };
    let identity = |members: &Members<'_>| {
        let config = members.inner("S3OriginConfig");
        config.text("OriginAccessIdentity").map(str::to_owned)
    };
    let message = format!(
        "cannot be changed: the origin is {what}, which this interface cannot say; add an origin with another id"
    );
    for name in members {
        if old.value(name) != new.value(name) {
            return Err(new.invalid(name, &message));
        }
    }
    match identity(&old) == identity(&new) {
        true => Ok(()),
        false => Err(new.invalid("S3OriginConfig", &message)),
    }
}

/// Members by which a document says where an origin is.
const DESTINATION: [&str; 8] = [
    "url",
    "protocol",
    "http_port",
    "https_port",
    "trusted_roots",
    "bucket_host",
    "bucket",
    "s3",
];

/// Puts sealed values back in the place of what has not changed: the keys of a bucket, and headers. For another origin
/// than before, headers are set anew.
pub(super) fn keep_sealed(origin: &mut Keys, (sealed, clear): (&Value, &Value)) {
    for table in ["s3", "headers"] {
        let is_same = |key: &&str| origin.get(*key) == sealed.get(*key);
        if table == "headers" && !DESTINATION.iter().all(is_same) {
            continue;
        }
        let old = |origin: &Value, name: &String| origin.get(table)?.get(name).cloned();
        let new = origin.get_mut(table).and_then(Value::as_object_mut);
        for (name, value) in new.into_iter().flatten() {
            if old(clear, name).as_ref() == Some(&*value)
                && let Some(sealed) = old(sealed, name)
            {
                *value = sealed;
            }
        }
    }
}

/// Reads an origin group.
pub(super) fn read_origin_group(value: &Value) -> Result<Keys, ConfigFault> {
    let id = Members::of(value, "OriginGroups").required("Id")?;
    let group = Members::of(value, format!("OriginGroup {id:?}"));
    match group.text("SelectionCriteria") {
        None | Some("default") => {}
        Some(_) => {
            let message = "is not supported but for default";
            return Err(group.invalid("SelectionCriteria", message));
        }
    }
    let members = group.items("Members").iter();
    let members = members.filter_map(|member| member.get("OriginId")?.as_str());
    let members: Vec<&str> = members.collect();
    if members.len() != 2 {
        return Err(group.invalid("Members", "has to have two items"));
    }
    let criteria = group.inner("FailoverCriteria");
    let statuses = criteria.items("StatusCodes");
    if statuses.is_empty() {
        return Err(criteria.invalid("StatusCodes", "has no items"));
    }
    let mut keys = Keys::new();
    set(&mut keys, "id", Some(id));
    set(&mut keys, "origins", Some(json!(members)));
    set(&mut keys, "failover_statuses", Some(json!(statuses)));
    Ok(keys)
}

/// Shows an origin group.
pub(super) fn show_origin_group(group: &Value) -> Value {
    let group = Members::of(group, "");
    let members = group.array("origins").iter();
    let members = members.map(|id| json!({ "OriginId": id }));
    let statuses = group.array("failover_statuses").to_vec();
    json!({
        "Id": group.text("id").unwrap_or_default(),
        "FailoverCriteria": { "StatusCodes": counted(statuses) },
        "Members": counted(members.collect()),
        "SelectionCriteria": "default",
    })
}
