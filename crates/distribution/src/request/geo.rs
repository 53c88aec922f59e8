//! Decides whether a viewer's country is served.

use crate::config::{Distribution, GeoRestriction};
use crate::request::denial::Denial;

/// Checks that `distribution` serves a viewer in `country`, an ISO 3166-1 alpha-2 code.
///
/// This check comes before the behavior is looked up. A viewer whose country is unknown is served, whatever the
/// restriction (developer guide, "Restrict the geographic distribution of your content").
///
/// # Errors
/// [`Denial::CountryBlocked`] if it does not.
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
