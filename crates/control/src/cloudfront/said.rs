//! Documents in CloudFront's words: the configuration by which a client would make one, if there is such a one.
//!
//! Whether there is one is tried: what is made of the configuration has to have everything that the document has.

use crate::cloudfront::config_parts::ConfigContext;
use crate::cloudfront::handlers::resource_of;
use crate::cloudfront::life_cycle::DistributionKind;
use crate::cloudfront::members::{is_same, seconds};
use crate::cloudfront::model::{Model, Shape};
use crate::cloudfront::resource::Resource;
use crate::cloudfront::{distributions, streaming_distributions, tags};
use crate::operations::{Item, MadeBy};
use crate::sigv4::hex;
use aws_lc_rs::digest::{SHA256, digest};
use privet_distribution::config::{ApiLimits, ServiceKind};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Account of ARNs in texts that do not know the service's.
const ACCOUNT: &str = "000000000000";
/// Characters of a reference that is made of a document.
const REFERENCE_LENGTH: usize = 32;
/// Keys that the API sets itself, or that are not part of a configuration.
const APART: [&str; 4] = ["id", "domain_name", "caller_reference", "tags"];

/// A document in CloudFront's words.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Said {
    /// Configuration. Its lists are not counted.
    pub(crate) config: Value,
    /// Tags, in the form of the API; `None` if there are none.
    pub(crate) tags: Option<Value>,
}

/// Returns the noun in the names of the operations on a kind, such as `PublicKey`.
///
/// # Errors
/// A text that says that the API has none, for a kind that is Privet's own.
pub(crate) fn noun(kind: ServiceKind) -> Result<&'static str, String> {
    match form(kind)? {
        Form::Resource(resource) => Ok(resource.name),
        Form::Distribution(of) => Ok(of.name),
    }
}

/// Returns a document in CloudFront's words. One without a reference gets one that is made of the document itself, so
/// that the same text creates it once.
///
/// # Errors
/// The reason why the API cannot say it.
pub(crate) fn said(kind: ServiceKind, document: &Value) -> Result<Said, String> {
    let mut document = document.clone();
    let reference = hex(digest(&SHA256, document.to_string().as_bytes()).as_ref());
    let members = document.as_object_mut();
    let members = members.ok_or_else(|| "the document is not an object".to_owned())?;
    if !members.contains_key(kind.id_key()) && !members.contains_key("caller_reference") {
        let reference = reference.get(..REFERENCE_LENGTH).unwrap_or_default();
        members.insert("caller_reference".to_owned(), reference.into());
    }
    name_certificate(members)?;
    let (config, made) = match form(kind)? {
        Form::Resource(resource) => of_resource(resource, &document)?,
        Form::Distribution(of) => of_distribution(of, &document)?,
    };
    if let Some(pointer) = unsaid(&document, &made) {
        return Err(format!("CloudFront's API cannot say {pointer}"));
    }
    let has_tags = document.get("tags").and_then(Value::as_object);
    let has_tags = has_tags.is_some_and(|tags| !tags.is_empty());
    Ok(Said {
        config,
        tags: has_tags.then(|| tags::shown(&document)),
    })
}

/// Returns a configuration with its lists counted, as JSON of the API has them.
///
/// `shape` is the name of its shape, such as `PublicKeyConfig`.
pub(crate) fn counted(config: &Value, shape: &str) -> Value {
    match Model::get().shape(shape) {
        structure @ Shape::Structure(members) => {
            let mut counted = Map::new();
            for member in members {
                let inner = config.get(member.name).filter(|inner| !inner.is_null());
                if let Some(inner) = inner {
                    counted.insert(member.name.to_owned(), self::counted(inner, member.shape));
                }
            }
            if structure.is_counted() {
                let items = counted.get("Items").and_then(Value::as_array);
                let count = items.map_or(0, Vec::len);
                if count == 0 {
                    counted.remove("Items");
                }
                counted.insert("Quantity".to_owned(), count.into());
            }
            Value::Object(counted)
        }
        Shape::List { shape, .. } => {
            let items = config.as_array().into_iter().flatten();
            items.map(|item| self::counted(item, shape)).collect()
        }
        Shape::Text
        | Shape::Flag
        | Shape::Whole
        | Shape::Fraction
        | Shape::Time
        | Shape::Bytes
        | Shape::Words(_) => config.clone(),
    }
}

