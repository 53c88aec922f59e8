//! What else a path may name, to an origin that reads it in another way than this edge does.
//!
//! Some servers collapse `//`, `/./` and `/../`, some decode twice, some take `\` for `/` or cut off `;parameters`, or
//! what follows a `?`, `#` or NUL that they have decoded. A path that is open as it stands must not name a restricted
//! object there.

/// How often an origin may decode once more.
const DECODINGS_MAX: usize = 3;

/// How far up the `..` segments of a path lead, in the reading in which they lead furthest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Climb {
    /// There are none.
    None,
    /// Not above the root.
    WithinRoot,
    /// Above the root: at an origin, out of the origin path.
    AboveRoot,
}

/// How far `name`, decoded once, climbs.
pub(crate) fn climb(name: &str) -> Climb {
    if is_plain(name) {
        return Climb::None;
    }
    let readings = uncollapsed(name);
    let climbs = readings.iter().map(|reading| climb_of(reading));
    climbs.max().unwrap_or(Climb::None)
}

/// Empty segments do not count: merged first, they are nothing to climb out of.
fn climb_of(reading: &str) -> Climb {
    let mut depth = 0_usize;
    let mut climb = Climb::None;
    for segment in reading.split('/') {
        match (segment, depth) {
            ("" | ".", _) => {}
            ("..", 0) => return Climb::AboveRoot,
            ("..", _) => {
                climb = Climb::WithinRoot;
                depth -= 1;
            }
            _ => depth += 1,
        }
    }
    climb
}

/// Every other name that `name`, decoded once, may have at an origin; none for a plain path.
pub(crate) fn other_names(name: &str) -> Vec<String> {
    if is_plain(name) {
        return Vec::new();
    }
    let mut names = Vec::new();
    for reading in uncollapsed(name) {
        insert_collapsed(&mut names, &reading);
    }
    names.retain(|other| other != name);
    names
}

/// The readings of a name before segments are merged or removed.
fn uncollapsed(name: &str) -> Vec<String> {
    let mut readings = Vec::new();
    let mut decoded = name.to_owned();
    for _ in 0..DECODINGS_MAX {
        let slashed = decoded.replace('\\', "/");
        for reading in [&decoded, &slashed] {
            let cut = reading.split(['?', '#', '\0']).next().unwrap_or(reading);
            let others = [without_parameters(reading), without_parameters(cut)];
            let all = [reading.clone(), cut.to_owned()].into_iter().chain(others);
            readings.extend(all);
        }
        let again = decoded_again(&decoded);
        if again == decoded {
            break;
        }
        decoded = again;
    }
    readings.sort_unstable();
    readings.dedup();
    readings
}

fn is_plain(name: &str) -> bool {
    let is_special = |byte: u8| matches!(byte, b'%' | b'\\' | b';' | b'?' | b'#' | 0);
    let mut pairs = name.as_bytes().windows(2);
    !name.bytes().any(is_special) && !pairs.any(|pair| pair == b"//" || pair == b"/.")
}

fn insert_collapsed(names: &mut Vec<String>, name: &str) {
    let merged = without_empty_segments(name);
    let collapsed = [
        name.to_owned(),
        without_dot_segments(name),
        without_dot_segments(&merged),
        merged,
    ];
    for other in collapsed {
        if !names.contains(&other) {
            names.push(other);
        }
    }
}

/// RFC 3986 5.2.4.
pub(crate) fn without_dot_segments(name: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let bare = name.strip_prefix('/').unwrap_or(name);
    let mut segments = bare.split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            other => {
                kept.push(other);
                continue;
            }
        }
        // A dot segment at the end stands for the folder itself.
        if is_last {
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}

fn without_empty_segments(name: &str) -> String {
    let mut merged = String::with_capacity(name.len());
    for character in name.chars() {
        if character != '/' || !merged.ends_with('/') {
            merged.push(character);
        }
    }
    merged
}

/// As servlet containers do with every segment.
fn without_parameters(name: &str) -> String {
    let segments = name.split('/');
    let bare: Vec<&str> = segments
        .map(|segment| segment.split(';').next().unwrap_or(segment))
        .collect();
    bare.join("/")
}

/// Percent-decoded once more; one character for each byte, as in the name itself.
fn decoded_again(name: &str) -> String {
    let mut decoded = String::with_capacity(name.len());
    let mut characters = name.chars();
    while let Some(character) = characters.next() {
        let mut after = characters.clone();
        let digits = (
            after.next().and_then(|high| high.to_digit(16)),
            after.next().and_then(|low| low.to_digit(16)),
        );
        match (character, digits) {
            ('%', (Some(high), Some(low))) => {
                let byte = u8::try_from(high << 4 | low).unwrap_or_default();
                decoded.push(char::from(byte));
                characters = after;
            }
            (other, _) => decoded.push(other),
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, other: &str) {
        let names = other_names(name);
        assert!(names.iter().any(|known| known == other), "{names:?}");
    }

    #[test]
    fn plain_paths_have_one_name() {
        for plain in ["/", "/a/b.mp4", "/a./b", "/a..b/c"] {
            assert_eq!(other_names(plain), Vec::<String>::new(), "{plain}");
        }
    }

    #[test]
    fn other_readings() {
        check("/public/../private/a", "/private/a");
        check("/public/./../private/a", "/private/a");
        check("/../../private/a", "/private/a");
        check("/public//../private/a", "/private/a");
        check("/public//../private/a", "/public/private/a");
        check("//private/a", "/private/a");
        check("/public/%2e%2e/private/a", "/private/a");
        check("/public/%252e%252e/private/a", "/private/a");
        check("/public%2f..%2fprivate/a", "/private/a");
        check("/public\\..\\private\\a", "/private/a");
        check("/public/..;x=y/private/a", "/private/a");
        check("/private;x/a", "/private/a");
        check("/public/..", "/");
        check("/public/../private/.", "/private/");
        check("/%70rivate/a", "/private/a");
        check("/private/a?.jpg", "/private/a");
        check("/private/a%3f.jpg", "/private/a");
        check("/private/a#.jpg", "/private/a");
        check("/private/a\0.jpg", "/private/a");
    }

    #[test]
    fn climbing() {
        for above in [
            "/..",
            "/../a",
            "/a//../../b",
            "/a/..%2f../b",
            "/..\\a",
            "/..;x/a",
        ] {
            assert_eq!(climb(above), Climb::AboveRoot, "{above}");
        }
        for within in ["/a/..", "/a/b/../../c", "/a/..;x/b", "/a/%2e%2e/b"] {
            assert_eq!(climb(within), Climb::WithinRoot, "{within}");
        }
        for not in ["/", "/a", "/a/./b", "/a//b", "/a/...", "/a/..b", "/a;b"] {
            assert_eq!(climb(not), Climb::None, "{not}");
        }
    }
}
