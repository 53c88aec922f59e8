//! Models of how servers map a path to a file. They follow the servers' documentation and source, and are written
//! independently of the rule that they judge.

/// A server's reading of a path, raw or as another server has passed it on. One character stands for one byte: see
/// [`bytes_of`].
pub type Model = fn(&str) -> String;

/// Every model with its name.
pub const MODELS: [(&str, Model); 20] = [
    ("literal, decoded once", decoded),
    ("literal, as sent", str::to_owned),
    ("WHATWG URL", whatwg),
    ("WHATWG URL and a file system", whatwg_on_disk),
    ("RFC 3986, raw", rfc_3986),
    ("RFC 3986 after decoding", decoded_then_collapsed),
    ("Tomcat", tomcat),
    ("Jetty", jetty),
    ("nginx", nginx),
    ("nginx, merge_slashes off", nginx_unmerged),
    ("h2o", h2o),
    ("IIS", iis),
    ("IIS with %u", iis_unicode),
    ("decodes twice", decoded_twice),
    ("decodes three times", decoded_thrice),
    ("cuts at what it has decoded", cut_after_decoding),
    ("takes + for a blank", plus_is_blank),
    ("trims segments", trimmed),
    ("folds to ASCII", folded),
    ("overlong UTF-8", overlong),
];

/// lighttpd, PHP and WEBrick by default, Apache with `AcceptPathInfo`: what follows the name of a file is passed to the
/// file. These names are files to the model.
pub fn path_info(path: &str) -> String {
    let name = on_disk(&decoded(path));
    let ends = [".txt/", ".jpg/", ".mp4/", ".001/", "~/", ".env/", ".php/"];
    let cut = ends
        .iter()
        .filter_map(|end| Some(name.find(end)? + end.len() - 1));
    name[..cut.min().unwrap_or(name.len())].to_owned()
}

/// nginx with `proxy_pass http://up$uri` in front: the server sees the decoded path in the request line.
pub fn request_line(path: &str) -> String {
    let name = decoded(path);
    let target = name.split(" HTTP/").next().unwrap_or_default();
    on_disk(target)
}

