//! What is still to come: explaining.
#![allow(missing_docs, unused_variables, clippy::todo)]
use crate::*;
use std::net::IpAddr;

// ---- explaining ----
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    Failed,
    Unknown,
    Skipped,
}
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub name: &'static str,
    pub outcome: Outcome,
    pub expected: String,
    pub found: String,
}
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Opens,
    Refused(ErrorCode),
    CannotTell(String),
}
/// `checks` in the order of the edge; `hints` name near variants that would have verified and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub verdict: Verdict,
    pub checks: Vec<Check>,
    pub hints: Vec<String>,
    pub policy_text: Option<String>,
}
/// What is asked. `client: None` leaves address conditions undecided (`CannotTell`).
pub struct Question<'a> {
    pub url: &'a str,
    pub cookies: Option<&'a str>,
    pub keys: &'a KeySet,
    pub now: Timestamp,
    pub client: Option<IpAddr>,
    pub leniency: Leniency,
}
pub fn explain(question: &Question<'_>) -> Explanation {
    todo!()
}
