//! What the S3 endpoint asks the operators' side: access keys, what their holders may do, and what is set for buckets.

use futures_util::future::BoxFuture;
use privet_bucket::policy::Reader;
use privet_bucket::{
    AccessKey, Act, Asked, BucketPolicy, BucketRecord, Change, CorsRule, Holder, HolderFacts,
    Logging, Operators, OperatorsError, Permission, PublicAccessBlock,
};
use privet_control::cloudfront::canonical_user_id;
use privet_control::{
    AccessError, Admin, Authenticated, Authentication, BucketChange, EmbeddedBucket,
    OperationError, Operations, Operator, PageRequest, Read, ScopedBuckets,
};
use privet_distribution::config::{self, BucketReader, Grant, ServiceKind};
use privet_objects::BucketName;
use privet_store::{Role, StoreError};
use std::any::Any;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Time for which the settings of a bucket are not read again. Those that come over S3 are known at once.
const RECORD_KNOWN_FOR: Duration = Duration::from_secs(1);
/// Buckets whose settings are remembered.
const RECORDS_MAX: usize = 1_000;
/// Identities of a page, in the search for one by its canonical user.
const PAGE: u32 = 200;

/// The operators of a process that serves, for its S3 endpoint.
#[derive(Debug)]
pub(crate) struct BucketOperators {
    operations: Operations,
    authentication: Arc<Authentication>,
    /// Account of the distributions in ARNs.
    account: String,
    remembered: Mutex<Remembered>,
}

/// Settings of buckets that were read a moment ago.
#[derive(Debug, Default)]
struct Remembered {
    records: HashMap<String, (Instant, BucketRecord)>,
    /// Number of changes so far: what was read before one may be out of date after it, and is not remembered.
    changes: u64,
}

/// What is known of an operator while one of its requests is worked on.
#[derive(Debug)]
struct Known {
    access_key_id: String,
    authenticated: Authenticated,
    /// Buckets of the operator's scope, `None` for all. Nothing is here before the request's signature is good, and
    /// then it may do nothing.
    buckets: OnceLock<Option<ScopedBuckets>>,
}

impl HolderFacts for Known {
    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn known(holder: &Holder) -> Option<&Known> {
    holder.facts.as_any().downcast_ref()
}

impl BucketOperators {
    pub(crate) fn new(
        (operations, authentication): (Operations, Arc<Authentication>),
        account: String,
    ) -> Self {
        BucketOperators {
            operations,
            authentication,
            account,
            remembered: Mutex::default(),
        }
    }

    async fn find_key(&self, asked: Asked<'_>) -> Result<Option<AccessKey>, OperatorsError> {
        let now = self.operations.now();
        let found = self
            .authentication
            .key_holder(asked.access_key_id, asked.address, now)
            .await;
        let found = match found {
            Ok(found) => found,
            Err(AccessError::Refused) => return Ok(None),
            Err(AccessError::TooManyFailures { wait_secs }) => {
                return Err(too_many_failures(wait_secs));
            }
            Err(
                error @ (AccessError::Store(_)
                | AccessError::Absent
                | AccessError::Token
                | AccessError::Signature(_)
                | AccessError::Date(_)
                | AccessError::Replay(_)),
            ) => return Err(OperatorsError::Unavailable(error.to_string())),
        };
        let secret = Zeroizing::new(found.secret().to_owned());
        let authenticated = found.vouched(asked.request_id);
        let name = authenticated.caller().name.clone();
        Ok(Some(AccessKey {
            secret,
            holder: Holder {
                name,
                address: asked.address,
                request_id: asked.request_id.to_owned(),
                facts: Arc::new(Known {
                    access_key_id: asked.access_key_id.to_owned(),
                    authenticated,
                    buckets: OnceLock::new(),
                }),
            },
        }))
    }

