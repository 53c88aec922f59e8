//! The query of a request: parameters that are known, each once.

use percent_encoding::percent_decode_str;
use std::collections::BTreeMap;
use thiserror::Error;

const PARAMETERS_MAX: usize = 32;

/// The parameters that no one has taken yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query(BTreeMap<String, String>);

/// The fault of a query.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum QueryFault {
    #[error("the query is not percent-encoded UTF-8")]
    Encoding,
    #[error("the query has more than {PARAMETERS_MAX} parameters")]
    TooMany,
    #[error("the parameter is there twice")]
    Twice { name: String },
    #[error("there is no such parameter here")]
    Unknown { name: String },
    #[error("{rule}")]
    Value {
        name: &'static str,
        rule: &'static str,
    },
}

impl QueryFault {
    /// Returns the parameter that is at fault.
    pub(crate) fn field(&self) -> Option<&str> {
        match self {
            QueryFault::Encoding | QueryFault::TooMany => None,
            QueryFault::Twice { name } | QueryFault::Unknown { name } => Some(name),
            QueryFault::Value { name, .. } => Some(name),
        }
    }
}

impl Query {
    pub(crate) fn parse(query: &str) -> Result<Self, QueryFault> {
        let mut parameters = BTreeMap::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let [name, value] = [name, value].map(decode);
            let (name, value) = (name?, value?);
            if parameters.len() == PARAMETERS_MAX {
                return Err(QueryFault::TooMany);
            }
            if parameters.contains_key(&name) {
                return Err(QueryFault::Twice { name });
            }
            parameters.insert(name, value);
        }
        Ok(Query(parameters))
    }

    /// Takes a parameter out.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    /// Takes a number out that has to be in a range.
    pub(crate) fn take_number(
        &mut self,
        name: &'static str,
        range: std::ops::RangeInclusive<u64>,
        rule: &'static str,
    ) -> Result<Option<u64>, QueryFault> {
        let fault = QueryFault::Value { name, rule };
        let Some(text) = self.take(name) else {
            return Ok(None);
        };
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.map(Some).ok_or(fault)
    }

    /// Checks that nothing is left: a misspelt parameter must not be ignored.
    pub(crate) fn finish(self) -> Result<(), QueryFault> {
        match self.0.into_keys().next() {
            None => Ok(()),
            Some(name) => Err(QueryFault::Unknown { name }),
        }
    }
}

fn decode(text: &str) -> Result<String, QueryFault> {
    let text = text.replace('+', " ");
    let decoded = percent_decode_str(&text).decode_utf8();
    decoded.map(Into::into).map_err(|_| QueryFault::Encoding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_known_and_there_once() {
        let twice = QueryFault::Twice { name: "a".into() };
        assert_eq!(Query::parse("a=1&%61=2"), Err(twice));
        assert_eq!(Query::parse("a=%ff"), Err(QueryFault::Encoding));
        let many: Vec<String> = (0..33).map(|number| format!("p{number}")).collect();
        assert_eq!(Query::parse(&many.join("&")), Err(QueryFault::TooMany));
        let mut query = Query::parse("limit=5&x&a=b+c%2F").unwrap();
        assert_eq!(query.take("a").as_deref(), Some("b c/"));
        assert_eq!(query.take_number("limit", 1..=10, ""), Ok(Some(5)));
        assert_eq!(query.take_number("limit", 1..=10, ""), Ok(None));
        let unknown = QueryFault::Unknown { name: "x".into() };
        assert_eq!(query.finish(), Err(unknown));
        let mut query = Query::parse("limit=11").unwrap();
        assert!(query.take_number("limit", 1..=10, "from 1 to 10").is_err());
    }
}
