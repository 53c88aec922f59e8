//! Reads buckets, origin access controls, origin access identities, and the keys that sign.

use super::buckets::{REGION_DEFAULT, read_embedded};
use super::description::{check_description, check_text, has_any};
use super::table::{Reader, Table, value};
use crate::config::document::{
    BucketDocument, BucketLocationDocument, CredentialsDocument, OriginAccessControlDocument,
    OriginAccessIdentityDocument, Secret, SecretSource,
};
use crate::config::origin::{HttpServer, S3Addressing, SigningBehavior};
use std::path::PathBuf;

const CREDENTIAL_KEYS: [&str; 5] = [
    "access_key_id",
    "secret_access_key",
    "secret_access_key_file",
    "session_token",
    "profile",
];
/// Keys that make sense only for a bucket that is reached over a connection.
const ENDPOINT_KEYS: [&str; 2] = ["region", "addressing"];
/// Keys of the kinds of location that are not embedded.
const OTHER_KEYS: [&str; 4] = ["folder", "endpoint", "region", "addressing"];
/// Keys that make sense only for a bucket that this machine keeps.
const EMBEDDED_KEYS: [&str; 6] = [
    "readers",
    "policy",
    "cors",
    "logging",
    "tags",
    "public_access_block",
];
/// Maximum length of an origin access control's name (API reference, `OriginAccessControlConfig`).
const CONTROL_NAME_LENGTH_MAX: usize = 64;
pub(super) const ADDRESSINGS: [(&str, S3Addressing); 2] = [
    ("path", S3Addressing::Path),
    ("virtual-host", S3Addressing::VirtualHost),
];
pub(super) const SIGNINGS: [(&str, SigningBehavior); 3] = [
    ("always", SigningBehavior::Always),
    ("never", SigningBehavior::Never),
    ("no-override", SigningBehavior::NoOverride),
];

pub(super) fn read_origin_access_identity<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
) -> OriginAccessIdentityDocument {
    check_description(reader, table);
    OriginAccessIdentityDocument {
        id: reader.required_string(table, "id"),
        credentials: read_own_credentials(reader, table),
    }
}

pub(super) fn read_origin_access_control<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
) -> OriginAccessControlDocument {
    check_description(reader, table);
    // Of CloudFront's kinds of origin, these have no counterpart here.
    let kind = reader.string(table, "origin_type");
    if let Some(kind) = kind.filter(|kind| kind != "s3") {
        let message = format!("{kind:?} is not served by this edge; write \"s3\"");
        reader.fault(&table.path("origin_type"), message);
    }
    let lengths = 1..=CONTROL_NAME_LENGTH_MAX;
    let id = reader.required_string(table, "id");
    OriginAccessControlDocument {
        name: match value(table, "name") {
            Some(_) => check_text(reader, table, "name", lengths).unwrap_or_default(),
            None => id.clone(),
        },
        id,
        signing: reader
            .choice(table, "signing", &SIGNINGS)
            .unwrap_or(SigningBehavior::Always),
        credentials: read_own_credentials(reader, table),
    }
}

pub(super) fn read_bucket<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> BucketDocument {
    BucketDocument {
        name: reader.required_string(table, "name"),
        location: read_bucket_location(reader, table),
        credentials: read_own_credentials(reader, table),
    }
}

fn read_bucket_location<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> BucketLocationDocument {
    if reader.boolean(table, "embedded") == Some(true) {
        for key in OTHER_KEYS.iter().chain(&CREDENTIAL_KEYS) {
            if value(table, key).is_some() {
                let message = "cannot be combined with embedded; remove one of them";
                reader.fault(&table.path(key), message);
            }
        }
        return BucketLocationDocument::Embedded(Box::new(read_embedded(reader, table)));
    }
    for key in EMBEDDED_KEYS
        .iter()
        .filter(|key| value(table, key).is_some())
    {
        let message = "is only for an embedded bucket; remove it, or add embedded = true";
        reader.fault(&table.path(key), message);
    }
    let folder = reader.path(table, "folder");
    let has_endpoint = value(table, "endpoint").is_some();
    if folder.is_some() && has_endpoint {
        let message = "cannot be combined with folder; remove one of them";
        reader.fault(&table.path("endpoint"), message);
    }
    if folder.is_none() && !has_endpoint {
        let message = "is missing; add endpoint = \"…\", folder = \"…\" or embedded = true";
        reader.fault(&table.path("endpoint"), message);
    }
    if let Some(folder) = folder {
        for key in ENDPOINT_KEYS
            .iter()
            .filter(|key| value(table, key).is_some())
        {
            reader.fault(&table.path(key), "is only for endpoint; remove it");
        }
        return BucketLocationDocument::Folder(folder);
    }
    let Some(server) = reader.server(table, "endpoint") else {
        return BucketLocationDocument::Folder(PathBuf::new());
    };
    read_endpoint(reader, table, server)
}

fn read_endpoint<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
    server: HttpServer,
) -> BucketLocationDocument {
    BucketLocationDocument::Endpoint {
        server,
        region: reader
            .string(table, "region")
            .unwrap_or_else(|| REGION_DEFAULT.to_owned()),
        addressing: reader
            .choice(table, "addressing", &ADDRESSINGS)
            .unwrap_or(S3Addressing::Path),
    }
}

/// Reads the keys of an item; `None` if it says nothing of keys.
fn read_own_credentials<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
) -> Option<CredentialsDocument> {
    has_any(table, &CREDENTIAL_KEYS).then(|| read_credentials(reader, table))
}

pub(super) fn read_credentials<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
) -> CredentialsDocument {
    let access_key_id = reader.string(table, "access_key_id");
    let text = reader.string(table, "secret_access_key");
    let file = reader.path(table, "secret_access_key_file");
    let session_token = reader.string(table, "session_token").map(Secret::new);
    let profile = reader.string(table, "profile");
    if text.is_some() && file.is_some() {
        let message = "cannot be combined with secret_access_key; remove one of them";
        reader.fault(&table.path("secret_access_key_file"), message);
    }
    let secret = match (text, file) {
        (Some(text), _) => Some(SecretSource::Text(Secret::new(text))),
        (None, file) => file.map(SecretSource::File),
    };
    match (access_key_id, secret) {
        (Some(access_key_id), Some(secret_access_key)) => {
            if profile.is_some() {
                let message = "cannot be combined with access_key_id; remove one of them";
                reader.fault(&table.path("profile"), message);
            }
            return CredentialsDocument::Static {
                access_key_id,
                secret_access_key,
                session_token,
            };
        }
        (Some(_), None) => {
            let message = "is required with access_key_id; add it or secret_access_key_file";
            reader.fault(&table.path("secret_access_key"), message);
        }
        (None, Some(_)) => {
            let message = "is required with the secret access key; add it";
            reader.fault(&table.path("access_key_id"), message);
        }
        (None, None) if session_token.is_some() => {
            let message = "is only for access_key_id; remove it";
            reader.fault(&table.path("session_token"), message);
        }
        (None, None) => {}
    }
    CredentialsDocument::Chain { profile }
}
