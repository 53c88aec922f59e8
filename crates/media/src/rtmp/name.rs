//! Names of streams: finds the object's key and the signing parameters in the application and the name, however the
//! player split the URL in two.
//!
//! ```text
//! rtmp://host/cfx/st/mp4:video/talk.mp4?Policy=…
//!   application cfx/st             name mp4:video/talk.mp4?Policy=…
//!   application cfx/st/mp4:video   name mp4:talk?Policy=…
//! ```
//!
//! `cfx/st` is no part of the key; a folder may precede it. The kind, `mp4:`, `mp3:` or `flv:`, may precede any part.
//! With a kind, the extension may be missing; without kind and extension the object is an flv.

/// Application of streaming distributions, followed by their instance.
const APPLICATION: &str = "cfx";
const INSTANCE: &str = "st";
/// Name of the instance where the viewer named none.
const DEFAULT_INSTANCE: &str = "_definst_";
/// Size limit of application and name together.
const SIZE_BYTES_MAX: usize = 4096;
/// Extensions after which no other is added.
const EXTENSIONS: [&str; 8] = [
    ".mp4", ".m4v", ".m4a", ".mov", ".f4v", ".flv", ".mp3", ".3gp",
];

/// The reason why a name cannot be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadName {
    /// `cfx/st` is missing.
    InvalidInstance,
    /// Too long, climbing, empty, or with characters that no key contains.
    InvalidUri,
}

impl BadName {
    /// Returns CloudFront's error code for it.
    pub fn word(self) -> &'static str {
        match self {
            BadName::InvalidInstance => "InvalidInstance",
            BadName::InvalidUri => "InvalidURI",
        }
    }
}

/// The kind of object that a video is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VideoKind {
    /// `mp4:`, and all extensions of mp4 objects.
    Mp4,
    /// `mp3:`.
    Mp3,
    /// `flv:`, or no prefix at all.
    Flv,
}

impl VideoKind {
    const ALL: [VideoKind; 3] = [VideoKind::Mp4, VideoKind::Mp3, VideoKind::Flv];

    fn prefix(self) -> &'static str {
        match self {
            VideoKind::Mp4 => "mp4:",
            VideoKind::Mp3 => "mp3:",
            VideoKind::Flv => "flv:",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            VideoKind::Mp4 => ".mp4",
            VideoKind::Mp3 => ".mp3",
            VideoKind::Flv => ".flv",
        }
    }
}

/// The name of a stream, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamName {
    /// Folders before `cfx/st`, with a slash at the end, or empty.
    folder: String,
    /// Name after `cfx/st`, as the viewer spelled it.
    spelled: String,
    /// Folder and name, decoded.
    name: String,
    /// Signing parameters, as received; empty if there are none.
    query: String,
    kind: Option<VideoKind>,
}

impl StreamName {
    /// Parses the application of `connect` and the name of `play`.
    ///
    /// # Errors
    ///
    /// `InvalidInstance` without `cfx/st`, `InvalidUri` if no object can have this name.
    pub fn read(application: &str, play: &str) -> Result<StreamName, BadName> {
        if application.len() + play.len() > SIZE_BYTES_MAX {
            return Err(BadName::InvalidUri);
        }
        // Some pages encoded the whole name, as Flash dropped everything after a question mark.
        let decoded;
        let (play, query) = match play.split_once('?') {
            Some(halves) => halves,
            None => {
                decoded = decode(play).ok_or(BadName::InvalidUri)?;
                match decoded.split_once('?') {
                    Some(halves) => halves,
                    None => (play, ""),
                }
            }
        };
        let application = application.split('?').next().unwrap_or_default();
        let mut parts: Vec<&str> = application.trim_matches('/').split('/').collect();
        let at = parts.iter().position(|part| *part == APPLICATION);
        let at = at.ok_or(BadName::InvalidInstance)?;
        parts.extend(play.trim_start_matches('/').split('/'));
        if parts.get(at + 1) != Some(&INSTANCE) {
            return Err(BadName::InvalidInstance);
        }
        let rest = &parts[at + 2..];
        let rest = rest.strip_prefix(&[DEFAULT_INSTANCE]).unwrap_or(rest);
        let mut kind = None;
        let rest: Vec<&str> = rest.iter().map(|part| bare(part, &mut kind)).collect();
        let mut folder = parts[..at].join("/");
        if !folder.is_empty() {
            folder.push('/');
        }
        let spelled = rest.join("/");
        let name = decode(&format!("{folder}{spelled}")).ok_or(BadName::InvalidUri)?;
        if !is_key(&name) {
            return Err(BadName::InvalidUri);
        }
        Ok(StreamName {
            folder,
            spelled,
            name,
            query: query.to_owned(),
            kind,
        })
    }

    /// Returns false if no name can be played after `connect` with this application.
    pub(super) fn is_application(application: &str) -> bool {
        let application = application.split('?').next().unwrap_or_default();
        let mut parts = application.trim_matches('/').split('/');
        parts.any(|part| part == APPLICATION) && parts.next().is_none_or(|part| part == INSTANCE)
    }

