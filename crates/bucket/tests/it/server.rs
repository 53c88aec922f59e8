//! A server with fixed operators, for clients that are real: the endpoint over a folder of its own, on loopback.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use privet_bucket::policy::Transport;
use privet_bucket::{
    AccessKey, Act, Asked, BucketRecord, Change, Endpoint, Holder, HolderFacts, Operators,
    OperatorsError, Permission, Settings,
};
use privet_objects::{BucketName, BucketsFolder, OpenError};
use std::any::Any;
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;

/// Key of an operator who may do everything.
pub const ADMIN: (&str, &str) = (
    "AKIDADMIN00000000000",
    "secretofadminsecretofadminsecretofadmin00",
);
/// Key of an operator who may read.
pub const READER: (&str, &str) = (
    "AKIDREADER0000000000",
    "secretofreadersecretofreadersecretofread",
);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Admin,
    Reader,
}

/// An operator, who may do nothing before its signature is good.
#[derive(Debug)]
struct Known {
    role: Role,
    is_admitted: AtomicBool,
}

impl HolderFacts for Known {
    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn known(holder: &Holder) -> Option<&Known> {
    holder.facts.as_any().downcast_ref()
}

/// Failures after which an address is told nothing more.
pub const FAILURES_MAX: u32 = 50;

/// Operators that never change, and records in memory.
#[derive(Debug)]
struct FixedOperators {
    buckets: Arc<BucketsFolder>,
    records: Mutex<HashMap<String, BucketRecord>>,
    failures: AtomicU32,
}

impl FixedOperators {
    fn apply(&self, bucket: &BucketName, change: Change) -> Result<(), OperatorsError> {
        let mut records = self.records.lock().unwrap();
        let name = bucket.to_string();
        let missing = OperatorsError::NoSuchBucket;
        match change {
            Change::Create { .. } if records.contains_key(&name) => Err(OperatorsError::Exists),
            Change::Create { .. } if name == "not-permitted" => {
                Err(OperatorsError::Invalid("this is not permitted".to_owned()))
            }
            Change::Create { tags } => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
                let record = BucketRecord {
                    created: i64::try_from(since.as_secs()).unwrap(),
                    tags,
                    ..BucketRecord::default()
                };
                records.insert(name, record);
                Ok(())
            }
            Change::Delete if name.starts_with("used") => {
                Err(OperatorsError::InUse("an origin reads it".to_owned()))
            }
            Change::Delete => {
                let deletion = match self.buckets.begin_delete(bucket) {
                    Err(OpenError::NotEmpty) => return Err(OperatorsError::NotEmpty),
                    deletion => deletion.unwrap(),
                };
                records.remove(&name).ok_or(missing)?;
                self.buckets.finish_delete(deletion).unwrap();
                Ok(())
            }
            change @ (Change::Policy(_)
            | Change::Cors(_)
            | Change::Logging(_)
            | Change::Tags(_)
            | Change::PublicAccessBlock(_)) => {
                let record = records.get_mut(&name).ok_or(missing)?;
                set(record, change);
                Ok(())
            }
        }
    }
}

fn set(record: &mut BucketRecord, change: Change) {
    match change {
        Change::Policy(policy) => record.policy = policy,
        Change::Cors(rules) => record.cors = rules,
        Change::Logging(logging) => record.logging = logging,
        Change::Tags(tags) => record.tags = tags,
        Change::PublicAccessBlock(block) => record.public_access_block = block,
        Change::Create { .. } | Change::Delete => {}
    }
}

