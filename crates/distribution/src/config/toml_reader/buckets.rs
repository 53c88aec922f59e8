//! Reads `[buckets]`, the machine's folder of buckets and their S3 endpoint, and what items say of embedded buckets.

use super::control::{read_domain_suffix, read_text};
use super::description::check_description;
use super::schema::TableSchema;
use super::table::{Reader, Table, value};
use super::tree::Value;
use super::{DAY, HOUR, MIB, SECOND, read_certificate_files, schema};
use crate::config::document::{
    BucketLogging, BucketPolicy, BucketReader, BucketsLimits, BucketsSettings, CorsRule,
    EmbeddedBucketDocument, Grant, PublicAccessBlock,
};

/// Name of the folder unless another is set, in the folder of the file.
const FOLDER_DEFAULT: &str = "buckets";
/// Region of buckets unless another is set.
pub(super) const REGION_DEFAULT: &str = "us-east-1";
/// Maximum number of grants of a bucket, and of its policy.
const READERS_MAX: usize = 100;
/// Sizes of S3's (user guide, "Bucket policy", "CORS configuration").
const POLICY_SIZE_BYTES_MAX: usize = 20 * 1024;
const CORS_RULES_MAX: usize = 100;

/// Opens `[buckets]`. In earlier versions this was the name of an array of items.
pub(super) fn open_buckets<'t>(reader: &mut Reader<'t>, root: &Table<'t>) -> Option<Table<'t>> {
    if let Some(Value::Array(_)) = value(root, "buckets") {
        let message = "is an array of buckets, which is called buckets.bucket now; write [[buckets.bucket]] in place of [[buckets]]";
        reader.fault("buckets", message);
        return None;
    }
    reader.table(root, "buckets", &schema::BUCKETS)
}

/// Reads the settings of the machine; `None` if the table has nothing but items.
pub(super) fn read_buckets<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
) -> Option<BucketsSettings> {
    table.keys().find(|key| *key != "bucket")?;
    let address = value(table, "address").map(|_| reader.required_string(table, "address"));
    let address = address.and_then(|text| {
        let address = text.parse().ok();
        if address.is_none() && !text.is_empty() {
            let message =
                format!("{text:?} is not an address; write it like 127.0.0.1:9000 or [::1]:9000");
            reader.fault(&table.path("address"), message);
        }
        address
    });
    let certificate = reader.table(table, "certificate", &schema::BUCKETS_CERTIFICATE);
    let is_region = |text: &str| {
        let mut bytes = text.bytes();
        !text.is_empty() && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let region = read_text(reader, table, "region", |text| {
        (!is_region(text)).then_some("is not the name of a region, such as us-east-1")
    });
    Some(BucketsSettings {
        folder: reader
            .path(table, "folder")
            .unwrap_or_else(|| reader.beside(FOLDER_DEFAULT)),
        address,
        certificate: certificate.map(|table| read_certificate_files(reader, &table)),
        region: region.unwrap_or_else(|| REGION_DEFAULT.to_owned()),
        domain_suffix: read_domain_suffix(reader, table),
        sync: reader.boolean(table, "sync").unwrap_or(true),
        limits: read_limits(reader, table),
    })
}

fn read_limits<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> BucketsLimits {
    let mut limits = BucketsLimits::default();
    let Some(table) = &reader.table(table, "limits", &schema::BUCKETS_LIMITS) else {
        return limits;
    };
    let counts = [
        ("connections_max", &mut limits.connections_max),
        (
            "connections_per_network_max",
            &mut limits.connections_per_network_max,
        ),
        ("requests_max", &mut limits.requests_max),
        ("uploads_max", &mut limits.uploads_max),
    ];
    for (key, count) in counts {
        reader.set_number(table, key, 1..=1 << 20, count);
    }
    // Below this a signature in a URL does not fit.
    let sizes = 8 * 1024..=MIB;
    let size = &mut limits.head_size_bytes_max;
    reader.set_size(table, "head_size_bytes_max", sizes, size);
    reader.set_size(table, "body_rate_min", 0..=MIB, &mut limits.body_rate_min);
    let timeouts = [
        ("head_timeout", &mut limits.head_timeout),
        ("body_timeout", &mut limits.body_timeout),
        ("write_timeout", &mut limits.write_timeout),
    ];
    for (key, timeout) in timeouts {
        reader.set_duration(table, key, SECOND..=HOUR, timeout);
    }
    let age = &mut limits.upload_age_max;
    reader.set_duration(table, "upload_age_max", HOUR..=365 * DAY, age);
    limits
}

/// Reads what an item says of an embedded bucket beside its name.
pub(super) fn read_embedded<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
) -> EmbeddedBucketDocument {
    check_description(reader, table);
    EmbeddedBucketDocument {
        readers: read_readers(reader, table, &schema::BUCKET_READER),
        policy: read_policy(reader, table),
        cors: read_cors(reader, table),
        logging: read_logging(reader, table),
        tags: read_tags(table),
        public_access_block: read_public_access_block(reader, table),
    }
}

