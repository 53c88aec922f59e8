//! The shape of a policy, as serde visitors that refuse what they do not know.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Policy, StatementForm};
use crate::ip::IpRange;
use crate::policy_error::PolicyError;
use crate::time::Timestamp;

/// Reads the whole text; what follows the policy may only be white space.
pub(super) fn policy(bytes: &[u8], form: StatementForm) -> Result<Policy<'_>, PolicyError> {
    let cause = RefCell::new(None);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let seed = Seed {
        form,
        cause: &cause,
        part: Part::Policy,
    };
    let read = seed
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value));
    match read {
        Ok(Value::Statement(Some(policy))) => Ok(policy),
        Ok(_) => Err(PolicyError::NoStatement),
        Err(error) => Err(cause
            .into_inner()
            .unwrap_or_else(|| PolicyError::Json(format!("not a policy: {error}")))),
    }
}

/// Which part of the policy comes next.
#[derive(Clone, Copy)]
enum Part {
    Policy,
    Statements,
    Statement,
    Resource,
    Condition,
    End,
    Start,
    Address,
    EndEpoch,
    StartEpoch,
    AddressText,
}

/// What a part turned out to be.
enum Value<'de> {
    Statement(Option<Policy<'de>>),
    Resource(Cow<'de, str>),
    Condition {
        until: Timestamp,
        from: Option<Timestamp>,
        ip: Option<IpRange>,
    },
    Epoch(Timestamp),
    Range(IpRange),
}

/// Reads one part; leaves the typed cause in `cause`, since serde's own errors carry text only.
#[derive(Clone, Copy)]
struct Seed<'c> {
    form: StatementForm,
    cause: &'c RefCell<Option<PolicyError>>,
    part: Part,
}

impl Seed<'_> {
    fn part(self, part: Part) -> Self {
        Seed { part, ..self }
    }

    fn refuse<E: Error>(self, cause: PolicyError) -> E {
        let text = cause.to_string();
        *self.cause.borrow_mut() = Some(cause);
        E::custom(text)
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value<'de>, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.part {
            Part::Policy => "an object with Statement",
            Part::Statements => "an array with one statement",
            Part::Statement => "a statement object",
            Part::Resource => "Resource as one string",
            Part::Condition => "a Condition object",
            Part::End | Part::Start => "an object with AWS:EpochTime",
            Part::Address => "an object with AWS:SourceIp",
            Part::EndEpoch | Part::StartEpoch => "an integer without quotes",
            Part::AddressText => "one IPv4 range as a string",
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value<'de>, A::Error> {
        match self.part {
            Part::Policy => read_policy(self, map),
            Part::Statement => read_statement(self, map),
            Part::Statements => match self.form {
                StatementForm::ArrayOrObject => read_statement(self.part(Part::Statement), map),
                StatementForm::Array => Err(self.refuse(PolicyError::StatementObject)),
            },
            Part::Condition => read_condition(self, map),
            Part::End => read_single(self, map, "AWS:EpochTime", Part::EndEpoch),
            Part::Start => read_single(self, map, "AWS:EpochTime", Part::StartEpoch),
            Part::Address => read_single(self, map, "AWS:SourceIp", Part::AddressText),
            Part::EndEpoch | Part::StartEpoch => Err(self.refuse(PolicyError::Epoch(
                "must be an integer, got an object".into(),
            ))),
            Part::AddressText => Err(self.refuse(PolicyError::SourceIp)),
            Part::Resource => Err(A::Error::custom(
                "Resource must be one string, got an object",
            )),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value<'de>, A::Error> {
        match self.part {
            Part::Statements => {
                let Some(statement) = items.next_element_seed(self.part(Part::Statement))? else {
                    return Err(self.refuse(PolicyError::NoStatement));
                };
                match items.next_element::<IgnoredAny>()? {
                    Some(_) => Err(self.refuse(PolicyError::SeveralStatements)),
                    None => Ok(statement),
                }
            }
            Part::Resource => Err(A::Error::custom(
                "Resource must be one string, got an array",
            )),
            Part::AddressText => Err(self.refuse(PolicyError::SourceIp)),
            Part::Policy
            | Part::Statement
            | Part::Condition
            | Part::End
            | Part::Start
            | Part::Address
            | Part::EndEpoch
            | Part::StartEpoch => Err(A::Error::invalid_type(serde::de::Unexpected::Seq, &self)),
        }
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Value<'de>, E> {
        if matches!(self.part, Part::Resource) {
            return Ok(Value::Resource(Cow::Borrowed(text)));
        }
        self.visit_str(text)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value<'de>, E> {
        match self.part {
            Part::Resource => Ok(Value::Resource(Cow::Owned(text.to_owned()))),
            Part::AddressText => match IpRange::parse(text) {
                Ok(range) => Ok(Value::Range(range)),
                Err(_) => Err(self.refuse(PolicyError::SourceIp)),
            },
            Part::EndEpoch | Part::StartEpoch => Err(self.refuse(PolicyError::Epoch(
                "must be an integer, got string: remove the quotes".into(),
            ))),
            Part::Policy
            | Part::Statements
            | Part::Statement
            | Part::Condition
            | Part::End
            | Part::Start
            | Part::Address => Err(E::invalid_type(serde::de::Unexpected::Str(text), &self)),
        }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value<'de>, E> {
        if !matches!(self.part, Part::EndEpoch | Part::StartEpoch) {
            return Err(E::invalid_type(
                serde::de::Unexpected::Unsigned(number),
                &self,
            ));
        }
        if number == 0 && matches!(self.part, Part::EndEpoch) {
            return Err(self.refuse(PolicyError::Epoch("of the end must be positive".into())));
        }
        let epoch = Timestamp::from_secs(number);
        if epoch > Timestamp::MAX_EXPIRY {
            let text =
                format!("{number} is out of range, it looks like milliseconds: divide it by 1000");
            return Err(self.refuse(PolicyError::Epoch(text)));
        }
        Ok(Value::Epoch(epoch))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value<'de>, E> {
        Err(self.refuse(PolicyError::Epoch(format!(
            "must be positive, got {number}"
        ))))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value<'de>, E> {
        Err(self.refuse(PolicyError::Epoch(format!(
            "must be an integer, got {number}"
        ))))
    }
}

