//! Countries of addresses, from a database in MaxMind's format. Their consequences are decided elsewhere.

use crate::start_error::StartError;
use maxminddb::{LookupResult, MaxMindDbError, PathElement, Reader, WithinOptions};
use privet_distribution::config::GeoDatabase;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// Paths of the country in a record: where the address is used, else where it is registered.
const PLACES: [[PathElement<'static>; 2]; 2] = [
    [PathElement::Key("country"), PathElement::Key("iso_code")],
    [
        PathElement::Key("registered_country"),
        PathElement::Key("iso_code"),
    ],
];

/// An open database.
pub(crate) struct Countries {
    reader: Reader<Arc<[u8]>>,
}

impl fmt::Debug for Countries {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.reader.metadata().database_type)
    }
}

impl Countries {
    /// Opens the database and reads every record: a viewer whose record cannot be read would be served everywhere, and
    /// so would everybody if the database were of something other than countries.
    ///
    /// # Errors
    /// [`StartError::GeoDatabase`].
    pub(crate) fn open(database: &GeoDatabase) -> Result<Self, StartError> {
        let fault = |reason: String| StartError::GeoDatabase {
            file: database.file.clone(),
            reason,
        };
        let opened = Reader::from_source(Arc::clone(&database.bytes));
        let reader = opened.map_err(|error| fault(error.to_string()))?;
        match has_countries(&reader) {
            Ok(true) => Ok(Countries { reader }),
            Ok(false) => Err(fault("no record in it has country.iso_code".to_owned())),
            Err(error) => Err(fault(error.to_string())),
        }
    }

    /// Returns the ISO 3166-1 alpha-2 code of the country that `address` is in; `None` when the database does not say.
    pub(crate) fn country(&self, address: IpAddr) -> Option<&str> {
        // An IPv6 address in a database of IPv4 is an error, and as unknown as a missing record.
        country_of(&self.reader.lookup(address).ok()?).ok()?
    }
}

/// Returns true if any record names a country.
///
/// # Errors
/// A record cannot be read.
fn has_countries(reader: &Reader<Arc<[u8]>>) -> Result<bool, MaxMindDbError> {
    // A sound tree has no more networks than that; one with a cycle would never end.
    let networks_max = 2 * reader.metadata().node_count as usize + 1;
    let mut found = false;
    for record in reader
        .networks(WithinOptions::default())?
        .take(networks_max)
    {
        found |= country_of(&record?)?.is_some();
    }
    Ok(found)
}

fn country_of<'d>(record: &LookupResult<'d, Arc<[u8]>>) -> Result<Option<&'d str>, MaxMindDbError> {
    for place in &PLACES {
        if let Some(code) = record.decode_path(place)? {
            return Ok(Some(code));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes() -> Vec<u8> {
        include_bytes!("../../privet/tests/data/countries.mmdb").to_vec()
    }

    fn open(bytes: Vec<u8>) -> Result<Countries, StartError> {
        Countries::open(&GeoDatabase::new("/etc/country.mmdb".as_ref(), bytes))
    }

    #[track_caller]
    fn check_broken(bytes: Vec<u8>, expected: &str) {
        let error = open(bytes).unwrap_err().to_string();
        let start = "the database of countries /etc/country.mmdb cannot be used: ";
        assert!(error.starts_with(start), "{error}");
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn files_that_are_no_database_of_countries() {
        check_broken(Vec::new(), "metadata");
        check_broken(b"not a database".to_vec(), "metadata");
        let mut cut = bytes();
        cut.truncate(cut.len() / 2);
        check_broken(cut, "");
        let mut torn = bytes();
        torn.drain(600..700);
        check_broken(torn, "");
        let mut renamed = bytes();
        while let Some(at) = renamed.windows(8).position(|word| word == b"iso_code") {
            renamed[at] = b'x';
        }
        check_broken(renamed, "no record in it has country.iso_code");
    }

    #[track_caller]
    fn check(address: &str, expected: Option<&str>) {
        let countries = open(bytes()).unwrap();
        assert_eq!(
            countries.country(address.parse().unwrap()),
            expected,
            "{address}"
        );
    }

    #[test]
    fn countries_of_addresses() {
        check("127.0.0.1", None);
        check("10.0.0.1", None);
        check("::1", None);
        check("127.0.0.8", None);
        check("127.0.0.5", Some("BR"));
        check("127.0.0.6", Some("DE"));
        check("127.0.0.7", Some("PT"));
        check("198.51.100.77", Some("JP"));
        check("2001:db8::1", Some("CA"));
    }
}
