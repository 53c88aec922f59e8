//! The six operations that most resources have: create, get, get the configuration, update, delete and list.
//!
//! A resource says how its configuration becomes a document and back; everything else is the same for all.

use crate::cloudfront::api_error::ApiError;
use crate::cloudfront::call::{Call, Page, Reply};
use crate::cloudfront::handled::Handled;
use crate::operation_error::OperationError;
use crate::operations::Operations;
use crate::operations::{ChangeRequest, Changed, Item, MadeBy, Outcome, PageRequest};
use crate::operator::{Admin, Operator, Read};
use privet_distribution::config::ServiceKind;
use privet_store::StoreError;
use serde_json::{Map, Value, json};

/// Items that are read at a time.
const READ_AT_ONCE: u32 = 200;
/// ETag of what cannot be changed.
const MANAGED_ETAG: &str = "EMANAGEDBYAWS";

/// A document of the store.
pub(super) type Document = Map<String, Value>;

/// A kind of resource.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) kind: ServiceKind,
    /// Noun of its operations and element of the whole, such as `PublicKey`.
    pub(super) name: &'static str,
    /// The same for several.
    pub(super) plural: &'static str,
    /// Path behind the date.
    pub(super) path: &'static str,
    pub(super) codes: Codes,
    pub(super) listing: Listing,
    pub(super) repeated: Repeated,
    /// Returns the document of a configuration; an update begins with the document as it is.
    pub(super) document: fn(&Value, Document) -> Result<Document, ApiError>,
    /// Returns the configuration of an item.
    pub(super) config: fn(&Item) -> Result<Value, ApiError>,
    /// Returns what the whole has beside the configuration.
    pub(super) whole: fn(&Item) -> Map<String, Value>,
    /// Checks an update of a configuration, the old one first.
    pub(super) check_update: fn(&Value, &Value) -> Result<(), ApiError>,
    /// Returns a new id; `None` leaves it to the operations.
    pub(super) id: fn() -> Result<Option<String>, ApiError>,
    /// Returns the documents of those that every account has.
    pub(super) managed: fn() -> Vec<Value>,
}

/// The codes of errors that are about one kind of resource.
#[derive(Clone, Copy, Debug)]
pub(super) struct Codes {
    pub(super) absent: &'static str,
    pub(super) exists: &'static str,
    pub(super) in_use: &'static str,
    pub(super) too_many: &'static str,
}

/// The form of a list.
#[derive(Clone, Copy, Debug)]
pub(super) enum Listing {
    /// With `Marker` and `IsTruncated`. Returns the summary of an item and its configuration.
    Marked(fn(&Item, &Value) -> Value),
    /// Without them.
    Plain(fn(&Item, &Value) -> Value),
    /// The whole, with whose it is.
    Typed,
}

/// What becomes of a creation whose `CallerReference` an earlier one had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeated {
    /// It is refused.
    Refused,
    /// It gets the answer of the earlier one, if it has the same configuration.
    SameAnswer,
}

impl Resource {
    /// Returns an error as one of this kind.
    pub(super) fn error(&self, error: OperationError) -> ApiError {
        let code = match &error {
            OperationError::NotFound { .. } => self.codes.absent,
            OperationError::ClaimedOutside(_)
            | OperationError::Store(StoreError::Exists(_) | StoreError::Claimed { .. }) => {
                self.codes.exists
            }
            OperationError::Store(StoreError::InUse { .. }) => self.codes.in_use,
            OperationError::RoleTooLow(_)
            | OperationError::ScopeTooNarrow(_)
            | OperationError::ReadOnly { .. }
            | OperationError::NoStore
            | OperationError::NoEdge
            | OperationError::Invalid(_)
            | OperationError::IfMatchMissing
            | OperationError::NotDisabled(_)
            | OperationError::BucketNotEmpty(_)
            | OperationError::BucketsFolder(_)
            | OperationError::IdempotencyKeyReused
            | OperationError::TooManyJobs
            | OperationError::Invalidation(_)
            | OperationError::Store(_)
            | OperationError::System(_) => return error.into(),
        };
        ApiError::new(code, &error)
    }

