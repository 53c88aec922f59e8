//! The requests behind the commands of a collection.

use super::shown::{self, Shown};
use super::{
    Change, Collection, Creation, Form, One, RestoreArguments, ShowArguments, UpdateArguments,
    input,
};
use crate::api::{Api, ApiRequest, encoded};
use crate::command_error::CommandError;
use crate::report::{say_all, say_json};
use http::Method;
use serde_json::{Value, json};

/// Documents of one list that are printed.
const ITEMS_MAX: usize = 1_000_000;

impl Collection {
    fn item(self, id: &str) -> String {
        format!("{}/{}", self.path, encoded(id))
    }
}

pub(super) fn list(collection: Collection, form: &Form) -> Result<(), CommandError> {
    let items = form.api.find()?.list(collection.path, "", ITEMS_MAX)?;
    match form.json {
        true => say_json(&json!({ "items": items })),
        false => say_all(&shown::list(&items)),
    }
}

pub(super) fn show(collection: Collection, arguments: &ShowArguments) -> Result<(), CommandError> {
    let One { id, form } = &arguments.one;
    let target = match arguments.number {
        Some(number) => format!("{}/versions/{number}", collection.item(id)),
        None => collection.item(id),
    };
    let item = form.api.find()?.get(target)?.body;
    match form.json {
        true => say_json(&item),
        false => say_all(&shown::item(collection.kind, id, &item)),
    }
}

pub(super) fn versions(collection: Collection, one: &One) -> Result<(), CommandError> {
    let One { id, form } = one;
    let target = format!("{}/versions", collection.item(id));
    let versions = form.api.find()?.list(&target, "", ITEMS_MAX)?;
    match form.json {
        true => say_json(&json!({ "items": versions })),
        false => say_all(&shown::versions(&versions)),
    }
}

pub(super) fn create(
    collection: Collection,
    document: &Value,
    creation: &Creation,
) -> Result<(), CommandError> {
    let asked = ApiRequest {
        method: Method::POST,
        target: with_dry_run(collection.path.to_owned(), creation.dry_run),
        if_match: None,
        body: Some(document),
    };
    let form = &creation.form;
    tell(&form.api.find()?.ask(&asked)?.body, form)
}

pub(super) fn update(
    collection: Collection,
    arguments: &UpdateArguments,
) -> Result<(), CommandError> {
    let document = input::read(collection.kind, &arguments.file)?;
    let request = Asked {
        method: Method::PUT,
        rest: "",
        body: Some(&document.value),
        etag: document.etag.as_deref(),
    };
    ask(collection, &arguments.change, &request)
}

pub(super) fn delete(collection: Collection, change: &Change) -> Result<(), CommandError> {
    let request = Asked {
        method: Method::DELETE,
        rest: "",
        body: None,
        etag: None,
    };
    ask(collection, change, &request)
}

pub(super) fn switch(
    collection: Collection,
    change: &Change,
    verb: &str,
) -> Result<(), CommandError> {
    let request = Asked {
        method: Method::POST,
        rest: &format!("/{verb}"),
        body: None,
        etag: None,
    };
    ask(collection, change, &request)
}

pub(super) fn restore(
    collection: Collection,
    arguments: &RestoreArguments,
) -> Result<(), CommandError> {
    let request = Asked {
        method: Method::POST,
        rest: "/restore",
        body: Some(&json!({ "version": arguments.version })),
        etag: None,
    };
    ask(collection, &arguments.change, &request)
}

/// A change of a document, but for its name.
struct Asked<'a> {
    method: Method,
    /// Path behind that of the document.
    rest: &'a str,
    body: Option<&'a Value>,
    /// ETag that came with the body.
    etag: Option<&'a str>,
}

fn ask(collection: Collection, change: &Change, asked: &Asked<'_>) -> Result<(), CommandError> {
    let One { id, form } = &change.one;
    let api = form.api.find()?;
    let item = collection.item(id);
    let given = change.if_match.as_deref().or(asked.etag);
    let etag = match given {
        Some(etag) => etag.trim_matches('"').to_owned(),
        None => present_etag(&api, collection, id)?,
    };
    let request = ApiRequest {
        method: asked.method.clone(),
        target: with_dry_run(format!("{item}{}", asked.rest), change.dry_run),
        if_match: Some(&etag)
            .filter(|etag| !etag.is_empty())
            .map(String::as_str),
        body: asked.body,
    };
    tell(&api.ask(&request)?.body, form)
}

/// Returns the ETag that a document has now. One that was deleted has none, and can be restored all the same.
fn present_etag(api: &Api, collection: Collection, id: &str) -> Result<String, CommandError> {
    match api.get(collection.item(id)) {
        Ok(answer) => Ok(answer.etag.unwrap_or_default()),
        Err(error) if error.is_refusal("not_found") => Ok(String::new()),
        Err(error) => Err(error),
    }
}

fn with_dry_run(target: String, dry_run: bool) -> String {
    match dry_run {
        true => format!("{target}?dry_run=1"),
        false => target,
    }
}

pub(super) fn tell(outcome: &Value, form: &Form) -> Result<(), CommandError> {
    match form.json {
        true => say_json(outcome),
        false => say_all(&Shown::of(outcome).lines()),
    }
}
