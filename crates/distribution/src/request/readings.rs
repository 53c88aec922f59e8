//! The behaviors that a path can lead to: that of the object it names, and those of other objects that a server may
//! find.
//!
//! A canonical path (see [`crate::request::is_canonical`]) leaves three differences between servers, and each is
//! examined: whether `+` is a blank, whether a needless escape is left as it is, and whether the text after a file's
//! name is path info (RFC 3875 4.1.5), of which a trailing slash is the shortest. The restrictions that count are then
//! those of the file, and, for an application with one address for everything, those of the path in the path info.

use crate::config::{CacheBehavior, Distribution, object_name};
use crate::request::denial::Denial;
use crate::request::stricter::stricter;
use http::Method;
use std::cell::Cell;

/// Maximum work for one request: bytes of names times words of the automaton. A step takes 0.6 ns.
const STEPS_MAX: usize = 200_000;
/// Extensions of programs to which servers hand the rest of the path.
const PROGRAMS: [&str; 20] = [
    "asp", "aspx", "ashx", "cfm", "cgi", "dll", "do", "exe", "fcgi", "jsp", "jspx", "lua", "php",
    "php5", "php7", "phtml", "pl", "py", "rb", "wsgi",
];
/// Maximum number of path prefixes that may be files. Nobody nests folders that deep.
const FILES_MAX: usize = 32;

/// Finds behaviors for the names that one request may mean, within a bounded amount of work.
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

    /// Returns the behavior of the object that a raw path names, or a stricter one to which another reading leads.
    ///
    /// Errors: [`Denial::MethodNotAllowed`] if one of them does not allow the method; [`Denial::AmbiguousPath`] if two
    /// are restricted to different keys, or the path takes too much work.
    pub(crate) fn behavior_of(
        &self,
        path: &str,
        method: &Method,
    ) -> Result<&'s CacheBehavior, Denial> {
        let name = object_name(path);
        let behavior = self.first(&name)?;
        self.strictest(behavior, path, &name, method)
    }

    /// Like [`Readings::behavior_of`], where the behavior of the path's [`object_name`] is already known.
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
        // Counting the slashes is cheap, and few paths need the second count.
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

    /// Returns the first behavior whose pattern matches the [`object_name`] of a path.
    pub(crate) fn first(&self, name: &str) -> Result<&'s CacheBehavior, Denial> {
        let table = &self.distribution.table;
        let steps = self.steps_left.get().checked_sub(table.steps(name));
        self.steps_left.set(steps.ok_or(Denial::AmbiguousPath)?);
        let found = table.first(&self.distribution.behaviors, name);
        // The default behavior `*` is last, so only a distribution built by hand has no match.
        found.ok_or(Denial::UnknownHost)
    }

    /// Like [`Readings::first`], with a `+` read as a blank.
    fn first_with_blanks(&self, name: &str) -> Result<&'s CacheBehavior, Denial> {
        let table = &self.distribution.table;
        let steps = self.steps_left.get().checked_sub(table.steps(name));
        self.steps_left.set(steps.ok_or(Denial::AmbiguousPath)?);
        let found = table.first_with_blanks(&self.distribution.behaviors, name);
        found.ok_or(Denial::UnknownHost)
    }

    /// Returns the prefixes of a path that may be files: those that look like files, or all of them where some pattern
    /// names a path to its end.
    fn perhaps_files<'p>(&self, path: &'p str) -> impl Iterator<Item = &'p str> {
        let all = self.distribution.table.names_ends;
        ancestors(path).filter(move |ancestor| all || looks_like_file(ancestor))
    }

    /// Returns the behavior of a prefix of the path, if that prefix may be a file: by its own name, or because a
    /// pattern names it to its end. A pattern that ends in `*` says nothing about files.
    fn file_at(&self, ancestor: &str) -> Result<Option<&'s CacheBehavior>, Denial> {
        let behavior = self.first(&object_name(ancestor))?;
        let is_named = !behavior.path_pattern.as_str().ends_with('*');
        Ok((is_named || looks_like_file(ancestor)).then_some(behavior))
    }
}

/// Returns the prefixes of a raw path that a server with path info may take for files: those that have an extension.
pub(crate) fn files_on_the_way(path: &str) -> impl Iterator<Item = &str> {
    ancestors(path).filter(|ancestor| looks_like_file(ancestor))
}

/// Returns whether the last segment names a program that handles all paths behind its own: a front controller.
fn looks_like_program(path: &str) -> bool {
    let name = object_name(path);
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    extension.is_some_and(|extension| {
        PROGRAMS
            .iter()
            .any(|known| extension.eq_ignore_ascii_case(known))
    })
}

/// Returns the raw text in front of each slash but the first.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    let slashes = path.match_indices('/').skip(1);
    slashes.map(|(slash, _)| &path[..slash])
}

/// Returns whether the last segment is more likely the name of a file than of a folder: it has a dot that does not
/// belong to a version such as `v1.2`, or ends in the `~` of a backup copy.
fn looks_like_file(path: &str) -> bool {
    let segment = path.rsplit('/').next().unwrap_or(path);
    let name = object_name(segment);
    // RFC 8615: a folder, although its name has a dot.
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

/// Like [`object_name`], but leaves escapes of unreserved characters as they are; `None` if there are none.
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
