//! Finds the Cookie header in pasted text: header lines, curl commands, tables and JSON of browsers and programs.
//!
//! A text that is a header value already stays as it is, mistakes included: the explanation is about them.

use serde_json::Value;
use std::borrow::Cow;

/// The prefix of the names of all signing cookies.
const NAMES: &str = "CloudFront-";

/// Returns the value of the Cookie header that `pasted` is or contains.
pub(super) fn cookie_header(pasted: &str) -> Cow<'_, str> {
    let text = without_quotes(pasted.trim());
    if let Some(header) = of_json(text).or_else(|| of_curl(text)) {
        return Cow::Owned(header);
    }
    if !text.contains(['\n', '\t']) {
        return of_line(text);
    }
    let lines = text.lines().filter(|line| line.contains(NAMES));
    let pieces: Vec<Cow<'_, str>> = lines.map(of_line).collect();
    if pieces.is_empty() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(pieces.join("; "))
}

/// Returns the hint about cookies whose values are in quotes; `None` if there are none.
pub(super) fn quotes_hint(header: &str) -> Option<&'static str> {
    let mut values = header.split(';').filter_map(|piece| {
        let (name, value) = piece.trim().split_once('=')?;
        name.starts_with(NAMES).then_some(value)
    });
    let has_quotes = values.any(|value| value.starts_with(['"', '\'']));
    has_quotes.then_some(
        "the values of the cookies stand in quotes, which are sent as a part of them: set the cookies without quotes",
    )
}

/// Removes one pair of quotes around the whole text.
fn without_quotes(text: &str) -> &str {
    let inner = ['"', '\'', '`'].iter().find_map(|quote| {
        let inner = text.strip_prefix(*quote)?.strip_suffix(*quote)?;
        (!inner.contains(*quote)).then_some(inner)
    });
    inner.unwrap_or(text).trim()
}

/// Reads a header line, a row of a table, or a header value, which stays as it is.
fn of_line(line: &str) -> Cow<'_, str> {
    let line = line.trim();
    if let Some(attributes) = without_name(line, "set-cookie") {
        let cookie = attributes.split(';').next().unwrap_or(attributes);
        return Cow::Borrowed(cookie.trim());
    }
    if let Some(value) = without_name(line, "cookie") {
        return Cow::Borrowed(value);
    }
    of_row(line).map_or(Cow::Borrowed(line), Cow::Owned)
}

/// Returns the value of a header line with this name; a copied table separates the two by a tab.
fn without_name<'t>(line: &'t str, name: &str) -> Option<&'t str> {
    let (start, rest) = line.split_at_checked(name.len())?;
    let value = rest
        .trim_start()
        .strip_prefix(':')
        .or_else(|| rest.strip_prefix('\t'))?;
    start.eq_ignore_ascii_case(name).then_some(value.trim())
}

/// Reads `name<TAB>value…` as browsers copy it, `…<TAB>name<TAB>value` of a cookie jar, or `name: "value"`.
fn of_row(line: &str) -> Option<String> {
    let unquoted = |text: &str| {
        text.trim()
            .trim_end_matches(',')
            .trim_matches('"')
            .to_owned()
    };
    let mut fields = line.split('\t').map(unquoted);
    let name = fields.find(|field| is_name(field));
    if let (Some(name), Some(value)) = (name, fields.next()) {
        return Some(format!("{name}={value}"));
    }
    let (name, value) = line.split_once(':')?;
    let name = unquoted(name);
    is_name(&name).then(|| format!("{name}={}", unquoted(value)))
}

fn is_name(text: &str) -> bool {
    text.starts_with(NAMES) && !text.contains(['=', ';', ':', ' '])
}

/// Finds cookies in JSON: objects with cookies as keys, or with `name` and `value`, at any depth.
fn of_json(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    let mut pairs = Vec::new();
    collect(&value, &mut pairs);
    (!pairs.is_empty()).then(|| pairs.join("; "))
}

