//! Members of bodies and documents by name, where what is empty is absent; and the fault of one.

use serde_json::{Map, Value, json};
use thiserror::Error;

/// The keys of a document, or of a table in it.
pub(crate) type Keys = Map<String, Value>;

/// The fault of a configuration that a client has sent.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub(crate) struct ConfigFault {
    /// Code of the error, as CloudFront's model has it.
    pub(crate) code: &'static str,
    /// Message that names the member.
    pub(crate) message: String,
}

impl ConfigFault {
    /// Makes a fault.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        ConfigFault {
            code,
            message: message.into(),
        }
    }
}

/// A structure of a body, or a table of a document.
#[derive(Clone, Debug)]
pub(crate) struct Members<'v> {
    object: Option<&'v Map<String, Value>>,
    place: String,
}

impl<'v> Members<'v> {
    /// Reads a value; what is not an object has no members. `place` is its name in messages, empty for the outermost.
    pub(crate) fn of(value: &'v Value, place: impl Into<String>) -> Self {
        Members {
            object: value.as_object(),
            place: place.into(),
        }
    }

    /// Returns the name of a member in messages.
    pub(crate) fn place(&self, name: &str) -> String {
        match self.place.is_empty() {
            true => name.to_owned(),
            false => format!("{}/{name}", self.place),
        }
    }

    /// Makes the fault of a member.
    pub(crate) fn fault(&self, name: &str, code: &'static str, message: &str) -> ConfigFault {
        ConfigFault::new(code, format!("{} {message}", self.place(name)))
    }

    /// Makes the fault `InvalidArgument` of a member.
    pub(crate) fn invalid(&self, name: &str, message: &str) -> ConfigFault {
        self.fault(name, "InvalidArgument", message)
    }

    /// Returns a member as it is.
    pub(crate) fn value(&self, name: &str) -> Option<&'v Value> {
        self.object?.get(name)
    }

    /// Returns true if a member is there and not empty.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| !is_empty(value))
    }

    /// Returns a text that is not empty.
    pub(crate) fn text(&self, name: &str) -> Option<&'v str> {
        let text = self.value(name)?.as_str();
        text.filter(|text| !text.is_empty())
    }

    /// Returns a text that has to be there.
    pub(crate) fn required(&self, name: &str) -> Result<&'v str, ConfigFault> {
        self.text(name)
            .ok_or_else(|| self.invalid(name, "is missing"))
    }

    /// Returns a flag, which is false if it is absent.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.value(name).and_then(Value::as_bool) == Some(true)
    }

    /// Returns an integer.
    pub(crate) fn whole(&self, name: &str) -> Option<i64> {
        self.value(name)?.as_i64()
    }

    /// Returns the members of a member.
    pub(crate) fn inner(&self, name: &str) -> Members<'v> {
        Members {
            object: self.value(name).and_then(Value::as_object),
            place: self.place(name),
        }
    }

    /// Returns an array: `Items` of a structure, or a key of a document.
    pub(crate) fn array(&self, name: &str) -> &'v [Value] {
        let array = self.value(name).and_then(Value::as_array);
        array.map_or(&[], Vec::as_slice)
    }

    /// Returns the texts of an array.
    pub(crate) fn array_of_texts(&self, name: &str) -> Vec<&'v str> {
        self.array(name).iter().filter_map(Value::as_str).collect()
    }

    /// Returns the items of a member.
    pub(crate) fn items(&self, name: &str) -> &'v [Value] {
        self.inner(name).array("Items")
    }

    /// Returns the items of a member that are texts.
    pub(crate) fn texts(&self, name: &str) -> Vec<&'v str> {
        self.inner(name).array_of_texts("Items")
    }

    /// Refuses a member that has more items than `max`.
    pub(crate) fn at_most(
        &self,
        name: &str,
        (count, max): (usize, usize),
        code: &'static str,
    ) -> Result<(), ConfigFault> {
        match count > max {
            true => {
                let message = format!("has {count} items, and the maximum is {max}");
                Err(self.fault(name, code, &message))
            }
            false => Ok(()),
        }
    }

    /// Returns an integer in a range; `None` if it is absent.
    pub(crate) fn in_range(
        &self,
        name: &str,
        range: std::ops::RangeInclusive<i64>,
        code: &'static str,
    ) -> Result<Option<i64>, ConfigFault> {
        match self.whole(name) {
            Some(number) if !range.contains(&number) => {
                let (least, most) = (range.start(), range.end());
                let message = format!("is not from {least} to {most}");
                Err(self.fault(name, code, &message))
            }
            number => Ok(number),
        }
    }
}

