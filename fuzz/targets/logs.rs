//! The body of the fuzz target for redaction: a known credential, escaped in some ways and put into arbitrary
//! surroundings, must not be in the log.
//!
//! The fuzz target and an ordinary test that runs the checked-in corpus share it.

use http::Version;
use privet_distribution::logging::{
    DetailedResult, LogRecord, OwnFields, ResultType, redact_cookies, redact_query,
    redact_viewer_text,
};
use privet_sign::Timestamp;
use std::time::Duration;

/// Number of consecutive characters of a credential that count as a leak.
const LEAK_CHARACTERS_MIN: usize = 60;
const SECRET: &str = "SECRET";
const TEXT_SIZE_BYTES_MAX: usize = 64 * 1024;

/// Fuzzes redaction. The first line names a credential and its escapes, in order; in the rest, `SECRET` stands for the
/// credential.
pub fn redaction(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (words, around) = text.split_once('\n').unwrap_or((&text, SECRET));
    let credential = credential(words);
    let mut escaped = credential.clone();
    for word in words.split(' ').take(4) {
        escaped = escape(word, &escaped);
    }
    let text = around.replace(SECRET, &escaped);
    if escaped.len() > TEXT_SIZE_BYTES_MAX || text.len() > TEXT_SIZE_BYTES_MAX {
        return;
    }
    for redacted in [
        redact_viewer_text(&text),
        redact_query(&text),
        redact_cookies(&text),
    ] {
        check(&redacted, &credential);
    }
    let again = redact_viewer_text(&text).into_owned();
    assert_eq!(
        redact_viewer_text(&again),
        again,
        "redacting twice changes nothing"
    );
    for line in lines(&text) {
        check(&line, &credential);
    }
}

/// Returns a credential in which every run of letters occurs once, so that what is left of it can be found.
fn credential(words: &str) -> String {
    let is = |name: &str| words.split(' ').any(|word| word == name);
    let length = if is("p256") {
        94
    } else if is("token") {
        150
    } else {
        344
    };
    let alphabet = match (is("standard"), is("token")) {
        (_, true) => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
        (true, false) => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        (false, false) => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~",
    };
    let alphabet = alphabet.as_bytes();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let random = std::iter::from_fn(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        Some(char::from(
            alphabet[(state >> 40) as usize % alphabet.len()],
        ))
    });
    let begin = if is("token") { "S1" } else { "MG" };
    begin.chars().chain(random).take(length).collect()
}

fn escape(word: &str, text: &str) -> String {
    let each = |write: &dyn Fn(u8) -> String| text.bytes().map(write).collect::<String>();
    let between = |length: usize, what: &str| {
        let characters: Vec<char> = text.chars().collect();
        let lines = characters
            .chunks(length)
            .map(|line| line.iter().collect::<String>());
        lines.collect::<Vec<_>>().join(what)
    };
    match word {
        "percent" => each(&|byte| match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => char::from(byte).to_string(),
            other => format!("%{other:02x}"),
        }),
        "letters" => each(&|byte| format!("%{byte:02X}")),
        "json" => each(&|byte| format!("\\u{byte:04x}")),
        "braces" => each(&|byte| format!("\\u{{{byte:x}}}")),
        "hex" => each(&|byte| format!("\\x{byte:02x}")),
        "octal" => each(&|byte| format!("\\{byte:03o}")),
        "script" => each(&|byte| format!("%u{byte:04X}")),
        "entities" => each(&|byte| format!("&#{byte};")),
        "entities-x" => each(&|byte| format!("&#x{byte:X};")),
        "entities-open" => each(&|byte| format!("&#{byte}")),
        "amp" => text.replace('&', "&amp;"),
        "slashes" => text.replace('/', "\\/"),
        "lines" => between(76, "\r\n"),
        "blanks" => between(4, " "),
        "zwj" => between(4, "&zwj;"),
        "zeros" => each(&|byte| format!("&#x{byte:030x};")),
        "octal-braces" => each(&|byte| format!("\\o{{{byte:o}}}")),
        "cut" => between(60, ","),
        "halves" => between(48, "?"),
        "fullwidth" => text.chars().map(widened).collect(),
        "zero-width" => between(10, "\u{200b}"),
        _ => text.to_owned(),
    }
}