    /// Notes that a key was used, and finds out what its holder may hear of.
    async fn note_sender(&self, holder: &Holder) -> Result<(), OperatorsError> {
        let known = known(holder).ok_or(OperatorsError::Denied)?;
        let now = self.operations.now();
        self.authentication
            .note_use(&known.access_key_id, now)
            .await;
        let operator = Operator::<Read>::admit(&known.authenticated);
        let operator = operator.map_err(|_| OperatorsError::Denied)?;
        let buckets = self.operations.scoped_buckets(&operator).await;
        let buckets = buckets.map_err(|error| refusal(&error))?;
        // What is there is of the same request.
        let _ = known.buckets.set(buckets);
        Ok(())
    }

    async fn find_record(
        &self,
        bucket: &BucketName,
    ) -> Result<Option<BucketRecord>, OperatorsError> {
        let name = bucket.as_str();
        let changes = {
            let remembered = self.lock();
            if let Some((at, record)) = remembered.records.get(name)
                && at.elapsed() < RECORD_KNOWN_FOR
            {
                return Ok(Some(record.clone()));
            }
            remembered.changes
        };
        let found = self.operations.embedded_bucket(name).await;
        let record = found
            .map_err(|error| refusal(&error))?
            .map(|found| self.record_of(found));
        let mut remembered = self.lock();
        let is_current = remembered.changes == changes;
        let records = &mut remembered.records;
        // That there is no bucket is never remembered: it may be made a moment later.
        match &record {
            Some(_) if !is_current => {}
            Some(record) => {
                if records.len() >= RECORDS_MAX {
                    records.clear();
                }
                records.insert(name.to_owned(), (Instant::now(), record.clone()));
            }
            None => _ = records.remove(name),
        }
        Ok(record)
    }

    fn record_of(&self, found: EmbeddedBucket) -> BucketRecord {
        let settings = found.settings;
        let policy = settings.policy.map(|policy| {
            let reader = |grant: &Grant| self.policy_reader(&grant.reader);
            let listers = policy.readers.iter().filter(|grant| grant.list);
            BucketPolicy {
                readers: policy.readers.iter().map(reader).collect(),
                listers: listers.map(reader).collect(),
                text: policy.text,
            }
        });
        BucketRecord {
            created: found.created_at,
            policy,
            cors: settings.cors.into_iter().map(cors_shown).collect(),
            logging: settings.logging.map(|logging| Logging {
                bucket: logging.bucket,
                prefix: logging.prefix,
            }),
            tags: settings.tags,
            public_access_block: settings.public_access_block.map(|block| PublicAccessBlock {
                block_public_acls: block.block_public_acls,
                ignore_public_acls: block.ignore_public_acls,
                block_public_policy: block.block_public_policy,
                restrict_public_buckets: block.restrict_public_buckets,
            }),
        }
    }

    fn policy_reader(&self, reader: &BucketReader) -> Reader {
        match reader {
            BucketReader::Identity(id) => Reader::OriginAccessIdentity(id.clone()),
            BucketReader::Distribution(id) => Reader::Distribution {
                account: self.account.clone(),
                id: id.clone(),
            },
        }
    }

    async fn make(
        &self,
        holder: &Holder,
        bucket: &BucketName,
        change: Change,
    ) -> Result<(), OperatorsError> {
        let known = known(holder).ok_or(OperatorsError::Denied)?;
        let operator = Operator::<Admin>::admit(&known.authenticated);
        let operator = &operator.map_err(|_| OperatorsError::Denied)?;
        let name = bucket.as_str();
        let operations = &self.operations;
        let change = match change {
            Change::Create { tags } => {
                let created = operations.create_bucket(operator, name, &tags).await;
                return created.map_err(|error| refusal(&error));
            }
            Change::Delete => {
                let deleted = operations.delete_bucket(operator, name).await;
                return deleted.map_err(|error| refusal(&error));
            }
            Change::Policy(None) => BucketChange::Policy(None),
            Change::Policy(Some(policy)) => {
                BucketChange::Policy(Some(self.stored_policy(operator, policy).await?))
            }
            Change::Cors(rules) => BucketChange::Cors(rules.into_iter().map(cors_stored).collect()),
            Change::Logging(logging) => {
                BucketChange::Logging(logging.map(|logging| config::BucketLogging {
                    bucket: logging.bucket,
                    prefix: logging.prefix,
                }))
            }
            Change::Tags(tags) => BucketChange::Tags(tags),
            Change::PublicAccessBlock(block) => {
                BucketChange::PublicAccessBlock(block.map(|block| config::PublicAccessBlock {
                    block_public_acls: block.block_public_acls,
                    ignore_public_acls: block.ignore_public_acls,
                    block_public_policy: block.block_public_policy,
                    restrict_public_buckets: block.restrict_public_buckets,
                }))
            }
        };
        let changed = operations.change_bucket(operator, name, &change).await;
        changed.map_err(|error| refusal(&error))
    }

