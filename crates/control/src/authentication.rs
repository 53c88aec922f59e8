//! Finds out which operator sent a request: by an AWS signature, by a bearer token, or by the socket that it came on.
//!
//! Unknown keys and wrong secrets take the same path and get the same answer.

use crate::attempts::FailedAttempts;
use crate::late_store::LateStore;
use crate::operator::{Authenticated, Caller, Entry, Scope};
use crate::replay::{ReplayRefusal, SIGNATURES_MAX, UsedSignatures};
use crate::sigv4::{Claim, Refusal, SignedRequest, Verified};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method};
use privet_store::{Credential, Role, Store, StoreError, Timestamp};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use thiserror::Error;

/// Services that a signature may name.
const SERVICES: [&str; 2] = ["cloudfront", "privet"];
/// Name of the operator on the socket and the command line.
pub(crate) const LOCAL: &str = "local";
const TOKEN_SIZE_BYTES_MAX: usize = 512;
/// Interval in seconds at which the last use of a key is written down.
const USE_NOTED_EVERY_SECS: i64 = 60;
/// Keys whose last note is remembered.
const NOTES_MAX: usize = 10_000;

/// A request, as far as it matters for who sent it.
#[derive(Clone, Copy, Debug)]
pub struct Presented<'a> {
    /// Method of the request line.
    pub method: &'a Method,
    /// Path as sent.
    pub path: &'a str,
    /// Query as sent, without its question mark.
    pub query: &'a str,
    /// Header fields, with `host`.
    pub headers: &'a HeaderMap,
    /// Whole body.
    pub body: &'a [u8],
    /// Other end of the connection.
    pub peer: Peer,
    /// Id of the request.
    pub request_id: &'a str,
    /// Seconds since 1970.
    pub now: i64,
}

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A process that may open the Unix socket.
    Socket,
    /// A client of the listener.
    Address(IpAddr),
}