    /// Returns an item, one of the managed ones too.
    pub(super) async fn item(
        &self,
        operations: &Operations,
        operator: &Operator<Read>,
        id: &str,
    ) -> Result<Item, ApiError> {
        if let Some(item) = self.managed_item(id) {
            return Ok(item);
        }
        let item = operations.item(operator, self.kind, id).await;
        item.map_err(|error| self.error(error))
    }

    fn managed_items(&self) -> impl Iterator<Item = Item> {
        (self.managed)().into_iter().map(managed_item)
    }

    fn managed_item(&self, id: &str) -> Option<Item> {
        self.managed_items().find(|item| item.id == id)
    }

    /// Returns the element of the whole, such as `PublicKey`.
    fn shown(&self, item: &Item) -> Result<Value, ApiError> {
        let mut whole = (self.whole)(item);
        whole.insert("Id".to_owned(), item.id.clone().into());
        whole.insert(format!("{}Config", self.name), (self.config)(item)?);
        Ok(Value::Object(whole))
    }
}

/// Returns an item of a document that every account has.
fn managed_item(document: Value) -> Item {
    let id = text(&document, "id").to_owned();
    Item {
        id,
        etag: MANAGED_ETAG.to_owned(),
        version: None,
        made_by: MadeBy {
            kind: "managed",
            operator: None,
            at: None,
        },
        created_at: None,
        document,
        used_by: None,
        applied: None,
    }
}

/// Returns the six handlers of a resource.
pub(super) fn handlers(resource: &'static Resource) -> [Handled; 6] {
    let Resource { name, plural, .. } = resource;
    let kind = resource.kind.as_str();
    [
        Handled::new(format!("Create{name}"), kind, move |call| {
            create(call, resource)
        }),
        Handled::new(format!("Get{name}"), kind, move |call| get(call, resource)),
        Handled::new(format!("Get{name}Config"), kind, move |call| {
            get_config(call, resource)
        }),
        Handled::new(format!("Update{name}"), kind, move |call| {
            update(call, resource)
        }),
        Handled::new(format!("Delete{name}"), kind, move |call| {
            delete(call, resource)
        }),
        Handled::new(format!("List{plural}"), kind, move |call| {
            list(call, resource)
        }),
    ]
}

async fn create(call: Call<Admin>, resource: &'static Resource) -> Result<Reply, ApiError> {
    let mut document = (resource.document)(&call.input.body, Map::new())?;
    let operator = call.operator.reader();
    let most = call.input.settings.most(resource.kind);
    let listed = gather(&call.operations, &operator, (resource.kind, None), most).await?;
    if listed.items.len() >= most {
        let message = format!("there are {most} {} already", resource.plural);
        return Err(ApiError::new(resource.codes.too_many, &message));
    }
    if let Some(item) = earlier(resource, (&call.input.body, &document), &listed.items)? {
        return created(&call, resource, item);
    }
    if let Some(id) = (resource.id)()? {
        document.insert(resource.kind.id_key().to_owned(), id.into());
    }
    let request = ChangeRequest::default();
    let made = call
        .operations
        .create(&call.operator, resource.kind, document.into(), &request)
        .await;
    let made = changed(made.map_err(|error| resource.error(error))?)?;
    let item = resource.item(&call.operations, &operator, &made.id).await?;
    created(&call, resource, &item)
}

fn created(
    call: &Call<Admin>,
    resource: &'static Resource,
    item: &Item,
) -> Result<Reply, ApiError> {
    let location = call.location(&format!("{}/{}", resource.path, item.id));
    Ok(Reply {
        body: Some(resource.shown(item)?),
        etag: Some(item.etag.clone()),
        location: Some(location),
    })
}

/// Returns the item that was created with the same reference and the same configuration, if such a creation is answered
/// like the first. Otherwise no other item may have the reference.
fn earlier<'i>(
    resource: &Resource,
    (config, document): (&Value, &Map<String, Value>),
    items: &'i [Item],
) -> Result<Option<&'i Item>, ApiError> {
    let Some(reference) = document.get("caller_reference") else {
        return Ok(None);
    };
    let has_it = |item: &&Item| item.document.get("caller_reference") == Some(reference);
    let Some(item) = items.iter().find(has_it) else {
        return Ok(None);
    };
    if resource.repeated == Repeated::SameAnswer && (resource.config)(item)? == *config {
        return Ok(Some(item));
    }
    let message = format!("{} has this CallerReference", item.id);
    Err(ApiError::new(resource.codes.exists, &message))
}