/// A name in an object, borrowed when it has no escapes.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

fn read_policy<'de, A: MapAccess<'de>>(seed: Seed<'_>, mut map: A) -> Result<Value<'de>, A::Error> {
    let mut statement = None;
    let mut ignored = Ignored::default();
    while let Some(name) = map.next_key_seed(Name)? {
        match name.as_ref() {
            "Statement" if statement.is_some() => return Err(duplicate("Statement")),
            "Statement" => statement = Some(map.next_value_seed(seed.part(Part::Statements))?),
            _ => ignored.skip(name, &mut map)?,
        }
    }
    Ok(statement.unwrap_or(Value::Statement(None)))
}

fn read_statement<'de, A: MapAccess<'de>>(
    seed: Seed<'_>,
    mut map: A,
) -> Result<Value<'de>, A::Error> {
    let (mut resource, mut condition, mut has_effect) = (None, None, false);
    let mut ignored = Ignored::default();
    while let Some(name) = map.next_key_seed(Name)? {
        match name.as_ref() {
            "Resource" if resource.is_some() => return Err(duplicate("Resource")),
            "Resource" => resource = Some(map.next_value_seed(seed.part(Part::Resource))?),
            "Condition" if condition.is_some() => return Err(duplicate("Condition")),
            "Condition" => condition = Some(map.next_value_seed(seed.part(Part::Condition))?),
            "Effect" if has_effect => return Err(duplicate("Effect")),
            "Effect" => {
                has_effect = true;
                check_effect(&map.next_value_seed(Name)?)?;
            }
            _ => ignored.skip(name, &mut map)?,
        }
    }
    let resource = match resource {
        Some(Value::Resource(text)) => Some(text),
        _ => {
            ignored.check_none_but("Sid")?;
            None
        }
    };
    match condition {
        Some(Value::Condition { until, from, ip }) => Ok(Value::Statement(Some(Policy {
            resource,
            until,
            from,
            ip,
        }))),
        _ => Err(seed.refuse(PolicyError::NoEnd)),
    }
}

