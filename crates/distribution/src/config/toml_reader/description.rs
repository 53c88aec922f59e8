//! Checks the keys that only describe: operators and CloudFront's API read them, and nothing at the edge depends on
//! them. They stay in the documents and are not kept beside them.

use super::table::{Reader, Table, value};

/// CloudFront's limits, in characters and entries (API reference, `Comment`, `Tag` and `OriginAccessControlConfig`).
const COMMENT_LENGTH_MAX: usize = 128;
const DESCRIPTION_LENGTH_MAX: usize = 256;
const NAME_LENGTH_MAX: usize = 128;
const TAGS_MAX: usize = 50;
const TAG_KEY_LENGTH_MAX: usize = 128;
const TAG_VALUE_LENGTH_MAX: usize = 256;
/// The API reference says none; what its clients write is much shorter.
const CALLER_REFERENCE_LENGTH_MAX: usize = 256;

/// Checks those of these keys that the table has. Whether it may have them was checked when it was opened.
pub(super) fn check_description<'t>(reader: &mut Reader<'t>, table: &Table<'t>) {
    check_text(reader, table, "comment", 0..=COMMENT_LENGTH_MAX);
    let lengths = 1..=CALLER_REFERENCE_LENGTH_MAX;
    check_text(reader, table, "caller_reference", lengths);
    check_text(reader, table, "description", 0..=DESCRIPTION_LENGTH_MAX);
    let classes = ["PriceClass_100", "PriceClass_200", "PriceClass_All"];
    reader.choice(table, "price_class", &classes.map(|class| (class, ())));
    let sources = ["acm", "cloudfront", "iam"];
    reader.choice(
        table,
        "certificate_source",
        &sources.map(|source| (source, ())),
    );
    reader.boolean(table, "ipv6_enabled");
    reader.boolean(table, "realtime_metrics");
    check_tags(reader, table);
}

/// Reads a name, of 1 to 128 characters; `None` if it is missing or faulty.
pub(super) fn read_name<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> Option<String> {
    check_text(reader, table, "name", 1..=NAME_LENGTH_MAX)
}

/// Reads a text with a number of characters in `lengths`; `None` if it is missing or faulty.
pub(super) fn check_text<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
    key: &str,
    lengths: std::ops::RangeInclusive<usize>,
) -> Option<String> {
    let text = reader.string(table, key)?;
    let path = table.path(key);
    let length = text.chars().count();
    if !lengths.contains(&length) {
        let (least, most) = (lengths.start(), lengths.end());
        let message = format!("has {length} characters; write {least} to {most}");
        reader.fault(&path, message);
        return None;
    }
    if !text.chars().all(is_writable) {
        reader.fault(&path, "has control characters; remove them");
        return None;
    }
    Some(text)
}

/// Returns true for the characters that XML can have (XML 1.0, 2.2), in which CloudFront's API shows these texts.
fn is_writable(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r')
        || !(character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}'))
}

/// Checks tags by the rules of AWS (API reference, `Tag`; "Tagging AWS resources").
fn check_tags<'t>(reader: &mut Reader<'t>, table: &Table<'t>) {
    let Some(tags) = reader.free_table(table, "tags") else {
        return;
    };
    let path = table.path("tags");
    let count = tags.keys().count();
    if count > TAGS_MAX {
        let message = format!("has {count} entries; remove some, the maximum is {TAGS_MAX}");
        reader.fault(&path, message);
    }
    for key in tags.keys() {
        let length = key.chars().count();
        let is_own = key
            .get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case("aws:"));
        if !(1..=TAG_KEY_LENGTH_MAX).contains(&length) || !key.chars().all(is_of_tags) || is_own {
            let message = format!(
                "{key:?} is not the key of a tag: 1 to {TAG_KEY_LENGTH_MAX} letters, digits, blanks and _.:/=+-@, without aws: in front"
            );
            reader.fault(&path, message);
        }
        let text = reader.string(&tags, key).unwrap_or_default();
        if text.chars().count() > TAG_VALUE_LENGTH_MAX || !text.chars().all(is_of_tags) {
            let message = format!(
                "is not the value of a tag: up to {TAG_VALUE_LENGTH_MAX} letters, digits, blanks and _.:/=+-@"
            );
            reader.fault(&tags.path(key), message);
        }
    }
}

fn is_of_tags(character: char) -> bool {
    let is_control = character.is_control();
    let is_plain = character.is_alphanumeric() || character.is_whitespace();
    (is_plain && !is_control) || "_.:/=+-@".contains(character)
}

/// Returns true if the table has any of the keys.
pub(super) fn has_any(table: &Table<'_>, keys: &[&str]) -> bool {
    keys.iter().any(|key| value(table, key).is_some())
}