enum Form {
    Resource(&'static Resource),
    Distribution(&'static DistributionKind),
}

fn form(kind: ServiceKind) -> Result<Form, String> {
    match kind {
        ServiceKind::Distribution => Ok(Form::Distribution(&distributions::KIND)),
        ServiceKind::StreamingDistribution => {
            Ok(Form::Distribution(&streaming_distributions::KIND))
        }
        ServiceKind::PublicKey
        | ServiceKind::KeyGroup
        | ServiceKind::CachePolicy
        | ServiceKind::OriginRequestPolicy
        | ServiceKind::ResponseHeadersPolicy
        | ServiceKind::OriginAccessIdentity
        | ServiceKind::OriginAccessControl => {
            let resource = resource_of(kind);
            resource
                .map(Form::Resource)
                .ok_or_else(|| "CloudFront's API has no such items".to_owned())
        }
        ServiceKind::TrustedSigner => {
            Err("CloudFront's API has no trusted signers of its own".to_owned())
        }
        ServiceKind::Certificate => {
            Err("CloudFront's API has no certificates of its own".to_owned())
        }
        ServiceKind::Bucket => Err("CloudFront's API has no places of buckets".to_owned()),
    }
}

/// Has a certificate named by its id: an ARN has the number of the account, which is not known here.
fn name_certificate(document: &mut Map<String, Value>) -> Result<(), String> {
    match (
        document.contains_key("certificate"),
        document.get("certificate_source"),
    ) {
        (false, _) | (true, Some(Value::String(_))) => {}
        (true, _) => {
            document.insert("certificate_source".to_owned(), "iam".into());
        }
    }
    match document.get("certificate_source").and_then(Value::as_str) {
        Some("acm") => Err("the certificate is named by an ARN of the account".to_owned()),
        Some(_) | None => Ok(()),
    }
}

/// Returns configuration and what is made of it.
fn of_resource(resource: &Resource, document: &Value) -> Result<(Value, Value), String> {
    let id = document.get(resource.kind.id_key()).and_then(Value::as_str);
    let item = Item {
        id: id.unwrap_or_default().to_owned(),
        etag: String::new(),
        version: None,
        made_by: MadeBy {
            kind: "nobody",
            operator: None,
            at: None,
        },
        created_at: None,
        document: document.clone(),
        used_by: None,
        applied: None,
    };
    let config = (resource.config)(&item).map_err(|error| error.message().to_owned())?;
    let made = (resource.document)(&config, Map::new());
    let made = made.map_err(|error| error.message().to_owned())?;
    Ok((config, made.into()))
}

fn of_distribution(of: &DistributionKind, document: &Value) -> Result<(Value, Value), String> {
    let context = ConfigContext {
        account: ACCOUNT,
        default_certificate: None,
        policies: &BTreeMap::new(),
        limits: &ApiLimits::default(),
    };
    let config = (of.show)(document, &context);
    let made = (of.read)(&config, None, &context).map_err(|fault| fault.message)?;
    Ok((config, made.into()))
}

/// Returns the JSON pointer of something in a document that what was made of its configuration does not have.
fn unsaid(document: &Value, made: &Value) -> Option<String> {
    let members = document.as_object().into_iter().flatten();
    let mut members = members.filter(|(key, _)| !APART.contains(&key.as_str()));
    members.find_map(|(key, value)| lost(value, made.get(key), format!("/{key}")))
}

fn lost(value: &Value, made: Option<&Value>, pointer: String) -> Option<String> {
    let made = made.unwrap_or(&Value::Null);
    if is_same(value, made) {
        return None;
    }
    match (value, made) {
        (Value::Object(members), Value::Object(_)) => members
            .iter()
            .find_map(|(key, value)| lost(value, made.get(key), format!("{pointer}/{key}"))),
        (Value::Array(values), Value::Array(others)) if values.len() == others.len() => {
            let pairs = values.iter().zip(others).enumerate();
            let mut pairs = pairs.map(|(index, pair)| (format!("{pointer}/{index}"), pair));
            pairs.find_map(|(pointer, (value, made))| lost(value, Some(made), pointer))
        }
        // A flag that is not set, and durations in other units.
        (Value::Bool(false), Value::Null) => None,
        (Value::String(_), Value::Number(_)) if seconds(value) == seconds(made) => None,
        (value, Value::Number(number)) if value.as_f64() == number.as_f64() => None,
        (
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_),
            _,
        ) => Some(pointer),
    }
}

/// Returns the object of a creation with tags.
pub(crate) fn with_tags(noun: &str, said: &Said) -> Value {
    json!({ format!("{noun}Config"): said.config, "Tags": said.tags })
}
