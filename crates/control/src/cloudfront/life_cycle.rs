//! The seven operations that both kinds of distributions have, from their creation to their end.
//!
//! A kind says how its configuration becomes a document and back, and what its answers have.

use crate::cloudfront::api_error::ApiError;
use crate::cloudfront::call::{Call, Page, Reply, time};
use crate::cloudfront::config_parts::{ConfigContext, Present, is_enabled};
use crate::cloudfront::distribution_error::{LifeCycleCodes, absent, fault, refusal};
use crate::cloudfront::handled::Handled;
use crate::cloudfront::knowledge::Knowledge;
use crate::cloudfront::members::{ConfigFault, Keys, Members, set};
use crate::cloudfront::resource::{changed, check_etag, gather};
use crate::cloudfront::{active_keys, tags};
use crate::operation_error::OperationError;
use crate::operations::{ChangeRequest, Item, Operations, PageRequest, random_text};
use crate::operator::{Admin, Operator, Read};
use privet_distribution::config::ServiceKind;
use serde_json::Value;

/// Invalidations that are looked at for those in progress, newest first.
const INVALIDATIONS_READ: u32 = 100;
/// Characters behind the first of a domain name.
const DOMAIN_LENGTH: usize = 13;

/// A kind of distribution.
#[derive(Debug)]
pub(super) struct DistributionKind {
    pub(super) kind: ServiceKind,
    /// Noun of its operations and element of the whole.
    pub(super) name: &'static str,
    /// Path behind the date, which is the kind in ARNs too.
    pub(super) path: &'static str,
    /// First character of its domain names.
    pub(super) domain_prefix: &'static str,
    pub(super) codes: LifeCycleCodes,
    /// Shows the configuration of a document.
    pub(super) show: fn(&Value, &ConfigContext<'_>) -> Value,
    /// Makes a document of a configuration.
    pub(super) read: ReadConfig,
    /// Members of the configuration that a summary has.
    pub(super) summary: &'static [&'static str],
    pub(super) extent: Extent,
}

/// Makes a document of a configuration, and of the document that it changes.
pub(super) type ReadConfig =
    fn(&Value, Option<Present<'_>>, &ConfigContext<'_>) -> Result<Keys, ConfigFault>;

/// What the whole has beside configuration, status and signers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// Key groups, and the number of invalidations in progress.
    Web,
    /// Nothing.
    Streaming,
}

/// When an item is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// In the answer to its change, which is in progress whatever the edges have said.
    Change,
    /// Later.
    Later,
}

/// Returns the handlers of a kind.
pub(super) fn handlers(of: &'static DistributionKind) -> [Handled; 7] {
    let DistributionKind { name, kind, .. } = of;
    let kind = kind.as_str();
    [
        Handled::new(format!("Create{name}"), kind, move |call| create(call, of)),
        Handled::new(format!("Create{name}WithTags"), kind, move |call| {
            create(call, of)
        }),
        Handled::new(format!("Get{name}"), kind, move |call| get(call, of)),
        Handled::new(format!("Get{name}Config"), kind, move |call| {
            get_config(call, of)
        }),
        Handled::new(format!("Update{name}"), kind, move |call| update(call, of)),
        Handled::new(format!("Delete{name}"), kind, move |call| delete(call, of)),
        Handled::new(format!("List{name}s"), kind, move |call| list(call, of)),
    ]
}

