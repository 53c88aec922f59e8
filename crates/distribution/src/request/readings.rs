//! The behaviors that a path comes to: that of the object it names, and those of what else a server may find there.
//!
//! A canonical path (see [`crate::request::is_canonical`]) leaves three differences between servers, and each is looked
//! at: whether `+` is a blank, whether an escape that need not be there is left as it is, and whether what follows a
//! file's name is path info (RFC 3875 4.1.5), of which a slash at the end is the shortest. What is restricted is then
//! the file, and what the path info may be the path of, to an application behind one address for all.

use crate::config::{CacheBehavior, Distribution, object_name};
use crate::request::denial::Denial;
use crate::request::stricter::stricter;
use http::Method;
use std::cell::Cell;

/// Bytes of names times words of the automaton that are gone through for one request, at most. A step takes 0.6 ns.
const STEPS_MAX: usize = 200_000;
/// Extensions of programs to which servers hand what follows as a path.
const PROGRAMS: [&str; 20] = [
    "asp", "aspx", "ashx", "cfm", "cgi", "dll", "do", "exe", "fcgi", "jsp", "jspx", "lua", "php",
    "php5", "php7", "phtml", "pl", "py", "rb", "wsgi",
];
/// What lies on the way to a path and may be a file. Nobody has folders as deep.
const FILES_MAX: usize = 32;

/// Finds behaviors for the names that one request may mean, with no more work than a request is worth.
pub(crate) struct Readings<'s> {
    distribution: &'s Distribution,
    steps_left: Cell<usize>,
}

impl<'s> Readings<'s> {
    pub(crate) fn new(distribution: &'s Distribution) -> Self {
        Readings {
            distribution,
            steps_left: Cell::new(STEPS_MAX),
        }
    }

    /// The behavior of the object that a path, raw, names here, or a stricter one that it comes to in another reading.
    ///
    /// Errors: [`Denial::MethodNotAllowed`] where one of them does not take the method; [`Denial::AmbiguousPath`] where
    /// two are restricted to different keys, and for a path that takes too much work.
    pub(crate) fn behavior_of(
        &self,
        path: &str,
        method: &Method,
    ) -> Result<&'s CacheBehavior, Denial> {
        let name = object_name(path);
        let behavior = self.first(&name)?;
        self.strictest(behavior, path, &name, method)
    }

    /// As [`Readings::behavior_of`], where the behavior of the path's [`object_name`] is known already.
    pub(crate) fn strictest(
        &self,
        behavior: &'s CacheBehavior,
        path: &str,
        name: &str,
        method: &Method,
    ) -> Result<&'s CacheBehavior, Denial> {
        if behavior.origin.reads_literally() {
            return Ok(behavior);
        }
        let mut strictest = behavior;
        if name.contains('+') || self.distribution.table.reads_blanks() {
            let other = self.first_with_blanks(&name.replace('+', " "))?;
            strictest = stricter(strictest, other, method)?;
        }
        if let Some(other) = with_needless_escapes(path) {
            strictest = stricter(strictest, self.first(&other)?, method)?;
        }
        let is_deep = ancestors(path).nth(FILES_MAX).is_some();
        if is_deep && self.perhaps_files(path).nth(FILES_MAX).is_some() {
            return Err(Denial::AmbiguousPath);
        }
        for ancestor in self.perhaps_files(path) {
            if let Some(file) = self.file_at(ancestor)? {
                strictest = stricter(strictest, file, method)?;
            }
            if looks_like_program(ancestor) {
                let info = self.first(&object_name(&path[ancestor.len()..]))?;
                strictest = stricter(strictest, info, method)?;
            }
        }
        Ok(strictest)
    }

    /// The first behavior whose pattern matches the [`object_name`] of a path.
    pub(crate) fn first(&self, name: &str) -> Result<&'s CacheBehavior, Denial> {
        let table = &self.distribution.table;
        let steps = self.steps_left.get().checked_sub(table.steps(name));
        self.steps_left.set(steps.ok_or(Denial::AmbiguousPath)?);
        let found = table.first(&self.distribution.behaviors, name);
        // The default behavior `*` is last, so only a distribution put together by hand has none.
        found.ok_or(Denial::UnknownHost)
    }

    /// The same where a `+` is a blank.
    fn first_with_blanks(&self, name: &str) -> Result<&'s CacheBehavior, Denial> {
        let table = &self.distribution.table;
        let steps = self.steps_left.get().checked_sub(table.steps(name));
        self.steps_left.set(steps.ok_or(Denial::AmbiguousPath)?);
        let found = table.first_with_blanks(&self.distribution.behaviors, name);
        found.ok_or(Denial::UnknownHost)
    }

    /// What lies on the way to a path and may be a file: what looks like one, and all of it where patterns name
    /// anything to its end.
    fn perhaps_files<'p>(&self, path: &'p str) -> impl Iterator<Item = &'p str> {
        let all = self.distribution.table.names_ends;
        ancestors(path).filter(move |ancestor| all || looks_like_file(ancestor))
    }

    /// The behavior of what lies on the way to a path, if that may be a file: by its own name, or because a pattern
    /// names it to its end. A pattern that ends in `*` says nothing about files.
    fn file_at(&self, ancestor: &str) -> Result<Option<&'s CacheBehavior>, Denial> {
        let behavior = self.first(&object_name(ancestor))?;
        let is_named = !behavior.path_pattern.as_str().ends_with('*');
        Ok((is_named || looks_like_file(ancestor)).then_some(behavior))
    }
}

