//! The route of equivalents: an operation of this interface in the words of other tools. Nothing is done.

use super::Route;
use super::documents::{RestoreRequest, document};
use super::key_rotation::ScheduleForm;
use super::operators::{AccessKeyForm, KeyRotationForm, NewOperatorForm, OperatorForm, parse_role};
use crate::call::{Answer, Call};
use crate::collection::Collection;
use crate::equivalents::{AccessKeyName, Operation, Target, equivalents};
use crate::operation_error::OperationError;
use crate::operations::{NewOperatorRequest, OperatorPatch, Switch};
use crate::operator::Read;
use crate::problem::Problem;
use crate::request_error::RequestError;
use http::Method;
use privet_distribution::config::ServiceKind;
use privet_store::{AccessKeyChange, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(
        Method::POST,
        "/v1/equivalents",
        "equivalents",
        show,
    )]
}

/// The body: what would be asked of the interface.
#[derive(Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with operation, parameters, if_match and body"
)]
pub(super) struct Asked {
    /// Name of the operation, such as `keys.update`.
    pub(super) operation: String,
    /// Parameters of the path.
    #[serde(default)]
    pub(super) parameters: BTreeMap<String, String>,
    /// ETag of `If-Match`.
    #[serde(default)]
    pub(super) if_match: Option<String>,
    /// Body of the request.
    #[serde(default)]
    pub(super) body: Value,
}

async fn show(mut call: Call<Read>) -> Result<Answer, Problem> {
    call.end_query()?;
    let operation = operation(call.form()?)?;
    Ok(Answer::ok(equivalents(&operation)?.to_json()))
}

/// Returns the operation that is asked for.
pub(super) fn operation(mut asked: Asked) -> Result<Operation, Problem> {
    let name = asked.operation.clone();
    let (first, verb) = name.split_once('.').unwrap_or((&name, ""));
    let kind = Collection::named(first).map(|collection| collection.kind);
    let operation = match (kind, first, verb) {
        (Some(_), "key_groups", "set_rotation" | "end_rotation" | "rotate") => {
            asked.of_rotation(verb)?
        }
        (Some(kind), _, "enable" | "disable") if kind.is_distribution() => {
            asked.of_switch(kind, verb)?
        }
        (Some(kind), _, _) => asked.of_item(kind, verb)?,
        (None, "invalidations", "create") => Operation::Invalidate(asked.form()?),
        (None, "operators", _) => asked.of_operator(verb)?,
        (None, "access_keys", "create" | "update" | "delete" | "rotate") => {
            asked.of_access_key(verb)?
        }
        (None, "edges", "forget") => Operation::ForgetEdge(asked.parameter("id")?),
        (None, _, _) => return Err(asked.unknown()),
    };
    asked.end()?;
    Ok(operation)
}

impl Asked {
    fn unknown(&self) -> Problem {
        OperationError::invalid(
            "operation",
            format!("{:?} has no equivalents", self.operation),
        )
        .into()
    }

    fn of_item(&mut self, kind: ServiceKind, verb: &str) -> Result<Operation, Problem> {
        Ok(match verb {
            "list" => Operation::List(kind),
            "get" => Operation::Get(kind, self.parameter("id")?),
            "create" => Operation::Create {
                kind,
                document: self.document(),
            },
            "update" => Operation::Update {
                target: self.target(kind)?,
                document: self.document(),
            },
            "delete" => Operation::Delete(self.target(kind)?),
            "restore" => {
                let RestoreRequest { version } = self.form()?;
                let target = self.target(kind)?;
                Operation::Restore { target, version }
            }
            _ => return Err(self.unknown()),
        })
    }

    fn of_switch(&mut self, kind: ServiceKind, verb: &str) -> Result<Operation, Problem> {
        let target = self.target(kind)?;
        let switch = match verb {
            "enable" => Switch::Enable,
            _ => Switch::Disable,
        };
        Ok(Operation::Switch { target, switch })
    }