impl Operators for FixedOperators {
    fn key<'a>(
        &'a self,
        asked: Asked<'a>,
    ) -> BoxFuture<'a, Result<Option<AccessKey>, OperatorsError>> {
        let known = [(ADMIN, Role::Admin), (READER, Role::Reader)];
        let known = known
            .into_iter()
            .find(|((id, _), _)| *id == asked.access_key_id);
        let key = known.map(|((id, secret), role)| AccessKey {
            secret: secret.to_owned().into(),
            holder: Holder {
                name: id.to_owned(),
                address: asked.address,
                request_id: asked.request_id.to_owned(),
                facts: Arc::new(Known {
                    role,
                    is_admitted: AtomicBool::new(false),
                }),
            },
        });
        Box::pin(async move { Ok(key) })
    }

    fn note_failure(
        &self,
        _address: IpAddr,
        _access_key_id: Option<&str>,
    ) -> Result<(), OperatorsError> {
        match self.failures.fetch_add(1, Ordering::Relaxed) < FAILURES_MAX {
            true => Ok(()),
            false => Err(OperatorsError::TooManyFailures { wait_secs: 60 }),
        }
    }

    fn admit<'a>(&'a self, holder: &'a Holder) -> BoxFuture<'a, Result<(), OperatorsError>> {
        let known = known(holder).unwrap();
        known.is_admitted.store(true, Ordering::Relaxed);
        Box::pin(async { Ok(()) })
    }

    fn may(&self, holder: &Holder, act: Act, _bucket: Option<&BucketName>) -> Permission {
        let known = known(holder).filter(|known| known.is_admitted.load(Ordering::Relaxed));
        let role = known.map(|known| known.role);
        match (role, act) {
            (Some(Role::Admin), _)
            | (Some(Role::Reader), Act::ListBuckets | Act::ReadObjects | Act::ReadSettings) => {
                Permission::Granted
            }
            (Some(Role::Reader) | None, _) => Permission::Denied,
        }
    }

    fn record<'a>(
        &'a self,
        bucket: &'a BucketName,
    ) -> BoxFuture<'a, Result<Option<BucketRecord>, OperatorsError>> {
        let record = self.records.lock().unwrap().get(bucket.as_str()).cloned();
        Box::pin(async move { Ok(record) })
    }

    fn change<'a>(
        &'a self,
        _holder: &'a Holder,
        bucket: &'a BucketName,
        change: Change,
    ) -> BoxFuture<'a, Result<(), OperatorsError>> {
        Box::pin(async move { self.apply(bucket, change) })
    }
}

/// Makes an endpoint over a folder; the folders in it are buckets.
pub fn endpoint(folder: &Path, settings: Settings, sync: bool) -> Endpoint {
    endpoint_of(folder, settings, sync, &BucketRecord::default())
}

/// Makes an endpoint over a folder; the folders in it are buckets with this record.
pub fn endpoint_of(
    folder: &Path,
    settings: Settings,
    sync: bool,
    record: &BucketRecord,
) -> Endpoint {
    let objects = privet_objects::Settings {
        sync,
        ..privet_objects::Settings::default()
    };
    let buckets = Arc::new(BucketsFolder::open(folder, &objects).unwrap());
    let records = buckets.names().unwrap().into_iter();
    let operators = FixedOperators {
        buckets: Arc::clone(&buckets),
        records: Mutex::new(
            records
                .map(|name| (name.to_string(), record.clone()))
                .collect(),
        ),
        failures: AtomicU32::new(0),
    };
    Endpoint::new(buckets, Arc::new(operators), settings, Transport::Plain)
}

/// Serves until the runtime ends; returns the address.
pub async fn serve(endpoint: Endpoint, address: &str) -> SocketAddr {
    let listener = TcpListener::bind(address).await.unwrap();
    let bound = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, peer) = listener.accept().await.unwrap();
            let endpoint = endpoint.clone();
            tokio::spawn(async move {
                let _ = stream.set_nodelay(true);
                let service = service_fn(move |request: hyper::Request<Incoming>| {
                    let endpoint = endpoint.clone();
                    async move {
                        let answer = endpoint.answer(request, peer.ip()).await;
                        Ok::<_, Infallible>(
                            answer.map(|body| body.map_frame(|frame| frame.map_data(Bytes::from))),
                        )
                    }
                });
                let connection = auto::Builder::new(TokioExecutor::new());
                let _ = connection
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    bound
}