    /// Returns a policy with its readers as they are granted here. One that names somebody unknown is refused, as S3
    /// refuses it.
    async fn stored_policy(
        &self,
        operator: &Operator<Admin>,
        policy: BucketPolicy,
    ) -> Result<config::BucketPolicy, OperatorsError> {
        let mut readers = Vec::new();
        for reader in &policy.readers {
            readers.push(Grant {
                list: policy.listers.contains(reader),
                reader: self.granted_reader(operator, reader).await?,
            });
        }
        Ok(config::BucketPolicy {
            text: policy.text,
            readers,
        })
    }

    async fn granted_reader(
        &self,
        operator: &Operator<Admin>,
        reader: &Reader,
    ) -> Result<BucketReader, OperatorsError> {
        match reader {
            Reader::Distribution { account, id } if *account == self.account => {
                Ok(BucketReader::Distribution(id.clone()))
            }
            Reader::Distribution { account, .. } => Err(OperatorsError::Invalid(format!(
                "AWS:SourceArn names a distribution of the account {account}, and those here are of {}",
                self.account
            ))),
            Reader::OriginAccessIdentity(id) => {
                let is_it = |known: &str| known == id;
                self.identity(operator, is_it).await
            }
            Reader::CanonicalUser(user) => {
                let is_it = |known: &str| canonical_user_id(known) == *user;
                self.identity(operator, is_it).await
            }
        }
    }

    /// Finds an origin access identity.
    async fn identity(
        &self,
        operator: &Operator<Admin>,
        is_it: impl Fn(&str) -> bool,
    ) -> Result<BucketReader, OperatorsError> {
        let mut page = PageRequest {
            after: None,
            limit: PAGE,
        };
        loop {
            let kind = ServiceKind::OriginAccessIdentity;
            let listed = self.operations.list(&operator.reader(), kind, &page).await;
            let listed = listed.map_err(|error| refusal(&error))?;
            if let Some(item) = listed.items.iter().find(|item| is_it(&item.id)) {
                return Ok(BucketReader::Identity(item.id.clone()));
            }
            match listed.next {
                Some(next) => page.after = Some(next),
                None => break,
            }
        }
        Err(OperatorsError::Invalid(
            "Invalid principal in policy: there is no such origin access identity".to_owned(),
        ))
    }