fn read_policy<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> Option<BucketPolicy> {
    let table = &reader.table(table, "policy", &schema::BUCKET_POLICY)?;
    let text = reader.required_string(table, "text");
    if text.len() > POLICY_SIZE_BYTES_MAX {
        let message = format!("is longer than {POLICY_SIZE_BYTES_MAX} bytes");
        reader.fault(&table.path("text"), message);
    }
    Some(BucketPolicy {
        text,
        readers: read_readers(reader, table, &schema::BUCKET_POLICY_READER),
    })
}

fn read_cors<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> Vec<CorsRule> {
    let tables = reader.tables(table, "cors", &schema::BUCKET_CORS);
    if tables.len() > CORS_RULES_MAX {
        let message = format!(
            "has {} entries; remove some, the maximum is {CORS_RULES_MAX}",
            tables.len()
        );
        reader.fault(&table.path("cors"), message);
    }
    let rules = tables.iter().map(|table| {
        let mut texts = |key| reader.strings(table, key).unwrap_or_default();
        let mut rule = CorsRule {
            allowed_origins: texts("allowed_origins"),
            allowed_methods: texts("allowed_methods"),
            allowed_headers: texts("allowed_headers"),
            expose_headers: texts("expose_headers"),
            id: reader.string(table, "id"),
            max_age_secs: None,
        };
        if value(table, "max_age").is_some() {
            let mut secs = 0;
            reader.set_number(table, "max_age", 0..=u64::from(u32::MAX), &mut secs);
            rule.max_age_secs = Some(secs);
        }
        rule
    });
    rules.collect()
}

fn read_logging<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> Option<BucketLogging> {
    let table = &reader.table(table, "logging", &schema::BUCKET_LOGGING)?;
    Some(BucketLogging {
        bucket: reader.required_string(table, "bucket"),
        prefix: reader.string(table, "prefix").unwrap_or_default(),
    })
}

/// Reads the tags, which were checked with the description.
fn read_tags(table: &Table<'_>) -> Vec<(String, String)> {
    let Some(Value::Table(tags)) = value(table, "tags") else {
        return Vec::new();
    };
    let texts = tags.iter().map(|entry| {
        let text = entry.node.value.as_str().unwrap_or_default();
        (entry.key.to_string(), text.to_owned())
    });
    texts.collect()
}

fn read_public_access_block<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
) -> Option<PublicAccessBlock> {
    let schema = &schema::PUBLIC_ACCESS_BLOCK;
    let table = &reader.table(table, "public_access_block", schema)?;
    let mut is_set = |key| reader.boolean(table, key).unwrap_or(false);
    Some(PublicAccessBlock {
        block_public_acls: is_set("block_public_acls"),
        ignore_public_acls: is_set("ignore_public_acls"),
        block_public_policy: is_set("block_public_policy"),
        restrict_public_buckets: is_set("restrict_public_buckets"),
    })
}

fn read_readers<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
    schema: &TableSchema,
) -> Vec<Grant> {
    let tables = reader.tables(table, "readers", schema);
    if tables.len() > READERS_MAX {
        let message = format!(
            "has {} entries; remove some, the maximum is {READERS_MAX}",
            tables.len()
        );
        reader.fault(&table.path("readers"), message);
    }
    let grants = tables.iter().filter_map(|table| {
        Some(Grant {
            reader: read_reader(reader, table)?,
            list: reader.boolean(table, "list").unwrap_or(false),
        })
    });
    grants.collect()
}

fn read_reader<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> Option<BucketReader> {
    let has = |key| value(table, key).is_some();
    match (has("origin_access_identity"), has("distribution")) {
        (true, true) => {
            let message = "cannot be combined with origin_access_identity; write two entries";
            reader.fault(&table.path("distribution"), message);
            None
        }
        (false, false) => {
            let message = "is missing; add it, or distribution";
            reader.fault(&table.path("origin_access_identity"), message);
            None
        }
        (true, false) => {
            let id = reader.required_string(table, "origin_access_identity");
            Some(BucketReader::Identity(id))
        }
        (false, true) => {
            let id = reader.required_string(table, "distribution");
            Some(BucketReader::Distribution(id))
        }
    }
}
