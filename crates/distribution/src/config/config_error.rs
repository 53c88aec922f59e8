//! Faults of a configuration, each with its position.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// A fault of a document.
///
/// Displays as `privet.toml:12:5: distributions[0].behaviors[1].origin: no origin is named "vidoe"; did you mean
/// "video"?`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// File as named to `read_toml`; `None` for a document from another source.
    pub file: Option<PathBuf>,
    /// Line number from 1; 0 if the position is unknown.
    pub line: u32,
    /// Column in characters, from 1; 0 if the position is unknown.
    pub column: u32,
    /// Path of the value, e.g. `distributions[0].behaviors[1].origin`; empty for a syntax error.
    pub path: String,
    /// Message that says what is wrong and what to do.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}:", file.display())?;
            if self.line > 0 {
                write!(f, "{}:{}:", self.line, self.column)?;
            }
            f.write_str(" ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConfigError {}

/// The positions of a document's values; empty for a document that is not from a file.
#[derive(Clone, Debug, Default)]
pub struct Places {
    file: Option<PathBuf>,
    /// Line and column by path.
    places: HashMap<String, (u32, u32)>,
}

impl Places {
    pub(crate) fn new(file: &Path) -> Self {
        Places {
            file: Some(file.to_owned()),
            places: HashMap::new(),
        }
    }

    pub(crate) fn insert(&mut self, path: &str, line: u32, column: u32) {
        self.places.insert(path.to_owned(), (line, column));
    }

    /// Returns a fault of the value at `path`, at its position in the file or that of the nearest enclosing value.
    pub fn error(&self, path: &str, message: impl Into<String>) -> ConfigError {
        let mut around = path;
        let place = loop {
            if let Some(&place) = self.places.get(around) {
                break place;
            }
            match around.rfind(['.', '[']) {
                Some(at) => around = &around[..at],
                None => break (0, 0),
            }
        };
        self.error_at(place, path, message)
    }

    pub(crate) fn error_at(
        &self,
        (line, column): (u32, u32),
        path: &str,
        message: impl Into<String>,
    ) -> ConfigError {
        ConfigError {
            file: self.file.clone(),
            line,
            column,
            path: path.to_owned(),
            message: message.into(),
        }
    }
}

/// Returns `; did you mean "x"?` for the candidate nearest to `word`, or an empty string if none is near.
pub(crate) fn did_you_mean<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> String {
    let nearest = candidates
        .into_iter()
        .map(|candidate| (edit_distance(word, candidate), candidate))
        .min();
    match nearest {
        Some((distance, candidate)) if distance <= 1 + word.chars().count() / 4 => {
            format!("; did you mean {candidate:?}?")
        }
        Some(_) | None => String::new(),
    }
}

/// Counts the insertions, deletions, substitutions and swaps of neighbors that turn one word into the other (Damerau
/// and Levenshtein, optimal string alignment).
fn edit_distance(one: &str, other: &str) -> usize {
    let one: Vec<char> = one.to_lowercase().chars().collect();
    let other: Vec<char> = other.to_lowercase().chars().collect();
    let mut rows = vec![vec![0; other.len() + 1]; one.len() + 1];
    for i in 0..=one.len() {
        for j in 0..=other.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let changed = usize::from(one[i - 1] != other[j - 1]);
                let mut least = (rows[i - 1][j] + 1)
                    .min(rows[i][j - 1] + 1)
                    .min(rows[i - 1][j - 1] + changed);
                if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                    least = least.min(rows[i - 2][j - 2] + 1);
                }
                least
            };
        }
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_only_what_is_near() {
        assert_eq!(
            did_you_mean("vidoe", ["clip", "video"]),
            "; did you mean \"video\"?"
        );
        assert_eq!(
            did_you_mean("origin_pth", ["origin", "origin_path"]),
            "; did you mean \"origin_path\"?"
        );
        assert_eq!(did_you_mean("x", ["video"]), "");
        assert_eq!(did_you_mean("x", []), "");
    }

    #[test]
    fn an_error_stands_at_the_nearest_known_place() {
        let mut places = Places::new(Path::new("p.toml"));
        places.insert("a[0]", 3, 1);
        let error = places.error("a[0].b.c", "is missing");
        assert_eq!(error.to_string(), "p.toml:3:1: a[0].b.c: is missing");
        let error = places.error("b", "is missing");
        assert_eq!(error.to_string(), "p.toml: b: is missing");
        let error = Places::default().error("b", "is missing");
        assert_eq!(error.to_string(), "b: is missing");
    }
}
