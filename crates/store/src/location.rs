//! URLs of PostgreSQL databases, as libpq reads them, with stricter TLS where a URL says nothing.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use tokio_postgres::config::{Config, Host, SslMode, TargetSessionAttrs};
use url::Url;

use crate::StoreError;

/// URL of a PostgreSQL database: `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…`. Its texts and `Debug`
/// output are without the password and without the parameters.
///
/// `sslmode` is libpq's: `disable`, `prefer` and `require` verify nothing, `verify-ca` verifies the certificate's
/// chain, and `verify-full` its name too, by the file `sslrootcert` or the system's trust anchors. Unlike libpq, a URL
/// without it means `verify-full`, but for Unix sockets and loopback addresses, where it means `prefer`.
///
/// Several hosts are given as `?host=one,two&port=5432,5432`: the one that takes writes is used. A pooler in between
/// has to keep a session on one connection, for prepared statements, settings and `LISTEN`.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    shown: String,
    config: Box<Config>,
    verification: Verification,
    root_certificates: Option<PathBuf>,
}

/// What is verified of the server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verification {
    Nothing,
    Chain,
    ChainAndName,
}

impl PostgresUrl {
    /// Reads a URL.
    ///
    /// # Errors
    ///
    /// [`StoreError::MalformedUrl`], which does not show the password.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        let mut url = Url::parse(text).map_err(|error| malformed(error.to_string()))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(malformed("it does not begin with `postgres://`".to_owned()));
        }
        let shown = shown(&url);
        let mut mode = None;
        let mut root_certificates = None;
        let mut others = Vec::new();
        for (name, value) in url.query_pairs() {
            match name.as_ref() {
                "sslmode" => mode = Some(value.into_owned()),
                "sslrootcert" if value != "system" => {
                    root_certificates = Some(PathBuf::from(value.into_owned()));
                }
                "sslrootcert" => {}
                // The client takes each `host` for one host; the ports it separates itself.
                "host" | "hostaddr" => {
                    let each = value.split(',');
                    others.extend(each.map(|host| (name.clone().into_owned(), host.to_owned())));
                }
                _ => others.push((name.into_owned(), value.into_owned())),
            }
        }
        url.set_query(None);
        if !others.is_empty() {
            url.query_pairs_mut().extend_pairs(&others);
        }
        // A blank in a parameter is `+` in what was written now, which PostgreSQL's URLs do not know.
        let query = url.query().map(|query| query.replace('+', "%20"));
        url.set_query(query.as_deref());
        let config = Config::from_str(url.as_str());
        let mut config = config.map_err(|error| malformed(error.to_string()))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(malformed("it names no host".to_owned()));
        }
        let mode = mode.as_deref().unwrap_or_else(|| mode_of(&config));
        let (ssl_mode, verification) = read_mode(mode)?;
        config.ssl_mode(ssl_mode);
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        Ok(Self {
            shown,
            config: Box::new(config),
            verification,
            root_certificates,
        })
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn verification(&self) -> Verification {
        self.verification
    }

    pub(crate) fn root_certificates(&self) -> Option<&Path> {
        self.root_certificates.as_deref()
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.shown)
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PostgresUrl({})", self.shown)
    }
}

fn read_mode(mode: &str) -> Result<(SslMode, Verification), StoreError> {
    match mode {
        "disable" => Ok((SslMode::Disable, Verification::Nothing)),
        "prefer" => Ok((SslMode::Prefer, Verification::Nothing)),
        "require" => Ok((SslMode::Require, Verification::Nothing)),
        "verify-ca" => Ok((SslMode::Require, Verification::Chain)),
        "verify-full" => Ok((SslMode::Require, Verification::ChainAndName)),
        _ => Err(malformed(
            "`sslmode` is one of disable, prefer, require, verify-ca and verify-full".to_owned(),
        )),
    }
}

/// Mode of a URL that says nothing: nobody can listen between this machine and itself.
fn mode_of(config: &Config) -> &'static str {
    let near = config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1"),
    });
    let near = near
        && config
            .get_hostaddrs()
            .iter()
            .all(|address| address.is_loopback());
    if near { "prefer" } else { "verify-full" }
}

fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Both fail only for URLs without a host, which have no password either.
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

fn malformed(problem: String) -> StoreError {
    StoreError::MalformedUrl { problem }
}