async fn get(call: Call<Read>, resource: &'static Resource) -> Result<Reply, ApiError> {
    let id = call.parameter("Id");
    let item = resource.item(&call.operations, &call.operator, id).await?;
    let shown = resource.shown(&item)?;
    Ok(Reply::of(shown).with_etag(Some(item.etag)))
}

async fn get_config(call: Call<Read>, resource: &'static Resource) -> Result<Reply, ApiError> {
    let id = call.parameter("Id");
    let item = resource.item(&call.operations, &call.operator, id).await?;
    let config = (resource.config)(&item)?;
    Ok(Reply::of(config).with_etag(Some(item.etag)))
}

async fn update(call: Call<Admin>, resource: &'static Resource) -> Result<Reply, ApiError> {
    let (request, id) = (call.change()?, call.parameter("Id"));
    if resource.managed_item(id).is_some() {
        let message = "what every account has cannot be changed";
        return Err(ApiError::new("IllegalUpdate", message));
    }
    let operator = call.operator.reader();
    let before = resource.item(&call.operations, &operator, id).await?;
    check_etag(&before, &request)?;
    let config = &call.input.body;
    (resource.check_update)(&(resource.config)(&before)?, config)?;
    let document = before.document.as_object().cloned().unwrap_or_default();
    let document = (resource.document)(config, document)?;
    let name = (resource.kind, id);
    let made = call
        .operations
        .update(&call.operator, name, document.into(), &request)
        .await;
    let made = changed(made.map_err(|error| resource.error(error))?)?;
    let item = resource.item(&call.operations, &operator, &made.id).await?;
    let shown = resource.shown(&item)?;
    Ok(Reply::of(shown).with_etag(Some(item.etag)))
}

/// Checks that the change is of what is there now, before anything else is said of it.
pub(super) fn check_etag(item: &Item, request: &ChangeRequest) -> Result<(), ApiError> {
    match request.if_match.as_deref() == Some(item.etag.as_str()) {
        true => Ok(()),
        false => Err(ApiError::new(
            "PreconditionFailed",
            "this was changed since; read it again",
        )),
    }
}

async fn delete(call: Call<Admin>, resource: &'static Resource) -> Result<Reply, ApiError> {
    let (request, id) = (call.change()?, call.parameter("Id"));
    if resource.managed_item(id).is_some() {
        let message = "what every account has cannot be deleted";
        return Err(ApiError::new("IllegalDelete", message));
    }
    let name = (resource.kind, id);
    let made = call.operations.delete(&call.operator, name, &request).await;
    made.map_err(|error| resource.error(error))?;
    Ok(Reply::default())
}

async fn list(call: Call<Read>, resource: &'static Resource) -> Result<Reply, ApiError> {
    let Page { marker, max_items } = call.page()?;
    let mut rows = Vec::new();
    let wanted = call.query("Type");
    let words = [None, Some("managed"), Some("custom")];
    if !words.contains(&wanted) {
        return Err(ApiError::argument("Type is not managed or custom"));
    }
    let after = marker.as_deref().unwrap_or_default();
    if wanted != Some("custom") {
        let items = resource.managed_items();
        rows.extend(items.filter(|item| item.id.as_str() > after));
    }
    let mut is_truncated = false;
    if wanted != Some("managed") {
        let from = (resource.kind, marker.clone());
        let listed = gather(&call.operations, &call.operator, from, max_items).await;
        let listed = listed.map_err(|error| resource.error(error))?;
        is_truncated = listed.is_truncated;
        rows.extend(listed.items);
    }
    // Both kinds are in one order, so that a marker may be an id of either.
    rows.sort_by(|one, other| one.id.cmp(&other.id));
    is_truncated |= rows.len() > max_items;
    rows.truncate(max_items);
    let next = rows
        .last()
        .filter(|_| is_truncated)
        .map(|item| item.id.clone());
    let mut shown = Vec::new();
    for item in &rows {
        shown.push(match resource.listing {
            Listing::Marked(summary) | Listing::Plain(summary) => {
                summary(item, &(resource.config)(item)?)
            }
            Listing::Typed => typed(resource, item)?,
        });
    }
    let mut list = json!({ "MaxItems": max_items, "Items": shown, "NextMarker": next });
    if let Listing::Marked(_) = resource.listing {
        list["Marker"] = marker.unwrap_or_default().into();
        list["IsTruncated"] = is_truncated.into();
    }
    Ok(Reply::of(list))
}

