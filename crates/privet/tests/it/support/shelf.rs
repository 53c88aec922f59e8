//! An origin with several small objects, each with its own header fields and framing.

use crate::support::{FakeOrigin, OriginAnswer, OriginAsk};
use std::collections::BTreeMap;

/// The framing of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// `Content-Length`; ranges are served.
    Length,
    /// Chunks: the length is not known before the last one.
    Chunked,
}

/// An object, or a status in its place.
#[derive(Clone, Debug)]
pub struct Shelved {
    status: u16,
    bytes: Vec<u8>,
    headers: Vec<(String, String)>,
    told: Told,
}

impl Shelved {
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Shelved {
            status: 200,
            bytes: bytes.into(),
            headers: vec![("ETag".to_owned(), "\"shelved\"".to_owned())],
            told: Told::Length,
        }
    }

    /// Returns a status without an object.
    pub fn fault(status: u16) -> Self {
        Shelved {
            status,
            ..Shelved::new("no")
        }
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a content coding.
    pub fn coded(self, coding: &str) -> Self {
        self.with("Content-Encoding", coding)
    }

    pub fn chunked(mut self) -> Self {
        self.told = Told::Chunked;
        self
    }

    /// Removes the entity tag, so that versions cannot be told apart.
    pub fn without_tag(mut self) -> Self {
        self.headers.retain(|(name, _)| name != "ETag");
        self
    }

    fn answer(&self, ask: &OriginAsk) -> OriginAnswer {
        let mut headers: Vec<(&str, &str)> = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        if self.told == Told::Chunked {
            let chunks: Vec<&[u8]> = self.bytes.chunks(60_000).collect();
            return OriginAnswer::chunked(self.status, &headers, &chunks);
        }
        let size_bytes = self.bytes.len() as u64;
        match ask.range(size_bytes).filter(|_| self.status == 200) {
            Some(range) => {
                let content_range = format!("bytes {}-{}/{size_bytes}", range.start, range.end - 1);
                headers.push(("Content-Range", &content_range));
                let bytes = &self.bytes[range.start as usize..range.end as usize];
                OriginAnswer::whole(206, &headers, bytes)
            }
            None => OriginAnswer::whole(self.status, &headers, self.bytes.as_slice()),
        }
    }
}

/// Starts an origin that has `objects` by their paths, and nothing else.
pub fn shelf<const N: usize>(objects: [(&str, Shelved); N]) -> FakeOrigin {
    let objects: BTreeMap<String, Shelved> = objects
        .into_iter()
        .map(|(path, object)| (path.to_owned(), object))
        .collect();
    FakeOrigin::start(move |ask| match objects.get(ask.path()) {
        Some(object) => object.answer(ask),
        None => OriginAnswer::whole(404, &[], "no"),
    })
}
