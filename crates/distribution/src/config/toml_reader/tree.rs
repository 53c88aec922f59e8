//! The values of a document before they are read, the same from TOML and from JSON, so that both have one set of rules.
//!
//! Values of TOML know their positions. JSON is read strictly: a name that stands twice in an object is a fault.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value as Json};
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// A value, and the bytes of the text where it stands; JSON has no positions.
#[derive(Debug)]
pub(super) struct Node<'t> {
    pub(super) span: Option<Range<usize>>,
    pub(super) value: Value<'t>,
}

/// The kinds of values.
#[derive(Debug)]
pub(super) enum Value<'t> {
    /// JSON's null, which no key takes.
    Null,
    String(Cow<'t, str>),
    /// Digits, perhaps with a sign, in the given radix.
    Integer {
        digits: Cow<'t, str>,
        radix: u32,
    },
    Float(Cow<'t, str>),
    Boolean(bool),
    /// A date or time of TOML, which no key takes.
    Datetime,
    Array(Vec<Node<'t>>),
    Table(Entries<'t>),
}

/// The entries of a table, sorted by key.
#[derive(Debug, Default)]
pub(super) struct Entries<'t>(Vec<Entry<'t>>);

/// A key with its value.
#[derive(Debug)]
pub(super) struct Entry<'t> {
    pub(super) key: Cow<'t, str>,
    /// Position of the key; empty in JSON.
    pub(super) key_span: Range<usize>,
    pub(super) node: Node<'t>,
}

impl<'t> Entries<'t> {
    /// Returns the value of `key`.
    pub(super) fn get(&self, key: &str) -> Option<&Node<'t>> {
        let found = self.0.binary_search_by(|entry| (*entry.key).cmp(key));
        found.ok().map(|position| &self.0[position].node)
    }

    /// Returns the value at `path`, keys with dots between them.
    pub(super) fn at(&self, path: &str) -> Option<&Node<'t>> {
        match path.split_once('.') {
            None => self.get(path),
            Some((key, rest)) => self.get(key)?.value.as_table()?.at(rest),
        }
    }

    /// Returns the entries, sorted by key.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry<'t>> {
        self.0.iter()
    }

    /// Sorts `entries`. The error is a key that stands twice.
    fn sorted(mut entries: Vec<Entry<'t>>) -> Result<Self, String> {
        entries.sort_by(|one, other| one.key.cmp(&other.key));
        let mut pairs = entries.windows(2);
        match pairs.find(|pair| pair[0].key == pair[1].key) {
            Some(pair) => Err(pair[0].key.to_string()),
            None => Ok(Entries(entries)),
        }
    }
}

impl<'t> Value<'t> {
    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            Value::Null
            | Value::Integer { .. }
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime
            | Value::Array(_)
            | Value::Table(_) => None,
        }
    }

    pub(super) fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Boolean(flag) => Some(*flag),
            Value::Null
            | Value::String(_)
            | Value::Integer { .. }
            | Value::Float(_)
            | Value::Datetime
            | Value::Array(_)
            | Value::Table(_) => None,
        }
    }

    pub(super) fn as_array(&self) -> Option<&[Node<'t>]> {
        match self {
            Value::Array(elements) => Some(elements),
            Value::Null
            | Value::String(_)
            | Value::Integer { .. }
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime
            | Value::Table(_) => None,
        }
    }

    pub(super) fn as_table(&self) -> Option<&Entries<'t>> {
        match self {
            Value::Table(entries) => Some(entries),
            Value::Null
            | Value::String(_)
            | Value::Integer { .. }
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime
            | Value::Array(_) => None,
        }
    }

    /// Returns the kind with its article, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::String(_) => "a string",
            Value::Integer { .. } => "an integer",
            Value::Float(_) => "a float",
            Value::Boolean(_) => "a boolean",
            Value::Datetime => "a datetime",
            Value::Array(_) => "an array",
            Value::Table(_) => "a table",
        }
    }
}

impl<'t> Entries<'t> {
    pub(super) fn of_toml(table: DeTable<'t>) -> Self {
        let entries = table.into_iter().map(|(key, value)| {
            let key_span = key.span();
            Entry {
                key: key.into_inner(),
                key_span,
                node: Node::of_toml(value),
            }
        });
        // A TOML table is sorted already, and its parser refuses keys that stand twice.
        Entries(entries.collect())
    }
}

