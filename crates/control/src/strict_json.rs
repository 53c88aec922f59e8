//! JSON as operators send it: no key twice in an object, and a limited depth. What is read twice is not read alike by
//! everybody.

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// Maximum depth of arrays and objects within each other.
const DEPTH_MAX: u8 = 32;
/// Largest number, other than a 64-bit integer, that all readers read alike (RFC 8259 6).
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Reads one JSON value and nothing else.
///
/// # Errors
/// Returns what is wrong, with line and column.
pub fn parse(bytes: &[u8]) -> Result<Value, String> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { depth: 0 }.deserialize(&mut deserializer);
    let value = value.and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| error.to_string())
}

#[derive(Clone, Copy)]
struct Strict {
    depth: u8,
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        match self.depth {
            DEPTH_MAX.. => Err(E::custom(format_args!("more than {DEPTH_MAX} levels"))),
            depth => Ok(Strict { depth: depth + 1 }),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("a number out of range"))?;
        let again = serde_json::from_str::<Number>(&number.to_string());
        match again.is_ok_and(|again| again == number) && value.abs() <= EXACT_MAX {
            true => Ok(Value::Number(number)),
            false => Err(E::custom("a number with more digits than all readers keep")),
        }
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut array = Vec::new();
        while let Some(value) = values.next_element_seed(inner)? {
            array.push(value);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(A::Error::custom(format_args!(
                    "the member {key:?} is there twice"
                )));
            }
            object.insert(key, members.next_value_seed(inner)?);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(text: &str, expected: Result<Value, &str>) {
        match (parse(text.as_bytes()), expected) {
            (Err(got), Err(expected)) => assert!(got.contains(expected), "{text}: {got}"),
            (got, expected) => assert_eq!(got, expected.map_err(str::to_owned), "{text}"),
        }
    }

    #[test]
    fn what_two_readers_may_read_differently_is_refused() {
        check(
            "{\"a\": 1, \"a\": 1}",
            Err("\"a\" is there twice at line 1"),
        );
        check(
            "[{\"a\": {\"b\": 1, \"\\u0062\": 2}}]",
            Err("\"b\" is there twice"),
        );
        check("{} {}", Err("trailing characters"));
        check("{} ", Ok(json!({})));
        check("", Err("EOF"));
        check("{\"a\": 1,}", Err("trailing comma"));
        check("\"\\ud800\"", Err("hex escape"));
        check("1e999", Err("number out of range"));
        let long = "184467448446744073709556748446744073709551407371407370955161";
        check(long, Err("more digits"));
        check("-1e59", Err("more digits"));
        check("18446744073709551616", Err("more digits"));
        check("NaN", Err("expected value"));
    }

    #[test]
    fn depth_is_limited() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        check(&nested(33), Err("more than 32 levels"));
        check(&nested(100_000), Err("more than 32 levels"));
        assert!(parse(nested(32).as_bytes()).is_ok());
    }

    #[test]
    fn values_stay_what_they_are() {
        let text = "{\"a\": [1, -2, 1.5, 2222222222222021.0, true, null, \"\\u00e9\"], \"b\": {\"c\": 18446744073709551615}}";
        check(text, Ok(serde_json::from_str(text).unwrap()));
    }
}