/// Offset from the visible characters of ASCII to their fullwidth forms, U+FF01 to U+FF5E.
const FULLWIDTH: u32 = 0xfee0;

fn widened(character: char) -> char {
    let wide = char::from_u32(u32::from(character) + FULLWIDTH);
    wide.filter(|_| character.is_ascii_graphic())
        .unwrap_or(character)
}

fn narrowed(character: char) -> char {
    let narrow = u32::from(character)
        .checked_sub(FULLWIDTH)
        .and_then(char::from_u32);
    narrow.filter(char::is_ascii_graphic).unwrap_or(character)
}

/// Returns the two forms of a line of the access log; every field may contain the text.
fn lines(text: &str) -> [String; 2] {
    let record = LogRecord {
        ended: Timestamp::from_secs(1_767_000_000),
        edge_location: "PRV50-C1",
        sc_bytes: 0,
        client: ([192, 0, 2, 77], 443).into(),
        method: text,
        distribution_id: "E",
        cs_host: text,
        uri_stem: text,
        status: 403,
        referer: Some(text),
        user_agent: Some(text),
        uri_query: Some(text),
        cookie: Some(text),
        result: ResultType::Error,
        request_id: text,
        host_header: text,
        protocol: "https",
        cs_bytes: 0,
        time_taken: Duration::ZERO,
        forwarded_for: Some(text),
        tls: Some((text, text)),
        response_result: ResultType::Error,
        version: Version::HTTP_11,
        time_to_first_byte: Duration::ZERO,
        detail: DetailedResult::Plain(ResultType::Error),
        content_type: Some(text),
        content_length: None,
        range: None,
        own: OwnFields {
            refusal: None,
            grant: Some(text),
        },
    };
    let (mut plain, mut json) = (Vec::new(), Vec::new());
    record.write_w3c(&mut plain);
    record.write_json(&mut json);
    [plain, json].map(|line| String::from_utf8_lossy(&line).into_owned())
}

/// Checks that nobody can find the credential by decoding the rest, however often, and by joining lines.
fn check(redacted: &str, credential: &str) {
    let mut text = redacted.to_owned();
    loop {
        let narrow = text.chars().map(narrowed);
        let joined: String = narrow.filter(char::is_ascii_graphic).collect();
        let joined = joined.replace('\\', "");
        for start in 0..=credential.len() - LEAK_CHARACTERS_MIN {
            let piece = &credential[start..start + LEAK_CHARACTERS_MIN];
            assert!(
                !joined.contains(piece),
                "{piece} is left in {redacted:.2000}"
            );
        }
        let next = decoded(&text);
        if next == text {
            return;
        }
        text = next;
    }
}

/// Undoes every escape once, from the left.
fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (character, length) = escaped(rest).unwrap_or((first, first.len_utf8()));
        out.push(character);
        rest = &rest[length..];
    }
    out
}

fn escaped(text: &str) -> Option<(char, usize)> {
    let number = |digits: &str, radix: u32| {
        let is_number = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
        let number = u32::from_str_radix(digits, radix)
            .ok()
            .filter(|_| is_number)?;
        Some(char::from_u32(number).unwrap_or('\u{fffd}'))
    };
    let fixed = |mark: &str, count: usize, radix: u32| {
        let digits = text.strip_prefix(mark)?.get(..count)?;
        Some((number(digits, radix)?, mark.len() + count))
    };
    let open = |mark: &str, end: &str, radix: u32| {
        let rest = text.strip_prefix(mark)?;
        let digits = rest.find(|character: char| !character.is_digit(radix));
        let digits = &rest[..digits.unwrap_or(rest.len())];
        let closed = rest[digits.len()..].starts_with(end);
        let length = mark.len() + digits.len() + if closed { end.len() } else { 0 };
        Some((number(digits, radix)?, length)).filter(|_| closed || end == ";")
    };
    fixed("%u", 4, 16)
        .or_else(|| fixed("%", 2, 16))
        .or_else(|| fixed("\\u", 4, 16))
        .or_else(|| fixed("\\x", 2, 16))
        .or_else(|| open("\\u{", "}", 16))
        .or_else(|| fixed("\\", 3, 8))
        .or_else(|| open("&#x", ";", 16))
        .or_else(|| open("&#X", ";", 16))
        .or_else(|| open("&#", ";", 10))
        .or_else(|| text.starts_with("&amp;").then_some(('&', 5)))
}