/// Sets a key, if there is a value for it.
pub(crate) fn set(keys: &mut Keys, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        keys.insert(key.to_owned(), value.into());
    }
}

/// Returns a structure that is counted.
pub(crate) fn counted(items: Vec<Value>) -> Value {
    let items = ("Items".to_owned(), Value::Array(items));
    Value::Object(Keys::from_iter([items]))
}

/// Returns a structure that is counted, of texts.
pub(crate) fn counted_texts(texts: &[&str]) -> Value {
    json!({ "Items": texts })
}

/// Returns true for what XML does not tell from nothing.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.values().all(is_empty),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Returns true if two values say the same, where what is empty is as absent.
pub(crate) fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let of = |members: &Map<String, Value>, name: &String| members.get(name).cloned();
            let mut names = one.keys().chain(other.keys());
            names.all(|name| {
                let value = of(one, name).unwrap_or_default();
                is_same(&value, &of(other, name).unwrap_or_default())
            })
        }
        (Value::Array(one), Value::Array(other)) => {
            let mut pairs = one.iter().zip(other);
            one.len() == other.len() && pairs.all(|(one, other)| is_same(one, other))
        }
        (one, other) => one == other || (is_empty(one) && is_empty(other)),
    }
}

/// Returns the whole seconds of a duration in a document: an integer, or a text such as `15m`. A fraction of a second,
/// which CloudFront's form does not have, is shown as a whole one.
pub(crate) fn seconds(value: &Value) -> Option<i64> {
    const UNITS: [(&str, i64); 5] = [
        ("ms", 1),
        ("s", 1_000),
        ("m", 60_000),
        ("h", 3_600_000),
        ("d", 86_400_000),
    ];
    let Some(text) = value.as_str() else {
        return value.as_i64();
    };
    let text = text.trim();
    let digits = text.trim_end_matches(|character: char| !character.is_ascii_digit());
    let unit = text.strip_prefix(digits)?.trim_start();
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let millis = digits.parse::<i64>().ok()?.checked_mul(*factor)?;
    Some(millis.checked_add(999)? / 1_000)
}

/// Returns true for a host name, or an IPv4 address.
pub(crate) fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        let mut bytes = label.bytes();
        !label.is_empty() && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    host.len() <= 253 && host.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_in_whole_seconds() {
        for bad in [
            json!(null),
            json!("x"),
            json!("5 weeks"),
            json!("s"),
            json!("99999999999999999d"),
        ] {
            assert_eq!(seconds(&bad), None, "{bad}");
        }
        for (value, expected) in [
            (json!(7), 7),
            (json!("30s"), 30),
            (json!("15 m"), 900),
            (json!("1500ms"), 2),
            (json!("1d"), 86_400),
        ] {
            assert_eq!(seconds(&value), Some(expected), "{value}");
        }
    }

    #[test]
    fn what_is_empty_is_as_absent() {
        let full = json!({ "A": "", "B": { "Items": [] }, "C": 1, "D": { "E": { "F": "" } } });
        assert!(is_same(&full, &json!({ "C": 1 })));
        assert!(is_same(&json!({ "C": 1 }), &full));
        for other in [
            json!({ "C": 2 }),
            json!({}),
            json!({ "C": 1, "A": "x" }),
            json!({ "C": 1, "B": false }),
        ] {
            assert!(!is_same(&full, &other), "{other}");
        }
        assert!(!is_same(&json!([1, 2]), &json!([1])));
        let full = Members::of(&full, "");
        assert!(!full.has("A") && !full.has("B") && full.has("C") && !full.has("D"));
        assert_eq!(full.text("A"), None);
    }
}
