//! The operators' interface from the command line: `/v1` of an edge on this machine over its socket, or of any over
//! HTTP, with an operator's access key.

mod endpoint;
mod profile;
mod signing;
mod transport;

use crate::admin_socket::SocketArguments;
use crate::api_fault::{ApiFault, Problem};
use crate::command_error::CommandError;
use crate::store_access::runtime;
use bytes::Bytes;
use clap::Args;
use endpoint::Endpoint;
use http::header::{CONTENT_TYPE, ETAG, HOST, IF_MATCH};
use http::{Method, Request};
use http_body_util::Full;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use privet_store::Secret;
use profile::{Profile, variable};
use serde_json::Value;
use std::path::PathBuf;
use transport::Destination;

const ENDPOINT_VARIABLE: &str = "PRIVET_ENDPOINT";
const PROFILE_VARIABLE: &str = "PRIVET_PROFILE";
/// Profile that is used for an endpoint without another access key.
const DEFAULT_PROFILE: &str = "default";
/// All characters but the unreserved ones.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Options that name the operators' interface of a running edge.
#[derive(Debug, Args)]
pub(crate) struct ApiArguments {
    #[command(flatten)]
    pub(crate) socket: SocketArguments,
    /// Operators' interface, such as https://cdn.example.com:9443, instead of the socket [default: that of
    /// PRIVET_ENDPOINT]
    #[arg(long, value_name = "URL", conflicts_with_all = ["socket", "config"])]
    endpoint: Option<String>,
    /// Profile with endpoint and access key in profiles.toml [default: that of PRIVET_PROFILE]
    #[arg(long, value_name = "NAME", conflicts_with_all = ["socket", "config"])]
    profile: Option<String>,
    /// Certificates of a private authority that the endpoint's certificate is signed by
    #[arg(long, value_name = "FILE", conflicts_with_all = ["socket", "config"])]
    ca: Option<PathBuf>,
}

/// An operators' interface.
#[derive(Debug)]
pub(crate) struct Api {
    destination: Destination,
    /// Access key; the socket needs none.
    access_key: Option<(String, Secret)>,
}

/// A request to the interface.
#[derive(Clone, Debug, Default)]
pub(crate) struct ApiRequest<'r> {
    pub(crate) method: Method,
    /// Path with its query, encoded.
    pub(crate) target: String,
    pub(crate) if_match: Option<&'r str>,
    pub(crate) body: Option<&'r Value>,
}

/// An answer that is no refusal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ApiAnswer {
    pub(crate) etag: Option<String>,
    /// JSON of the body; `null` if there is none.
    pub(crate) body: Value,
}

impl ApiArguments {
    /// Returns the interface that the options, the environment or the configuration name, in this order.
    ///
    /// # Errors
    /// [`CommandError::Api`]; those of [`SocketArguments::find`].
    pub(crate) fn find(&self) -> Result<Api, CommandError> {
        match self.remote()? {
            Some(api) => Ok(api),
            None => Ok(Api {
                destination: Destination::Socket(self.socket.find()?),
                access_key: None,
            }),
        }
    }

    /// Returns the interface that is named: over HTTP, or the socket of `--socket`. A command that can do without one
    /// uses the configuration's store otherwise.
    ///
    /// # Errors
    /// [`CommandError::Api`].
    pub(crate) fn named(&self) -> Result<Option<Api>, CommandError> {
        let socket = self.socket.socket.clone().map(Destination::Socket);
        match self.remote()? {
            Some(api) => Ok(Some(api)),
            None => Ok(socket.map(|destination| Api {
                destination,
                access_key: None,
            })),
        }
    }

    /// Returns true if any of the options is given.
    pub(crate) fn is_given(&self) -> bool {
        let SocketArguments { config, socket } = &self.socket;
        let texts = [&self.endpoint, &self.profile];
        let files = [&self.ca, &config.config, socket];
        texts.iter().any(|text| text.is_some()) || files.iter().any(|file| file.is_some())
    }

    /// Returns the file of the configuration.
    pub(crate) fn config(&self) -> PathBuf {
        self.socket.config.file()
    }

    /// Returns the interface over HTTP, if one is named.
    ///
    /// # Errors
    /// [`CommandError::Api`].
    pub(crate) fn remote(&self) -> Result<Option<Api>, CommandError> {
        let is_local = self.socket.socket.is_some() || self.socket.config.config.is_some();
        let given = |option: &Option<String>, name: &str| {
            let from_environment = || variable(name).filter(|_| !is_local);
            option.clone().or_else(from_environment)
        };
        let endpoint = given(&self.endpoint, ENDPOINT_VARIABLE);
        let name = given(&self.profile, PROFILE_VARIABLE);
        if endpoint.is_none() && name.is_none() {
            return Ok(None);
        }
        let profile = self.access_key(name.as_deref(), endpoint.as_deref())?;
        // The endpoint of a profile that was given goes before that of the environment.
        let own = profile.endpoint.clone();
        let endpoint = match (&self.endpoint, &self.profile, own) {
            (Some(endpoint), _, _) => endpoint.clone(),
            (None, Some(_), Some(own)) => own,
            (None, _, own) => endpoint.or(own).ok_or_else(|| ApiFault::Endpoint {
                text: String::new(),
                rule: "is missing: add endpoint to the profile, or give --endpoint URL",
            })?,
        };
        let endpoint: Endpoint = endpoint.parse()?;
        let ca = self.ca.clone().or(profile.ca);
        Ok(Some(Api {
            destination: Destination::Endpoint(endpoint, ca),
            access_key: Some((profile.access_key_id, profile.secret_access_key)),
        }))
    }

