//! Prints signed cookies: as header values, JSON, `curl -b`, or a Netscape cookie jar.

use std::io::{self, Write};

use privet_sign::{CookieAttributes, SignedCookies, Signer, Terms, WireUrl};
use serde_json::{Map, Value, json};

use super::arguments::{OutputForm, SameSite, SignArguments};
use super::links::{self, LinkError};
use super::notes;
use crate::command_error::CommandError;
use crate::printable::json_line;
use crate::report;
use privet_control::shell;

/// Makes the cookies and prints them.
///
/// # Errors
/// [`CommandError::Sign`] if the signer refuses, [`CommandError::CookieJarHost`], or a failed write.
pub(super) fn print(
    arguments: &SignArguments,
    signer: &Signer,
    terms: &Terms,
) -> Result<(), CommandError> {
    let url = arguments
        .urls
        .first()
        .map(|url| wire_url(url, arguments))
        .transpose()?;
    let cookies = signer.sign_cookies(url.as_ref(), terms)?;
    let attributes = attributes(arguments);
    let url = url.as_ref().map(WireUrl::as_str);
    if !arguments.quiet {
        let host = granted_host(url, terms);
        let domain = attributes.domain.as_deref();
        let note = domain
            .zip(host)
            .and_then(|(domain, host)| notes::about_domain(domain, host));
        note.iter().for_each(report::note_line);
    }
    let text = match arguments.output() {
        OutputForm::Plain => cookies.to_header() + "\n",
        OutputForm::Json => json_object(&cookies, &attributes)?,
        OutputForm::SetCookie => set_cookie_lines(&cookies, &attributes)?,
        OutputForm::Curl => curl_line(&cookies, url),
        OutputForm::CookieJar => {
            let host = jar_host(&attributes, url, terms).ok_or(CommandError::CookieJarHost)?;
            cookie_jar(&cookies, &attributes, &host)?
        }
    };
    io::stdout()
        .lock()
        .write_all(text.as_bytes())
        .map_err(|error| CommandError::write("standard output", &error))
}

fn wire_url(url: &str, arguments: &SignArguments) -> Result<WireUrl, CommandError> {
    let url = links::wire_url(url, arguments.making.strict).map_err(|error| match error {
        LinkError::Sign(error) => CommandError::Sign(error),
        refused @ (LinkError::NotWireForm { .. }
        | LinkError::NotText
        | LinkError::TooLong
        | LinkError::Registration(_)) => CommandError::UrlRefused(refused.to_string()),
    })?;
    if !arguments.quiet {
        url.changes().iter().for_each(report::note_line);
    }
    Ok(url)
}

fn attributes(arguments: &SignArguments) -> CookieAttributes {
    let cookie = &arguments.cookie;
    CookieAttributes {
        domain: cookie.cookie_domain.clone(),
        path: Some(cookie.cookie_path.clone()),
        secure: !cookie.no_secure,
        http_only: !cookie.no_http_only,
        same_site: cookie.same_site.map(SameSite::attribute),
        partitioned: cookie.partitioned,
    }
}

fn json_object(
    cookies: &SignedCookies,
    attributes: &CookieAttributes,
) -> Result<String, CommandError> {
    let pairs = cookies.pairs.iter();
    let values: Map<String, Value> = pairs
        .map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())))
        .collect();
    let object = json!({
        "cookies": values,
        "header": cookies.to_header(),
        "set_cookie": cookies.set_cookie(attributes)?,
    });
    Ok(json_line(&object) + "\n")
}

fn set_cookie_lines(
    cookies: &SignedCookies,
    attributes: &CookieAttributes,
) -> Result<String, CommandError> {
    let values = cookies.set_cookie(attributes)?;
    Ok(values
        .iter()
        .map(|value| format!("Set-Cookie: {value}\n"))
        .collect())
}

/// Returns a whole command if there is a URL, the option alone otherwise.
fn curl_line(cookies: &SignedCookies, url: Option<&str>) -> String {
    let option = format!("-b {}", shell::quoted(&cookies.to_header()));
    match url {
        Some(url) => format!("curl --globoff {option} {}\n", shell::quoted(url)),
        None => option + "\n",
    }
}

/// Returns the domain that was given, or the host of the URL or resource if it has no wildcards.
fn jar_host(attributes: &CookieAttributes, url: Option<&str>, terms: &Terms) -> Option<String> {
    if let Some(domain) = &attributes.domain {
        return Some(domain.clone());
    }
    let host = granted_host(url, terms)?;
    let plain = !host.is_empty() && !host.contains('*');
    plain.then(|| host.to_ascii_lowercase())
}

/// Returns the host of the URL or resource, with its wildcards.
fn granted_host<'a>(url: Option<&'a str>, terms: &'a Terms) -> Option<&'a str> {
    let (_, rest) = url.or(terms.resource.as_deref())?.split_once("://")?;
    let authority = rest.split(['/', '?']).next()?;
    let host = authority.rsplit_once(':').map(|(host, _)| host);
    Some(host.unwrap_or(authority))
}

/// Writes the seven columns of Netscape's file, as curl and wget read them.
fn cookie_jar(
    cookies: &SignedCookies,
    attributes: &CookieAttributes,
    host: &str,
) -> Result<String, CommandError> {
    // Checks the attributes, which become columns here.
    cookies.set_cookie(attributes)?;
    let flag = |set: bool| if set { "TRUE" } else { "FALSE" };
    let http_only = if attributes.http_only {
        "#HttpOnly_"
    } else {
        ""
    };
    let subdomains = flag(attributes.domain.is_some());
    let path = attributes.path.as_deref().unwrap_or("/");
    let secure = flag(attributes.secure);
    let mut jar = String::from("# Netscape HTTP Cookie File\n");
    for (name, value) in &cookies.pairs {
        // Expiry 0 is a session cookie: the policy inside has the end.
        jar.push_str(&format!(
            "{http_only}{host}\t{subdomains}\t{path}\t{secure}\t0\t{name}\t{value}\n"
        ));
    }
    Ok(jar)
}
