//! The shape of a policy, as serde visitors that refuse what they do not know: one for each level.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::level::{Cause, Level};
use super::mark::Mark;
use super::names::{Ignored, Name, duplicate};
use super::{Policy, StatementForm};
use crate::ip::IpRange;
use crate::link_mark::MEMBER;
use crate::policy_error::PolicyError;
use crate::time::Timestamp;

/// Reads the whole text; what follows the policy may only be white space.
pub(super) fn policy(bytes: &[u8], form: StatementForm) -> Result<Policy<'_>, PolicyError> {
    let cause = RefCell::new(None);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let whole = Whole {
        form,
        cause: Cause(&cause),
    };
    let read = Level(whole)
        .deserialize(&mut reader)
        .and_then(|policy| reader.end().map(|()| policy));
    match read {
        Ok(policy) => policy.ok_or(PolicyError::NoStatement),
        Err(error) => Err(cause
            .into_inner()
            .unwrap_or_else(|| PolicyError::Json(format!("not a policy: {error}")))),
    }
}

/// The object around everything; `None` when it has no statement.
struct Whole<'c> {
    form: StatementForm,
    cause: Cause<'c>,
}

impl<'de> Visitor<'de> for Whole<'_> {
    type Value = Option<Policy<'de>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object with Statement")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Whole { form, cause } = self;
        let mut statement = None;
        let mut ignored = Ignored::default();
        while let Some(name) = map.next_key_seed(Name)? {
            match name.as_ref() {
                "Statement" if statement.is_some() => return Err(duplicate("Statement")),
                "Statement" => {
                    statement = Some(map.next_value_seed(Level(Statements { form, cause }))?);
                }
                _ => ignored.skip(name, &mut map)?,
            }
        }
        Ok(statement)
    }
}

/// The array with the one statement, or the statement itself where that is allowed.
struct Statements<'c> {
    form: StatementForm,
    cause: Cause<'c>,
}

impl<'de> Visitor<'de> for Statements<'_> {
    type Value = Policy<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array with one statement")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let Statements { cause, .. } = self;
        let Some(statement) = items.next_element_seed(Level(Statement { cause }))? else {
            return Err(cause.refuse(PolicyError::NoStatement));
        };
        match items.next_element::<IgnoredAny>()? {
            Some(_) => Err(cause.refuse(PolicyError::SeveralStatements)),
            None => Ok(statement),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let Statements { form, cause } = self;
        match form {
            StatementForm::ArrayOrObject => Statement { cause }.visit_map(map),
            StatementForm::Array => Err(cause.refuse(PolicyError::StatementObject)),
        }
    }
}

/// The statement.
struct Statement<'c> {
    cause: Cause<'c>,
}

impl<'de> Visitor<'de> for Statement<'_> {
    type Value = Policy<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a statement object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Statement { cause } = self;
        let (mut resource, mut mark) = (None, None);
        let (mut condition, mut has_effect) = (None, false);
        let mut ignored = Ignored::default();
        while let Some(name) = map.next_key_seed(Name)? {
            match name.as_ref() {
                "Resource" if resource.is_some() => return Err(duplicate("Resource")),
                "Resource" => resource = Some(map.next_value_seed(Level(Resource))?),
                MEMBER if mark.is_some() => return Err(duplicate(MEMBER)),
                MEMBER => mark = Some(map.next_value_seed(Level(Mark { cause }))?),
                "Condition" if condition.is_some() => return Err(duplicate("Condition")),
                "Condition" => condition = Some(map.next_value_seed(Level(Condition { cause }))?),
                "Effect" if has_effect => return Err(duplicate("Effect")),
                "Effect" => {
                    has_effect = true;
                    check_effect(&map.next_value_seed(Name)?)?;
                }
                _ => ignored.skip(name, &mut map)?,
            }
        }
        if resource.is_none() {
            ignored.check_none_but("Sid")?;
        }
        let Some(Limits { until, from, ip }) = condition else {
            return Err(cause.refuse(PolicyError::NoEnd));
        };
        Ok(Policy {
            resource,
            until,
            from,
            ip,
            mark: mark.map(Arc::new),
        })
    }
}

/// The text of a resource.
struct Resource;

impl<'de> Visitor<'de> for Resource {
    type Value = Cow<'de, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Resource as one string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, _map: A) -> Result<Self::Value, A::Error> {
        Err(A::Error::custom(
            "Resource must be one string, got an object",
        ))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _items: A) -> Result<Self::Value, A::Error> {
        Err(A::Error::custom(
            "Resource must be one string, got an array",
        ))
    }
}

/// The conditions.
struct Condition<'c> {
    cause: Cause<'c>,
}

