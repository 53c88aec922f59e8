//! Turns the response for a folder's object into that for its compressed form.

use super::Answer;
use crate::body::Piece;
use crate::cache::{FolderForm, FormBytes};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, ETAG};
use http::{HeaderMap, StatusCode};
use std::sync::Arc;

impl Answer {
    /// Turns the response into that for the form, whose fields are `headers`. Not for ranges: those are of the plain
    /// bytes.
    pub(crate) fn in_form(mut self, form: &FolderForm, headers: &HeaderMap) -> Self {
        let mut names = vec![ETAG];
        if self.status == StatusCode::OK {
            self.pieces = pieces(form);
            self.set_length(form.size_bytes);
            names.extend([CONTENT_ENCODING, CONTENT_LENGTH]);
        }
        for name in names {
            match headers.get(&name) {
                Some(value) => _ = self.headers.insert(name, value.clone()),
                None => _ = self.headers.remove(name),
            }
        }
        self
    }
}

fn pieces(form: &FolderForm) -> Vec<Piece> {
    match form.bytes() {
        Some(FormBytes::Memory(chunks)) => chunks.iter().cloned().map(Piece::Memory).collect(),
        Some(FormBytes::Disk(body)) => vec![Piece::File {
            file: Arc::clone(&body.file),
            offset: body.offset,
            size_bytes: body.size_bytes,
            warm: false,
        }],
        None => Vec::new(),
    }
}
