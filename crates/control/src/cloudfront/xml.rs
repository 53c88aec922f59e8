//! Bodies of CloudFront's API: XML whose form is a shape of the table, read strictly, and written.
//!
//! A structure is an object without its `Quantity`, which is checked when it is read and counted when it is written; a
//! list is an array; everything else is a text, a number or a flag.

mod fault;
mod reader;
mod tree;
mod writer;

pub use fault::Fault;
pub use reader::read;
pub(crate) use tree::{Node, read_tree};
pub use writer::{escaped, write};

#[cfg(test)]
mod tests;
