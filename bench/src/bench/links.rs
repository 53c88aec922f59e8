//! Links that end early and links that count: what they cost.

mod store;
mod table;

use crate::bench::{LinksArguments, LinksPart, Row};
use xtask::command::Outcome;

/// Runs the parts.
pub fn run(arguments: &LinksArguments) -> Outcome<Vec<Row>> {
    let is_wanted = |part| arguments.only.is_none_or(|only| only == part);
    let mut rows = Vec::new();
    if is_wanted(LinksPart::Table) {
        rows.extend(table::rows(arguments.output.quick)?);
    }
    if is_wanted(LinksPart::Store) {
        rows.extend(store::rows(arguments.output.quick)?);
    }
    Ok(rows)
}
