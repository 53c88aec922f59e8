//! Pages for errors, and restrictions by country.

use crate::cloudfront::members::{ConfigFault, Keys, Members, counted, seconds, set};
use serde_json::{Value, json};

const ERROR_STATUSES: [i64; 11] = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504];
const ERROR_TTL_DEFAULT: i64 = 10;
const TTL_MAX: i64 = 3_153_600_000;
const PAGE_LENGTH_MAX: usize = 4000;

/// Reads `CustomErrorResponses`.
pub(super) fn read_errors(config: &Members<'_>, keys: &mut Keys) -> Result<(), ConfigFault> {
    let mut errors = Vec::new();
    let mut known = Vec::new();
    for item in config.items("CustomErrorResponses") {
        let error = Members::of(item, "CustomErrorResponses");
        let status = error.whole("ErrorCode").unwrap_or_default();
        if !ERROR_STATUSES.contains(&status) || known.contains(&status) {
            let message =
                format!("is {status}, which is not an error with a page or is there twice");
            return Err(error.fault("ErrorCode", "InvalidErrorCode", &message));
        }
        known.push(status);
        errors.push(Value::Object(read_error(&error, status)?));
    }
    let errors = (!errors.is_empty()).then_some(Value::Array(errors));
    set(keys, "custom_errors", errors);
    Ok(())
}

fn read_error(error: &Members<'_>, status: i64) -> Result<Keys, ConfigFault> {
    let mut keys = Keys::new();
    set(&mut keys, "status", Some(status));
    let (page, code) = (error.text("ResponsePagePath"), error.text("ResponseCode"));
    match (page, code) {
        (None, None) => {}
        (Some(page), Some(code)) => {
            let is_raw = |byte: u8| byte.is_ascii_graphic() && byte != b'?' && byte != b'#';
            if !page.starts_with('/') || !page.bytes().all(is_raw) || page.len() > PAGE_LENGTH_MAX {
                let message = "has to begin with a slash and to be URL-encoded";
                return Err(error.fault("ResponsePagePath", "InvalidRelativePath", message));
            }
            let number = code.parse().unwrap_or_default();
            if number != 200 && !ERROR_STATUSES.contains(&number) {
                let message = format!("is {code:?}, which is not a status that a page can have");
                return Err(error.fault("ResponseCode", "InvalidResponseCode", &message));
            }
            set(&mut keys, "page", Some(page));
            set(&mut keys, "page_status", Some(number));
        }
        (Some(_), None) => {
            let message = "is missing, and there is a ResponsePagePath";
            return Err(error.fault("ResponseCode", "InvalidResponseCode", message));
        }
        (None, Some(_)) => {
            let message = "is there without a ResponsePagePath";
            return Err(error.fault("ResponseCode", "InvalidResponseCode", message));
        }
    }
    let ttl = error.in_range("ErrorCachingMinTTL", 0..=TTL_MAX, "InvalidArgument")?;
    set(&mut keys, "min_ttl", ttl);
    Ok(keys)
}

/// Shows `CustomErrorResponses`.
pub(super) fn show_errors(document: &Members<'_>) -> Value {
    let errors = document.array("custom_errors").iter().map(|error| {
        let error = Members::of(error, "");
        let status = error.whole("status").unwrap_or_default();
        let page = error.text("page");
        let code = error.whole("page_status").unwrap_or(status).to_string();
        let code = page.map_or_else(String::new, |_| code);
        let ttl = error.value("min_ttl").and_then(seconds);
        json!({
            "ErrorCode": status,
            "ResponsePagePath": page.unwrap_or_default(),
            "ResponseCode": code,
            "ErrorCachingMinTTL": ttl.unwrap_or(ERROR_TTL_DEFAULT),
        })
    });
    counted(errors.collect())
}

/// Reads `Restrictions`.
pub(super) fn read_geo(config: &Members<'_>, keys: &mut Keys) -> Result<(), ConfigFault> {
    const CODE: &str = "InvalidGeoRestrictionParameter";
    let geo = config.inner("Restrictions").inner("GeoRestriction");
    let countries = geo.array_of_texts("Items");
    let key = match geo.text("RestrictionType") {
        None | Some("none") => {
            return match countries.is_empty() {
                true => Ok(()),
                false => Err(geo.fault("Items", CODE, "is there, and RestrictionType is none")),
            };
        }
        Some("whitelist") => "allow",
        Some(_) => "block",
    };
    let is_country =
        |country: &&str| country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase());
    if countries.is_empty() || !countries.iter().all(is_country) {
        let message =
            "has to be a list of countries, each two capital letters (ISO 3166-1 alpha-2)";
        return Err(geo.fault("Items", CODE, message));
    }
    set(keys, "geo", Some(json!({ key: countries })));
    Ok(())
}

/// Shows `Restrictions`.
pub(super) fn show_geo(document: &Members<'_>) -> Value {
    let geo = document.inner("geo");
    let (kind, key) = match (geo.has("allow"), geo.has("block")) {
        (true, _) => ("whitelist", "allow"),
        (false, true) => ("blacklist", "block"),
        (false, false) => ("none", "allow"),
    };
    let countries = geo.array(key);
    json!({ "GeoRestriction": { "RestrictionType": kind, "Items": countries } })
}
