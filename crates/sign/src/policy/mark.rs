//! The mark of a link in a statement, read strictly: four names, each once, each of one type and length.

use std::fmt;

use serde::de::{Error, MapAccess, Visitor};

use super::level::{Cause, Level};
use super::names::{Name, duplicate};
use crate::link_mark::{
    LINK, Limited, LimitedId, LinkMark, LinkNonce, MADE, NONCE, SUBJECT, SubjectDigest,
};
use crate::policy_error::PolicyError;
use crate::time::Timestamp;

/// The member of the statement.
pub(super) struct Mark<'c> {
    pub(super) cause: Cause<'c>,
}

impl<'de> Visitor<'de> for Mark<'_> {
    type Value = LinkMark;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Privet as an object of Link and Nonce, Made or Subject")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Mark { cause } = self;
        let (mut id, mut nonce, mut made, mut subject) = (None, None, None, None);
        while let Some(name) = map.next_key_seed(Name)? {
            match name.as_ref() {
                LINK => once(&mut id, &mut map, digits(LINK, LimitedId::parse, cause))?,
                NONCE => once(&mut nonce, &mut map, digits(NONCE, LinkNonce::parse, cause))?,
                MADE => once(&mut made, &mut map, Made { cause })?,
                SUBJECT => {
                    let value = digits(SUBJECT, SubjectDigest::parse, cause);
                    once(&mut subject, &mut map, value)?;
                }
                // A restriction that only a later version knows would otherwise be ignored.
                _ => {
                    return Err(cause.refuse(PolicyError::Mark(format!(
                        "has an unknown member {name}: only Link, Nonce, Made and Subject are known"
                    ))));
                }
            }
        }
        let refuse = |text: &str| cause.refuse(PolicyError::Mark(text.to_owned()));
        let limited = match (id, nonce) {
            (Some(id), Some(nonce)) => Some(Limited { id, nonce }),
            (None, None) => None,
            (Some(_), None) => return Err(refuse("has a Link without a Nonce")),
            (None, Some(_)) => return Err(refuse("has a Nonce without a Link")),
        };
        let mark = LinkMark {
            limited,
            made,
            subject,
        };
        if mark.is_empty() {
            return Err(refuse("is empty: write a member of it, or leave it out"));
        }
        Ok(mark)
    }
}

/// Reads the value of a name that must not occur twice. The name is that of the visitor.
fn once<'de, A: MapAccess<'de>, V: Member<'de>>(
    place: &mut Option<V::Value>,
    map: &mut A,
    visitor: V,
) -> Result<(), A::Error> {
    if place.is_some() {
        return Err(duplicate(visitor.name()));
    }
    *place = Some(map.next_value_seed(Level(visitor))?);
    Ok(())
}

/// The visitor of one member.
trait Member<'de>: Visitor<'de> {
    fn name(&self) -> &'static str;
}

/// 16 bytes as text.
struct Digits<'c, T> {
    name: &'static str,
    parse: fn(&str) -> Option<T>,
    cause: Cause<'c>,
}

fn digits<'c, T>(
    name: &'static str,
    parse: fn(&str) -> Option<T>,
    cause: Cause<'c>,
) -> Digits<'c, T> {
    Digits { name, parse, cause }
}

impl<'de, T> Visitor<'de> for Digits<'_, T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} as a string", self.name)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        let Digits { name, parse, cause } = self;
        parse(text).ok_or_else(|| {
            cause.refuse(PolicyError::Mark(format!(
                "has a {name} that is not 22 digits of base64url"
            )))
        })
    }
}

impl<'de, T> Member<'de> for Digits<'_, T> {
    fn name(&self) -> &'static str {
        self.name
    }
}

/// Seconds since 1970, at least 1.
struct Made<'c> {
    cause: Cause<'c>,
}

impl<'de> Visitor<'de> for Made<'_> {
    type Value = Timestamp;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Made as an integer without quotes")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Timestamp, E> {
        let made = Timestamp::from_secs(number);
        if number == 0 || made > Timestamp::MAX_EXPIRY {
            return Err(self.cause.refuse(PolicyError::Mark(format!(
                "has a Made out of range, {number}: write seconds since 1970"
            ))));
        }
        Ok(made)
    }
}

impl<'de> Member<'de> for Made<'_> {
    fn name(&self) -> &'static str {
        MADE
    }
}
