//! Requests to `/v1`, sent by curl.
//!
//! The access key is written to curl's standard input by the shell itself: an argument would be seen in the list of
//! processes. It is sent as a bearer token, which every version of curl can do for every path.

use crate::collection::Collection;
use crate::equivalents::here_document::HereDocument;
use crate::equivalents::secrets::{Masked, Sealed, Secret, mask};
use crate::equivalents::{AccessKeyName, Equivalent, Operation, Target};
use crate::operation_error::OperationError;
use crate::operations::{InvalidationRequest, NewOperatorRequest, OperatorPatch, Switch};
use crate::rotation::Schedule;
use crate::shell::quoted;
use jiff::Timestamp as Moment;
use privet_distribution::config::ServiceKind;
use privet_store::AccessKeyChange;
use serde_json::{Map, Value, json};

const KEY: &str = r#"printf 'authorization: Bearer %s.%s\n' "${AWS_ACCESS_KEY_ID:?}" "${AWS_SECRET_ACCESS_KEY:?}""#;
const CURL: &str = "curl --silent --show-error --header @-";
const ENDPOINT: &str = "${PRIVET_ENDPOINT:?}";

/// Returns the commands of an operation.
pub(super) fn text(operation: &Operation) -> Result<Equivalent, OperationError> {
    Ok(Ok(request(operation)?.text()))
}

/// A request.
struct Request {
    method: &'static str,
    path: String,
    condition: Condition,
    body: Option<(Value, Vec<Secret>)>,
}

/// What the header `If-Match` has.
enum Condition {
    Absent,
    Etag(String),
    /// ETag that an item has when the commands are run, by its path.
    Present(String),
}

fn request(operation: &Operation) -> Result<Request, OperationError> {
    let request = match operation {
        Operation::List(kind) => Request::new("GET", Collection::of(*kind).path),
        Operation::Get(kind, id) => Request::new("GET", item(*kind, id)),
        Operation::Create { kind, document } => {
            let masked = mask(*kind, document, Sealed::Replaced)?;
            Request::new("POST", Collection::of(*kind).path).masked(masked)
        }
        Operation::Update { target, document } => {
            let masked = mask(target.kind, document, Sealed::Kept)?;
            Request::on(target, "PUT", "").masked(masked)
        }
        Operation::Delete(target) => Request::on(target, "DELETE", ""),
        Operation::Restore { target, version } => {
            Request::on(target, "POST", "/restore").body(json!({ "version": version }))
        }
        Operation::Switch { target, switch } => {
            let verb = match switch {
                Switch::Enable => "/enable",
                Switch::Disable => "/disable",
            };
            Request::on(target, "POST", verb)
        }
        Operation::Invalidate(request) => {
            Request::new("POST", "/v1/invalidations").body(invalidation(request))
        }
        Operation::CreateOperator(request) => {
            let NewOperatorRequest { name, role, scope } = request;
            let body = json!({ "name": name, "role": role.as_str(), "scope": scope });
            Request::new("POST", "/v1/operators").body(body)
        }
        Operation::UpdateOperator { name, patch } => {
            Request::new("PATCH", operator(name)).body(operator_patch(patch))
        }
        Operation::DeleteOperator(name) => Request::new("DELETE", operator(name)),
        Operation::CreateAccessKey(name) => {
            Request::new("POST", format!("{}/access-keys", operator(name)))
        }
        Operation::UpdateAccessKey { key, change } => {
            Request::new("PATCH", access_key(key)).body(key_patch(change))
        }
        Operation::DeleteAccessKey(key) => Request::new("DELETE", access_key(key)),
        Operation::RotateAccessKey { key, overlap_secs } => {
            let path = format!("{}/rotate", access_key(key));
            Request::new("POST", path).body(json!({ "overlap_seconds": overlap_secs }))
        }
        Operation::SetRotation { group, schedule } => {
            Request::new("POST", rotation(group)).body(shown_schedule(schedule))
        }
        Operation::EndRotation(group) => Request::new("DELETE", rotation(group)),
        Operation::RotateNow(group) => Request::new("POST", format!("{}/now", rotation(group))),
        Operation::ForgetEdge(id) => Request::new("DELETE", format!("/v1/edges/{}", encoded(id))),
    };
    Ok(request)
}

