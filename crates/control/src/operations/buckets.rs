//! What embedded buckets have beside their items: grants to read, and settings that come over S3.

use crate::operation_error::{OperationError, words};
use crate::operations::change::ChangeRequest;
use crate::operations::closure::clear_item;
use crate::operations::writing::{Intent, Outcome, digest_of};
use crate::operations::{Operations, Source};
use crate::operator::{Admin, Operator, Read};
use crate::service::{facts, stored_name};
use privet_distribution::config::{
    BucketLocationDocument, BucketLogging, BucketPolicy, BucketReader, CorsRule,
    EmbeddedBucketDocument, Grant, PublicAccessBlock, ServiceItem, ServiceKind, read_items,
};
use privet_store::{StoreError, StoredDocument};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::path::Path;

/// Attempts to change a bucket that others change at the same time.
const ATTEMPTS_MAX: usize = 5;

/// An embedded bucket, as the S3 endpoint knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddedBucket {
    /// Time in seconds since 1970 at which its item was created; 0 in a file, which does not say.
    pub created_at: i64,
    /// What its item says.
    pub settings: EmbeddedBucketDocument,
}

/// The buckets of a scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopedBuckets {
    /// All that its distributions name.
    pub named: BTreeSet<String>,
    /// Those whose objects its distributions serve. A bucket that gets logs may get those of other distributions too,
    /// so that its objects are no part of the scope.
    pub of_origins: BTreeSet<String>,
}

/// A change of who may read an embedded bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantChange {
    /// The reader may read, and list if the grant says so.
    Grant(Grant),
    /// The reader may not read any more, unless the bucket's policy says so.
    Revoke(BucketReader),
}

/// A change of an embedded bucket's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BucketChange {
    /// Another policy, or none.
    Policy(Option<BucketPolicy>),
    /// Other rules for browsers at other sites; empty for none.
    Cors(Vec<CorsRule>),
    /// Another destination of the access log, or none.
    Logging(Option<BucketLogging>),
    /// Other tags; empty for none.
    Tags(Vec<(String, String)>),
    /// Another public access block, or none.
    PublicAccessBlock(Option<PublicAccessBlock>),
}

impl GrantChange {
    fn reader(&self) -> &BucketReader {
        match self {
            GrantChange::Grant(grant) => &grant.reader,
            GrantChange::Revoke(reader) => reader,
        }
    }

    fn operation(&self) -> &'static str {
        match self {
            GrantChange::Grant(_) => "grant",
            GrantChange::Revoke(_) => "revoke",
        }
    }

    fn json(&self) -> Value {
        match self {
            GrantChange::Grant(grant) => grant_json(grant),
            GrantChange::Revoke(reader) => Value::Object(reader_json(reader)),
        }
    }

    /// Makes the change in a document.
    fn apply(&self, document: &mut Map<String, Value>) {
        let readers = document.remove("readers");
        let mut readers = match readers {
            Some(Value::Array(readers)) => readers,
            Some(_) | None => Vec::new(),
        };
        let reader = reader_json(self.reader());
        readers.retain(|other| !reader.iter().all(|(key, id)| other.get(key) == Some(id)));
        match self {
            GrantChange::Grant(grant) => readers.push(grant_json(grant)),
            GrantChange::Revoke(_) => {}
        }
        put(
            document,
            "readers",
            (!readers.is_empty()).then_some(readers),
        );
    }
}

impl BucketChange {
    /// Makes the change in a document.
    fn apply(&self, document: &mut Map<String, Value>) {
        match self {
            BucketChange::Policy(policy) => {
                let policy = policy.as_ref().map(|policy| {
                    let readers: Vec<Value> = policy.readers.iter().map(grant_json).collect();
                    json!({ "text": policy.text, "readers": readers })
                });
                put(document, "policy", policy);
            }
            BucketChange::Cors(rules) => {
                let rules: Vec<Value> = rules.iter().map(cors_json).collect();
                put(document, "cors", (!rules.is_empty()).then_some(rules));
            }
            BucketChange::Logging(logging) => {
                let logging = logging.as_ref();
                let logging = logging
                    .map(|logging| json!({ "bucket": logging.bucket, "prefix": logging.prefix }));
                put(document, "logging", logging);
            }
            BucketChange::Tags(tags) => put(document, "tags", tags_json(tags)),
            BucketChange::PublicAccessBlock(block) => {
                let block = block.map(|block| {
                    json!({
                        "block_public_acls": block.block_public_acls,
                        "ignore_public_acls": block.ignore_public_acls,
                        "block_public_policy": block.block_public_policy,
                        "restrict_public_buckets": block.restrict_public_buckets,
                    })
                });
                put(document, "public_access_block", block);
            }
        }
    }
}

