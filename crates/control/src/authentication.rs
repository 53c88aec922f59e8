//! Finds out which operator sent a request: by an AWS signature, by a bearer token, or by the socket that it came on.
//!
//! Unknown keys and wrong secrets get the same answer. What the head of a request can show is checked before its body
//! is read.

use crate::attempts::FailedAttempts;
use crate::date_signature::{self, AskedFor, DateClaim, DateRefusal, FirstUses};
use crate::late_store::LateStore;
use crate::operator::{Authenticated, Caller, Entry, Scope};
use crate::replay::{ReplayRefusal, UsedSignatures};
use crate::sigv4::{Claim, Refusal, SignedRequest, Verified};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method};
use privet_store::{Credential, Role, Store, StoreError, Timestamp};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use thiserror::Error;

/// Services that a signature may name.
const SERVICES: [&str; 2] = ["cloudfront", "privet"];
/// Headers that say what a change is made on, and whether again: they are part of what is asked.
const SIGNED_IF_SENT: [&str; 2] = ["if-match", "idempotency-key"];
/// Name of the operator on the socket and the command line.
pub(crate) const LOCAL: &str = "local";
const TOKEN_SIZE_BYTES_MAX: usize = 512;
/// Interval in seconds at which the last use of a key is written down.
const USE_NOTED_EVERY_SECS: i64 = 60;
/// Keys whose last note is remembered.
const NOTES_MAX: usize = 10_000;

/// The head of a request, as far as it matters for who sent it.
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
    /// Other end of the connection.
    pub peer: Peer,
    /// Id of the request.
    pub request_id: &'a str,
    /// Signatures that are taken.
    pub signatures: Signatures,
}

