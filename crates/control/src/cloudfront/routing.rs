//! Which operation a request is for: by method, path and query, in any dated version.

use crate::cloudfront::api_error::ApiError;
use crate::cloudfront::boto2;
use crate::cloudfront::model::{Model, Operation, Version};
use http::Method;
use percent_encoding::percent_decode_str;
use std::collections::BTreeMap;

/// An operation that was found, with the parameters of its path.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) operation: &'static Operation,
    pub(super) parameters: BTreeMap<String, String>,
}

/// Returns true for a path of this interface: it begins with a date, known or not.
pub(crate) fn is_dated(path: &str) -> bool {
    let date = path
        .strip_prefix('/')
        .and_then(|rest| rest.split('/').next());
    date.is_some_and(is_date)
}

fn is_date(text: &str) -> bool {
    let is_form = |(position, byte): (usize, u8)| match position {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    text.len() == 10 && text.bytes().enumerate().all(is_form)
}

/// Returns the version that a path names.
pub(super) fn version_of(path: &str) -> Option<Version> {
    let mut segments = path.strip_prefix('/')?.split('/');
    segments.next().and_then(Version::find)
}

/// Finds the operation of a request.
pub(super) fn find(method: &Method, path: &str, query: &str) -> Result<Found, ApiError> {
    let Some(version) = version_of(path) else {
        return Err(ApiError::unsupported(
            "this version of the API is not served; the versions are 2014-05-31 to 2020-05-31",
        ));
    };
    let found = operation_of(method, behind_date(path), query)?;
    let Operation { name, since, .. } = found.operation;
    match *since > version {
        true => Err(absent_in(name, version.date())),
        false => Ok(found),
    }
}

/// Finds the operation of a request in the version of boto 2.
pub(super) fn find_boto2(method: &Method, path: &str, query: &str) -> Result<Found, ApiError> {
    let found = operation_of(method, behind_date(path), query)?;
    let name = found.operation.name;
    match boto2::OPERATIONS.contains(&name) {
        true => Ok(found),
        false => Err(absent_in(name, boto2::DATE)),
    }
}

fn absent_in(name: &str, date: &str) -> ApiError {
    ApiError::unsupported(&format!("{name} is not in version {date} of the API"))
}

/// Returns true for a path in the version of boto 2.
pub(super) fn is_boto2(path: &str) -> bool {
    path.strip_prefix('/')
        .and_then(|rest| rest.split('/').next())
        == Some(boto2::DATE)
}

/// Returns the part of a path behind its date, which has ten characters.
fn behind_date(path: &str) -> &str {
    path.get(11..).unwrap_or_default()
}

/// Finds an operation of any version by what comes behind the date.
fn operation_of(method: &Method, rest: &str, query: &str) -> Result<Found, ApiError> {
    let operations = Model::get().operations().iter();
    let of_method = operations.filter(|operation| operation.method == method.as_str());
    let fitting = of_method.filter_map(|operation| {
        let parameters = parameters_of(operation.path, rest)?;
        Some((operation, parameters))
    });
    // An operation that a parameter of the query tells from another comes first.
    let mut fitting: Vec<_> = fitting
        .filter(|(operation, _)| {
            let told_by = operation.told_by;
            told_by.is_none_or(|(name, value)| has_parameter(query, name, value))
        })
        .collect();
    fitting.sort_by_key(|(operation, _)| operation.told_by.is_none());
    let Some((operation, parameters)) = fitting.into_iter().next() else {
        return Err(ApiError::unsupported(&format!(
            "{method} of this path is no operation of the API"
        )));
    };
    Ok(Found {
        operation,
        parameters,
    })
}

/// Returns the parameters of a path that has the form of an operation's.
fn parameters_of(form: &str, path: &str) -> Option<BTreeMap<String, String>> {
    let mut parameters = BTreeMap::new();
    let mut segments = path.split('/');
    for wanted in form.split('/') {
        let segment = segments.next()?;
        let name = wanted
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        match name {
            Some(name) => {
                let value = percent_decode_str(segment).decode_utf8().ok()?;
                if value.is_empty() {
                    return None;
                }
                // A name with a plus takes more than one segment, in an operation that is refused anyway.
                parameters.insert(name.trim_end_matches('+').to_owned(), value.into_owned());
            }
            None if wanted == segment => {}
            None => return None,
        }
    }
    segments.next().is_none().then_some(parameters)
}

/// Returns true if a query has a parameter of that value; one without `=` has an empty value.
fn has_parameter(query: &str, name: &str, value: &str) -> bool {
    query.split('&').any(|pair| {
        let (pair_name, pair_value) = pair.split_once('=').unwrap_or((pair, ""));
        pair_name == name && pair_value == value
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(request: &str, expected: &str) {
        let error = find_in(request).err();
        assert_eq!(error, Some(ApiError::unsupported(expected)), "{request}");
    }

    #[track_caller]
    fn check(request: &str, expected: &str, parameters: &[(&str, &str)]) {
        let found = find_in(request).unwrap();
        assert_eq!(found.operation.name, expected, "{request}");
        let found: Vec<(&str, &str)> = found
            .parameters
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(found, parameters, "{request}");
    }

    fn find_in(request: &str) -> Result<Found, ApiError> {
        let (method, target) = request.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        find(&method.parse().unwrap(), path, query)
    }

    #[test]
    fn boto_2_has_the_operations_of_its_time() {
        let find = |request: &str| {
            let (method, target) = request.split_once(' ').unwrap();
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            let found = find_boto2(&method.parse().unwrap(), path, query);
            found.map(|found| found.operation.name)
        };
        let absent = |name| Err(absent_in(name, "2010-11-01"));
        assert_eq!(find("GET /2010-11-01/public-key"), absent("ListPublicKeys"));
        assert_eq!(
            find("POST /2010-11-01/distribution?WithTags"),
            absent("CreateDistributionWithTags")
        );
        assert!(find("GET /2010-11-01").is_err() && find("GET /2010-11-01/").is_err());
        assert!(find("POST /2010-11-01/distribution/E1").is_err());
        assert_eq!(
            find("PUT /2010-11-01/distribution/E1/config"),
            Ok("UpdateDistribution")
        );
        for name in boto2::OPERATIONS {
            assert!(Model::get().operation(name).is_some(), "{name}");
        }
        assert!(!is_boto2("/2010-11-010/distribution") && !is_boto2("/x/2010-11-01/"));
        assert!(is_boto2("/2010-11-01"));
    }

    #[test]
    fn what_is_no_operation_is_refused() {
        let none = |method: &str| format!("{method} of this path is no operation of the API");
        refused("GET /2020-05-31", &none("GET"));
        refused("GET /2020-05-31/", &none("GET"));
        refused("GET /2020-05-31/public-key/", &none("GET"));
        refused("GET /2020-05-31//public-key", &none("GET"));
        refused("GET /2020-05-31/public-key/a/config/b", &none("GET"));
        refused("GET /2020-05-31/public-key/a%2f..%ff", &none("GET"));
        refused("PATCH /2020-05-31/public-key", &none("PATCH"));
        refused("POST /2020-05-31/tagging?Operation=tag", &none("POST"));
        let version =
            "this version of the API is not served; the versions are 2014-05-31 to 2020-05-31";
        refused("GET /2010-11-01/distribution", version);
        refused("GET /2020-05-32/distribution", version);
        let old = "CreateKeyGroup is not in version 2019-03-26 of the API";
        refused("POST /2019-03-26/key-group", old);
    }

    #[test]
    fn operations_are_told_apart_by_method_path_and_query() {
        check(
            "GET /2020-05-31/public-key/K1",
            "GetPublicKey",
            &[("Id", "K1")],
        );
        check(
            "GET /2020-05-31/public-key/K1/config",
            "GetPublicKeyConfig",
            &[("Id", "K1")],
        );
        check(
            "PUT /2020-05-31/key-group/a%20b",
            "UpdateKeyGroup",
            &[("Id", "a b")],
        );
        check("POST /2014-05-31/distribution", "CreateDistribution", &[]);
        check(
            "POST /2016-08-01/distribution?WithTags",
            "CreateDistributionWithTags",
            &[],
        );
        check(
            "POST /2020-05-31/distribution?WithTags=",
            "CreateDistributionWithTags",
            &[],
        );
        check(
            "POST /2020-05-31/tagging?Resource=a&Operation=Untag",
            "UntagResource",
            &[],
        );
        check(
            "GET /2020-05-31/tagging?Resource=a",
            "ListTagsForResource",
            &[],
        );
        check(
            "GET /2020-05-31/distribution/E1/invalidation/I1",
            "GetInvalidation",
            &[("DistributionId", "E1"), ("Id", "I1")],
        );
        check("GET /2020-05-31/anycast-ip-list", "ListAnycastIpLists", &[]);
    }

    #[test]
    fn dated_paths_are_those_of_this_interface() {
        for path in ["/2020-05-31", "/2020-05-31/a", "/1999-99-99/"] {
            assert!(is_dated(path), "{path}");
        }
        for path in [
            "/",
            "/v1/keys",
            "/2020-05-3",
            "/2020-05-311",
            "/2020/05/31",
            "2020-05-31",
        ] {
            assert!(!is_dated(path), "{path}");
        }
    }
}