async fn create(call: Call<Admin>, of: &'static DistributionKind) -> Result<Reply, ApiError> {
    let reader = call.operator.reader();
    let operations = &call.operations;
    let knowledge = knowledge(&call, &reader, &[]).await?;
    let context = &knowledge.context();
    let (config, tags) = parts(&call.input.body, of)?;
    let document = (of.read)(config, None, context);
    let mut document = document.map_err(|refused| fault(&call.input, &refused))?;
    set(&mut document, "tags", tags);
    let most = call.input.settings.most(of.kind);
    let listed = listed(&call, of).await?;
    if let Some(other) = with_reference(&listed, &document) {
        return repeated(&call, of, other, &document.into()).await;
    }
    if listed.len() >= most {
        let message = format!("there are {most} already");
        return Err(ApiError::new(of.codes.too_many, &message));
    }
    let label = random_text(DOMAIN_LENGTH)?.to_ascii_lowercase();
    let suffix = &call.input.settings.domain_suffix;
    let domain = format!("{}{label}{suffix}", of.domain_prefix);
    set(&mut document, "domain_name", Some(domain));
    let request = ChangeRequest::default();
    let body = Value::Object(document.clone());
    let made = operations.create(&call.operator, of.kind, body, &request);
    let made = made.await;
    let made = match made {
        Ok(made) => changed(made)?,
        Err(error) => return refused(&call, of, &document, error).await,
    };
    let item = find(operations, &reader, of, &made.id).await?;
    let body = shown(&call, &reader, (of, &item), Moment::Change).await?;
    Ok(Reply {
        location: Some(call.location(&format!("{}/{}", of.path, item.id))),
        ..Reply::of(body).with_etag(Some(item.etag))
    })
}

/// Answers a creation that was refused. Another one with its reference may have been faster: that is what it repeats
/// then, whatever else they have in common.
async fn refused(
    call: &Call<Admin>,
    of: &DistributionKind,
    document: &Keys,
    error: OperationError,
) -> Result<Reply, ApiError> {
    let listed = listed(call, of).await?;
    match with_reference(&listed, document) {
        Some(other) => repeated(call, of, other, &Value::Object(document.clone())).await,
        None => Err(refusal(&call.input, of.codes, error)),
    }
}

/// Returns as many items as there may be.
async fn listed(call: &Call<Admin>, of: &DistributionKind) -> Result<Vec<Item>, ApiError> {
    let most = call.input.settings.most(of.kind);
    let reader = call.operator.reader();
    let listed = gather(&call.operations, &reader, (of.kind, None), most).await;
    let listed = listed.map_err(|error| refusal(&call.input, of.codes, error))?;
    Ok(listed.items)
}

/// Returns the item with the reference of a document.
fn with_reference<'i>(items: &'i [Item], document: &Keys) -> Option<&'i Item> {
    let reference = document.get("caller_reference");
    let mut items = items.iter();
    items.find(|item| item.document.get("caller_reference") == reference)
}

/// Returns the configuration and the tags of a body. One with tags has both as members.
fn parts<'b>(
    body: &'b Value,
    of: &DistributionKind,
) -> Result<(&'b Value, Option<Keys>), ApiError> {
    match body.get(format!("{}Config", of.name)) {
        None => Ok((body, None)),
        Some(config) => {
            let tags = tags::read(body.get("Tags").unwrap_or(&Value::Null))?;
            Ok((config, (!tags.is_empty()).then_some(tags)))
        }
    }
}

/// Answers a creation with the reference of an earlier one: in older versions of the API, the same content gets the
/// same answer again.
async fn repeated(
    call: &Call<Admin>,
    of: &DistributionKind,
    other: &Item,
    document: &Value,
) -> Result<Reply, ApiError> {
    let reader = call.operator.reader();
    let knowledge = knowledge(call, &reader, &[document, &other.document]).await?;
    let context = &knowledge.context();
    let clear = call
        .operations
        .with_clear_headers(&call.operator, of.kind, other)?;
    let is_same = (of.show)(&clear, context) == (of.show)(document, context)
        && clear.get("tags") == document.get("tags");
    if call.input.dialect.is_newest() || !is_same {
        let message = format!(
            "The caller reference that you are using to create a distribution is associated with another \
             distribution. Already exists: {}",
            other.id
        );
        return Err(ApiError::new(of.codes.exists, &message));
    }
    let body = shown(call, &reader, (of, other), Moment::Later).await?;
    Ok(Reply {
        location: Some(call.location(&format!("{}/{}", of.path, other.id))),
        ..Reply::of(body).with_etag(Some(other.etag.clone()))
    })
}

async fn get(call: Call<Read>, of: &'static DistributionKind) -> Result<Reply, ApiError> {
    let item = find(&call.operations, &call.operator, of, call.parameter("Id")).await?;
    let body = shown(&call, &call.operator, (of, &item), Moment::Later).await?;
    Ok(Reply::of(body).with_etag(Some(item.etag)))
}

