//! Whether a viewer's country is served, and the file that tells countries.

use crate::denial::Denial;
use crate::distribution::{Distribution, GeoRestriction};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A MaxMind DB as read; the edge opens it.
#[derive(Clone)]
pub struct GeoDatabase {
    /// The file, for messages.
    pub file: PathBuf,
    /// All of it.
    pub bytes: Arc<[u8]>,
}

impl GeoDatabase {
    /// What `file` holds.
    pub fn new(file: &Path, bytes: Vec<u8>) -> Self {
        GeoDatabase {
            file: file.to_owned(),
            bytes: bytes.into(),
        }
    }
}

impl fmt::Debug for GeoDatabase {
    // Some megabytes tell nobody anything.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.file.display())
    }
}

/// Whether `distribution` serves a viewer in `country`, an ISO 3166-1 alpha-2 code.
///
/// To be asked before the behavior is looked at. A viewer whose country is not known is served, whatever the
/// restriction (developer guide, "Restrict the geographic distribution of your content").
///
/// # Errors
/// [`Denial::CountryBlocked`].
pub fn check_geo(distribution: &Distribution, country: Option<&str>) -> Result<(), Denial> {
    let Some(country) = country else {
        return Ok(());
    };
    let is_listed = |countries: &[String]| {
        let mut countries = countries.iter();
        countries.any(|listed| listed.eq_ignore_ascii_case(country))
    };
    match &distribution.geo {
        GeoRestriction::Allow(countries) if !is_listed(countries) => Err(Denial::CountryBlocked),
        GeoRestriction::Block(countries) if is_listed(countries) => Err(Denial::CountryBlocked),
        GeoRestriction::None | GeoRestriction::Allow(_) | GeoRestriction::Block(_) => Ok(()),
    }
}
