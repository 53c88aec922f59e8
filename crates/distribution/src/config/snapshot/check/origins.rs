//! Faults of origins and origin groups.

use super::{Checker, is_host, names_object};
use crate::config::document::{
    DistributionDocument, OriginDocument, OriginGroupDocument, S3OriginDocument,
};
use crate::config::origin::S3Addressing;
use http::{HeaderName, HeaderValue, header};

/// CloudFront's quotas (developer guide, "Quotas").
const ORIGINS_MAX: usize = 100;
const ORIGIN_GROUPS_MAX: usize = 10;
const CUSTOM_HEADERS_MAX: usize = 10;
const HEADER_NAME_SIZE_BYTES_MAX: usize = 256;
const HEADER_VALUE_SIZE_BYTES_MAX: usize = 1783;
const CUSTOM_HEADERS_SIZE_BYTES_MAX: usize = 10_240;
/// Statuses that may lead to the second origin (developer guide, "Optimize high availability with CloudFront origin
/// failover").
const FAILOVER_STATUSES: [u16; 8] = [400, 403, 404, 416, 500, 502, 503, 504];

impl Checker<'_> {
    pub(super) fn origins(&mut self, distribution: &DistributionDocument, path: &str) {
        let origins = &distribution.origins;
        self.at_most(&format!("{path}.origins"), origins.len(), ORIGINS_MAX);
        let ids = origins.iter().map(|origin| origin.id.as_str());
        self.unique(&format!("{path}.origins"), "id", ids);
        for (position, origin) in origins.iter().enumerate() {
            self.origin(
                origin,
                distribution.enabled,
                &format!("{path}.origins[{position}]"),
            );
        }
        let groups = &distribution.origin_groups;
        self.at_most(
            &format!("{path}.origin_groups"),
            groups.len(),
            ORIGIN_GROUPS_MAX,
        );
        let ids = groups.iter().map(|group| group.id.as_str());
        self.unique(&format!("{path}.origin_groups"), "id", ids);
        for (position, group) in groups.iter().enumerate() {
            let path = format!("{path}.origin_groups[{position}]");
            self.origin_group(group, distribution, &path);
        }
    }

    pub(super) fn origin(&mut self, origin: &OriginDocument, is_enabled: bool, path: &str) {
        let origin_path = &origin.origin_path;
        if !origin_path.is_empty() && !names_object(origin_path) {
            let message = "must be a path, percent-encoded, that begins with a slash and does not end with one, such as /videos";
            self.fault(&format!("{path}.origin_path"), message);
        }
        let bucket = origin.source.bucket();
        if let Some(bucket) = bucket {
            self.bucket(bucket, &format!("{path}.s3"));
        }
        if let Some(named) = origin.source.bucket_host() {
            self.bucket_host(named, is_enabled, path);
        }
        if let Some(named) = origin.source.named_bucket() {
            self.named_bucket(named, is_enabled, path);
        }
        let headers = format!("{path}.headers");
        self.custom_headers(&origin.custom_headers, &headers);
        if origin.source.may_be_signed() {
            self.signed_headers(&origin.custom_headers, &headers);
        }
    }

    /// Checks that the headers of a bucket are text, since all of them are signed, and a signature covers only text.
    fn signed_headers(&mut self, headers: &[(HeaderName, HeaderValue)], path: &str) {
        for (name, _) in headers.iter().filter(|(_, value)| value.to_str().is_err()) {
            let message =
                "has characters other than ASCII, which a bucket's signature cannot cover";
            self.fault(&format!("{path}.{name}"), message);
        }
    }

    /// Checks a bucket; `path` is that of its table.
    fn bucket(&mut self, origin: &S3OriginDocument, path: &str) {
        let bucket = &origin.bucket;
        let is_plain = bucket
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte));
        let is_dots = bucket == "." || bucket == "..";
        if !is_plain || is_dots || bucket.len() > 255 {
            let message = format!("{bucket:?} is not the name of a bucket");
            self.fault(&format!("{path}.bucket"), message);
        } else if origin.addressing == S3Addressing::VirtualHost
            && !bucket.is_empty()
            && !is_host(bucket, false)
        {
            let message = format!("{bucket:?} cannot be part of a host name; write \"path\"");
            self.fault(&format!("{path}.addressing"), message);
        }
        self.region(&origin.region, path);
    }

    pub(super) fn region(&mut self, region: &str, path: &str) {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if region.is_empty() || !region.bytes().all(is_plain) {
            let message = "is not the name of a region, such as us-east-1";
            self.fault(&format!("{path}.region"), message);
        }
    }

    /// Checks names and sizes (developer guide, "Custom headers that CloudFront can't add to origin requests" and
    /// "Quotas on headers").
    fn custom_headers(&mut self, headers: &[(HeaderName, HeaderValue)], path: &str) {
        self.at_most(path, headers.len(), CUSTOM_HEADERS_MAX);
        let mut size_bytes = 0;
        for (name, value) in headers {
            let place = format!("{path}.{name}");
            if is_forbidden(name) {
                let message = "cannot be added to origin requests; remove it";
                self.fault(&place, message);
            }
            if name.as_str().len() > HEADER_NAME_SIZE_BYTES_MAX
                || value.len() > HEADER_VALUE_SIZE_BYTES_MAX
            {
                let message = format!(
                    "is too long; a name has at most {HEADER_NAME_SIZE_BYTES_MAX} bytes, a value {HEADER_VALUE_SIZE_BYTES_MAX}"
                );
                self.fault(&place, message);
            }
            size_bytes += name.as_str().len() + value.len();
        }
        if size_bytes > CUSTOM_HEADERS_SIZE_BYTES_MAX {
            let message = format!(
                "have {size_bytes} bytes together; remove some, the maximum is {CUSTOM_HEADERS_SIZE_BYTES_MAX}"
            );
            self.fault(path, message);
        }
    }

    fn origin_group(
        &mut self,
        group: &OriginGroupDocument,
        distribution: &DistributionDocument,
        path: &str,
    ) {
        let origins = distribution.origins.iter();
        let ids: Vec<&str> = origins.map(|origin| origin.id.as_str()).collect();
        if !group.id.is_empty() && ids.contains(&group.id.as_str()) {
            let message = format!("{:?} is an origin's id too; rename one", group.id);
            self.fault(&format!("{path}.id"), message);
        }
        let members = format!("{path}.origins");
        self.references(&members, "origin", &group.origins, &ids);
        match group.origins.as_slice() {
            [primary, secondary] if primary == secondary && !primary.is_empty() => {
                self.fault(&members, "names one origin twice; name two");
            }
            [_, _] => {}
            _ => self.fault(
                &members,
                "must name two origins: the primary and the secondary one",
            ),
        }
        let statuses = format!("{path}.failover_statuses");
        if group.failover_statuses.is_empty() {
            self.fault(
                &statuses,
                "names no status; add some, such as [500, 502, 503, 504]",
            );
        }
        for status in &group.failover_statuses {
            if !FAILOVER_STATUSES.contains(&status.as_u16()) {
                let message = format!(
                    "{} is not one of 400, 403, 404, 416, 500, 502, 503, 504",
                    status.as_u16()
                );
                self.fault(&statuses, message);
            }
        }
    }
}

fn is_forbidden(name: &HeaderName) -> bool {
    const OTHERS: [&str; 4] = [
        "keep-alive",
        "proxy-connection",
        "request-range",
        "x-real-ip",
    ];
    let known = [
        header::CACHE_CONTROL,
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::COOKIE,
        header::EXPECT,
        header::HOST,
        header::IF_MATCH,
        header::IF_MODIFIED_SINCE,
        header::IF_NONE_MATCH,
        header::IF_RANGE,
        header::IF_UNMODIFIED_SINCE,
        header::MAX_FORWARDS,
        header::PRAGMA,
        header::PROXY_AUTHENTICATE,
        header::PROXY_AUTHORIZATION,
        header::RANGE,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        header::VIA,
    ];
    let text = name.as_str();
    known.contains(name)
        || OTHERS.contains(&text)
        || text.starts_with("x-amz-")
        || text.starts_with("x-edge-")
}