impl Request {
    fn new(method: &'static str, path: impl Into<String>) -> Self {
        Request {
            method,
            path: path.into(),
            condition: Condition::Absent,
            body: None,
        }
    }

    /// Makes a request that changes an item.
    fn on(target: &Target, method: &'static str, rest: &str) -> Self {
        let path = item(target.kind, &target.id);
        Request {
            condition: match &target.etag {
                Some(etag) => Condition::Etag(etag.clone()),
                None => Condition::Present(path.clone()),
            },
            ..Request::new(method, format!("{path}{rest}"))
        }
    }

    fn body(self, body: Value) -> Self {
        Request {
            body: Some((body, Vec::new())),
            ..self
        }
    }

    fn masked(self, masked: Masked) -> Self {
        Request {
            body: Some((masked.document, masked.secrets)),
            ..self
        }
    }

    fn text(&self) -> String {
        let Request { method, path, .. } = self;
        let mut text = String::new();
        let mut options = String::new();
        match &self.condition {
            Condition::Absent => {}
            Condition::Etag(etag) => {
                options = format!(" --header {}", quoted(&format!("if-match: \"{etag}\"")));
            }
            Condition::Present(item) => {
                text = format!(
                    "etag=$({KEY} |\n  {CURL} --output /dev/null --write-out '%header{{etag}}' \"{ENDPOINT}{item}\")\n"
                );
                options = " --header \"if-match: $etag\"".to_owned();
            }
        }
        let command = format!("{KEY} |\n  {CURL} --fail-with-body --request {method}{options}");
        let Some((body, secrets)) = &self.body else {
            return format!("{text}{command} \"{ENDPOINT}{path}\"");
        };
        let here = HereDocument::of(body, secrets);
        let comments = here.comments;
        // Standard input has the access key, so that the body comes in another way.
        format!(
            "{comments}{text}{command} --header 'content-type: application/json' \\\n  --data-binary @/dev/fd/3 \
             \"{ENDPOINT}{path}\" 3{}\n{}",
            here.redirection, here.lines
        )
    }
}

fn item(kind: ServiceKind, id: &str) -> String {
    Collection::of(kind).at(&format!("/{}", encoded(id)))
}

fn operator(name: &str) -> String {
    format!("/v1/operators/{}", encoded(name))
}

fn access_key(key: &AccessKeyName) -> String {
    format!(
        "{}/access-keys/{}",
        operator(&key.operator),
        encoded(&key.id)
    )
}

fn rotation(group: &str) -> String {
    format!("{}/rotation", item(ServiceKind::KeyGroup, group))
}

/// Returns a text as one segment of a path. Nothing in it means anything to a shell.
fn encoded(text: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'~');
    utf8_percent_encode(text, KEPT).to_string()
}

fn invalidation(request: &InvalidationRequest) -> Value {
    let mut body = json!({
        "distribution": request.distribution, "paths": request.paths, "tags": request.tags,
    });
    if let Some(reference) = &request.caller_reference {
        body["caller_reference"] = reference.as_str().into();
    }
    body
}

fn operator_patch(patch: &OperatorPatch) -> Value {
    let mut body = Map::new();
    if let Some(role) = patch.role {
        body.insert("role".to_owned(), role.as_str().into());
    }
    if let Some(scope) = &patch.scope {
        body.insert("scope".to_owned(), json!(scope));
    }
    if let Some(disabled) = patch.disabled {
        body.insert("disabled".to_owned(), disabled.into());
    }
    body.into()
}

fn key_patch(change: &AccessKeyChange) -> Value {
    let mut body = Map::new();
    if let Some(disabled) = change.disabled {
        body.insert("disabled".to_owned(), disabled.into());
    }
    if let Some(end) = change.expires_at {
        let end = end.and_then(|end| Moment::from_second(end.seconds()).ok());
        body.insert("expires_at".to_owned(), json!(end));
    }
    body.into()
}

fn shown_schedule(schedule: &Schedule) -> Value {
    json!(schedule)
}