    fn of_rotation(&mut self, verb: &str) -> Result<Operation, Problem> {
        let group = self.parameter("id")?;
        Ok(match verb {
            "set_rotation" => {
                let schedule = self.form::<ScheduleForm>()?.schedule()?;
                Operation::SetRotation { group, schedule }
            }
            "end_rotation" => Operation::EndRotation(group),
            _ => Operation::RotateNow(group),
        })
    }

    fn of_operator(&mut self, verb: &str) -> Result<Operation, Problem> {
        Ok(match verb {
            "create" => {
                let NewOperatorForm { name, role, scope } = self.form()?;
                let role = parse_role(&role)?;
                Operation::CreateOperator(NewOperatorRequest { name, role, scope })
            }
            "update" => {
                let form: OperatorForm = self.form()?;
                Operation::UpdateOperator {
                    name: self.parameter("name")?,
                    patch: OperatorPatch {
                        role: form.role.as_deref().map(parse_role).transpose()?,
                        scope: form.scope,
                        disabled: form.disabled,
                    },
                }
            }
            "delete" => Operation::DeleteOperator(self.parameter("name")?),
            _ => return Err(self.unknown()),
        })
    }

    fn of_access_key(&mut self, verb: &str) -> Result<Operation, Problem> {
        let operator = self.parameter("name")?;
        if verb == "create" {
            return Ok(Operation::CreateAccessKey(operator));
        }
        let id = self.parameter("id")?;
        let key = AccessKeyName { operator, id };
        Ok(match verb {
            "update" => {
                let AccessKeyForm {
                    disabled,
                    expires_at,
                } = self.form()?;
                let end = |at: jiff::Timestamp| Timestamp::from_seconds(at.as_second());
                let expires_at = expires_at.map(|at| at.map(end));
                let change = AccessKeyChange {
                    disabled,
                    expires_at,
                };
                Operation::UpdateAccessKey { key, change }
            }
            "delete" => Operation::DeleteAccessKey(key),
            "rotate" => {
                let KeyRotationForm { overlap_seconds } = self.form()?;
                Operation::RotateAccessKey {
                    key,
                    overlap_secs: overlap_seconds,
                }
            }
            _ => return Err(self.unknown()),
        })
    }

    fn target(&mut self, kind: ServiceKind) -> Result<Target, Problem> {
        let id = self.parameter("id")?;
        let etag = self.if_match.take();
        let etag = etag.map(|etag| etag.trim_matches('"').to_owned());
        Ok(Target { kind, id, etag })
    }

    fn parameter(&mut self, name: &str) -> Result<String, Problem> {
        let fault = || OperationError::invalid(format!("parameters.{name}"), "is missing");
        Ok(self.parameters.remove(name).ok_or_else(fault)?)
    }

    /// Takes the document of the body: the body itself, or the member `document` of an item as it was read.
    fn document(&mut self) -> Value {
        document(self.body.take())
    }

    fn form<T: DeserializeOwned>(&mut self) -> Result<T, Problem> {
        // The members of a form may also be read from an array, in their order.
        if self.body.is_array() {
            let message = "body: is an array and not an object".to_owned();
            return Err(RequestError::Json(message).into());
        }
        let form = serde_json::from_value(self.body.take());
        Ok(form.map_err(|error| RequestError::Json(format!("body: {error}")))?)
    }

    /// Refuses what the operation does not take: it would be lost in silence.
    fn end(&self) -> Result<(), Problem> {
        let field = match (self.parameters.keys().next(), &self.if_match, &self.body) {
            (None, None, Value::Null) => return Ok(()),
            (Some(name), _, _) => format!("parameters.{name}"),
            (None, Some(_), _) => "if_match".to_owned(),
            (None, None, _) => "body".to_owned(),
        };
        Err(OperationError::invalid(field, "is not taken by this operation").into())
    }
}
