//! Where and when each signature of a date came first: others are not to use what they have read of it.

use crate::date_signature::{DATE_SKEW_SECS_MAX, DateClaim, DateRefusal, FIRST_USE_SECS_MAX};
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

/// Signatures remembered by default. A key has one for each second, so that no key fills the table.
const SIGNATURES_MAX: usize = 100_000;
/// Time for which a signature is remembered, from when it says it was made: twice the skew, so that a clock which is
/// set back does not bring it to life again.
const REMEMBERED_SECS: i64 = 2 * DATE_SKEW_SECS_MAX;

/// The signatures that have come. What is alive is never forgotten: a full table refuses new ones.
#[derive(Debug)]
pub(crate) struct FirstUses {
    uses: HashMap<Name, FirstUse>,
    /// The same signatures by the end of their time.
    ends: BTreeSet<(i64, Name)>,
    most: usize,
}

/// A key and the second that was signed with it.
type Name = (String, i64);

#[derive(Clone, Copy, Debug)]
struct FirstUse {
    address: IpAddr,
    at: i64,
}

impl Default for FirstUses {
    fn default() -> Self {
        FirstUses::new(SIGNATURES_MAX)
    }
}

impl FirstUses {
    fn new(most: usize) -> Self {
        FirstUses {
            uses: HashMap::new(),
            ends: BTreeSet::new(),
            most,
        }
    }

    /// Notes that a signature, which was compared with its secret, came from an address. Times are in seconds since
    /// 1970.
    ///
    /// # Errors
    /// [`DateRefusal::Elsewhere`], [`DateRefusal::Late`], [`DateRefusal::Full`].
    pub(crate) fn note(
        &mut self,
        claim: &DateClaim,
        address: IpAddr,
        now: i64,
    ) -> Result<(), DateRefusal> {
        self.forget_ended(now);
        let name = (claim.access_key_id().to_owned(), claim.signed_at());
        if let Some(first) = self.uses.get(&name) {
            if first.address != address {
                return Err(DateRefusal::Elsewhere);
            }
            // A clock that was set back makes it no younger.
            return match now.abs_diff(first.at) > FIRST_USE_SECS_MAX.unsigned_abs() {
                true => Err(DateRefusal::Late),
                false => Ok(()),
            };
        }
        if self.uses.len() >= self.most {
            return Err(DateRefusal::Full);
        }
        let end = claim.signed_at().saturating_add(REMEMBERED_SECS);
        self.ends.insert((end, name.clone()));
        self.uses.insert(name, FirstUse { address, at: now });
        Ok(())
    }

    fn forget_ended(&mut self, now: i64) {
        while self.ends.first().is_some_and(|(end, _)| *end < now) {
            if let Some((_, name)) = self.ends.pop_first() {
                self.uses.remove(&name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, HeaderValue};
    use std::time::{Duration, UNIX_EPOCH};

    fn claim(key: &str, signed_at: i64) -> DateClaim {
        let time = UNIX_EPOCH + Duration::from_secs(signed_at.unsigned_abs());
        let mut headers = HeaderMap::new();
        let authorization = format!("AWS {key}:AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        headers.insert("authorization", authorization.parse().unwrap());
        let date = HeaderValue::try_from(httpdate::fmt_http_date(time)).unwrap();
        headers.insert("date", date);
        DateClaim::read(&headers, signed_at).unwrap()
    }

    #[test]
    fn a_signature_is_of_one_address_and_of_a_moment() {
        let mut uses = FirstUses::new(3);
        let mut check = |(key, signed_at): (&str, i64), address: &str, now, expected| {
            let noted = uses.note(&claim(key, signed_at), address.parse().unwrap(), now);
            assert_eq!(noted, expected, "{key} {signed_at} from {address} at {now}");
        };
        check(("A", 1000), "192.0.2.1", 1005, Ok(()));
        check(("A", 1000), "192.0.2.2", 1005, Err(DateRefusal::Elsewhere));
        check(("A", 1000), "192.0.2.1", 1015, Ok(()));
        check(("A", 1000), "192.0.2.1", 1016, Err(DateRefusal::Late));
        check(("A", 1000), "192.0.2.1", 994, Err(DateRefusal::Late));
        // Another second, and another key, are other signatures.
        check(("A", 1001), "192.0.2.2", 1016, Ok(()));
        check(("B", 1000), "192.0.2.2", 1016, Ok(()));
        check(("C", 1016), "192.0.2.2", 1016, Err(DateRefusal::Full));
        check(("A", 1000), "192.0.2.1", 1120, Err(DateRefusal::Late));
        check(("C", 1120), "192.0.2.2", 1121, Ok(()));
    }
}
