//! Reads values out of tables and collects all faults with their positions, instead of stopping at the first.

use super::schema::TableSchema;
use super::tree::{Entries, Node, Value};
use super::units::{format_duration, format_size, parse_duration, parse_size};
use crate::config::config_error::{ConfigError, Places, did_you_mean};
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A reader of tables that collects faults and positions.
pub(super) struct Reader<'t> {
    text: &'t str,
    /// Folder at which relative paths of the document begin.
    folder: PathBuf,
    /// Byte offset of each line.
    lines: Vec<usize>,
    pub(super) places: Places,
    pub(super) errors: Vec<ConfigError>,
}

/// A table that is being read.
pub(super) struct Table<'t> {
    entries: &'t Entries<'t>,
    path: String,
}

impl Table<'_> {
    /// Returns the path of the value of `key`.
    pub(super) fn path(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// Returns all keys, sorted.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| &*entry.key)
    }
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str, file: &Path) -> Self {
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        Reader {
            text,
            folder: file.parent().map(Path::to_owned).unwrap_or_default(),
            lines: std::iter::once(0).chain(starts).collect(),
            places: Places::new(file),
            errors: Vec::new(),
        }
    }

    /// Returns a reader of JSON, which has no positions; relative paths begin at `folder`.
    pub(super) fn without_places(folder: &Path) -> Self {
        Reader {
            text: "",
            folder: folder.to_owned(),
            lines: Vec::new(),
            places: Places::default(),
            errors: Vec::new(),
        }
    }

    /// Adds a syntax error, which has no path.
    pub(super) fn syntax_fault(&mut self, error: &toml::de::Error) {
        let place = self.line_and_column(error.span().unwrap_or_default());
        let message = error.message().replace('\n', ", ");
        self.errors.push(self.places.error_at(place, "", message));
    }

    /// Adds a fault of the value at `path`.
    pub(super) fn fault(&mut self, path: &str, message: impl Into<String>) {
        self.errors.push(self.places.error(path, message));
    }

    /// Opens a table: records the positions of its values, and refuses keys that are not in `schema`.
    pub(super) fn open(
        &mut self,
        entries: &'t Entries<'t>,
        path: String,
        schema: &TableSchema,
    ) -> Table<'t> {
        let table = Table { entries, path };
        for entry in entries.iter() {
            let key = &*entry.key;
            if schema.keys.contains(&key) {
                self.note(&table, key, &entry.node);
            } else {
                let place = self.line_and_column(entry.key_span.clone());
                let hint = schema.new_name(key).map_or_else(
                    || did_you_mean(key, schema.keys.iter().copied()),
                    |name| format!("; it is called {name:?} now"),
                );
                let message = format!("is not a key of this table{hint}");
                let path = table.path(key);
                self.errors
                    .push(self.places.error_at(place, &path, message));
            }
        }
        table
    }

    /// Records the position of a value, if it has one.
    fn note(&mut self, table: &Table<'_>, key: &str, node: &Node<'_>) {
        if let Some(span) = &node.span {
            let (line, column) = self.line_and_column(span.clone());
            self.places.insert(&table.path(key), line, column);
        }
    }

    /// Returns the table under `key`, if there is one.
    pub(super) fn table(
        &mut self,
        table: &Table<'t>,
        key: &str,
        schema: &TableSchema,
    ) -> Option<Table<'t>> {
        let path = table.path(key);
        let found = value(table, key)?;
        let Some(entries) = found.as_table() else {
            self.wrong_type(&path, found, "write a table");
            return None;
        };
        Some(self.open(entries, path, schema))
    }

    /// Returns the table under `key`, whose keys the operator chooses.
    pub(super) fn free_table(&mut self, table: &Table<'t>, key: &str) -> Option<Table<'t>> {
        let path = table.path(key);
        let found = value(table, key)?;
        let Some(entries) = found.as_table() else {
            self.wrong_type(&path, found, "write a table");
            return None;
        };
        let table = Table { entries, path };
        for entry in entries.iter() {
            self.note(&table, &entry.key, &entry.node);
        }
        Some(table)
    }

    /// Returns the tables of the array under `key`; none if it is missing.
    pub(super) fn tables(
        &mut self,
        table: &Table<'t>,
        key: &str,
        schema: &TableSchema,
    ) -> Vec<Table<'t>> {
        let path = table.path(key);
        let advice = format!("write [[{}]], one table for each", schema.name);
        let mut tables = Vec::new();
        for (position, element) in self.elements(table, key, &advice).iter().enumerate() {
            let path = self.note_element(&path, position, element);
            match element.value.as_table() {
                Some(entries) => tables.push(self.open(entries, path, schema)),
                None => self.wrong_type(&path, &element.value, &advice),
            }
        }
        tables
    }

    pub(super) fn string(&mut self, table: &Table<'t>, key: &str) -> Option<String> {
        let found = value(table, key)?;
        let text = found.as_str();
        if text.is_none() {
            self.wrong_type(&table.path(key), found, "write a string in quotes");
        }
        text.map(str::to_owned)
    }

    /// Reads a string, which is empty if it is missing, empty or no string; each of these is a fault.
    pub(super) fn required_string(&mut self, table: &Table<'t>, key: &str) -> String {
        if value(table, key).is_none() {
            self.fault(&table.path(key), "is missing; add it");
        }
        let text = self.string(table, key);
        if text.as_deref() == Some("") {
            self.fault(&table.path(key), "is empty; fill it in");
        }
        text.unwrap_or_default()
    }

    /// Reads a path; a relative one begins at the folder of the file.
    pub(super) fn required_path(&mut self, table: &Table<'t>, key: &str) -> PathBuf {
        let text = self.required_string(table, key);
        self.folder.join(text)
    }

    /// Returns the path of a file of that name in the folder of the document.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Reads as [`Reader::required_path`] does, but the value may be missing.
    pub(super) fn path(&mut self, table: &Table<'t>, key: &str) -> Option<PathBuf> {
        value(table, key)?;
        Some(self.required_path(table, key))
    }

    /// Reads an array of strings; elements that are empty or no strings are faults and become empty strings.
    pub(super) fn strings(&mut self, table: &Table<'t>, key: &str) -> Option<Vec<String>> {
        value(table, key)?;
        let path = table.path(key);
        let mut strings = Vec::new();
        let elements = self.elements(table, key, "write an array of strings");
        for (position, element) in elements.iter().enumerate() {
            let path = self.note_element(&path, position, element);
            let text = element.value.as_str();
            match text {
                Some("") => self.fault(&path, "is empty; fill it in"),
                Some(_) => {}
                None => self.wrong_type(&path, &element.value, "write a string in quotes"),
            }
            strings.push(text.unwrap_or_default().to_owned());
        }
        Some(strings)
    }

    pub(super) fn boolean(&mut self, table: &Table<'t>, key: &str) -> Option<bool> {
        let found = value(table, key)?;
        let flag = found.as_bool();
        if flag.is_none() {
            self.wrong_type(&table.path(key), found, "write true or false");
        }
        flag
    }

    /// Reads one of a few words.
    pub(super) fn choice<T: Clone>(
        &mut self,
        table: &Table<'t>,
        key: &str,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let word = self.string(table, key)?;
        if let Some((_, chosen)) = choices.iter().find(|(name, _)| *name == word) {
            return Some(chosen.clone());
        }
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let hint = did_you_mean(&word, names.iter().copied());
        let message = format!("{word:?} is not one of {}{hint}", names.join(", "));
        self.fault(&table.path(key), message);
        None
    }

    /// Sets `target` to the integer under `key`, if there is one within `range`.
    pub(super) fn set_number<N: TryFrom<u64>>(
        &mut self,
        table: &Table<'t>,
        key: &str,
        range: RangeInclusive<u64>,
        target: &mut N,
    ) {
        let number = match value(table, key) {
            None => return,
            Some(Value::Integer { digits, radix }) => u64::from_str_radix(digits, *radix).ok(),
            Some(other) => return self.wrong_type(&table.path(key), other, "write an integer"),
        };
        let number = number.filter(|number| range.contains(number));
        match number.and_then(|number| N::try_from(number).ok()) {
            Some(number) => *target = number,
            None => self.out_of_range(table, key, &range.start(), &range.end()),
        }
    }

    /// Does the same as [`Reader::set_number`] for bytes: an integer, or a string such as `32 MiB`.
    pub(super) fn set_size<N: TryFrom<u64>>(
        &mut self,
        table: &Table<'t>,
        key: &str,
        range: RangeInclusive<u64>,
        target: &mut N,
    ) {
        const ADVICE: &str = "write bytes as an integer or as \"32 MiB\" (B, KiB, MiB, GiB)";
        let size = match value(table, key) {
            None => return,
            Some(Value::Integer { digits, radix }) => u64::from_str_radix(digits, *radix).ok(),
            Some(Value::String(text)) => match parse_size(text) {
                Some(size) => Some(size),
                None => {
                    return self.fault(
                        &table.path(key),
                        format!("{text:?} is not a size; {ADVICE}"),
                    );
                }
            },
            Some(other) => return self.wrong_type(&table.path(key), other, ADVICE),
        };
        let size = size.filter(|size| range.contains(size));
        match size.and_then(|size| N::try_from(size).ok()) {
            Some(size) => *target = size,
            None => {
                let (least, most) = (format_size(*range.start()), format_size(*range.end()));
                self.out_of_range(table, key, &least, &most);
            }
        }
    }

    /// Does the same as [`Reader::set_number`] for durations: an integer of seconds, or a string such as `15m`.
    pub(super) fn set_duration(
        &mut self,
        table: &Table<'t>,
        key: &str,
        range: RangeInclusive<Duration>,
        target: &mut Duration,
    ) {
        const ADVICE: &str = "write it as \"30s\" (ms, s, m, h, d) or as an integer of seconds";
        let duration = match value(table, key) {
            None => return,
            Some(Value::Integer { digits, radix }) => {
                let seconds = u64::from_str_radix(digits, *radix).ok();
                seconds.map(Duration::from_secs)
            }
            Some(Value::String(text)) => match parse_duration(text) {
                Some(duration) => Some(duration),
                None => {
                    return self.fault(
                        &table.path(key),
                        format!("{text:?} is not a duration; {ADVICE}"),
                    );
                }
            },
            Some(other) => return self.wrong_type(&table.path(key), other, ADVICE),
        };
        match duration.filter(|duration| range.contains(duration)) {
            Some(duration) => *target = duration,
            None => {
                let least = format_duration(*range.start());
                let most = format_duration(*range.end());
                self.out_of_range(table, key, &least, &most);
            }
        }
    }

    pub(super) fn out_of_range(
        &mut self,
        table: &Table<'_>,
        key: &str,
        least: &dyn std::fmt::Display,
        most: &dyn std::fmt::Display,
    ) {
        let message = format!("is out of range; write a value from {least} to {most}");
        self.fault(&table.path(key), message);
    }

    pub(super) fn wrong_type(&mut self, path: &str, found: &Value<'_>, advice: &str) {
        self.fault(path, format!("is {}; {advice}", found.kind()));
    }

    /// Returns the elements of the array under `key`; none if it is missing or no array.
    pub(super) fn elements(
        &mut self,
        table: &Table<'t>,
        key: &str,
        advice: &str,
    ) -> &'t [Node<'t>] {
        match value(table, key) {
            None => &[],
            Some(Value::Array(elements)) => elements,
            Some(other) => {
                self.wrong_type(&table.path(key), other, advice);
                &[]
            }
        }
    }

    pub(super) fn note_element(
        &mut self,
        path: &str,
        position: usize,
        element: &Node<'_>,
    ) -> String {
        let path = format!("{path}[{position}]");
        if let Some(span) = &element.span {
            let (line, column) = self.line_and_column(span.clone());
            self.places.insert(&path, line, column);
        }
        path
    }

    fn line_and_column(&self, span: Range<usize>) -> (u32, u32) {
        let line = self.lines.partition_point(|&start| start <= span.start);
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let before = self.text.get(start..span.start).unwrap_or_default();
        let column = before.chars().count() + 1;
        (
            u32::try_from(line).unwrap_or(u32::MAX),
            u32::try_from(column).unwrap_or(u32::MAX),
        )
    }
}

pub(super) fn value<'t>(table: &Table<'t>, key: &str) -> Option<&'t Value<'t>> {
    table.entries.get(key).map(|node| &node.value)
}
