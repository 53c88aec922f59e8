//! The form of a request and of its answer: a dated version of the model, or the older form that boto 2 speaks.

use crate::cloudfront::members::ConfigFault;
use crate::cloudfront::model::{Element, Version};
use crate::cloudfront::{boto2, older_version, xml};
use serde_json::Value;

/// A form of requests and answers. Values are in the form of the model, whatever the dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// A version of the model.
    Dated(Version),
    /// The version of 2010.
    Boto2,
}

impl Dialect {
    /// Returns that of the newest version.
    pub(super) fn newest() -> Self {
        Dialect::Dated(Version::newest())
    }

    /// Returns true for that of the newest version.
    pub(super) fn is_newest(self) -> bool {
        self == Dialect::newest()
    }

    /// Returns the date in paths.
    pub(super) fn date(self) -> &'static str {
        match self {
            Dialect::Dated(version) => version.date(),
            Dialect::Boto2 => boto2::DATE,
        }
    }

    /// Returns the namespace of answers.
    pub(super) fn namespace(self) -> String {
        match self {
            Dialect::Dated(version) => version.namespace(),
            Dialect::Boto2 => boto2::NAMESPACE.to_owned(),
        }
    }

    /// Reads a body.
    pub(super) fn read(self, body: &[u8], element: Element) -> Result<Value, xml::Fault> {
        match self {
            Dialect::Dated(version) => xml::read(body, element, version),
            Dialect::Boto2 => boto2::read(body, element.root),
        }
    }

    /// Writes a body.
    pub(super) fn write(self, value: &Value, element: Element) -> String {
        match self {
            Dialect::Dated(version) => xml::write(value, element, version),
            Dialect::Boto2 => boto2::write(value, element.root),
        }
    }

    /// Puts what the dialect cannot say into a configuration of `shape`, as `shown` has it.
    ///
    /// # Errors
    /// Returns the fault of a change that would need a word which the dialect does not have.
    pub(super) fn complete(
        self,
        config: &mut Value,
        shown: &Value,
        shape: &str,
    ) -> Result<(), ConfigFault> {
        match self {
            Dialect::Dated(version) => older_version::complete(config, shown, shape, version),
            Dialect::Boto2 => boto2::complete(config, shown, shape),
        }
    }
}