async fn get_config(call: Call<Read>, of: &'static DistributionKind) -> Result<Reply, ApiError> {
    let item = find(&call.operations, &call.operator, of, call.parameter("Id")).await?;
    let config = config(&call, &call.operator, of, &item).await?;
    Ok(Reply::of(config).with_etag(Some(item.etag)))
}

async fn update(call: Call<Admin>, of: &'static DistributionKind) -> Result<Reply, ApiError> {
    let (request, id) = (call.change()?, call.parameter("Id"));
    let reader = call.operator.reader();
    let before = find(&call.operations, &reader, of, id).await?;
    check_etag(&before, &request)?;
    let clear = call
        .operations
        .with_clear_headers(&call.operator, of.kind, &before)?;
    let knowledge = knowledge(&call, &reader, &[&before.document]).await?;
    let context = &knowledge.context();
    let mut config = call.input.body.clone();
    let shape = format!("{}Config", of.name);
    let present = (of.show)(&clear, context);
    let completed = call.input.dialect.complete(&mut config, &present, &shape);
    completed.map_err(|refused| fault(&call.input, &refused))?;
    let present = Present {
        sealed: &before.document,
        clear: &clear,
    };
    let document = (of.read)(&config, Some(present), context);
    let document = document.map_err(|refused| fault(&call.input, &refused))?;
    let name = (of.kind, id);
    let made = call
        .operations
        .update(&call.operator, name, document.into(), &request)
        .await;
    let made = changed(made.map_err(|error| refusal(&call.input, of.codes, error))?)?;
    let item = find(&call.operations, &reader, of, &made.id).await?;
    let body = shown(&call, &reader, (of, &item), Moment::Change).await?;
    Ok(Reply::of(body).with_etag(Some(item.etag)))
}

async fn delete(call: Call<Admin>, of: &'static DistributionKind) -> Result<Reply, ApiError> {
    let (request, id) = (call.change()?, call.parameter("Id"));
    let item = find(&call.operations, &call.operator.reader(), of, id).await?;
    check_etag(&item, &request)?;
    if is_enabled(&Members::of(&item.document, "")) {
        let message = "it is enabled; disable it first";
        return Err(ApiError::new(of.codes.not_disabled, message));
    }
    if !is_deployed(&item) {
        let message = "edges may serve it yet; wait until its status is Deployed";
        return Err(ApiError::new(of.codes.not_disabled, message));
    }
    let name = (of.kind, id);
    let made = call.operations.delete(&call.operator, name, &request).await;
    made.map_err(|error| refusal(&call.input, of.codes, error))?;
    Ok(Reply::default())
}

async fn list(call: Call<Read>, of: &'static DistributionKind) -> Result<Reply, ApiError> {
    let page = call.page()?;
    let from = (of.kind, page.marker.clone());
    let listed = gather(&call.operations, &call.operator, from, page.max_items).await;
    let listed = listed.map_err(|error| refusal(&call.input, of.codes, error))?;
    let list = summaries(&call, of, &listed.items).await?;
    let next = listed.items.last().filter(|_| listed.is_truncated);
    let next = next.map(|item| item.id.clone());
    Ok(Reply::of(marked(&page, list, next)))
}

/// Returns a list with its marker.
pub(super) fn marked(page: &Page, items: Vec<Value>, next: Option<String>) -> Value {
    let mut list = Keys::new();
    let marker = page.marker.as_deref().unwrap_or_default();
    set(&mut list, "Marker", Some(marker));
    set(&mut list, "MaxItems", Some(page.max_items));
    set(&mut list, "IsTruncated", Some(next.is_some()));
    set(&mut list, "NextMarker", next);
    set(&mut list, "Items", Some(items));
    Value::Object(list)
}

/// Returns the summaries of items. They have no values of headers in clear, which no client asks them for.
pub(super) async fn summaries(
    call: &Call<Read>,
    of: &DistributionKind,
    items: &[Item],
) -> Result<Vec<Value>, ApiError> {
    let documents: Vec<&Value> = items.iter().map(|item| &item.document).collect();
    let knowledge = knowledge(call, &call.operator, &documents).await?;
    let context = &knowledge.context();
    let summary = |item: &Item| {
        let mut summary = identity(call, of, item, Moment::Later);
        let config = (of.show)(&item.document, context);
        for member in of.summary {
            set(&mut summary, member, config.get(*member).cloned());
        }
        Value::Object(summary)
    };
    Ok(items.iter().map(summary).collect())
}