fn typed(resource: &Resource, item: &Item) -> Result<Value, ApiError> {
    let whose = match item.made_by.kind {
        "managed" => "managed",
        _ => "custom",
    };
    let mut row = json!({ "Type": whose });
    row[resource.name] = resource.shown(item)?;
    Ok(row)
}

/// Items of one kind, from an id on.
pub(super) struct Gathered {
    pub(super) items: Vec<Item>,
    pub(super) is_truncated: bool,
}

/// Returns items of a kind behind an id, and whether there are more than `most`.
pub(super) async fn gather(
    operations: &Operations,
    operator: &Operator<Read>,
    (kind, after): (ServiceKind, Option<String>),
    most: usize,
) -> Result<Gathered, OperationError> {
    let mut items = Vec::new();
    let mut page = PageRequest {
        after,
        limit: READ_AT_ONCE,
    };
    loop {
        let listed = operations.list(operator, kind, &page).await?;
        items.extend(listed.items);
        let is_truncated = items.len() > most || (items.len() == most && listed.next.is_some());
        if is_truncated || listed.next.is_none() {
            items.truncate(most);
            return Ok(Gathered {
                items,
                is_truncated,
            });
        }
        page.after = listed.next;
    }
}

/// Returns the change that was made; nothing is only tried here.
pub(super) fn changed(outcome: Outcome) -> Result<Changed, ApiError> {
    match outcome {
        Outcome::Changed(changed) => Ok(changed),
        Outcome::Tried(_) => Err(ApiError::new("InternalError", "the change was only tried")),
    }
}

/// Returns a text of a configuration or a document; an absent one is empty.
pub(super) fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Returns a text that must not be empty or longer than `most` characters.
pub(super) fn required<'v>(config: &'v Value, key: &str, most: usize) -> Result<&'v str, ApiError> {
    match text(config, key) {
        "" => Err(ApiError::argument(&format!("{key} is missing"))),
        value => limited(value, key, most),
    }
}

/// Returns a text of at most `most` characters.
pub(super) fn limited<'v>(value: &'v str, key: &str, most: usize) -> Result<&'v str, ApiError> {
    match value.chars().count() > most {
        true => Err(ApiError::argument(&format!(
            "{key} has more than {most} characters"
        ))),
        false => Ok(value),
    }
}

/// Puts a text into a document; an empty one is left out.
pub(super) fn put_text(document: &mut Map<String, Value>, key: &str, value: &str) {
    match value.is_empty() {
        true => document.remove(key),
        false => document.insert(key.to_owned(), value.into()),
    };
}

/// Returns an id in the form of a UUID (RFC 9562 5.4).
pub(super) fn uuid() -> Result<Option<String>, ApiError> {
    let mut bytes = [0; 16];
    let failed = |_| OperationError::System("no random bytes");
    aws_lc_rs::rand::fill(&mut bytes).map_err(failed)?;
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let digits = crate::sigv4::hex(&bytes);
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32];
    let parts = parts.map(|range| digits.get(range).unwrap_or_default());
    Ok(Some(parts.join("-")))
}

/// Leaves the id to the operations.
pub(super) fn usual_id() -> Result<Option<String>, ApiError> {
    Ok(None)
}

/// Any update is as good as another.
pub(super) fn any_update(_before: &Value, _after: &Value) -> Result<(), ApiError> {
    Ok(())
}

/// Every account has none of these.
pub(super) fn none_managed() -> Vec<Value> {
    Vec::new()
}
