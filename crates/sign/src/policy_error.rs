//! Faults of a policy, in words for the signer and the operator.

/// The reason why a policy is invalid. CloudFront responds `MalformedPolicy` to all of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A policy of more than 8 KiB.
    #[error("a policy has at most 8192 bytes, this one has {0}: shorten the Resource")]
    TooLong(usize),
    /// JSON nested deeper than 8.
    #[error("the JSON is nested deeper than 8: a policy needs 4")]
    TooDeep,
    /// Not JSON, or JSON of another shape; the text says what was found where.
    #[error("{0}")]
    Json(String),
    /// No statement.
    #[error("there is no Statement")]
    NoStatement,
    /// More than one statement.
    #[error("only one Statement is allowed: sign one policy for each")]
    SeveralStatements,
    /// `"Statement":{…}`.
    #[error("Statement must be an array with one object: write [ ] around it")]
    StatementObject,
    /// No `DateLessThan`.
    #[error("Condition has no DateLessThan: a policy needs an expiry")]
    NoEnd,
    /// An epoch that is not a positive integer in range.
    #[error("AWS:EpochTime {0}")]
    Epoch(String),
    /// An address condition that is not one IPv4 range.
    #[error("AWS:SourceIp must be one IPv4 range such as 192.0.2.0/24")]
    SourceIp,
    /// A mark that is not whole, or that has anything in it that is not known.
    #[error("Privet {0}")]
    Mark(String),
}