impl<'t> Node<'t> {
    fn of_toml(value: Spanned<DeValue<'t>>) -> Self {
        let span = value.span();
        let value = match value.into_inner() {
            DeValue::String(text) => Value::String(text),
            DeValue::Integer(integer) => Value::Integer {
                digits: Cow::Owned(integer.as_str().to_owned()),
                radix: integer.radix(),
            },
            DeValue::Float(float) => Value::Float(Cow::Owned(float.as_str().to_owned())),
            DeValue::Boolean(flag) => Value::Boolean(flag),
            DeValue::Datetime(_) => Value::Datetime,
            DeValue::Array(elements) => Value::Array(of_toml_array(elements)),
            DeValue::Table(table) => Value::Table(Entries::of_toml(table)),
        };
        Node {
            span: Some(span),
            value,
        }
    }

    /// Parses JSON.
    ///
    /// # Errors
    /// A syntax error, a name that stands twice in its object, or nesting beyond 128 levels.
    pub(super) fn of_json(text: &'t str) -> Result<Self, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let node = NodeSeed.deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(node)
    }

    /// Returns a table without entries.
    pub(super) fn empty_table() -> Self {
        Value::Table(Entries::default()).unplaced()
    }

    /// Returns the same value as JSON: dates are left out, floats and integers beyond 64 bits are text.
    pub(super) fn to_json(&self) -> Json {
        match &self.value {
            Value::Null | Value::Datetime => Json::Null,
            Value::String(text) => Json::String(text.to_string()),
            Value::Integer { digits, radix } => match i64::from_str_radix(digits, *radix) {
                Ok(number) => Json::from(number),
                Err(_) => Json::String(digits.to_string()),
            },
            Value::Float(text) => match text.parse().ok().and_then(Number::from_f64) {
                Some(number) => Json::Number(number),
                None => Json::String(text.to_string()),
            },
            Value::Boolean(flag) => Json::Bool(*flag),
            Value::Array(elements) => elements.iter().map(Node::to_json).collect(),
            Value::Table(entries) => {
                let entries = entries.iter();
                let entries = entries.map(|entry| (entry.key.to_string(), entry.node.to_json()));
                Json::Object(entries.collect::<Map<String, Json>>())
            }
        }
    }
}

fn of_toml_array(elements: DeArray<'_>) -> Vec<Node<'_>> {
    elements.into_iter().map(Node::of_toml).collect()
}

impl<'t> Value<'t> {
    /// Returns the node of a value of JSON.
    fn unplaced(self) -> Node<'t> {
        Node {
            span: None,
            value: self,
        }
    }
}

/// Reads a value of JSON; strings without escapes are borrowed.
struct NodeSeed;

impl<'t> DeserializeSeed<'t> for NodeSeed {
    type Value = Node<'t>;

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<Node<'t>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'t> Visitor<'t> for NodeSeed {
    type Value = Node<'t>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Node<'t>, E> {
        Ok(Value::Null.unplaced())
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Node<'t>, E> {
        Ok(Value::Boolean(flag).unplaced())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node<'t>, E> {
        Ok(integer(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node<'t>, E> {
        Ok(integer(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Node<'t>, E> {
        Ok(Value::Float(Cow::Owned(number.to_string())).unplaced())
    }

    fn visit_borrowed_str<E>(self, text: &'t str) -> Result<Node<'t>, E> {
        Ok(Value::String(Cow::Borrowed(text)).unplaced())
    }

    fn visit_str<E>(self, text: &str) -> Result<Node<'t>, E> {
        Ok(Value::String(Cow::Owned(text.to_owned())).unplaced())
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut elements: A) -> Result<Node<'t>, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = elements.next_element_seed(NodeSeed)? {
            nodes.push(node);
        }
        Ok(Value::Array(nodes).unplaced())
    }

    fn visit_map<A: MapAccess<'t>>(self, mut members: A) -> Result<Node<'t>, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = members.next_key_seed(KeySeed)? {
            entries.push(Entry {
                key,
                key_span: 0..0,
                node: members.next_value_seed(NodeSeed)?,
            });
        }
        let entries = Entries::sorted(entries)
            .map_err(|key| A::Error::custom(format_args!("the name {key:?} stands twice")))?;
        Ok(Value::Table(entries).unplaced())
    }
}

/// Reads the name of a member; one without escapes is borrowed.
struct KeySeed;

impl<'t> DeserializeSeed<'t> for KeySeed {
    type Value = Cow<'t, str>;

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<Cow<'t, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'t> Visitor<'t> for KeySeed {
    type Value = Cow<'t, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, text: &'t str) -> Result<Cow<'t, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'t, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

fn integer<'t>(digits: String) -> Node<'t> {
    Value::Integer {
        digits: Cow::Owned(digits),
        radix: 10,
    }
    .unplaced()
}