fn put(document: &mut Map<String, Value>, key: &str, value: Option<impl Into<Value>>) {
    match value {
        Some(value) => _ = document.insert(key.to_owned(), value.into()),
        None => _ = document.remove(key),
    }
}

fn reader_json(reader: &BucketReader) -> Map<String, Value> {
    let (key, id) = match reader {
        BucketReader::Identity(id) => ("origin_access_identity", id),
        BucketReader::Distribution(id) => ("distribution", id),
    };
    Map::from_iter([(key.to_owned(), Value::from(id.as_str()))])
}

fn grant_json(grant: &Grant) -> Value {
    let mut members = reader_json(&grant.reader);
    if grant.list {
        members.insert("list".to_owned(), Value::Bool(true));
    }
    Value::Object(members)
}

fn tags_json(tags: &[(String, String)]) -> Option<Value> {
    let members = tags
        .iter()
        .map(|(name, value)| (name.clone(), Value::from(value.as_str())));
    (!tags.is_empty()).then(|| Value::Object(members.collect()))
}

fn cors_json(rule: &CorsRule) -> Value {
    let mut members = Map::new();
    put(&mut members, "id", rule.id.clone());
    for (key, texts) in [
        ("allowed_origins", &rule.allowed_origins),
        ("allowed_methods", &rule.allowed_methods),
        ("allowed_headers", &rule.allowed_headers),
        ("expose_headers", &rule.expose_headers),
    ] {
        put(
            &mut members,
            key,
            (!texts.is_empty()).then(|| texts.clone()),
        );
    }
    put(&mut members, "max_age", rule.max_age_secs);
    Value::Object(members)
}

impl Operations {
    /// Grants or revokes the right to read an embedded bucket. Without `If-Match` the current version is changed.
    ///
    /// # Errors
    /// [`OperationError::NotFound`], [`OperationError::Invalid`] for a reader that does not exist or a bucket that is
    /// not embedded, and others; nothing is changed then.
    pub async fn change_grant(
        &self,
        operator: &Operator<Admin>,
        bucket: &str,
        change: &GrantChange,
        request: &ChangeRequest,
    ) -> Result<Outcome, OperationError> {
        let store = self.store()?;
        let kind = ServiceKind::Bucket;
        let digest = digest_of(
            store,
            (change.operation(), kind, bucket),
            &change.json(),
            request,
        );
        if let Some(made) = self.made_before(operator, &digest, request).await? {
            return Ok(Outcome::Changed(made));
        }
        let before = self.current_bucket(operator, bucket).await?;
        if let Some(if_match) = &request.if_match
            && *if_match != before.etag
        {
            return Err(OperationError::Store(StoreError::Stale {
                name: stored_name(kind, bucket),
                current: before.etag,
            }));
        }
        if let GrantChange::Grant(grant) = change {
            self.check_reader(&grant.reader).await?;
        }
        let intent = Intent {
            operation: change.operation(),
            kind,
            id: bucket.to_owned(),
            after: Some(changed(&before, |document| change.apply(document))),
            before: Some(before),
            digest,
        };
        self.write(operator, intent, request).await
    }