    /// Returns the access key: of `--profile`, of the environment, of its profile, or of the default one.
    fn access_key(&self, name: Option<&str>, endpoint: Option<&str>) -> Result<Profile, ApiFault> {
        if let Some(name) = &self.profile {
            return Profile::named(name);
        }
        if let Some(profile) = Profile::from_environment()? {
            return Ok(profile);
        }
        match name {
            Some(name) => Profile::named(name),
            None => Profile::named(DEFAULT_PROFILE).map_err(|_| ApiFault::NoAccessKey {
                endpoint: endpoint.unwrap_or_default().to_owned(),
            }),
        }
    }
}

impl Api {
    /// Sends a request; a refusal is an error.
    ///
    /// # Errors
    /// [`CommandError::Api`].
    pub(crate) fn ask(&self, request: &ApiRequest<'_>) -> Result<ApiAnswer, CommandError> {
        Ok(runtime()?.block_on(self.exchange(request))?)
    }

    /// Reads something.
    ///
    /// # Errors
    /// As [`Api::ask`].
    pub(crate) fn get(&self, target: impl Into<String>) -> Result<ApiAnswer, CommandError> {
        self.ask(&ApiRequest {
            target: target.into(),
            ..ApiRequest::default()
        })
    }

    /// Reads the pages of a list up to `count` items. `target` is without a query, `filters` is one without a page.
    ///
    /// # Errors
    /// As [`Api::ask`].
    pub(crate) fn list(
        &self,
        target: &str,
        filters: &str,
        count: usize,
    ) -> Result<Vec<Value>, CommandError> {
        const PAGE_MAX: usize = 200;
        let mut items: Vec<Value> = Vec::new();
        let mut after = String::new();
        while items.len() < count {
            let limit = PAGE_MAX.min(count - items.len());
            let mut page = self
                .get(format!("{target}?limit={limit}{after}{filters}"))?
                .body;
            let Some(Value::Array(mut more)) = page.get_mut("items").map(Value::take) else {
                break;
            };
            items.append(&mut more);
            match page.get("next").and_then(Value::as_str) {
                Some(next) => after = format!("&after={}", encoded(next)),
                None => break,
            }
        }
        Ok(items)
    }

    /// Returns the fault of an answer without what the interface's answers have.
    pub(crate) fn garbled(&self) -> ApiFault {
        ApiFault::Answer {
            target: self.destination.shown(),
            reason: "it does not come from Privet".to_owned(),
        }
    }

    async fn exchange(&self, request: &ApiRequest<'_>) -> Result<ApiAnswer, ApiFault> {
        let sent = self.encode(request).await?;
        let answer = self.destination.send(sent).await?;
        let body = match answer.body.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&answer.body).map_err(|_| self.garbled())?,
        };
        if !answer.status.is_success() {
            let problem = Problem::read(&body);
            return Err(problem.map_or_else(
                || ApiFault::Answer {
                    target: self.destination.shown(),
                    reason: format!("status {}", answer.status.as_u16()),
                },
                |problem| ApiFault::Refused(Box::new(problem)),
            ));
        }
        let etag = answer.headers.get(ETAG);
        let etag = etag.and_then(|etag| etag.to_str().ok());
        Ok(ApiAnswer {
            etag: etag.map(|etag| etag.trim_matches('"').to_owned()),
            body,
        })
    }

    /// Returns the request with all its headers, signed if there is an access key.
    async fn encode(&self, request: &ApiRequest<'_>) -> Result<Request<Full<Bytes>>, ApiFault> {
        let fault = |error: http::Error| ApiFault::Signature(error.to_string());
        let body = request.body.map(Value::to_string).unwrap_or_default();
        let mut built = Request::builder()
            .method(request.method.clone())
            .uri(&request.target)
            .header(HOST, self.destination.host());
        if request.body.is_some() {
            built = built.header(CONTENT_TYPE, "application/json");
        }
        if let Some(etag) = request.if_match {
            built = built.header(IF_MATCH, format!("\"{etag}\""));
        }
        let (mut parts, ()) = built.body(()).map_err(fault)?.into_parts();
        if let Some((id, secret)) = &self.access_key {
            signing::sign(&mut parts, body.as_bytes(), (id, secret)).await?;
        }
        Ok(Request::from_parts(parts, Full::new(Bytes::from(body))))
    }
}

/// Returns a text as one segment of a path, or as a value in a query.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}
