//! The reasons why a body is refused.

use thiserror::Error;

/// The reason why a body is not what the operation takes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// The bytes are not UTF-8, or have characters that XML does not have.
    #[error("the body is not XML in UTF-8")]
    Encoding,
    /// The text is not well-formed.
    #[error("the body is not well-formed XML at byte {at}")]
    Syntax {
        /// Position in bytes from the beginning.
        at: u64,
    },
    /// A document type, a processing instruction, an entity or an attribute that is not taken.
    #[error("the body has {what}, which is not taken")]
    Unwanted {
        /// What it is, in words.
        what: &'static str,
    },
    /// Too many elements, or too much text.
    #[error("the body has too many elements, or too long texts")]
    TooLarge,
    /// The outermost element has another name.
    #[error("the body is not {expected}")]
    Root {
        /// Name of the element that is taken.
        expected: &'static str,
    },
    /// An element that this version does not have there.
    #[error("{place} is not a member in this version of the API")]
    Unknown {
        /// Path of the element.
        place: String,
    },
    /// A member that is there twice.
    #[error("{place} is there twice")]
    Twice {
        /// Path of the element.
        place: String,
    },
    /// A member that must be there.
    #[error("{place} is missing")]
    Missing {
        /// Path of the element.
        place: String,
    },
    /// Text between members.
    #[error("{place} has text beside its members")]
    Text {
        /// Path of the element.
        place: String,
    },
    /// A value that is not in its form.
    #[error("{place} is not {form}")]
    Value {
        /// Path of the element.
        place: String,
        /// Form that it should have.
        form: String,
    },
    /// A `Quantity` that is not the number of `Items`.
    #[error("{place}: Quantity is {stated}, and there are {counted} Items")]
    Quantity {
        /// Path of the structure.
        place: String,
        /// Number that is stated.
        stated: i64,
        /// Number of items.
        counted: usize,
    },
}