    /// Changes a setting of an embedded bucket, whatever version is the current one.
    ///
    /// # Errors
    /// [`OperationError`]; nothing is changed then.
    pub async fn change_bucket(
        &self,
        operator: &Operator<Admin>,
        bucket: &str,
        change: &BucketChange,
    ) -> Result<(), OperationError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let before = self.current_bucket(operator, bucket).await?;
            let intent = Intent {
                operation: "update",
                kind: ServiceKind::Bucket,
                id: bucket.to_owned(),
                after: Some(changed(&before, |document| change.apply(document))),
                before: Some(before),
                digest: String::new(),
            };
            let written = self
                .write(operator, intent, &ChangeRequest::default())
                .await;
            match written {
                // Somebody else was first.
                Err(OperationError::Store(StoreError::Stale { .. })) if attempts < ATTEMPTS_MAX => {
                }
                written => return written.map(|_| ()),
            }
        }
    }

    /// Creates an embedded bucket with tags; its folder may be there already.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if there is an item of the name, embedded or not, and others; nothing is created then.
    pub async fn create_bucket(
        &self,
        operator: &Operator<Admin>,
        bucket: &str,
        tags: &[(String, String)],
    ) -> Result<(), OperationError> {
        let mut document = json!({ "name": bucket, "embedded": true });
        if let (Some(members), Some(tags)) = (document.as_object_mut(), tags_json(tags)) {
            members.insert("tags".to_owned(), tags);
        }
        let request = ChangeRequest::default();
        let created = self.create(operator, ServiceKind::Bucket, document, &request);
        created.await.map(|_| ())
    }

    /// Deletes an embedded bucket without objects, whatever version is the current one.
    ///
    /// # Errors
    /// [`OperationError::BucketNotEmpty`] and others; nothing is deleted then.
    pub async fn delete_bucket(
        &self,
        operator: &Operator<Admin>,
        bucket: &str,
    ) -> Result<(), OperationError> {
        let before = self.current_bucket(operator, bucket).await?;
        let request = ChangeRequest {
            if_match: Some(before.etag),
            ..ChangeRequest::default()
        };
        let name = (ServiceKind::Bucket, bucket);
        self.delete(operator, name, &request).await.map(|_| ())
    }

    /// Returns an embedded bucket, for an endpoint that decides by itself who hears of it; `None` if there is none of
    /// this name.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn embedded_bucket(
        &self,
        bucket: &str,
    ) -> Result<Option<EmbeddedBucket>, OperationError> {
        let kind = ServiceKind::Bucket;
        let (value, created_at) = match &self.shared.source {
            Source::File(service) => {
                let items = service.items.load_full();
                let is_it = |item: &&ServiceItem| item.kind == kind && item.id == bucket;
                match items.iter().find(is_it) {
                    Some(item) => (item.value.clone(), 0),
                    None => return Ok(None),
                }
            }
            Source::Store(store) => {
                let store = store.opened()?;
                match store.document(kind.as_str(), bucket).await? {
                    Some(document) => (document.body, document.created_at.seconds()),
                    None => return Ok(None),
                }
            }
        };
        let settings = embedded(&value);
        Ok(settings.map(|settings| EmbeddedBucket {
            created_at,
            settings,
        }))
    }

    /// Returns the buckets of an operator's scope; `None` for all.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn scoped_buckets(
        &self,
        operator: &Operator<Read>,
    ) -> Result<Option<ScopedBuckets>, OperationError> {
        let store = self.own_store()?;
        let Some(names) = self.visible(store, &operator.caller().scope).await? else {
            return Ok(None);
        };
        let mut buckets = ScopedBuckets::default();
        for (kind, id) in names {
            if kind == ServiceKind::Bucket {
                buckets.named.insert(id);
            } else if kind.is_distribution()
                && let Some(document) = store.document(kind.as_str(), &id).await?
                // What an earlier version could read has no origins that this one knows.
                && let Ok(item) = clear_item(store, &document)
                && let Ok(facts) = facts(&item)
            {
                buckets.of_origins.extend(facts.origin_buckets);
            }
        }
        Ok(Some(buckets))
    }

    /// Returns the embedded bucket that an operator may see and change.
    async fn current_bucket(
        &self,
        operator: &Operator<Admin>,
        bucket: &str,
    ) -> Result<StoredDocument, OperationError> {
        let kind = ServiceKind::Bucket;
        self.check_visible(&operator.reader(), kind, bucket).await?;
        let document = self.store()?.document(kind.as_str(), bucket).await?;
        let document = document.ok_or_else(|| OperationError::no_item(kind, bucket))?;
        match embedded(&document.body) {
            Some(_) => Ok(document),
            None => Err(OperationError::invalid(
                "bucket",
                "is not an embedded bucket; who may read it is said where it lies",
            )),
        }
    }

    /// Checks that a reader is there: a grant to nobody is a slip of the pen.
    async fn check_reader(&self, reader: &BucketReader) -> Result<(), OperationError> {
        let store = self.store()?;
        let (kinds, field, id): (&[ServiceKind], _, _) = match reader {
            BucketReader::Identity(id) => (
                &[ServiceKind::OriginAccessIdentity],
                "origin_access_identity",
                id,
            ),
            BucketReader::Distribution(id) => (
                &[
                    ServiceKind::Distribution,
                    ServiceKind::StreamingDistribution,
                ],
                "distribution",
                id,
            ),
        };
        for kind in kinds {
            if store.document(kind.as_str(), id).await?.is_some() {
                return Ok(());
            }
        }
        let what = kinds.first().map_or("reader", |kind| words(*kind));
        Err(OperationError::invalid(
            field,
            format!("no {what} is named {id:?}"),
        ))
    }
}

