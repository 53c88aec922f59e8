//! What a viewer wants to play: the object's key and the grant, out of the application and the name in all the ways in
//! which players cut an address in two.
//!
//! ```text
//! rtmp://host/cfx/st/mp4:video/talk.mp4?Policy=…
//!   application cfx/st             name mp4:video/talk.mp4?Policy=…
//!   application cfx/st/mp4:video   name mp4:talk?Policy=…
//! ```
//!
//! `cfx/st` is no part of the key; a folder may stand before it. The kind, `mp4:`, `mp3:` or `flv:`, may stand before
//! any part. Where it says so, the ending may be missing; without kind and ending the object is an flv.

/// The application and the instance of streaming distributions.
const APPLICATION: &str = "cfx";
const INSTANCE: &str = "st";
/// The name of an instance where none was named.
const DEFAULT_INSTANCE: &str = "_definst_";
/// Of application and name together.
const SIZE_BYTES_MAX: usize = 4096;
/// Endings that are not added once more.
const ENDINGS: [&str; 8] = [
    ".mp4", ".m4v", ".m4a", ".mov", ".f4v", ".flv", ".mp3", ".3gp",
];

/// Why a name cannot be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadName {
    /// `cfx/st` is missing.
    InvalidInstance,
    /// Too long, climbing, empty, or with characters that no key has.
    InvalidUri,
}

impl BadName {
    /// CloudFront's word for it.
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
    /// `mp4:`, and all endings of mp4 objects.
    Mp4,
    /// `mp3:`.
    Mp3,
    /// `flv:`, or no word at all.
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

    fn ending(self) -> &'static str {
        match self {
            VideoKind::Mp4 => ".mp4",
            VideoKind::Mp3 => ".mp3",
            VideoKind::Flv => ".flv",
        }
    }
}

/// The name of a stream, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamName {
    /// Folders before `cfx/st`, with a slash at the end or empty.
    folder: String,
    /// What stands behind it, as the viewer spelled it.
    spelled: String,
    /// Folder and the rest, decoded.
    name: String,
    /// The signing parameters, as received; empty without.
    query: String,
    kind: Option<VideoKind>,
}

impl StreamName {
    /// Reads what came with `connect` and with `play`.
    ///
    /// # Errors
    ///
    /// Where no object can be meant.
    pub fn read(application: &str, play: &str) -> Result<StreamName, BadName> {
        if application.len() + play.len() > SIZE_BYTES_MAX {
            return Err(BadName::InvalidUri);
        }
        // Some pages encoded all of it, as Flash lost what stood behind a question mark.
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

    /// Whether `connect` with this application can lead to anything.
    pub(super) fn is_application(application: &str) -> bool {
        let application = application.split('?').next().unwrap_or_default();
        let mut parts = application.trim_matches('/').split('/');
        parts.any(|part| part == APPLICATION) && parts.next().is_none_or(|part| part == INSTANCE)
    }

    /// The signing parameters, as received and without `?`; empty without.
    pub fn query(&self) -> &str {
        &self.query
    }

    /// The keys of objects that may be meant, the likeliest first; at most two, without a slash in front.
    pub fn keys(&self) -> Vec<String> {
        if ending(&self.name).is_some() {
            return vec![self.name.clone()];
        }
        let ending = self.kind.unwrap_or(VideoKind::Flv).ending();
        vec![format!("{}{ending}", self.name), self.name.clone()]
    }

    /// How the object is to be read: by its ending, else by the word before the name. `key` is one of [`Self::keys`].
    pub fn kind(&self, key: &str) -> VideoKind {
        let named = self.kind.unwrap_or(VideoKind::Flv);
        let Some(ending) = ending(key) else {
            return named;
        };
        VideoKind::ALL
            .into_iter()
            .find(|kind| ending.eq_ignore_ascii_case(kind.ending()))
            .unwrap_or(VideoKind::Mp4)
    }

    /// A key without its ending, and the ending without its dot; empty without.
    pub fn stem_and_ending(key: &str) -> (&str, &str) {
        let ending = ending(key).unwrap_or_default();
        (
            &key[..key.len() - ending.len()],
            ending.trim_start_matches('.'),
        )
    }

    /// Spellings of the resource that a policy for `key` may have: with and without ending, as spelled and decoded, and
    /// with `cfx/st/`, since signers that are given the whole address put it there.
    ///
    /// `key` is one of [`Self::keys`].
    pub fn resources(&self, key: &str) -> Vec<String> {
        let whole = format!("{}{}", self.folder, self.spelled);
        let with_instance = format!("{}{APPLICATION}/{INSTANCE}/{}", self.folder, self.spelled);
        let mut resources: Vec<String> = Vec::new();
        for name in [key, &whole, &with_instance] {
            let ending_size_bytes = ending(name).map_or(0, str::len);
            let (stem, own_ending) = name.split_at(name.len() - ending_size_bytes);
            // What the key ends in stands for what the viewer left out.
            let full = match own_ending {
                "" => format!("{stem}{}", ending(key).unwrap_or_default()),
                _ => name.to_owned(),
            };
            // Without the ending of talk.mp4.flv it would be the name of another object.
            let stem = Some(stem.to_owned()).filter(|stem| ending(stem).is_none());
            for candidate in [full].into_iter().chain(stem) {
                if !resources.contains(&candidate) {
                    resources.push(candidate);
                }
            }
        }
        resources
    }
}

/// The path of an object by its key: with a slash in front, and percent-encoded but for what no reading changes.
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

/// The host that a viewer believes to be connected to: of `rtmp://host:port/application`.
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

/// A part without `&` and kinds before it. The last kind that is named counts.
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

/// The ending of a name, if it is one of a video.
fn ending(name: &str) -> Option<&str> {
    let ending = name.get(name.len().checked_sub(4)?..)?;
    let is_known = ENDINGS
        .iter()
        .any(|known| ending.eq_ignore_ascii_case(known));
    is_known.then_some(ending)
}

/// Whether an object may have this key: it does not climb, and no part has characters that are not to be seen.
fn is_key(name: &str) -> bool {
    let climbs = name
        .split(['/', '\\'])
        .any(|part| part == "." || part == "..");
    let is_visible = |character: char| !character.is_control() && character != '\u{fffd}';
    let last = name.rsplit('/').next().unwrap_or_default();
    let stem = ending(last).map_or(last, |ending| &last[..last.len() - ending.len()]);
    !climbs && !stem.is_empty() && !name.starts_with('/') && name.chars().all(is_visible)
}

/// Percent-decodes once; `None` where that is no text.
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