/// The reason why nobody is admitted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AccessError {
    /// No credential was sent.
    #[error("the request names no operator")]
    Absent,
    /// A bearer token is not in its form.
    #[error("the bearer token is not ACCESS_KEY_ID.SECRET_ACCESS_KEY")]
    Token,
    /// A signature cannot be read, or is not in time.
    #[error(transparent)]
    Signature(Refusal),
    /// The key is unknown, disabled or expired, or its secret is another one.
    #[error("the access key is not known, or its secret is another one")]
    Refused,
    /// The signature was used, or too many were.
    #[error(transparent)]
    Replay(#[from] ReplayRefusal),
    /// The address has failed too often.
    #[error("too many requests from this address were refused; try again in {wait_secs} seconds")]
    TooManyFailures {
        /// Seconds until the address is listened to again.
        wait_secs: i64,
    },
    /// The store cannot say who it is.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The gate before all operations. One for the process: it remembers signatures and failures.
#[derive(Debug)]
pub struct Authentication {
    store: Option<LateStore>,
    used: Mutex<UsedSignatures>,
    failed: Mutex<FailedAttempts>,
    noted: Mutex<HashMap<String, i64>>,
}

/// A credential that was read from a request.
enum Presentation {
    Signature(Claim),
    Token { id: String, secret: String },
}

/// A credential that was found to be good.
struct Admitted {
    credential: Credential,
    access_key_id: String,
    signature: Option<Verified>,
}

impl Authentication {
    /// Makes the gate. Without a store only the machine's own requests are admitted.
    pub fn new(store: Option<LateStore>) -> Self {
        Authentication {
            store,
            used: Mutex::new(UsedSignatures::new(SIGNATURES_MAX)),
            failed: Mutex::default(),
            noted: Mutex::default(),
        }
    }

    /// Says which operator sent a request.
    ///
    /// # Errors
    /// [`AccessError`], of which a failure counts against the address.
    pub async fn authenticate(
        &self,
        presented: &Presented<'_>,
    ) -> Result<Authenticated, AccessError> {
        let address = match presented.peer {
            // Whoever may open the socket's file may also read the store: the file system has checked this.
            Peer::Socket => return Ok(local(Entry::Socket, Some(presented.request_id))),
            Peer::Address(address) => address,
        };
        if let Some(wait_secs) = lock(&self.failed).wait(address, presented.now) {
            return Err(AccessError::TooManyFailures { wait_secs });
        }
        let admitted = self.admit(presented).await;
        if let Err(AccessError::Refused | AccessError::Signature(_) | AccessError::Token) =
            &admitted
        {
            lock(&self.failed).count(address, presented.now);
        }
        let admitted = admitted?;
        let is_change = *presented.method != Method::GET && *presented.method != Method::HEAD;
        if let (Some(verified), true) = (&admitted.signature, is_change) {
            let signed_at = verified.signed_at;
            lock(&self.used).use_once(verified.signature, signed_at, presented.now)?;
        }
        self.note_use(&admitted.access_key_id, presented.now).await;
        Ok(Authenticated::checked(caller(
            admitted.credential,
            address,
            presented.request_id,
        )))
    }

    /// Checks what can be known before the body is read: that the address is listened to, and that a credential was sent.
    ///
    /// # Errors
    /// [`AccessError::TooManyFailures`], [`AccessError::Absent`].
    pub fn precheck(&self, headers: &HeaderMap, peer: Peer, now: i64) -> Result<(), AccessError> {
        let Peer::Address(address) = peer else {
            return Ok(());
        };
        if let Some(wait_secs) = lock(&self.failed).wait(address, now) {
            return Err(AccessError::TooManyFailures { wait_secs });
        }
        match headers.contains_key(AUTHORIZATION) {
            true => Ok(()),
            false => Err(AccessError::Absent),
        }
    }

    /// Counts a request that did not arrive whole against its address: until then its sender is not known.
    pub fn note_broken(&self, peer: Peer, now: i64) {
        if let Peer::Address(address) = peer {
            lock(&self.failed).count(address, now);
        }
    }

    async fn admit(&self, presented: &Presented<'_>) -> Result<Admitted, AccessError> {
        match read(presented)? {
            Presentation::Signature(claim) => {
                let credential = self
                    .credential(claim.access_key_id(), presented.now)
                    .await?;
                let secret = credential
                    .as_ref()
                    .map(|known| known.secret_access_key.expose());
                let verified = claim.verify(secret).map_err(|refusal| match refusal {
                    Refusal::UnknownKey | Refusal::Mismatch => AccessError::Refused,
                    other @ (Refusal::Absent
                    | Refusal::Malformed { .. }
                    | Refusal::Service
                    | Refusal::SecurityToken
                    | Refusal::BodyDigest
                    | Refusal::Expired
                    | Refusal::NotYet) => AccessError::Signature(other),
                })?;
                Ok(Admitted {
                    credential: credential.ok_or(AccessError::Refused)?,
                    access_key_id: verified.access_key_id.clone(),
                    signature: Some(verified),
                })
            }
            Presentation::Token { id, secret } => {
                let credential = self.credential(&id, presented.now).await?;
                let known = credential
                    .as_ref()
                    .map(|known| known.secret_access_key.expose());
                match (is_same(known.unwrap_or_default(), &secret), credential) {
                    (true, Some(credential)) => Ok(Admitted {
                        credential,
                        access_key_id: id,
                        signature: None,
                    }),
                    (true | false, Some(_) | None) => Err(AccessError::Refused),
                }
            }
        }
    }

    async fn credential(&self, id: &str, now: i64) -> Result<Option<Credential>, AccessError> {
        match &self.store {
            Some(store) => Ok(store
                .opened()?
                .authenticate_key(id, Timestamp::from_seconds(now))
                .await?),
            None => Ok(None),
        }
    }

    /// Writes down that a key was used, once a minute. A failure keeps nobody from working.
    async fn note_use(&self, access_key_id: &str, now: i64) {
        let Some(store) = self.store.as_ref().and_then(LateStore::get) else {
            return;
        };
        {
            let mut noted = lock(&self.noted);
            let is_fresh = |at: &i64| now.saturating_sub(*at) < USE_NOTED_EVERY_SECS;
            if noted.get(access_key_id).is_some_and(is_fresh) {
                return;
            }
            if noted.len() >= NOTES_MAX {
                noted.clear();
            }
            noted.insert(access_key_id.to_owned(), now);
        }
        let uses = [(access_key_id.to_owned(), Timestamp::from_seconds(now))];
        let _ = store.note_used(&uses).await;
    }
}

/// Returns the machine's own admin, for a command that has the store open: to open it, one needs its sealing key.
pub fn holder_of(_store: &Store) -> Authenticated {
    local(Entry::CommandLine, None)
}

fn local(entry: Entry, request_id: Option<&str>) -> Authenticated {
    Authenticated::checked(Caller {
        name: LOCAL.to_owned(),
        role: Role::Admin,
        scope: Scope::All,
        entry,
        address: None,
        request_id: request_id.map(str::to_owned),
    })
}

fn caller(credential: Credential, address: IpAddr, request_id: &str) -> Caller {
    let scope = match credential.scope {
        None => Scope::All,
        Some(ids) => Scope::Distributions(ids.into_iter().collect()),
    };
    Caller {
        name: credential.operator,
        role: credential.role,
        scope,
        entry: Entry::Listener,
        address: Some(address),
        request_id: Some(request_id.to_owned()),
    }
}

fn read(presented: &Presented<'_>) -> Result<Presentation, AccessError> {
    let mut values = presented.headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(AccessError::Absent)?;
    let is_bearer = value
        .as_bytes()
        .get(..7)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "));
    if is_bearer {
        let token = value.to_str().ok().and_then(|text| text.get(7..));
        return match (token, values.next()) {
            (Some(token), None) => read_token(token),
            (Some(_) | None, _) => Err(AccessError::Token),
        };
    }
    let claim = Claim::read(
        &SignedRequest {
            method: presented.method,
            path: presented.path,
            query: presented.query,
            headers: presented.headers,
            body: presented.body,
            services: &SERVICES,
        },
        presented.now,
    );
    match claim {
        Ok(claim) => Ok(Presentation::Signature(claim)),
        Err(Refusal::Absent) => Err(AccessError::Absent),
        Err(refusal) => Err(AccessError::Signature(refusal)),
    }
}

fn read_token(token: &str) -> Result<Presentation, AccessError> {
    let (id, secret) = token.split_once('.').ok_or(AccessError::Token)?;
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_id || secret.is_empty() || token.len() > TOKEN_SIZE_BYTES_MAX {
        return Err(AccessError::Token);
    }
    Ok(Presentation::Token {
        id: id.to_owned(),
        secret: secret.to_owned(),
    })
}

/// Compares digests, so that the time depends neither on what is equal nor on the length of the secret.
fn is_same(known: &str, presented: &str) -> bool {
    let [known, presented] = [known, presented].map(|text| digest(&SHA256, text.as_bytes()));
    verify_slices_are_equal(known.as_ref(), presented.as_ref()).is_ok()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while the lock is held leaves a usable table behind.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