/// Returns the document after a change.
fn changed(before: &StoredDocument, change: impl FnOnce(&mut Map<String, Value>)) -> Value {
    let mut after = before.body.clone();
    if let Some(document) = after.as_object_mut() {
        change(document);
    }
    after
}

/// Reads the settings of an embedded bucket; `None` if it is another one, or cannot be read.
fn embedded(value: &Value) -> Option<EmbeddedBucketDocument> {
    let text = value.to_string();
    let items = [(ServiceKind::Bucket, text.as_str())];
    let service = read_items(items, Path::new("")).ok()?;
    match service.buckets.into_iter().next()?.location {
        BucketLocationDocument::Embedded(settings) => Some(*settings),
        BucketLocationDocument::Folder(_) | BucketLocationDocument::Endpoint { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: &GrantChange, before: &Value, expected: &Value) {
        let mut document = before.clone();
        change.apply(document.as_object_mut().unwrap());
        assert_eq!(&document, expected);
    }

    #[test]
    fn a_reader_is_granted_once() {
        let reader = BucketReader::Identity("E1".to_owned());
        let grant = |list| {
            GrantChange::Grant(Grant {
                reader: reader.clone(),
                list,
            })
        };
        let one = json!({ "readers": [{ "origin_access_identity": "E1" }] });
        let listing = json!({ "readers": [{ "origin_access_identity": "E1", "list": true }] });
        let none = json!({});
        check(&grant(false), &none, &one);
        check(&grant(false), &one, &one);
        check(&grant(true), &one, &listing);
        check(&grant(false), &listing, &one);
        check(&GrantChange::Revoke(reader.clone()), &one, &none);
        let two = json!({ "readers": [{ "distribution": "E1" }] });
        let other = BucketReader::Distribution("E1".to_owned());
        check(&GrantChange::Revoke(other), &none, &none);
        check(&GrantChange::Revoke(reader.clone()), &two, &two);
    }

    #[test]
    fn settings_come_back_as_they_were_put() {
        let settings = EmbeddedBucketDocument {
            readers: Vec::new(),
            policy: Some(BucketPolicy {
                text: "{\n}".to_owned(),
                readers: vec![Grant {
                    reader: BucketReader::Distribution("E1".to_owned()),
                    list: true,
                }],
            }),
            cors: vec![CorsRule {
                id: Some("a".to_owned()),
                allowed_origins: vec!["*".to_owned()],
                allowed_methods: vec!["GET".to_owned()],
                max_age_secs: Some(5),
                ..CorsRule::default()
            }],
            logging: Some(BucketLogging {
                bucket: "logs".to_owned(),
                prefix: String::new(),
            }),
            tags: vec![("a".to_owned(), "b".to_owned())],
            public_access_block: Some(PublicAccessBlock {
                block_public_policy: true,
                ..PublicAccessBlock::default()
            }),
        };
        let mut document = json!({ "name": "abc", "embedded": true });
        let members = document.as_object_mut().unwrap();
        for change in [
            BucketChange::Policy(settings.policy.clone()),
            BucketChange::Cors(settings.cors.clone()),
            BucketChange::Logging(settings.logging.clone()),
            BucketChange::Tags(settings.tags.clone()),
            BucketChange::PublicAccessBlock(settings.public_access_block),
        ] {
            change.apply(members);
        }
        assert_eq!(embedded(&document), Some(settings));
        let members = document.as_object_mut().unwrap();
        for change in [
            BucketChange::Policy(None),
            BucketChange::Cors(Vec::new()),
            BucketChange::Logging(None),
            BucketChange::Tags(Vec::new()),
            BucketChange::PublicAccessBlock(None),
        ] {
            change.apply(members);
        }
        assert_eq!(document, json!({ "name": "abc", "embedded": true }));
    }
}
