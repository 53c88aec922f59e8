//! `privet sign --playlist`: puts a signature on each URI of an m3u8 or mpd.
//!
//! Relative URIs stay relative. The playlist itself, and the playlists that it names, are files like others: their own
//! links open them, and the URIs in a playlist that is named are signed when it is given in turn.

use std::fs;
use std::io::{self, Write};

use privet_media::playlist::{TEXT_SIZE_BYTES_MAX, rewrite};
use privet_sign::{SignError, Signer, Stamp, Terms, UrlChange, WireUrl};

use super::arguments::PlaylistArguments;
use super::batch::Ending;
use crate::command_error::CommandError;
use crate::report::Notes;
use crate::{input, report};

/// Signs the playlist called `name`.
///
/// # Errors
/// A [`CommandError`] if nothing was written; URIs that cannot be signed are reported, and stay unchanged.
pub(super) fn sign(
    arguments: &PlaylistArguments,
    name: &str,
    signer: Signer,
    mut terms: Terms,
    notes: Notes,
) -> Result<Ending, CommandError> {
    let (text, kind) = read(name)?;
    let base = arguments.base.as_deref().map(base).transpose()?;
    let grant = if arguments.each {
        Grant::Each { signer, terms }
    } else {
        if terms.resource.is_none() && terms.policy.is_none() {
            let base = base.as_ref().ok_or(CommandError::PlaylistNeedsBase)?;
            terms.resource = Some(format!("{}*", folder(base.as_str())));
        }
        Grant::Shared(signer.stamp(&terms)?)
    };
    let mut uris = Uris {
        grant,
        base,
        kind,
        signed: 0,
        elsewhere: 0,
        refused: Vec::new(),
        refused_count: 0,
    };
    let rewritten = match kind {
        PlaylistKind::Hls => rewrite::hls(&text, &mut |uri| uris.sign(uri)),
        PlaylistKind::Dash => rewrite::dash(&text, &mut |uri| uris.sign(uri)),
    };
    let rewritten = rewritten.map_err(|refusal| CommandError::Playlist {
        source: shown(name).to_owned(),
        reason: refusal.to_string(),
    })?;
    match &arguments.out {
        Some(path) => fs::write(path, rewritten)
            .map_err(|error| CommandError::write(path.display().to_string(), &error))?,
        None => io::stdout()
            .lock()
            .write_all(rewritten.as_bytes())
            .map_err(|error| CommandError::write("standard output", &error))?,
    }
    Ok(uris.report(notes))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PlaylistKind {
    Hls,
    Dash,
}

/// Reads the text, and tells its kind by its beginning.
fn read(name: &str) -> Result<(String, PlaylistKind), CommandError> {
    let refuse = |reason: &str| CommandError::Playlist {
        source: shown(name).to_owned(),
        reason: reason.to_owned(),
    };
    let bytes = input::read_up_to(name, TEXT_SIZE_BYTES_MAX)?;
    let text = String::from_utf8(bytes).map_err(|_| refuse("not UTF-8 text"))?;
    let begin = text.trim_start_matches('\u{feff}').trim_start();
    let kind = if begin.starts_with("#EXTM3U") {
        PlaylistKind::Hls
    } else if begin.starts_with('<') {
        PlaylistKind::Dash
    } else {
        return Err(refuse("neither an m3u8 nor an mpd"));
    };
    Ok((text, kind))
}

fn shown(name: &str) -> &str {
    match name {
        "-" => "standard input",
        name => name,
    }
}

/// Returns the playlist's own URL, without its signature.
fn base(url: &str) -> Result<WireUrl, CommandError> {
    let plain = url.split(['?', '#']).next().unwrap_or(url);
    Ok(WireUrl::parse(plain)?)
}

/// Returns the URL up to the last slash.
fn folder(url: &str) -> &str {
    url.rfind('/').map_or(url, |slash| &url[..=slash])
}

/// Returns scheme and host.
fn root(url: &str) -> &str {
    let host = url.find("://").map_or(0, |colon| colon + 3);
    let end = url[host..].find(['/', '?', '#']);
    end.map_or(url, |end| &url[..host + end])
}

enum Grant {
    /// One signature over a resource with wildcards.
    Shared(Stamp),
    /// A signature for each URI.
    Each { signer: Signer, terms: Terms },
}

/// Signs URIs one after the other, and collects what is to be reported.
struct Uris {
    grant: Grant,
    base: Option<WireUrl>,
    kind: PlaylistKind,
    signed: u64,
    elsewhere: u64,
    /// The first refused URIs, with the reason.
    refused: Vec<(String, SignError)>,
    refused_count: u64,
}

impl Uris {
    fn sign(&mut self, uri: &str) -> Option<String> {
        match self.signed_form(uri) {
            Ok(Some(form)) => {
                self.signed += 1;
                Some(form)
            }
            Ok(None) => {
                self.elsewhere += 1;
                None
            }
            Err(error) => {
                self.refused_count += 1;
                if self.refused.len() < REFUSED_SHOWN_MAX {
                    self.refused.push((uri.to_owned(), error));
                }
                None
            }
        }
    }

    /// Returns the URI with a signature; `None` for a URI on another host.
    fn signed_form(&self, uri: &str) -> Result<Option<String>, SignError> {
        if may_lead_elsewhere(uri) {
            return Ok(None);
        }
        let absolute = match &self.base {
            Some(base) => rewrite::resolve(base.as_str(), uri),
            None => uri.to_owned(),
        };
        if let Grant::Shared(stamp) = &self.grant
            && !absolute.contains("://")
        {
            if uri.starts_with("//") {
                return Ok(None);
            }
            // The playlist's URL is unknown; the resource was given by hand.
            return Ok(Some(with_parameters(uri, stamp.parameters())));
        }
        let url = WireUrl::parse(&absolute)?;
        let is_elsewhere = self
            .base
            .as_ref()
            .is_some_and(|base| root(base.as_str()) != root(url.as_str()));
        let signed = match &self.grant {
            Grant::Shared(stamp) => {
                let mut signed = String::new();
                match stamp.apply(&url, &mut signed) {
                    Err(SignError::NotCovered { .. }) if is_elsewhere => return Ok(None),
                    result => result.map(|()| signed)?,
                }
            }
            Grant::Each { .. } if is_elsewhere => return Ok(None),
            Grant::Each { signer, terms } => signer.sign_url(&url, &self.terms_of(&url, terms))?,
        };
        // Clients send the signed text only if nothing was dropped from the query.
        let was_shortened = url.changes().contains(&UrlChange::EmptyQueryPiecesDropped);
        let parameters = signed.get(url.as_str().len() + 1..);
        Ok(Some(match parameters {
            Some(parameters) if !was_shortened => with_parameters(uri, parameters),
            Some(_) | None => signed,
        }))
    }

    /// Returns the terms for one URL. A template of a manifest stands for many URLs: its resource has a `*` for each
    /// variable.
    fn terms_of(&self, url: &WireUrl, terms: &Terms) -> Terms {
        let mut terms = terms.clone();
        let is_free = terms.resource.is_none() && terms.policy.is_none();
        if self.kind == PlaylistKind::Dash && is_free && url.as_str().contains('$') {
            terms.resource = Some(with_stars(url.as_str()));
        }
        terms
    }

    fn report(&self, notes: Notes) -> Ending {
        for (uri, error) in &self.refused {
            report::error_line(format!("{uri}: {error}"));
        }
        let unsaid = self.refused_count - self.refused.len() as u64;
        if unsaid > 0 {
            report::error_line(format!("{unsaid} more URIs were refused"));
        }
        if self.elsewhere > 0 {
            notes.tell(format_args!(
                "URIs on other hosts, left unchanged: {}",
                self.elsewhere
            ));
        }
        if self.signed == 0 {
            notes.tell("no URI of the playlist was signed");
        }
        match self.refused_count {
            0 => Ending::AllSigned,
            _ => Ending::SomeRefused,
        }
    }
}

/// Returns whether some clients read another host out of a URI than is written there: browsers take `\` for `/`, drop
/// control characters, and find a host after `http:` without slashes; others strip what they take for white space.
fn may_lead_elsewhere(uri: &str) -> bool {
    let is_odd = |byte: u8| byte < b' ' || byte == b'\\' || byte == 0x7f;
    let scheme = uri.split_once(':').map_or("", |(scheme, _)| scheme);
    let is_web = ["http", "https"]
        .iter()
        .any(|web| scheme.eq_ignore_ascii_case(web));
    let has_host = uri[scheme.len()..].starts_with("://");
    uri.bytes().any(is_odd) || uri.starts_with(char::is_whitespace) || (is_web && !has_host)
}

fn with_parameters(uri: &str, parameters: &str) -> String {
    let separator = if uri.contains('?') { '&' } else { '?' };
    format!("{uri}{separator}{parameters}")
}

/// Turns `a-$Number%05d$.m4s` into `a-*.m4s`; two dollar signs stand for one (ISO 23009-1 5.3.9.4.4).
fn with_stars(template: &str) -> String {
    let mut pattern = String::with_capacity(template.len());
    for (place, piece) in template.split('$').enumerate() {
        match (place % 2, piece) {
            (0, piece) => pattern.push_str(piece),
            (_, "") => pattern.push('$'),
            (_, _) => pattern.push('*'),
        }
    }
    pattern
}

/// The number of refusals that are shown; more would say nothing new.
const REFUSED_SHOWN_MAX: usize = 10;