/// Percent-decoded once; a `%` that starts no escape stands for itself.
pub fn decoded(path: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some(first) = rest.chars().next() {
        let escape = rest.get(1..3).filter(|_| first == '%');
        match escape.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(char::from(byte));
                rest = &rest[3..];
            }
            None => {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    out
}

/// RFC 3986 5.2.4, with parameters for what counts as `.` and `..`.
fn without_dots(path: &str, is_dot: fn(&str) -> bool, is_dots: fn(&str) -> bool) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let segments: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
    for (position, segment) in segments.iter().enumerate() {
        let is_last = position + 1 == segments.len();
        if is_dots(segment) {
            kept.pop();
        } else if !is_dot(segment) {
            kept.push(segment);
            continue;
        }
        if is_last {
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}

fn plain_dots(path: &str) -> String {
    without_dots(path, |segment| segment == ".", |segment| segment == "..")
}

fn merged(path: &str) -> String {
    let mut out = String::new();
    for character in path.chars() {
        if character != '/' || !out.ends_with('/') {
            out.push(character);
        }
    }
    out
}

/// The file that an operating system opens: empty segments and dots do not count.
fn on_disk(path: &str) -> String {
    plain_dots(&merged(path))
}

fn slashed(path: &str) -> String {
    path.replace('\\', "/")
}

/// Tabs and line breaks are removed, `\` is a slash, and `%2e` is a dot (URL Standard, "path state").
fn whatwg(path: &str) -> String {
    let bare: String = path.chars().filter(|c| !"\t\n\r".contains(*c)).collect();
    let bare = bare.split(['?', '#']).next().unwrap_or_default().to_owned();
    let is_dot = |segment: &str| segment == "." || segment.eq_ignore_ascii_case("%2e");
    let is_dots = |segment: &str| segment.to_ascii_lowercase().replace("%2e", ".") == "..";
    decoded(&without_dots(&slashed(&bare), is_dot, is_dots))
}

fn whatwg_on_disk(path: &str) -> String {
    on_disk(&whatwg(path))
}

fn rfc_3986(path: &str) -> String {
    decoded(&plain_dots(path))
}

fn decoded_then_collapsed(path: &str) -> String {
    on_disk(&decoded(path))
}

fn without_parameters(path: &str) -> String {
    let segments = path.split('/');
    let bare: Vec<&str> = segments
        .map(|segment| segment.split(';').next().unwrap_or_default())
        .collect();
    bare.join("/")
}

/// Path parameters are removed before decoding, then slashes and dots are normalized (`CoyoteAdapter`).
fn tomcat(path: &str) -> String {
    on_disk(&slashed(&decoded(&without_parameters(path))))
}

/// Dots are resolved before and after decoding; path parameters are removed in between (`URIUtil`).
fn jetty(path: &str) -> String {
    let dotless = without_dots(
        path,
        |segment| decoded(segment.split(';').next().unwrap_or_default()) == ".",
        |segment| decoded(segment.split(';').next().unwrap_or_default()) == "..",
    );
    on_disk(&decoded(&without_parameters(&dotless)))
}

/// Percent-decoding, merging of slashes and resolving of dots in one pass (`ngx_http_parse_complex_uri`).
fn nginx(path: &str) -> String {
    plain_dots(&merged(&decoded(path)))
}

/// A proxy that leaves slashes as they are, with a file system that merges them.
fn nginx_unmerged(path: &str) -> String {
    merged(&plain_dots(&decoded(path)))
}

/// Dots are resolved segment by segment, empty ones included, and the file system merges slashes.
fn h2o(path: &str) -> String {
    merged(&plain_dots(&decoded(path)))
}

fn windows_name(segment: &str) -> String {
    let stem = segment.split(":$").next().unwrap_or_default();
    let stem = stem.split("::").next().unwrap_or_default();
    if stem == "." || stem == ".." {
        return stem.to_owned();
    }
    stem.trim_end_matches(['.', ' ']).to_owned()
}

fn iis(path: &str) -> String {
    let cut = decoded(path);
    let cut = cut.split('\0').next().unwrap_or_default();
    let dotless = on_disk(&slashed(cut));
    let names: Vec<String> = dotless.split('/').map(windows_name).collect();
    on_disk(&names.join("/"))
}

/// `%u002f`, and best-fit mappings of a code page.
fn iis_unicode(path: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some(first) = rest.chars().next() {
        let is_escape = rest.starts_with("%u") || rest.starts_with("%U");
        let digits = rest.get(2..6).filter(|_| is_escape);
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        match code.and_then(char::from_u32) {
            Some(character) => {
                out.push_str(&bytes_of(&character.to_string()));
                rest = &rest[6..];
            }
            None => {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    iis(&folded(&out))
}

fn decoded_twice(path: &str) -> String {
    on_disk(&decoded(&decoded(path)))
}

fn decoded_thrice(path: &str) -> String {
    on_disk(&slashed(&decoded(&decoded(&decoded(path)))))
}

fn cut_after_decoding(path: &str) -> String {
    let name = decoded(path);
    on_disk(name.split(['?', '#', '\0', ';']).next().unwrap_or_default())
}

fn plus_is_blank(path: &str) -> String {
    on_disk(&decoded(&path.replace('+', " ")))
}

fn trimmed(path: &str) -> String {
    let name = text_of(&decoded(path));
    let segments: Vec<&str> = name.split('/').map(str::trim).collect();
    on_disk(&bytes_of(&segments.join("/")))
}

/// Returns the bytes of a text, one character each.
pub fn bytes_of(text: &str) -> String {
    text.bytes().map(char::from).collect()
}

/// Returns the text that bytes, one character each, encode.
fn text_of(name: &str) -> String {
    let bytes: Vec<u8> = name.chars().filter_map(|c| u8::try_from(c).ok()).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Replaces compatibility forms of the characters that paths are made of.
fn folded(path: &str) -> String {
    let text = text_of(&decoded(path));
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '\u{ff01}'..='\u{ff5e}' => {
                let code = u32::from(character) - 0xff01 + 0x21;
                out.extend(char::from_u32(code));
            }
            '\u{2024}' | '\u{fe52}' => out.push('.'),
            '\u{2025}' => out.push_str(".."),
            '\u{2044}' | '\u{2215}' => out.push('/'),
            '\u{2216}' | '\u{fe68}' | '\u{a5}' | '\u{20a9}' => out.push('\\'),
            '\u{37e}' | '\u{fe54}' => out.push(';'),
            other => out.push(other),
        }
    }
    tomcat(&bytes_of(&out))
}

/// `%c0%ae` and `%c0%af`, which old decoders take for `.` and `/`.
fn overlong(path: &str) -> String {
    let name = decoded(path);
    let name = name
        .replace("\u{c0}\u{ae}", ".")
        .replace("\u{c0}\u{af}", "/");
    on_disk(
        &name
            .replace("\u{e0}\u{80}\u{af}", "/")
            .replace("\u{e0}\u{80}\u{ae}", "."),
    )
}
