//! A request that an operator was admitted with, and what its operation answers.

use crate::operation_error::OperationError;
use crate::operations::{ChangeRequest, Operations, PageRequest};
use crate::operations::{Mode, PAGE_DEFAULT};
use crate::operator::{Operator, Rank};
use crate::problem::Problem;
use crate::query::{Query, QueryFault};
use crate::request_error::RequestError;
use crate::strict_json;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG, IF_MATCH, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const CURSOR_LENGTH_MAX: usize = 128;

/// A request of an operator whose role is at least `R`.
#[derive(Debug)]
pub(crate) struct Call<R> {
    pub(crate) operations: Operations,
    pub(crate) operator: Operator<R>,
    pub(crate) input: Input,
}

/// The parts of a request.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl<R: Rank> Call<R> {
    /// Returns a parameter of the path.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        let value = self.input.parameters.get(name);
        value.map(String::as_str).unwrap_or_default()
    }

    /// Returns a parameter of the path that is a number; another text names nothing.
    pub(crate) fn number(&self, name: &str) -> Result<u64, Problem> {
        let text = self.parameter(name);
        let absent = || OperationError::NotFound {
            what: "number",
            id: text.to_owned(),
        };
        Ok(text.parse().map_err(|_| absent())?)
    }

    /// Takes the page of a list from the query, which has nothing else.
    pub(crate) fn page(&mut self) -> Result<PageRequest, Problem> {
        let page = self.page_beside_others()?;
        self.end_query()?;
        Ok(page)
    }

    /// Takes the page of a list from the query, and leaves the filters.
    pub(crate) fn page_beside_others(&mut self) -> Result<PageRequest, Problem> {
        let query = &mut self.input.query;
        let rule = "is not a number from 1 to 200";
        let limit = query
            .take_number("limit", 1..=200, rule)
            .map_err(RequestError::from)?;
        let after = query.take("after");
        if after.as_ref().is_some_and(|after| !is_cursor(after)) {
            let fault = QueryFault::Value {
                name: "after",
                rule: "is not the next of an earlier page",
            };
            return Err(RequestError::from(fault).into());
        }
        let limit = limit.and_then(|limit| u32::try_from(limit).ok());
        Ok(PageRequest {
            after,
            limit: limit.unwrap_or(PAGE_DEFAULT),
        })
    }

    /// Checks that the query has nothing that was not taken, and that there are no conditions: what is not kept must
    /// not be ignored.
    pub(crate) fn end_query(&mut self) -> Result<(), Problem> {
        self.refuse(&IF_MATCH, "If-Match")?;
        self.refuse(&IDEMPOTENCY_KEY, "Idempotency-Key")?;
        self.finish_query()
    }

    fn finish_query(&mut self) -> Result<(), Problem> {
        let query = std::mem::take(&mut self.input.query);
        Ok(query.finish().map_err(RequestError::from)?)
    }

    fn refuse(&self, name: &HeaderName, shown: &'static str) -> Result<(), Problem> {
        match self.input.headers.contains_key(name) {
            false => Ok(()),
            true => Err(RequestError::Header {
                name: shown,
                rule: "is not supported here",
            }
            .into()),
        }
    }

    /// Takes what a creation may have: `Idempotency-Key` and `dry_run=1`.
    pub(crate) fn creation(&mut self) -> Result<ChangeRequest, Problem> {
        self.refuse(&IF_MATCH, "If-Match")?;
        self.change()
    }

    /// Takes `dry_run=1`.
    pub(crate) fn trial(&mut self) -> Result<Mode, Problem> {
        self.refuse(&IDEMPOTENCY_KEY, "Idempotency-Key")?;
        Ok(self.creation()?.mode)
    }

    /// Takes what every change may have: `If-Match`, `Idempotency-Key`, and `dry_run=1`, which must be all of the
    /// query.
    pub(crate) fn change(&mut self) -> Result<ChangeRequest, Problem> {
        let mode = match self.input.query.take("dry_run").as_deref() {
            None | Some("0") => Mode::Make,
            Some("1") => Mode::DryRun,
            Some(_) => {
                let fault = QueryFault::Value {
                    name: "dry_run",
                    rule: "is not 0 or 1",
                };
                return Err(RequestError::from(fault).into());
            }
        };
        self.finish_query()?;
        Ok(ChangeRequest {
            if_match: header(&self.input.headers, &IF_MATCH, "If-Match")?.map(unquoted),
            idempotency_key: header(&self.input.headers, &IDEMPOTENCY_KEY, "Idempotency-Key")?,
            mode,
        })
    }

    /// Reads the body as JSON.
    pub(crate) fn json(&self) -> Result<Value, Problem> {
        Ok(strict_json::parse(&self.input.body).map_err(RequestError::Json)?)
    }

    /// Reads the body as JSON of a form, in which unknown members are refused.
    pub(crate) fn form<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let form = serde_json::from_value(self.json()?);
        Ok(form.map_err(|error| RequestError::Json(error.to_string()))?)
    }

    /// Checks that there is no body.
    pub(crate) fn no_body(&self) -> Result<(), Problem> {
        match self.input.body.is_empty() {
            true => Ok(()),
            false => Err(RequestError::BodyUnwanted.into()),
        }
    }

    /// Checks that there are neither a body nor a query.
    pub(crate) fn nothing(&mut self) -> Result<(), Problem> {
        self.no_body()?;
        self.end_query()
    }
}

/// Ids are short and have no control characters; the store would refuse others.
fn is_cursor(text: &str) -> bool {
    (1..=CURSOR_LENGTH_MAX).contains(&text.len()) && !text.chars().any(char::is_control)
}

fn header(
    headers: &HeaderMap,
    name: &HeaderName,
    shown: &'static str,
) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let fault = |rule| RequestError::Header { name: shown, rule };
    if values.next().is_some() {
        return Err(fault("is sent twice").into());
    }
    let text = value.to_str().map_err(|_| fault("is not ASCII"))?;
    Ok(Some(text.to_owned()))
}

/// Returns an entity tag without quotes, as clients may send it either way.
fn unquoted(etag: String) -> String {
    let inner = etag
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    inner.map(str::to_owned).unwrap_or(etag)
}

/// What an operation answers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Option<Value>,
    pub(crate) etag: Option<String>,
    pub(crate) location: Option<String>,
}

impl Answer {
    pub(crate) fn ok(body: Value) -> Self {
        Answer {
            status: StatusCode::OK,
            body: Some(body),
            etag: None,
            location: None,
        }
    }

    pub(crate) fn created(body: Value, location: String) -> Self {
        Answer {
            status: StatusCode::CREATED,
            location: Some(location),
            ..Answer::ok(body)
        }
    }

    pub(crate) fn nothing() -> Self {
        Answer {
            status: StatusCode::NO_CONTENT,
            body: None,
            etag: None,
            location: None,
        }
    }

    pub(crate) fn with_etag(self, etag: Option<String>) -> Self {
        Answer { etag, ..self }
    }

    /// Returns the response.
    pub(crate) fn respond(self) -> Response<Bytes> {
        let body = self.body.map(|body| Bytes::from(format!("{body}\n")));
        let has_body = body.is_some();
        let mut response = Response::new(body.unwrap_or_default());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if has_body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let texts = [
            (ETAG, self.etag.map(|etag| format!("\"{etag}\""))),
            (LOCATION, self.location),
        ];
        for (name, text) in texts {
            let value = text.and_then(|text| HeaderValue::try_from(text).ok());
            value.map(|value| headers.insert(name, value));
        }
        response
    }
}