/// The kinds of signatures that an interface takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signatures {
    /// Those that cover a request: AWS Signature Version 4.
    OfRequests,
    /// Those of CloudFront's first API too, which cover the header `Date` alone. Never where others could listen.
    OfDatesToo,
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
    /// A signature of a date cannot be read, is not in time, or was used elsewhere.
    #[error(transparent)]
    Date(#[from] DateRefusal),
    /// The key is unknown, disabled or expired, or its secret is another one.
    #[error("the access key is not known, or its secret is another one")]
    Refused,
    /// The signature was used, or too many were.
    #[error(transparent)]
    Replay(#[from] ReplayRefusal),
    /// The address has failed too often, or the access key has failed too often there.
    #[error("too many requests from this address were refused; try again in {wait_secs} seconds")]
    TooManyFailures {
        /// Seconds until it is listened to again.
        wait_secs: i64,
    },
    /// The store cannot say who it is.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The gate before all operations. One for the process: it remembers signatures and failures.
///
/// A request passes it in three steps: [`Authentication::precheck`] before its body is read,
/// [`Authentication::authenticate`] when that is there, and [`Authentication::admit`] once it is known that the
/// operator may do what is asked.
#[derive(Debug)]
pub struct Authentication {
    store: Option<LateStore>,
    /// Time at which the process began to remember signatures.
    began: AtomicI64,
    used: Mutex<UsedSignatures>,
    /// Where signatures of dates came from.
    first_uses: Mutex<FirstUses>,
    failed: Mutex<FailedAttempts>,
    noted: Mutex<HashMap<String, i64>>,
}

/// A request whose head has passed: the credential in it is one of a known key.
#[derive(Debug)]
pub struct Prechecked(Sender);

impl Prechecked {
    /// Returns the name of the operator, if the head alone has shown it.
    pub(crate) fn operator(&self) -> Option<&str> {
        match &self.0 {
            Sender::Local => Some(LOCAL),
            Sender::Verified(holder) | Sender::Dated(holder, _) => {
                Some(&holder.credential.operator)
            }
            Sender::Claimed(_) => None,
        }
    }
}

#[derive(Debug)]
enum Sender {
    /// The machine's own admin, on the socket.
    Local,
    /// The holder of a key, whose token was compared with the secret.
    Verified(Holder),
    /// The holder of a key, whose signature of the date was compared with the secret.
    Dated(Holder, DateClaim),
    /// Perhaps the holder of a key: the signature is checked when the body is there.
    Claimed(Holder),
}

/// The address and the key that a request came with.
#[derive(Debug)]
struct Holder {
    address: IpAddr,
    access_key_id: String,
    credential: Credential,
}

/// The proof that a request comes from an operator, who has not been let through to any operation yet.
#[derive(Debug)]
pub struct Recognized {
    caller: Caller,
    /// Signature that this request uses up.
    used_up: Option<Verified>,
    /// What becomes of it if the change is refused.
    on_refusal: OnRefusal,
}

/// What becomes of the signature of a change that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnRefusal {
    /// It is used up: the client signs anew.
    Kept,
    /// It may ask the same again: a client that signs whole seconds has no other one until the next.
    GivenBack,
}

impl Recognized {
    /// Returns who it is.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Returns the signature that a change uses up; `None` for a request that is not a change, or is not signed.
    pub fn signature(&self) -> Option<[u8; 32]> {
        self.used_up.as_ref().map(|verified| verified.signature)
    }

    /// Returns the signature that [`Authentication::give_back`] takes if the change is refused.
    pub(crate) fn given_back(&self) -> Option<Verified> {
        match self.on_refusal {
            OnRefusal::Kept => None,
            OnRefusal::GivenBack => self.used_up.clone(),
        }
    }
}

/// A credential that was read from a head.
enum Presentation {
    Signature { id: String },
    Token { id: String, secret: String },
    Date(DateClaim),
}

impl Presentation {
    fn id(&self) -> &str {
        match self {
            Presentation::Signature { id } | Presentation::Token { id, .. } => id,
            Presentation::Date(claim) => claim.access_key_id(),
        }
    }
}

/// An access key that is in force, for an interface that checks signatures itself.
#[derive(Debug)]
pub struct KeyHolder(Holder);

impl KeyHolder {
    /// Returns the secret that signatures are made with.
    pub fn secret(&self) -> &str {
        self.0.credential.secret_access_key.expose()
    }

    /// Returns the proof that the holder sent the request of this id. To be called when its signature is good.
    pub fn vouched(self, request_id: &str) -> Authenticated {
        Authenticated::checked(caller(self.0, request_id))
    }
}

impl Authentication {
    /// Returns an access key that is known and in force, asked for from `address`.
    ///
    /// # Errors
    /// [`AccessError::Refused`] if there is none, [`AccessError::TooManyFailures`], [`AccessError::Store`]. Failures
    /// are counted by [`Authentication::note_failure`].
    pub async fn key_holder(
        &self,
        access_key_id: &str,
        address: IpAddr,
        now: i64,
    ) -> Result<KeyHolder, AccessError> {
        let waiting = lock(&self.failed).wait(address, Some(access_key_id), now);
        if let Some(wait_secs) = waiting {
            return Err(AccessError::TooManyFailures { wait_secs });
        }
        let credential = self.credential(access_key_id, now).await?;
        let credential = credential.ok_or(AccessError::Refused)?;
        Ok(KeyHolder(Holder {
            address,
            access_key_id: access_key_id.to_owned(),
            credential,
        }))
    }

    /// Counts a signature that was not good, against the address, and against the key if there is one of this id.
    /// Returns for how many seconds the address is told nothing more, if it had failed too often before.
    pub fn note_failure(
        &self,
        address: IpAddr,
        access_key_id: Option<&str>,
        now: i64,
    ) -> Option<i64> {
        let mut failed = lock(&self.failed);
        let waiting = failed.wait(address, None, now);
        failed.count(address, access_key_id, now);
        waiting
    }

    /// Makes the gate, which begins to remember signatures `now`. Without a store only the machine's own requests are
    /// admitted.
    pub fn new(store: Option<LateStore>, now: i64) -> Self {
        Authentication {
            store,
            began: AtomicI64::new(now),
            used: Mutex::default(),
            first_uses: Mutex::default(),
            failed: Mutex::default(),
            noted: Mutex::default(),
        }
    }

    /// Checks what can be known before the body is read: a bearer token or the signature of a date as a whole, key and
    /// date of a signature.
    ///
    /// # Errors
    /// [`AccessError`]; a failure counts against the address, and against the key there if it exists.
    pub async fn precheck(
        &self,
        head: &Presented<'_>,
        now: i64,
    ) -> Result<Prechecked, AccessError> {
        let address = match head.peer {
            // Whoever may open the socket's file may also read the store: the file system has checked this.
            Peer::Socket => return Ok(Prechecked(Sender::Local)),
            Peer::Address(address) => address,
        };
        let presentation = match read(head, now) {
            Ok(presentation) => presentation,
            Err(AccessError::Absent) => return Err(AccessError::Absent),
            Err(error) => return Err(self.failure((address, None), error, now)),
        };
        let id = presentation.id();
        if let Some(wait_secs) = lock(&self.failed).wait(address, Some(id), now) {
            return Err(AccessError::TooManyFailures { wait_secs });
        }
        let known = self.credential(id, now).await?;
        let secret = known.as_ref().map(|known| known.secret_access_key.expose());
        let secret = secret.unwrap_or_default();
        let is_good = match &presentation {
            Presentation::Signature { .. } => true,
            Presentation::Token { secret: token, .. } => is_same(secret, token),
            Presentation::Date(claim) => claim.is_made_with(secret),
        };
        let Some(credential) = known else {
            return Err(self.failure((address, None), AccessError::Refused, now));
        };
        if !is_good {
            return Err(self.failure((address, Some(id)), AccessError::Refused, now));
        }
        let holder = Holder {
            address,
            access_key_id: id.to_owned(),
            credential,
        };
        Ok(Prechecked(match presentation {
            Presentation::Signature { .. } => Sender::Claimed(holder),
            Presentation::Token { .. } => Sender::Verified(holder),
            Presentation::Date(claim) => {
                self.note_first_use(&claim, address, now)?;
                Sender::Dated(holder, claim)
            }
        }))
    }

    /// Checks that a signature of a date has not come from elsewhere. Reading is held to that too: it is all that keeps
    /// a stranger who has read a signature from asking whatever he likes.
    fn note_first_use(
        &self,
        claim: &DateClaim,
        address: IpAddr,
        now: i64,
    ) -> Result<(), DateRefusal> {
        if claim.signed_at() < self.began(now) {
            return Err(DateRefusal::BeforeStart);
        }
        lock(&self.first_uses).note(claim, address, now)
    }

    /// Returns the time from which on signatures are remembered. A clock that ran ahead at the start must not keep out
    /// everybody until that time comes.
    fn began(&self, now: i64) -> i64 {
        self.began.fetch_min(now, Ordering::Relaxed).min(now)
    }

    /// Says which operator sent a request whose body is there.
    ///
    /// # Errors
    /// [`AccessError`]; a failure counts as in [`Authentication::precheck`].
    pub async fn authenticate(
        &self,
        prechecked: Prechecked,
        (head, body): (&Presented<'_>, &[u8]),
        now: i64,
    ) -> Result<Recognized, AccessError> {
        let on_refusal = match &prechecked.0 {
            Sender::Dated(..) => OnRefusal::GivenBack,
            Sender::Local | Sender::Verified(_) | Sender::Claimed(_) => OnRefusal::Kept,
        };
        let (holder, verified) = match prechecked.0 {
            Sender::Local => {
                return Ok(Recognized {
                    caller: local(Entry::Socket, Some(head.request_id)),
                    used_up: None,
                    on_refusal: OnRefusal::Kept,
                });
            }
            Sender::Verified(holder) => (holder, None),
            Sender::Dated(holder, claim) => {
                let verified = claim.of_request(&asked_for(head, body));
                (holder, Some(verified))
            }
            Sender::Claimed(holder) => match verify(&holder, (head, body), now) {
                Ok(verified) => (holder, Some(verified)),
                Err(error) => {
                    let key = Some(holder.access_key_id.as_str());
                    return Err(self.failure((holder.address, key), error, now));
                }
            },
        };
        self.note_use(&holder.access_key_id, now).await;
        let is_change = *head.method != Method::GET && *head.method != Method::HEAD;
        Ok(Recognized {
            caller: caller(holder, head.request_id),
            used_up: verified.filter(|_| is_change),
            on_refusal,
        })
    }

    /// Lets an operator through who may do what is asked. The signature of a change is used up.
    ///
    /// # Errors
    /// [`AccessError::Replay`].
    pub fn admit(&self, recognized: Recognized, now: i64) -> Result<Authenticated, AccessError> {
        let Recognized {
            caller, used_up, ..
        } = recognized;
        if let Some(verified) = used_up {
            if verified.signed_at < self.began(now) {
                return Err(ReplayRefusal::BeforeStart.into());
            }
            lock(&self.used).use_once(&verified, now)?;
        }
        Ok(Authenticated::checked(caller))
    }

    /// Lets the signature of a change that was refused ask the same again.
    pub(crate) fn give_back(&self, verified: &Verified) {
        lock(&self.used).give_back(verified);
    }

    /// Counts a request whose body did not arrive, unless its sender is known without that.
    pub fn note_broken(&self, prechecked: &Prechecked, now: i64) {
        match &prechecked.0 {
            Sender::Local | Sender::Verified(_) | Sender::Dated(..) => {}
            Sender::Claimed(holder) => {
                let key = Some(holder.access_key_id.as_str());
                lock(&self.failed).count(holder.address, key, now);
            }
        }
    }

    /// Counts a failure, and returns what is told: an address that has failed too often learns nothing more.
    fn failure(
        &self,
        (address, key): (IpAddr, Option<&str>),
        error: AccessError,
        now: i64,
    ) -> AccessError {
        let waiting = self.note_failure(address, key, now);
        waiting.map_or(error, |wait_secs| AccessError::TooManyFailures {
            wait_secs,
        })
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
    pub async fn note_use(&self, access_key_id: &str, now: i64) {
        let Some(store) = self.store.as_ref().and_then(LateStore::get) else {
            return;
        };
        {
            let mut noted = lock(&self.noted);
            // A clock that was set back does not stop the notes.
            let is_fresh = |at: &i64| (0..USE_NOTED_EVERY_SECS).contains(&now.saturating_sub(*at));
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
    Authenticated::checked(local(Entry::CommandLine, None))
}

fn local(entry: Entry, request_id: Option<&str>) -> Caller {
    Caller {
        name: LOCAL.to_owned(),
        role: Role::Admin,
        scope: Scope::All,
        entry,
        address: None,
        request_id: request_id.map(str::to_owned),
    }
}

fn caller(holder: Holder, request_id: &str) -> Caller {
    let credential = holder.credential;
    let scope = match credential.scope {
        None => Scope::All,
        Some(ids) => Scope::Distributions(ids.into_iter().collect()),
    };
    Caller {
        name: credential.operator,
        role: credential.role,
        scope,
        entry: Entry::Listener,
        address: Some(holder.address),
        request_id: Some(request_id.to_owned()),
    }
}

/// Checks the signature of a request with the secret of the key.
fn verify(
    holder: &Holder,
    (head, body): (&Presented<'_>, &[u8]),
    now: i64,
) -> Result<Verified, AccessError> {
    let claim = Claim::read(&signed_request(head, body), now).map_err(AccessError::Signature)?;
    if claim.access_key_id() != holder.access_key_id {
        return Err(AccessError::Refused);
    }
    let secret = holder.credential.secret_access_key.expose();
    claim.verify(Some(secret)).map_err(|refusal| match refusal {
        Refusal::UnknownKey | Refusal::Mismatch => AccessError::Refused,
        other @ (Refusal::Absent
        | Refusal::Malformed { .. }
        | Refusal::Service
        | Refusal::SecurityToken
        | Refusal::BodyDigest
        | Refusal::Expired
        | Refusal::NotYet) => AccessError::Signature(other),
    })
}

fn signed_request<'a>(head: &Presented<'a>, body: &'a [u8]) -> SignedRequest<'a> {
    SignedRequest {
        method: head.method,
        path: head.path,
        query: head.query,
        headers: head.headers,
        body,
        services: &SERVICES,
        signed_if_sent: &SIGNED_IF_SENT,
    }
}

fn asked_for<'a>(head: &Presented<'a>, body: &'a [u8]) -> AskedFor<'a> {
    AskedFor {
        method: head.method.as_str(),
        path: head.path,
        query: head.query,
        headers: head.headers,
        body,
    }
}

fn read(head: &Presented<'_>, now: i64) -> Result<Presentation, AccessError> {
    let mut values = head.headers.get_all(AUTHORIZATION).iter();
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
    let takes_dates = head.signatures == Signatures::OfDatesToo;
    if takes_dates && date_signature::is_present(head.headers) {
        return Ok(Presentation::Date(DateClaim::read(head.headers, now)?));
    }
    match Claim::key_of(&signed_request(head, &[]), now) {
        Ok(id) => Ok(Presentation::Signature { id }),
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