    /// Returns the signing parameters, as received and without `?`; empty if there are none.
    pub fn query(&self) -> &str {
        &self.query
    }

    /// Returns the keys of objects that may be meant, the likeliest first; at most two, without a leading slash.
    pub fn keys(&self) -> Vec<String> {
        if extension(&self.name).is_some() {
            return vec![self.name.clone()];
        }
        let extension = self.kind.unwrap_or(VideoKind::Flv).extension();
        vec![format!("{}{extension}", self.name), self.name.clone()]
    }

    /// Returns the format of the object: by its extension, else by the prefix of the name. `key` is one of
    /// [`Self::keys`].
    pub fn kind(&self, key: &str) -> VideoKind {
        let named = self.kind.unwrap_or(VideoKind::Flv);
        let Some(extension) = extension(key) else {
            return named;
        };
        VideoKind::ALL
            .into_iter()
            .find(|kind| extension.eq_ignore_ascii_case(kind.extension()))
            .unwrap_or(VideoKind::Mp4)
    }

    /// Splits a key into its stem and its extension without the dot, which may be empty.
    pub fn stem_and_extension(key: &str) -> (&str, &str) {
        let extension = extension(key).unwrap_or_default();
        (
            &key[..key.len() - extension.len()],
            extension.trim_start_matches('.'),
        )
    }

    /// Returns the spellings of the resource that a policy for `key` may have: with and without extension, as spelled
    /// and decoded, and with `cfx/st/`, since signers that sign the whole URL include it.
    ///
    /// `key` is one of [`Self::keys`].
    pub fn resources(&self, key: &str) -> Vec<String> {
        let whole = format!("{}{}", self.folder, self.spelled);
        let with_instance = format!("{}{APPLICATION}/{INSTANCE}/{}", self.folder, self.spelled);
        let mut resources: Vec<String> = Vec::new();
        for name in [key, &whole, &with_instance] {
            let extension_size_bytes = extension(name).map_or(0, str::len);
            let (stem, own_extension) = name.split_at(name.len() - extension_size_bytes);
            // The viewer left the extension out: the key's applies.
            let full = match own_extension {
                "" => format!("{stem}{}", extension(key).unwrap_or_default()),
                _ => name.to_owned(),
            };
            // Without its extension, talk.mp4.flv would be the name of another object.
            let stem = Some(stem.to_owned()).filter(|stem| extension(stem).is_none());
            for candidate in [full].into_iter().chain(stem) {
                if !resources.contains(&candidate) {
                    resources.push(candidate);
                }
            }
        }
        resources
    }
}

/// Returns the path of an object by its key: with a leading slash, and percent-encoded save what every reading leaves
/// as it is.
pub fn path_of(key: &str) -> String {
    let mut path = String::from("/");
    for byte in key.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                path.push(char::from(byte));
            }
            _ => path.push_str(&format!("%{byte:02X}")),
        }
    }
    path
}

/// Returns the host that the viewer believes to be connected to, from `rtmp://host:port/application`.
pub fn host_of(tc_url: &str) -> Option<&str> {
    let (scheme, rest) = tc_url.split_once("://")?;
    let is_rtmp = ["rtmp", "rtmps"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known));
    let host = rest.split(['/', '?']).next()?;
    let host = match host.strip_prefix('[') {
        Some(address) => address.split_once(']')?.0,
        None => host.split_once(':').map_or(host, |(host, _)| host),
    };
    (is_rtmp && !host.is_empty()).then_some(host)
}

/// Strips `&` and kinds from the front of a part. The last kind named counts.
fn bare<'a>(mut part: &'a str, kind: &mut Option<VideoKind>) -> &'a str {
    loop {
        part = part.strip_prefix('&').unwrap_or(part);
        let named = VideoKind::ALL
            .into_iter()
            .find_map(|kind| Some((kind, part.strip_prefix(kind.prefix())?)));
        match named {
            Some((found, rest)) => {
                *kind = Some(found);
                part = rest;
            }
            None => return part,
        }
    }
}

/// Returns the extension of a name, if a video may have it.
fn extension(name: &str) -> Option<&str> {
    let extension = name.get(name.len().checked_sub(4)?..)?;
    let is_known = EXTENSIONS
        .iter()
        .any(|known| extension.eq_ignore_ascii_case(known));
    is_known.then_some(extension)
}

/// Returns true if an object may have this key: it does not climb, and contains only visible characters.
fn is_key(name: &str) -> bool {
    let climbs = name
        .split(['/', '\\'])
        .any(|part| part == "." || part == "..");
    let is_visible = |character: char| !character.is_control() && character != '\u{fffd}';
    let last = name.rsplit('/').next().unwrap_or_default();
    let stem = extension(last).map_or(last, |extension| &last[..last.len() - extension.len()]);
    !climbs && !stem.is_empty() && !name.starts_with('/') && name.chars().all(is_visible)
}

/// Percent-decodes once; returns `None` if the result is not UTF-8, or an escape is malformed.
fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let high = digit(bytes.next())?;
        decoded.push((high << 4 | digit(bytes.next())?) as u8);
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests;
