//! The names in a policy: those that mean nothing, and those too similar to one with a meaning.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::link_mark::MEMBER;

/// A name in an object, borrowed when it has no escapes.
pub(super) struct Name;

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

/// Names that mean nothing to CloudFront, such as Version. Their values are skipped; a repeated name is refused.
///
/// It is a set, because a stranger's policy is parsed before its signature is checked, and may be full of names.
#[derive(Default)]
pub(super) struct Ignored<'de>(BTreeSet<Cow<'de, str>>);

impl<'de> Ignored<'de> {
    pub(super) fn skip<A: MapAccess<'de>>(
        &mut self,
        name: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        // A limit under a misspelt name would otherwise be ignored.
        if is_near_known(&name) {
            return Err(A::Error::custom(format!(
                "{name} is not a name that a policy knows"
            )));
        }
        if let Some(twice) = self.0.replace(name) {
            return Err(duplicate(&twice));
        }
        map.next_value_seed(Skipped)
    }

    /// Refuses names other than `allowed`. A statement without a `Resource` covers everything, and any name in it may
    /// have been meant as one.
    pub(super) fn check_none_but<E: Error>(&self, allowed: &str) -> Result<(), E> {
        match self.0.iter().find(|name| *name != allowed) {
            None => Ok(()),
            Some(name) => Err(E::custom(format!(
                "a statement without Resource must not have {name}: write Resource, or leave it out"
            ))),
        }
    }
}

/// The value of a name that means nothing. Whatever is in it is skipped, except for a mark: a signer who put it there
/// believes that the link is limited.
struct Skipped;

impl<'de> DeserializeSeed<'de> for Skipped {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Skipped {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_bool<E: Error>(self, _value: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _value: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _value: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _value: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _value: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Skipped)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(Name)? {
            if name == MEMBER {
                return Err(A::Error::custom(format!(
                    "{MEMBER} is a member of the statement alone"
                )));
            }
            map.next_value_seed(Skipped)?;
        }
        Ok(())
    }
}

/// True if `name` is another spelling of a name that limits a grant: another case, a plural, a blank or an invisible
/// character within, up to two wrong letters.
fn is_near_known(name: &str) -> bool {
    const KNOWN: [&str; 6] = [
        "statement",
        "resource",
        "notresource",
        "condition",
        "effect",
        "privet",
    ];
    let letters = |character: &char| character.is_ascii_alphabetic();
    let letters = name.chars().filter(letters);
    let letters: String = letters.take(NAME_LETTERS_MAX).collect();
    let letters = letters.to_ascii_lowercase();
    KNOWN
        .iter()
        .any(|known| letters.contains(known) || distance(&letters, known) <= 2)
}

/// Number of letters that are compared. A longer name is similar if these contain a known one.
const NAME_LETTERS_MAX: usize = 64;

/// Returns how many letters must be changed, inserted or removed to turn `from` into `to`.
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

pub(super) fn duplicate<E: Error>(name: &str) -> E {
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
