//! What cache policies and origin request policies have in common: choices of headers, cookies and parameters by name.

use crate::cloudfront::api_error::ApiError;
use crate::cloudfront::resource::text;
use crate::operation_error::OperationError;
use crate::operations::Item;
use privet_distribution::config::{NameFilter, ServiceDocument, ServiceKind, read_items};
use serde_json::{Map, Value, json};
use std::path::Path;

/// Names of one policy, by Amazon's quota.
const NAMES_MAX: usize = 10;

/// A choice by name: its place in a configuration, and its keys in a document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filter {
    /// Member of the configuration.
    config: &'static str,
    /// Member of that with the word for what is chosen.
    behavior: &'static str,
    /// Member of that with the names.
    names: &'static str,
    /// Key of what is chosen.
    key: &'static str,
    /// Key of what is not chosen.
    except: &'static str,
}

pub(super) const COOKIES: Filter = Filter {
    config: "CookiesConfig",
    behavior: "CookieBehavior",
    names: "Cookies",
    key: "cookies",
    except: "cookies_except",
};

pub(super) const QUERY_STRINGS: Filter = Filter {
    config: "QueryStringsConfig",
    behavior: "QueryStringBehavior",
    names: "QueryStrings",
    key: "query_strings",
    except: "query_strings_except",
};

pub(super) const HEADERS: Filter = Filter {
    config: "HeadersConfig",
    behavior: "HeaderBehavior",
    names: "Headers",
    key: "headers",
    except: "headers_except",
};

impl Filter {
    /// Returns the word of a configuration and its names, which are there if the word needs some.
    pub(super) fn read<'c>(
        &self,
        config: &'c Value,
        too_many: &'static str,
    ) -> Result<(&'c str, Vec<Value>), ApiError> {
        let config = config.get(self.config).unwrap_or(&Value::Null);
        let word = text(config, self.behavior);
        let items = config.get(self.names).and_then(|names| names.get("Items"));
        let items = items.and_then(Value::as_array).cloned().unwrap_or_default();
        let needs_names = match word {
            "whitelist" | "allExcept" | "allViewerAndWhitelistCloudFront" => true,
            "none" | "all" | "allViewer" => false,
            _ => {
                let message = format!("{} is missing", self.behavior);
                return Err(ApiError::argument(&message));
            }
        };
        if needs_names == items.is_empty() {
            let message = format!("{} does not go with {word}", self.names);
            return Err(ApiError::argument(&message));
        }
        if items.len() > NAMES_MAX {
            let message = format!("{} has more than {NAMES_MAX} names", self.names);
            return Err(ApiError::new(too_many, &message));
        }
        Ok((word, items))
    }

    /// Puts the choice of a configuration into a document.
    pub(super) fn put(
        &self,
        config: &Value,
        document: &mut Map<String, Value>,
        too_many: &'static str,
    ) -> Result<(), ApiError> {
        let (word, names) = self.read(config, too_many)?;
        document.remove(self.key);
        document.remove(self.except);
        let (key, value) = match word {
            "whitelist" => (self.key, names.into()),
            "allExcept" => (self.except, names.into()),
            word => (self.key, word.into()),
        };
        document.insert(key.to_owned(), value);
        Ok(())
    }

    /// Returns the member of a configuration for what a document chooses.
    pub(super) fn show(&self, document: &Value) -> Value {
        let names = |key: &str| document.get(key).and_then(Value::as_array).cloned();
        let word = text(document, self.key);
        match (names(self.key), names(self.except), word) {
            (Some(names), _, _) if names.is_empty() => self.shown("none", &names),
            (Some(names), _, _) => self.shown("whitelist", &names),
            (None, Some(names), _) if names.is_empty() => self.shown("all", &names),
            (None, Some(names), _) => self.shown("allExcept", &names),
            (None, None, "") => self.shown("none", &[]),
            (None, None, word) => self.shown(word, &[]),
        }
    }

    pub(super) fn shown(&self, word: &str, names: &[Value]) -> Value {
        let mut shown = json!({});
        shown[self.behavior] = word.into();
        if !names.is_empty() {
            shown[self.names] = json!({ "Items": names });
        }
        shown
    }

    /// Puts a choice that was read into a document.
    pub(super) fn put_chosen(&self, document: &mut Value, chosen: &NameFilter) {
        match chosen {
            NameFilter::None => document[self.key] = "none".into(),
            NameFilter::All => document[self.key] = "all".into(),
            NameFilter::Only(names) => document[self.key] = names.clone().into(),
            NameFilter::AllExcept(names) => document[self.except] = names.clone().into(),
        }
    }
}

/// Reads the document of an item, with all that it leaves to the rules.
pub(super) fn read(item: &Item, kind: ServiceKind) -> Result<ServiceDocument, ApiError> {
    let text = item.document.to_string();
    let read = read_items([(kind, text.as_str())], Path::new(""));
    read.map_err(|_| OperationError::System("a document cannot be read").into())
}
