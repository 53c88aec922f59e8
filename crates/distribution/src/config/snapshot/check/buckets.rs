//! Faults of buckets, origin access controls and origin access identities, and of the names by which origins refer to
//! them.

use super::Checker;
use crate::config::bucket_host::BucketHost;
use crate::config::document::{
    BucketAccessDocument, BucketDocument, BucketHostDocument, BucketLocationDocument,
};
use std::net::Ipv4Addr;

impl Checker<'_> {
    pub(super) fn buckets(&mut self) {
        let document = self.document;
        let names = document.buckets.iter().map(|bucket| bucket.name.as_str());
        self.unique("buckets", "name", names);
        for (position, bucket) in document.buckets.iter().enumerate() {
            self.bucket_item(bucket, &format!("buckets[{position}]"));
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
        let document = self.document;
        match &named.access {
            _ if !is_enabled => {}
            BucketAccessDocument::Unsigned => {}
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