/// The limits that the conditions set.
struct Limits {
    until: Timestamp,
    from: Option<Timestamp>,
    ip: Option<IpRange>,
}

impl<'de> Visitor<'de> for Condition<'_> {
    type Value = Limits;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a Condition object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Condition { cause } = self;
        let epoch = |least_secs| Single {
            name: "AWS:EpochTime",
            value: Epoch { least_secs, cause },
        };
        let address = Single {
            name: "AWS:SourceIp",
            value: Address { cause },
        };
        let (mut until, mut from, mut ip) = (None, None, None);
        while let Some(name) = map.next_key_seed(Name)? {
            match name.as_ref() {
                "DateLessThan" if until.is_some() => return Err(duplicate(&name)),
                "DateLessThan" => until = Some(map.next_value_seed(Level(epoch(1)))?),
                "DateGreaterThan" if from.is_some() => return Err(duplicate(&name)),
                "DateGreaterThan" => from = Some(map.next_value_seed(Level(epoch(0)))?),
                "IpAddress" if ip.is_some() => return Err(duplicate(&name)),
                "IpAddress" => ip = Some(map.next_value_seed(Level(address))?),
                _ => {
                    return Err(A::Error::custom(format!(
                        "unknown condition {name}: only DateLessThan, DateGreaterThan and IpAddress are known"
                    )));
                }
            }
        }
        match until {
            Some(until) => Ok(Limits { until, from, ip }),
            None => Err(cause.refuse(PolicyError::NoEnd)),
        }
    }
}

/// An object with exactly the one name.
#[derive(Clone, Copy)]
struct Single<V> {
    name: &'static str,
    value: V,
}

impl<'de, V: Visitor<'de> + Copy> Visitor<'de> for Single<V> {
    type Value = V::Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "an object with {}", self.name)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Single {
            name: expected,
            value: visitor,
        } = self;
        let mut value = None;
        while let Some(name) = map.next_key_seed(Name)? {
            if name != expected {
                return Err(A::Error::custom(format!("expected {expected}, got {name}")));
            }
            if value.is_some() {
                return Err(duplicate(expected));
            }
            value = Some(map.next_value_seed(Level(visitor))?);
        }
        value.ok_or_else(|| A::Error::custom(format!("{expected} is missing")))
    }
}

/// Seconds since 1970, not fewer than `least_secs`, which is 0 or 1.
#[derive(Clone, Copy)]
struct Epoch<'c> {
    least_secs: u64,
    cause: Cause<'c>,
}

impl Epoch<'_> {
    fn refuse<E: Error>(self, text: impl Into<String>) -> E {
        self.cause.refuse(PolicyError::Epoch(text.into()))
    }
}

impl<'de> Visitor<'de> for Epoch<'_> {
    type Value = Timestamp;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an integer without quotes")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        if number < self.least_secs {
            return Err(self.refuse("of the expiry must be positive"));
        }
        let epoch = Timestamp::from_secs(number);
        if epoch > Timestamp::MAX_EXPIRY {
            return Err(self.refuse(format!(
                "{number} is out of range, it looks like milliseconds: divide it by 1000"
            )));
        }
        Ok(epoch)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Err(self.refuse(format!("must be positive, got {number}")))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Err(self.refuse(format!("must be an integer, got {number}")))
    }

    fn visit_str<E: Error>(self, _text: &str) -> Result<Self::Value, E> {
        Err(self.refuse("must be an integer, got string: remove the quotes"))
    }

    fn visit_map<A: MapAccess<'de>>(self, _map: A) -> Result<Self::Value, A::Error> {
        Err(self.refuse("must be an integer, got an object"))
    }
}

/// One IPv4 range.
#[derive(Clone, Copy)]
struct Address<'c> {
    cause: Cause<'c>,
}

impl<'de> Visitor<'de> for Address<'_> {
    type Value = IpRange;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("one IPv4 range as a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        IpRange::parse(text).map_err(|_| self.cause.refuse(PolicyError::SourceIp))
    }

    fn visit_map<A: MapAccess<'de>>(self, _map: A) -> Result<Self::Value, A::Error> {
        Err(self.cause.refuse(PolicyError::SourceIp))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _items: A) -> Result<Self::Value, A::Error> {
        Err(self.cause.refuse(PolicyError::SourceIp))
    }
}

/// No statement denies here: one that is meant to must not be taken for a grant.
fn check_effect<E: Error>(effect: &str) -> Result<(), E> {
    match effect {
        "Allow" => Ok(()),
        _ => Err(E::custom(format!(
            "Effect must be Allow, or be left out; it is {effect}"
        ))),
    }
}
