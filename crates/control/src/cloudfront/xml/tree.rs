//! Reads a body as it is nested, for a dialect whose form no shape of the table has.

use super::Fault;
use super::reader::{Body, Piece, TEXT_BYTES_MAX, is_blank};
use crate::cloudfront::model::Version;

/// An element, with a text or with elements in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Node {
    /// Name without a prefix.
    pub(crate) name: String,
    /// Text; empty if it has elements.
    pub(crate) text: String,
    pub(crate) children: Vec<Node>,
}

/// Reads a body whose outermost element has a name. Returns that, and the default namespace which it declares.
///
/// # Errors
/// Returns the first fault; limits are those of all bodies.
pub(crate) fn read_tree(body: &[u8], root: &'static str) -> Result<(Node, Option<String>), Fault> {
    let mut body = Body::of(body, Version::newest())?;
    let start = body.begin(root)?;
    let declared = start.attributes().flatten();
    let mut declared = declared.filter(|attribute| attribute.key.as_ref() == "xmlns");
    let namespace = declared
        .next()
        .map(|attribute| attribute.value.into_owned());
    let node = read_node(&mut body, root.to_owned(), root)?;
    body.finish()?;
    Ok((node, namespace))
}

/// Reads an element that has begun, up to its end. How deep it goes is checked where an element begins.
fn read_node(body: &mut Body<'_>, name: String, place: &str) -> Result<Node, Fault> {
    let mut node = Node {
        name,
        ..Node::default()
    };
    loop {
        match body.next()? {
            Piece::Start(start) => {
                body.enter(&start)?;
                let name = start.local_name();
                let name: &str = name.as_ref();
                let inner = format!("{place}/{name}");
                let child = read_node(body, name.to_owned(), &inner)?;
                node.children.push(child);
            }
            Piece::Text(part) => node.text.push_str(&part),
            Piece::End => break,
            Piece::Eof => return Err(body.malformed()),
        }
        if node.text.len() > TEXT_BYTES_MAX {
            return Err(Fault::TooLarge);
        }
    }
    body.leave();
    if node.children.is_empty() {
        return Ok(node);
    }
    match is_blank(&node.text) {
        true => Ok(Node {
            text: String::new(),
            ..node
        }),
        false => Err(Fault::Text {
            place: place.to_owned(),
        }),
    }
}
