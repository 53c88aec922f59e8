//! The JSON of a policy, read strictly: unknown and repeated elements are errors.

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// Values of a list, or of one element.
const VALUES_MAX: usize = 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    #[serde(rename = "Version")]
    pub(super) version: Option<String>,
    #[serde(rename = "Id")]
    _id: Option<String>,
    #[serde(rename = "Statement")]
    pub(super) statements: OneOrMany<Statement>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Statement {
    #[serde(rename = "Sid")]
    _sid: Option<String>,
    #[serde(rename = "Effect")]
    pub(super) effect: String,
    #[serde(rename = "Principal")]
    pub(super) principal: Option<Principal>,
    #[serde(rename = "Action")]
    pub(super) action: Option<OneOrMany<String>>,
    #[serde(rename = "Resource")]
    pub(super) resource: Option<OneOrMany<String>>,
    #[serde(rename = "Condition")]
    pub(super) condition: Option<Pairs<Pairs<OneOrMany<String>>>>,
}

/// `"*"`, or kinds of principals with their names.
pub(super) enum Principal {
    Text(String),
    Named(Pairs<OneOrMany<String>>),
}

impl<'de> Deserialize<'de> for Principal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Principal;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a principal")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Principal, E> {
                Ok(Principal::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Principal, A::Error> {
                let named = Pairs::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Principal::Named(named))
            }
        }
        deserializer.deserialize_any(Read)
    }
}

/// One value, or a list of them.
pub(super) struct OneOrMany<T>(Vec<T>);

impl<T> OneOrMany<T> {
    pub(super) fn into_vec(self) -> Vec<T> {
        self.0
    }

    pub(super) fn as_slice(&self) -> &[T] {
        &self.0
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Read<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a value or a list of them")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<OneOrMany<T>, E> {
                let one = T::deserialize(serde::de::value::StrDeserializer::new(text))?;
                Ok(OneOrMany(vec![one]))
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<OneOrMany<T>, E> {
                self.visit_str(if value { "true" } else { "false" })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OneOrMany<T>, A::Error> {
                let one = T::deserialize(MapAccessDeserializer::new(map))?;
                Ok(OneOrMany(vec![one]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<OneOrMany<T>, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = list.next_element()? {
                    if values.len() == VALUES_MAX {
                        return Err(A::Error::custom("a list is too long"));
                    }
                    values.push(value);
                }
                Ok(OneOrMany(values))
            }
        }
        deserializer.deserialize_any(Read(PhantomData))
    }
}

/// An object whose names are not fixed, each once in any case.
pub(super) struct Pairs<T>(pub(super) Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Pairs<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Read<T> {
            type Value = Pairs<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<T>, A::Error> {
                let mut pairs: Vec<(String, T)> = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, T>()? {
                    let mut known = pairs.iter();
                    let is_known = known.any(|(known, _)| known.eq_ignore_ascii_case(&name));
                    if is_known || pairs.len() == VALUES_MAX {
                        return Err(A::Error::custom(format_args!("{name:?} is there twice")));
                    }
                    pairs.push((name, value));
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Read(PhantomData))
    }
}