/// The files that a server with path info may find on the way to a path, raw: those that have an extension.
pub(crate) fn files_on_the_way(path: &str) -> impl Iterator<Item = &str> {
    ancestors(path).filter(|ancestor| looks_like_file(ancestor))
}

/// Whether the last segment names a program that answers for all paths behind its own: a front controller.
fn looks_like_program(path: &str) -> bool {
    let name = object_name(path);
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    extension.is_some_and(|extension| {
        PROGRAMS
            .iter()
            .any(|known| extension.eq_ignore_ascii_case(known))
    })
}

/// What stands in front of each slash but the first, raw.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    let slashes = path.match_indices('/').skip(1);
    slashes.map(|(slash, _)| &path[..slash])
}

/// Whether the last segment is more likely a file's name than a folder's: it has a dot that is not that of a version,
/// such as `v1.2`, or the `~` of a copy at its end.
fn looks_like_file(path: &str) -> bool {
    let segment = path.rsplit('/').next().unwrap_or(path);
    let name = object_name(segment);
    // RFC 8615.
    if name == ".well-known" {
        return false;
    }
    name.ends_with('~')
        || name.rsplit_once('.').is_some_and(|(stem, extension)| {
            let is_version = stem.ends_with(|last: char| last.is_ascii_digit())
                && extension.bytes().all(|byte| byte.is_ascii_digit());
            !is_version
        })
}

/// As [`object_name`], but escapes of unreserved characters are left as they are; `None` where there are none.
fn with_needless_escapes(path: &str) -> Option<String> {
    let mut pieces = path.split('%');
    let mut kept = pieces.next().unwrap_or_default().to_owned();
    let mut found = false;
    for piece in pieces {
        let digits = piece.get(..2);
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let is_needless =
            byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
        found |= is_needless;
        kept.push_str(if is_needless { "%25" } else { "%" });
        kept.push_str(piece);
    }
    found.then(|| object_name(&kept).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_tell_files_from_folders() {
        for file in [
            "/video.mp4",
            "/a/b.txt",
            "/a%2emp4",
            "/x.tar.gz",
            "/a.7z",
            "/video.MP4",
            "/s.001",
            "/n.txt~",
            "/Makefile~",
            "/.env",
            "/db.properties",
            "/a.b c",
            "/my%20vip.docx%20copy",
            "/a.verylongword",
        ] {
            assert!(looks_like_file(file), "{file}");
        }
        for folder in ["/a", "/.well-known", "/v1.2", "/jquery-3.6.0", "/2024.11"] {
            assert!(!looks_like_file(folder), "{folder}");
        }
    }

    #[test]
    fn what_lies_on_the_way() {
        let found: Vec<&str> = ancestors("/a/b.txt/c").collect();
        assert_eq!(found, ["/a", "/a/b.txt"]);
        assert_eq!(ancestors("/a.txt/").collect::<Vec<_>>(), ["/a.txt"]);
        assert_eq!(ancestors("/a").count(), 0);
        assert_eq!(
            files_on_the_way("/a/b.txt/c/").collect::<Vec<_>>(),
            ["/a/b.txt"]
        );
    }

    #[test]
    fn needless_escapes_are_left_as_they_are() {
        assert_eq!(with_needless_escapes("/a%20b%"), None);
        assert_eq!(with_needless_escapes("/%61%20b").as_deref(), Some("/%61 b"));
        assert_eq!(
            with_needless_escapes("/a%2Dé").as_deref(),
            Some("/a%2D\u{c3}\u{a9}")
        );
    }
}