async fn knowledge<R>(
    call: &Call<R>,
    operator: &Operator<Read>,
    documents: &[&Value],
) -> Result<Knowledge, ApiError> {
    let settings = &call.input.settings;
    Knowledge::of(&call.operations, operator, settings, documents).await
}

/// Finds an item.
pub(super) async fn find(
    operations: &Operations,
    operator: &Operator<Read>,
    of: &DistributionKind,
    id: &str,
) -> Result<Item, ApiError> {
    let item = operations.item(operator, of.kind, id).await;
    item.map_err(|error| absent(of.codes.absent, error))
}

/// Shows the configuration of an item; who may set the values of headers may see them.
async fn config<R>(
    call: &Call<R>,
    operator: &Operator<Read>,
    of: &DistributionKind,
    item: &Item,
) -> Result<Value, ApiError> {
    let document = match operator.raised::<Admin>() {
        Ok(admin) => call.operations.with_clear_headers(&admin, of.kind, item)?,
        Err(_) => item.document.clone(),
    };
    let knowledge = knowledge(call, operator, &[&document]).await?;
    Ok((of.show)(&document, &knowledge.context()))
}

/// Returns what a whole and a summary have beside the configuration.
fn identity<R>(call: &Call<R>, of: &DistributionKind, item: &Item, moment: Moment) -> Keys {
    let mut keys = Keys::new();
    let path = format!("{}/{}", of.path.trim_start_matches('/'), item.id);
    let status = match (moment, is_deployed(item)) {
        (Moment::Later, true) => "Deployed",
        (Moment::Change, _) | (Moment::Later, false) => "InProgress",
    };
    let domain = Members::of(&item.document, "").text("domain_name");
    set(&mut keys, "Id", Some(item.id.as_str()));
    set(&mut keys, "ARN", Some(call.input.settings.arn(&path)));
    set(&mut keys, "Status", Some(status));
    set(&mut keys, "LastModifiedTime", Some(time(item.made_by.at)));
    set(&mut keys, "DomainName", domain);
    keys
}

/// Returns the whole of an item.
async fn shown<R>(
    call: &Call<R>,
    operator: &Operator<Read>,
    (of, item): (&DistributionKind, &Item),
    moment: Moment,
) -> Result<Value, ApiError> {
    let operations = &call.operations;
    let mut whole = identity(call, of, item, moment);
    let signers = active_keys::active_signers(operations, operator, &item.document).await?;
    set(&mut whole, "ActiveTrustedSigners", Some(signers));
    if of.extent == Extent::Web {
        let groups = active_keys::active_key_groups(operations, operator, &item.document).await?;
        set(&mut whole, "ActiveTrustedKeyGroups", Some(groups));
        let running = invalidations(operations, operator, &item.id).await?;
        set(&mut whole, "InProgressInvalidationBatches", Some(running));
    }
    let config = config(call, operator, of, item).await?;
    set(&mut whole, &format!("{}Config", of.name), Some(config));
    Ok(Value::Object(whole))
}

/// Counts the invalidations of a distribution that are not in force everywhere.
async fn invalidations(
    operations: &Operations,
    operator: &Operator<Read>,
    id: &str,
) -> Result<usize, ApiError> {
    // Most of the time there are none, and none has to be read.
    if operations.is_all_in_force(operator).await? {
        return Ok(0);
    }
    let page = PageRequest {
        after: None,
        limit: INVALIDATIONS_READ,
    };
    let listed = operations.invalidations(operator, &page).await?;
    let is_running = |item: &&Item| {
        let of = item.document.get("distribution").and_then(Value::as_str);
        of == Some(id) && !is_deployed(item)
    };
    Ok(listed.items.iter().filter(is_running).count())
}

/// Returns true for what all connected edges have in force.
fn is_deployed(item: &Item) -> bool {
    item.applied.is_none_or(|applied| applied.awaited == 0)
}