fn read_condition<'de, A: MapAccess<'de>>(
    seed: Seed<'_>,
    mut map: A,
) -> Result<Value<'de>, A::Error> {
    let (mut until, mut from, mut ip) = (None, None, None);
    while let Some(name) = map.next_key_seed(Name)? {
        let (part, seen) = match name.as_ref() {
            "DateLessThan" => (Part::End, until.is_some()),
            "DateGreaterThan" => (Part::Start, from.is_some()),
            "IpAddress" => (Part::Address, ip.is_some()),
            _ => {
                return Err(A::Error::custom(format!(
                    "unknown condition {name}: only DateLessThan, DateGreaterThan and IpAddress are known"
                )));
            }
        };
        if seen {
            return Err(duplicate(&name));
        }
        match (part, map.next_value_seed(seed.part(part))?) {
            (Part::End, Value::Epoch(epoch)) => until = Some(epoch),
            (Part::Start, Value::Epoch(epoch)) => from = Some(epoch),
            (_, Value::Range(range)) => ip = Some(range),
            _ => return Err(A::Error::custom("Condition has a value of the wrong kind")),
        }
    }
    match until {
        Some(until) => Ok(Value::Condition { until, from, ip }),
        None => Err(seed.refuse(PolicyError::NoEnd)),
    }
}

/// An object with exactly the one name `expected`.
fn read_single<'de, A: MapAccess<'de>>(
    seed: Seed<'_>,
    mut map: A,
    expected: &str,
    part: Part,
) -> Result<Value<'de>, A::Error> {
    let mut value = None;
    while let Some(name) = map.next_key_seed(Name)? {
        if name != expected {
            return Err(A::Error::custom(format!("expected {expected}, got {name}")));
        }
        if value.is_some() {
            return Err(duplicate(expected));
        }
        value = Some(map.next_value_seed(seed.part(part))?);
    }
    value.ok_or_else(|| A::Error::custom(format!("{expected} is missing")))
}

/// Names that mean nothing to CloudFront, such as Version. Their values are skipped, their repetition is not.
///
/// A set, because a stranger's policy is read before its signature is checked, and may be full of names.
#[derive(Default)]
struct Ignored<'de>(BTreeSet<Cow<'de, str>>);

impl<'de> Ignored<'de> {
    fn skip<A: MapAccess<'de>>(
        &mut self,
        name: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        // What a misspelt name should have limited would otherwise be granted.
        if is_near_known(&name) {
            return Err(A::Error::custom(format!(
                "{name} is not a name that a policy knows"
            )));
        }
        if let Some(twice) = self.0.replace(name) {
            return Err(duplicate(&twice));
        }
        map.next_value::<IgnoredAny>().map(|_| ())
    }

    /// A statement without a `Resource` covers everything: any name in it may be what was meant to be one.
    fn check_none_but<E: Error>(&self, allowed: &str) -> Result<(), E> {
        match self.0.iter().find(|name| *name != allowed) {
            None => Ok(()),
            Some(name) => Err(E::custom(format!(
                "a statement without Resource must not have {name}: write Resource, or leave it out"
            ))),
        }
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

/// Whether `name` is one of those that limit a grant, in another spelling: another case, a plural, a blank or an invisible
/// character within, two letters wrong.
fn is_near_known(name: &str) -> bool {
    const KNOWN: [&str; 5] = [
        "statement",
        "resource",
        "notresource",
        "condition",
        "effect",
    ];
    let letters = |character: &char| character.is_ascii_alphabetic();
    let letters = name.chars().filter(letters);
    let letters: String = letters.take(NAME_LETTERS_MAX).collect();
    let letters = letters.to_ascii_lowercase();
    KNOWN
        .iter()
        .any(|known| letters.contains(known) || distance(&letters, known) <= 2)
}

/// Longer names are near when they contain a known one.
const NAME_LETTERS_MAX: usize = 64;

/// How many letters have to be changed, put in or left out to make `to` of `from`.
fn distance(from: &str, to: &str) -> usize {
    let to = to.as_bytes();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (position, letter) in from.bytes().enumerate() {
        let mut diagonal = position;
        row[0] = position + 1;
        for (column, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

fn duplicate<E: Error>(name: &str) -> E {
    E::custom(format!("{name} occurs twice"))
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn names_are_as_far_apart_as_letters_have_to_be_changed() {
        for (from, to, expected) in [
            ("", "", 0),
            ("ab", "", 2),
            ("", "ab", 2),
            ("a", "ab", 1),
            ("ab", "a", 1),
            ("ab", "ba", 2),
            ("kitten", "kittens", 1),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
        ] {
            assert_eq!(distance(from, to), expected, "{from} {to}");
        }
    }
}