    fn forget(&self, bucket: &BucketName) {
        let mut remembered = self.lock();
        remembered.records.remove(bucket.as_str());
        remembered.changes += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Remembered> {
        // A panic while the lock is held leaves what is remembered usable.
        self.remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Operators for BucketOperators {
    fn key<'a>(
        &'a self,
        asked: Asked<'a>,
    ) -> BoxFuture<'a, Result<Option<AccessKey>, OperatorsError>> {
        Box::pin(self.find_key(asked))
    }

    fn note_failure(
        &self,
        address: IpAddr,
        access_key_id: Option<&str>,
    ) -> Result<(), OperatorsError> {
        let now = self.operations.now();
        let waiting = self
            .authentication
            .note_failure(address, access_key_id, now);
        waiting.map_or(Ok(()), |wait_secs| Err(too_many_failures(wait_secs)))
    }

    fn admit<'a>(&'a self, holder: &'a Holder) -> BoxFuture<'a, Result<(), OperatorsError>> {
        Box::pin(self.note_sender(holder))
    }

    fn may(&self, holder: &Holder, act: Act, bucket: Option<&BucketName>) -> Permission {
        let Some(known) = known(holder) else {
            return Permission::Denied;
        };
        let caller = known.authenticated.caller();
        let Some(buckets) = known.buckets.get() else {
            return Permission::Denied;
        };
        let is_about_objects = matches!(act, Act::ReadObjects | Act::WriteObjects);
        let is_in_scope = match (buckets, bucket) {
            (None, _) => true,
            (Some(_), None) => act == Act::ListBuckets,
            (Some(buckets), Some(bucket)) if is_about_objects => {
                buckets.of_origins.contains(bucket.as_str())
            }
            (Some(buckets), Some(bucket)) => buckets.named.contains(bucket.as_str()),
        };
        // What several distributions may share is changed by operators for all of them.
        let is_for_all = buckets.is_none();
        let is_granted = match act {
            Act::ListBuckets | Act::ReadSettings => caller.role >= Role::Read,
            Act::ReadObjects | Act::WriteObjects => caller.role >= Role::Publish,
            Act::CreateBucket | Act::DeleteBucket | Act::ChangeSettings => {
                caller.role >= Role::Admin && is_for_all
            }
        };
        match is_granted && is_in_scope {
            true => Permission::Granted,
            false => Permission::Denied,
        }
    }

    fn record<'a>(
        &'a self,
        bucket: &'a BucketName,
    ) -> BoxFuture<'a, Result<Option<BucketRecord>, OperatorsError>> {
        Box::pin(self.find_record(bucket))
    }

    fn change<'a>(
        &'a self,
        holder: &'a Holder,
        bucket: &'a BucketName,
        change: Change,
    ) -> BoxFuture<'a, Result<(), OperatorsError>> {
        Box::pin(async move {
            let made = self.make(holder, bucket, change).await;
            self.forget(bucket);
            made
        })
    }
}

fn too_many_failures(wait_secs: i64) -> OperatorsError {
    OperatorsError::TooManyFailures {
        wait_secs: u64::try_from(wait_secs).unwrap_or_default(),
    }
}

fn refusal(error: &OperationError) -> OperatorsError {
    let text = error.to_string();
    match error {
        OperationError::NotFound { .. } => OperatorsError::NoSuchBucket,
        OperationError::RoleTooLow(_) | OperationError::ScopeTooNarrow(_) => OperatorsError::Denied,
        OperationError::Store(StoreError::Exists(_)) => OperatorsError::Exists,
        OperationError::Store(StoreError::InUse { .. }) => OperatorsError::InUse(text),
        OperationError::BucketNotEmpty(_) => OperatorsError::NotEmpty,
        OperationError::ReadOnly { .. }
        | OperationError::NoStore
        | OperationError::Invalid(_)
        | OperationError::IfMatchMissing
        | OperationError::NotDisabled(_)
        | OperationError::ClaimedOutside(_)
        | OperationError::IdempotencyKeyReused
        | OperationError::Invalidation(_) => OperatorsError::Invalid(text),
        OperationError::Store(_)
        | OperationError::NoEdge
        | OperationError::TooManyJobs
        | OperationError::BucketsFolder(_)
        | OperationError::System(_) => OperatorsError::Unavailable(text),
    }
}

fn cors_shown(rule: config::CorsRule) -> CorsRule {
    CorsRule {
        id: rule.id,
        allowed_origins: rule.allowed_origins,
        allowed_methods: rule.allowed_methods,
        allowed_headers: rule.allowed_headers,
        expose_headers: rule.expose_headers,
        max_age_secs: rule.max_age_secs,
    }
}

fn cors_stored(rule: CorsRule) -> config::CorsRule {
    config::CorsRule {
        id: rule.id,
        allowed_origins: rule.allowed_origins,
        allowed_methods: rule.allowed_methods,
        allowed_headers: rule.allowed_headers,
        expose_headers: rule.expose_headers,
        max_age_secs: rule.max_age_secs,
    }
}
