//! Faults of custom error responses and of restrictions by country.

use super::{Checker, names_object};
use crate::config::distribution::GeoRestriction;
use crate::config::document::DistributionDocument;
use http::StatusCode;
use std::collections::HashSet;

/// Statuses that may have a custom error response (developer guide, "Generate custom error responses").
const ERROR_STATUSES: [u16; 11] = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504];
const PAGE_SIZE_BYTES_MAX: usize = 4000;

impl Checker<'_> {
    pub(super) fn custom_errors(&mut self, distribution: &DistributionDocument, path: &str) {
        let mut known = HashSet::new();
        for (position, response) in distribution.custom_errors.iter().enumerate() {
            let path = format!("{path}.custom_errors[{position}]");
            let status = response.error_status.as_u16();
            if !ERROR_STATUSES.contains(&status) {
                self.fault(&format!("{path}.status"), not_among(status, ""));
            }
            if !known.insert(status) {
                let message = format!("{status} is used twice; remove one");
                self.fault(&format!("{path}.status"), message);
            }
            let Some(page) = &response.page else { continue };
            if !names_object(&page.path) || page.path.len() > PAGE_SIZE_BYTES_MAX {
                let message = "must be the path of an object, percent-encoded and with a slash in front, such as /errors/404.html";
                self.fault(&format!("{path}.page"), message);
            }
            let status = page.status.as_u16();
            if page.status != StatusCode::OK && !ERROR_STATUSES.contains(&status) {
                self.fault(&format!("{path}.page_status"), not_among(status, "200, "));
            }
        }
    }

    pub(super) fn geo(&mut self, distribution: &DistributionDocument, path: &str) {
        let (key, countries) = match &distribution.geo {
            GeoRestriction::None => return,
            GeoRestriction::Allow(countries) => ("allow", countries),
            GeoRestriction::Block(countries) => ("block", countries),
        };
        let place = format!("{path}.geo.{key}");
        if countries.is_empty() {
            self.fault(
                &place,
                "is empty; remove [distributions.geo] to serve everybody",
            );
        }
        for (position, country) in countries.iter().enumerate() {
            let is_code =
                country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
            if !is_code && !country.is_empty() {
                let message = format!(
                    "{country:?} is not a country; write two capital letters (ISO 3166-1 alpha-2), such as BR"
                );
                self.fault(&format!("{place}[{position}]"), message);
            }
        }
        if !self.has_geo_database {
            let message = "needs a database of countries; add geo.database = \"country.mmdb\"";
            self.fault(&format!("{path}.geo"), message);
        }
    }
}

fn not_among(status: u16, also: &str) -> String {
    let known: Vec<String> = ERROR_STATUSES.iter().map(u16::to_string).collect();
    format!("{status} is not one of {also}{}", known.join(", "))
}