fn collect(value: &Value, pairs: &mut Vec<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect(value, pairs)),
        Value::Object(object) => {
            let text = |name: &str| object.get(name).and_then(Value::as_str);
            if let (Some(name), Some(value)) = (text("name"), text("value")) {
                if name.starts_with(NAMES) {
                    pairs.push(format!("{name}={value}"));
                }
                return;
            }
            for (name, value) in object {
                match value.as_str() {
                    Some(value) if name.starts_with(NAMES) => pairs.push(format!("{name}={value}")),
                    Some(_) | None => collect(value, pairs),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Returns the cookies of a curl command, or of its options alone.
fn of_curl(text: &str) -> Option<String> {
    if !text.starts_with("curl") && !text.starts_with('-') {
        return None;
    }
    // The command prompt of Windows escapes quotes in this way.
    let text = text.replace('^', "");
    let mut words = shell_words(&text).into_iter();
    while let Some(word) = words.next() {
        let joined = |option: &str| word.strip_prefix(option).map(str::to_owned);
        let cookies = match word.as_str() {
            "-b" | "--cookie" => words.next(),
            "-H" | "--header" => words.next().and_then(|header| of_header(&header)),
            _ => joined("--cookie=")
                .or_else(|| joined("-b"))
                .or_else(|| joined("--header=").and_then(|header| of_header(&header)))
                .or_else(|| joined("-H").and_then(|header| of_header(&header))),
        };
        if cookies.is_some() {
            return cookies;
        }
    }
    None
}

fn of_header(header: &str) -> Option<String> {
    without_name(header.trim(), "cookie").map(str::to_owned)
}

/// Splits a command line into words, without quotes and backslashes.
fn shell_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match (quote, char) {
            (Some(open), _) if char == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(char);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => match chars.next() {
                // A line continuation.
                Some('\n' | '\r') | None => {}
                Some(escaped) => word.get_or_insert_default().push(escaped),
            },
            (None, _) if char.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(char),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str =
        "CloudFront-Policy=eyJ_; CloudFront-Signature=a-b~c__; CloudFront-Key-Pair-Id=K1";

    #[track_caller]
    fn check(pasted: &str, expected: &str) {
        assert_eq!(cookie_header(pasted), expected, "{pasted:?}");
    }

    #[test]
    fn l4_what_is_none_of_these_forms_stays_as_it_is() {
        for text in [
            "",
            "\"",
            "Cookie",
            "curl",
            "curl https://host/a -H 'Accept: */*'",
            "-b",
            "{}",
            "{\"a\": 1}",
            "[1, null]",
            "a\nb",
            "cloudfront-policy=x; CloudFront-Signature=a b",
            "CloudFront-Policy=\"x\"; CloudFront-Signature=\"y\"",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn l4_header_lines() {
        check(HEADER, HEADER);
        for prefix in ["Cookie: ", "cookie:", "COOKIE : ", "Cookie\t", " cookie:\t"] {
            check(&format!("{prefix}{HEADER}"), HEADER);
            check(&format!("'{prefix}{HEADER}'"), HEADER);
            check(
                &format!("Accept: */*\r\n{prefix}{HEADER}\r\nHost: a"),
                HEADER,
            );
        }
        check(&format!("\"{HEADER}\""), HEADER);
        check(
            &format!(":authority\nhost\ncookie\n{HEADER}\nuser-agent\nx"),
            HEADER,
        );
        let set_cookie: String = HEADER
            .split("; ")
            .map(|pair| format!("Set-Cookie: {pair}; Path=/; Secure; HttpOnly\n"))
            .collect();
        check(&set_cookie, HEADER);
    }

    #[test]
    fn l4_curl_commands() {
        for command in [
            format!("curl 'https://host/a' -H 'accept: */*' -H 'cookie: {HEADER}'"),
            format!("curl 'https://host/a' \\\n  -b '{HEADER}' \\\n  -H 'accept: */*'"),
            format!("curl \"https://host/a\" --cookie \"{HEADER}\""),
            format!("curl ^\"https://host/a^\" ^\n  -b ^\"{HEADER}^\" ^\n"),
            format!("curl --cookie='{HEADER}' https://host/a"),
            format!("-H 'Cookie: {HEADER}'"),
            format!("-b '{HEADER}'"),
        ] {
            check(&command, HEADER);
        }
    }

    #[test]
    fn l4_tables_and_json() {
        let pairs = || HEADER.split("; ").filter_map(|pair| pair.split_once('='));
        let rows = |row: fn((&str, &str)) -> String| pairs().map(row).collect::<String>();
        check(
            &rows(|(name, value)| format!("{name}\t{value}\thost\t/\tSession\t300\t✓\t✓\n")),
            HEADER,
        );
        check(
            &rows(|(name, value)| format!("#HttpOnly_host\tFALSE\t/\tTRUE\t0\t{name}\t{value}\n")),
            HEADER,
        );
        check(
            &rows(|(name, value)| format!("{name}: \"{value}\",\n")),
            HEADER,
        );
        let list: Vec<Value> = pairs()
            .map(|(name, value)| serde_json::json!({ "domain": "host", "name": name, "value": value }))
            .collect();
        check(&Value::from(list).to_string(), HEADER);
        // Objects come in the order of their names.
        let sorted =
            "CloudFront-Key-Pair-Id=K1; CloudFront-Policy=eyJ_; CloudFront-Signature=a-b~c__";
        let object: serde_json::Map<String, Value> = pairs()
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        check(
            &serde_json::json!({ "Request Cookies": object }).to_string(),
            sorted,
        );
    }

    #[test]
    fn l4_quotes_around_values_are_told() {
        assert_eq!(quotes_hint(HEADER), None);
        assert_eq!(quotes_hint("a=\"b\""), None);
        assert!(quotes_hint("a=b; CloudFront-Policy=\"x\"").is_some());
    }
}
