//! A request of CloudFront's API that an operator was admitted with, and what its handler answers.

use crate::cloudfront::api_error::ApiError;
use crate::cloudfront::dialect::Dialect;
use crate::cloudfront::model::Operation;
use crate::cloudfront::settings::Settings;
use crate::operations::{ChangeRequest, Operations};
use crate::operator::Operator;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderValue, Response, StatusCode};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Items of a page unless the client gives another number.
const ITEMS_DEFAULT: usize = 100;
/// Most items of a page.
const ITEMS_MAX: usize = 1000;

/// A request of an operator whose role is at least `R`.
#[derive(Debug)]
pub(super) struct Call<R> {
    pub(super) operations: Operations,
    pub(super) operator: Operator<R>,
    pub(super) input: Input,
}

/// The parts of a request.
#[derive(Debug)]
pub(crate) struct Input {
    pub(super) dialect: Dialect,
    pub(super) operation: &'static Operation,
    pub(super) settings: Arc<Settings>,
    /// Parameters of the path.
    pub(super) parameters: BTreeMap<String, String>,
    /// Parameters of the query that the operation has.
    pub(super) query: BTreeMap<&'static str, String>,
    /// Value of `If-Match`, without quotes.
    pub(super) if_match: Option<String>,
    /// Body by its shape; `Null` if the operation has none.
    pub(super) body: Value,
}

/// The wanted part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// Id of the last item of the page before.
    pub(super) marker: Option<String>,
    pub(super) max_items: usize,
}

impl<R> Call<R> {
    /// Returns a parameter of the path.
    pub(super) fn parameter(&self, name: &str) -> &str {
        let value = self.input.parameters.get(name);
        value.map(String::as_str).unwrap_or_default()
    }

    /// Returns a parameter of the query; an empty one is as absent.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        let value = self.input.query.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }

    /// Returns the page of a list.
    pub(super) fn page(&self) -> Result<Page, ApiError> {
        let fault =
            || ApiError::argument(&format!("MaxItems is not a number from 1 to {ITEMS_MAX}"));
        let max_items = match self.query("MaxItems") {
            None => ITEMS_DEFAULT,
            Some(text) => {
                let number = text.parse().ok();
                number
                    .filter(|number| (1..=ITEMS_MAX).contains(number))
                    .ok_or_else(fault)?
            }
        };
        Ok(Page {
            marker: self.query("Marker").map(str::to_owned),
            max_items,
        })
    }

    /// Returns the conditions of a change of what exists. They are asked for before it is looked for.
    pub(super) fn change(&self) -> Result<ChangeRequest, ApiError> {
        let missing = || {
            ApiError::new(
                "InvalidIfMatchVersion",
                "the If-Match version is missing or not valid for the resource",
            )
        };
        let if_match = self.input.if_match.clone();
        let if_match = if_match.filter(|etag| !etag.is_empty());
        Ok(ChangeRequest {
            if_match: Some(if_match.ok_or_else(missing)?),
            ..ChangeRequest::default()
        })
    }

    /// Returns the URL of what was created at a path behind the date.
    pub(super) fn location(&self, path: &str) -> String {
        let Input {
            settings, dialect, ..
        } = &self.input;
        format!("{}/{}{path}", settings.base_url, dialect.date())
    }
}

/// What a handler answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reply {
    /// Body by its shape.
    pub(super) body: Option<Value>,
    pub(super) etag: Option<String>,
    pub(super) location: Option<String>,
}

impl Reply {
    pub(super) fn of(body: Value) -> Self {
        Reply {
            body: Some(body),
            ..Reply::default()
        }
    }

    pub(super) fn with_etag(self, etag: Option<String>) -> Self {
        Reply { etag, ..self }
    }

    /// Returns the response as the operation has it.
    pub(super) fn respond(self, operation: &Operation, dialect: Dialect) -> Response<Bytes> {
        let form = operation.form.as_ref();
        let element = form.and_then(|form| form.answer);
        let body = match (self.body, element) {
            (Some(body), Some(element)) => Some(dialect.write(&body, element)),
            (Some(_), None) | (None, _) => None,
        };
        let has_body = body.is_some();
        let mut response = Response::new(body.map(Bytes::from).unwrap_or_default());
        let status = form.and_then(|form| StatusCode::from_u16(form.status).ok());
        *response.status_mut() = status.unwrap_or(StatusCode::OK);
        let headers = response.headers_mut();
        if has_body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
        }
        let has = |name| form.is_some_and(|form| form.headers.contains(&name));
        let texts = [
            (ETAG, self.etag.filter(|_| has("ETag"))),
            (LOCATION, self.location.filter(|_| has("Location"))),
        ];
        for (name, text) in texts {
            let value = text.and_then(|text| HeaderValue::try_from(text).ok());
            value.map(|value| headers.insert(name, value));
        }
        response
    }
}

/// Returns a time as answers have it; what has none was always there.
pub(super) fn time(seconds: Option<i64>) -> Value {
    let at = Timestamp::from_second(seconds.unwrap_or_default());
    at.unwrap_or(Timestamp::UNIX_EPOCH).to_string().into()
}
