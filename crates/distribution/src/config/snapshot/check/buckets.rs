//! Faults of buckets, origin access controls and origin access identities, and of the names by which origins refer to
//! them.

use super::Checker;
use crate::config::bucket_host::BucketHost;
use crate::config::document::{
    BucketAccessDocument, BucketDocument, BucketHostDocument, BucketLocationDocument,
    BucketsSettings, NamedBucketDocument,
};
use std::net::Ipv4Addr;

impl Checker<'_> {
    /// Checks that keys and objects do not cross a network in the clear.
    pub(super) fn buckets_endpoint(&mut self, buckets: &BucketsSettings) {
        let Some(address) = buckets.address else {
            return;
        };
        if !address.ip().is_loopback() && buckets.certificate.is_none() {
            let message = format!(
                "{address} is not a loopback address, and only those are served without TLS; add certificate = {{ chain = \"…\", key = \"…\" }}"
            );
            self.fault("buckets.address", message);
        }
    }

    pub(super) fn buckets(&mut self) {
        let document = self.document;
        let names = document.buckets.iter().map(|bucket| bucket.name.as_str());
        self.unique("buckets.bucket", "name", names);
        for (position, bucket) in document.buckets.iter().enumerate() {
            self.bucket_item(bucket, &format!("buckets.bucket[{position}]"));
        }
        let ids = document.origin_access_identities.iter();
        let ids = ids.map(|identity| identity.id.as_str());
        self.unique("origin_access_identities", "id", ids);
        let controls = &document.origin_access_controls;
        let ids = controls.iter().map(|control| control.id.as_str());
        self.unique("origin_access_controls", "id", ids);
        let names = controls.iter().map(|control| control.name.as_str());
        self.unique("origin_access_controls", "name", names);
    }

    fn bucket_item(&mut self, bucket: &BucketDocument, path: &str) {
        let name = &bucket.name;
        if !name.is_empty() && !is_bucket_name(name) {
            let message = format!(
                "{name:?} is not the name of a bucket: 3 to 63 of a-z, 0-9, \".\" and \"-\", with a letter or digit at both ends"
            );
            self.fault(&format!("{path}.name"), message);
        }
        match &bucket.location {
            BucketLocationDocument::Folder(_) => {}
            BucketLocationDocument::Embedded(_) if self.has_buckets_folder => {}
            BucketLocationDocument::Embedded(_) => {
                let message = "is true, and this machine has no folder for buckets; add [buckets] with folder = \"buckets\"";
                self.fault(&format!("{path}.embedded"), message);
            }
            BucketLocationDocument::Endpoint { region, .. } => self.region(region, path),
        }
    }

    /// Checks the host name of a bucket, and that what signs for it is there. A distribution that is not enabled reads
    /// nothing, and may wait for that.
    pub(super) fn bucket_host(&mut self, named: &BucketHostDocument, is_enabled: bool, path: &str) {
        if let Err(fault) = BucketHost::parse(&named.host)
            && !named.host.is_empty()
        {
            self.fault(&format!("{path}.bucket_host"), fault.message());
        }
        if is_enabled {
            self.bucket_access(&named.access, path);
        }
    }

    /// Checks that the bucket that an origin names has an item, and as [`Checker::bucket_host`] what signs for it.
    pub(super) fn named_bucket(
        &mut self,
        named: &NamedBucketDocument,
        is_enabled: bool,
        path: &str,
    ) {
        let document = self.document;
        let known = document.buckets.iter().map(|bucket| bucket.name.as_str());
        let known: Vec<&str> = known.collect();
        self.reference(
            &format!("{path}.bucket.name"),
            "bucket",
            &named.name,
            &known,
        );
        if is_enabled {
            self.bucket_access(&named.access, path);
        }
    }

    fn bucket_access(&mut self, access: &BucketAccessDocument, path: &str) {
        let document = self.document;
        match access {
            BucketAccessDocument::Unsigned | BucketAccessDocument::Distribution => {}
            BucketAccessDocument::Control(id) => {
                let known = document.origin_access_controls.iter();
                let known: Vec<&str> = known.map(|control| control.id.as_str()).collect();
                let place = format!("{path}.origin_access_control");
                self.reference(&place, "origin access control", id, &known);
            }
            BucketAccessDocument::Identity(id) => {
                let known = document.origin_access_identities.iter();
                let known: Vec<&str> = known.map(|identity| identity.id.as_str()).collect();
                let place = format!("{path}.origin_access_identity");
                self.reference(&place, "origin access identity", id, &known);
            }
        }
    }
}

/// Returns true for names that a bucket may have (Amazon S3 user guide, "General purpose bucket naming rules").
fn is_bucket_name(name: &str) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    (3..=63).contains(&bytes.len())
        && bytes
            .iter()
            .all(|byte| is_plain(byte) || b".-".contains(byte))
        && bytes.first().is_some_and(is_plain)
        && bytes.last().is_some_and(is_plain)
        && !name.contains("..")
        && name.parse::<Ipv4Addr>().is_err()
}
