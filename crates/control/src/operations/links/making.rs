//! Makes links with the key of a group's rotation, and takes in links that were signed elsewhere.

use super::registered;
use crate::link_access::{Access, LinkAccess, host_and_path};
use crate::operation_error::OperationError;
use crate::operations::Operations;
use crate::operations::explain::check_host;
use crate::operations::key_rotation::{ROTATION_KIND, SigningKey, all_documents, signing_key};
use crate::operator::{Operator, Publish, Rank};
use aws_lc_rs::rand;
use privet_sign::{
    HashAlgorithm, IpRange, KeyPairId, Limited, LimitedId, LinkMark, LinkNonce, PrivateKey,
    Question, Signer, SubjectDigest, Terms, Timestamp, WireUrl, explain,
};
use privet_store::{
    LinkConfirm, LinkDigest, LinkKind, NewLink, RegisteredId, StoreError, StoredLink,
};
use std::sync::Arc;

/// Limits of a link, and what people say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkRules {
    /// Number of visits.
    pub uses: Option<u64>,
    /// Number of viewers.
    pub viewers: Option<u64>,
    /// Number of bytes.
    pub bytes: Option<u64>,
    /// When a person has to confirm.
    pub confirm: LinkConfirm,
    /// Time in seconds without a request after which a visit is over; the configuration's unless set.
    pub window_seconds: Option<u32>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Whom it was made for.
    pub subject: Option<String>,
    /// Who has sent it, as the page that asks for a confirmation says.
    pub sender: Option<String>,
    /// Label, by which links are found and revoked together.
    pub label: Option<String>,
    /// Note for operators.
    pub note: Option<String>,
    /// Name of the file, as the page that asks for a confirmation says.
    pub file_name: Option<String>,
}

impl LinkRules {
    /// True if the link is counted, and has to say so in its signed text.
    pub fn are_limits(&self) -> bool {
        self.uses.is_some() || self.viewers.is_some() || self.bytes.is_some()
    }
}

/// A link that is to be made here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MakeLinkRequest {
    /// URL of the object.
    pub url: String,
    /// Key group with whose key it is signed; `None` for the only one whose key the URL's distribution trusts.
    pub group: Option<String>,
    /// End of the link.
    pub until: Timestamp,
    /// Start of the link.
    pub from: Option<Timestamp>,
    /// The only addresses that may use it.
    pub ip: Option<IpRange>,
    /// Resource, if other than the URL.
    pub resource: Option<String>,
    /// Limits, and what people say of it.
    pub rules: LinkRules,
}

/// A link whose signature a trusted key has confirmed.
pub(super) struct Confirmed {
    pub(super) digest: LinkDigest,
    pub(super) host: String,
    pub(super) path: String,
    pub(super) until: Timestamp,
    key_pair_id: String,
    mark: Option<LinkMark>,
}

impl Operations {
    /// Makes a link with the key of a group's rotation, and registers it. Returns the link with its signature, which is
    /// stored nowhere.
    ///
    /// # Errors
    /// [`OperationError::Invalid`] for what cannot be signed or the key would not outlive; those of the store.
    pub async fn make_link(
        &self,
        operator: &Operator<Publish>,
        request: &MakeLinkRequest,
    ) -> Result<(StoredLink, String), OperationError> {
        let store = self.own_store()?;
        check_host(&self.snapshot(), &operator.caller().scope, &request.url)?;
        let key = match &request.group {
            Some(group) => signing_key(store, group, self.now()).await?,
            None => self.only_signing_key(&request.url).await?,
        };
        let until = i64::try_from(request.until.as_secs()).unwrap_or(i64::MAX);
        if until > key.links_end_by {
            let rule = "is later than the group's longest life of links allows";
            return Err(OperationError::invalid("until", rule));
        }
        let parsed = PrivateKey::parse(key.pem.expose().as_bytes(), None);
        let private = parsed.map_err(|_| OperationError::System("a stored key is damaged"))?;
        let id = KeyPairId::parse(&key.key_pair_id);
        let id = id.map_err(|_| OperationError::System("a stored key has no id"))?;
        let signer = Signer::new(Arc::new(private), id, HashAlgorithm::Sha256);
        let signer = signer.map_err(|_| OperationError::System("a stored key is too weak"))?;
        let wire = WireUrl::parse(&request.url);
        let wire = wire.map_err(|error| OperationError::invalid("url", error.to_string()))?;
        let terms = Terms {
            from: request.from,
            ip: request.ip,
            resource: request.resource.clone(),
            mark: Some(self.mark(&request.rules)?),
            ..Terms::until(request.until)
        };
        let signed = signer.sign_url(&wire, &terms);
        let signed = signed.map_err(|error| OperationError::invalid("url", error.to_string()))?;
        let stored = self
            .register_link(operator, &signed, &request.rules)
            .await?;
        Ok((stored, signed))
    }

    /// Returns the key of the only group with a rotation whose key the URL's distribution trusts.
    async fn only_signing_key(&self, url: &str) -> Result<SigningKey, OperationError> {
        let store = self.own_store()?;
        let snapshot = self.snapshot();
        let known = LinkAccess::of(&snapshot, url);
        let mut found = None;
        for rotation in all_documents(store, ROTATION_KIND).await? {
            let key = match signing_key(store, &rotation.id, self.now()).await {
                Ok(key) if known.keys.get(&key.key_pair_id).is_some() => key,
                // Its first key is not in force yet, or its links are for other distributions.
                Ok(_) | Err(OperationError::NotFound { .. }) => continue,
                Err(error) => return Err(error),
            };
            if found.replace(key).is_some() {
                let rule = "is missing, and several groups have keys for this URL; name one";
                return Err(OperationError::invalid("group", rule));
            }
        }
        found.ok_or_else(|| {
            let rule = "is missing, and no group has a key for this URL; rotate one, or sign with a key of your own";
            OperationError::invalid("group", rule)
        })
    }

    /// Registers a link that was signed elsewhere, so that it can be found, revoked and, if its signed text says that
    /// it is limited, used.
    ///
    /// # Errors
    /// [`OperationError::Invalid`] for a link that no trusted key has signed, that has ended, or whose limits its
    /// signed text does not mention; [`privet_store::StoreError::Exists`] if it is registered.
    pub async fn register_link(
        &self,
        operator: &Operator<Publish>,
        link: &str,
        rules: &LinkRules,
    ) -> Result<StoredLink, OperationError> {
        let store = self.own_store()?;
        let confirmed = self.confirmed(operator, link)?;
        let new = self.new_link(&confirmed, rules)?;
        let actor = operator.caller().actor();
        let created = store.create_link(&new, &actor, self.timestamp()).await;
        let stored = match created {
            Ok(_) => store.link(&new.id).await?,
            // The same text, signed in the same second with the same words, is the same link.
            Err(StoreError::Exists(name)) => {
                let stored = store.link_by_digest(&new.digest).await?;
                let is_same = |stored: &StoredLink| {
                    let new = NewLink {
                        id: stored.link.id,
                        ..new.clone()
                    };
                    stored.link == new && new.kind == LinkKind::Ordinary
                };
                match stored.filter(is_same) {
                    Some(stored) => return Ok(stored),
                    None => return Err(StoreError::Exists(name).into()),
                }
            }
            Err(error) => return Err(error.into()),
        };
        stored.ok_or(OperationError::System(
            "a link that was stored is not there",
        ))
    }

    fn new_link(
        &self,
        confirmed: &Confirmed,
        rules: &LinkRules,
    ) -> Result<NewLink, OperationError> {
        let mark = confirmed.mark.as_ref();
        let limited = mark.and_then(|mark| mark.limited.as_ref());
        let (id, kind) = match limited {
            Some(limited) => (registered(limited.id), LinkKind::Limited),
            None => (RegisteredId::random()?, LinkKind::Ordinary),
        };
        let stated = mark.and_then(|mark| mark.subject);
        let own = rules.subject.as_deref().map(SubjectDigest::of);
        if let (Some(stated), Some(own)) = (stated, own)
            && stated != own
        {
            let rule = "is not the one that the link's signed text names";
            return Err(OperationError::invalid("subject", rule));
        }
        let subject = stated.or(own);
        let window = self.snapshot().node.links.window.as_secs();
        Ok(NewLink {
            id,
            digest: confirmed.digest,
            kind,
            key_pair_id: confirmed.key_pair_id.clone(),
            host: confirmed.host.clone(),
            path: confirmed.path.clone(),
            uses_max: rules.uses,
            viewers_max: rules.viewers,
            bytes_max: rules.bytes,
            confirm: rules.confirm,
            window_seconds: rules
                .window_seconds
                .unwrap_or_else(|| u32::try_from(window).unwrap_or(u32::MAX)),
            owner: rules.owner.clone(),
            subject: rules.subject.clone(),
            subject_digest: subject
                .map(|digest| privet_store::SubjectDigest::from_bytes(*digest.as_bytes())),
            sender: rules.sender.clone(),
            label: rules.label.clone(),
            note: rules.note.clone(),
            file_name: rules.file_name.clone(),
            ends_at: privet_store::Timestamp::from_seconds(
                i64::try_from(confirmed.until.as_secs()).unwrap_or(i64::MAX),
            ),
        })
    }

    /// Makes the mark of a link that is to be signed.
    fn mark(&self, rules: &LinkRules) -> Result<LinkMark, OperationError> {
        let limited = match rules.are_limits() {
            true => Some(Limited {
                id: LimitedId::from_bytes(random()?),
                nonce: LinkNonce::from_bytes(random()?),
            }),
            false => None,
        };
        Ok(LinkMark {
            limited,
            made: Some(self.shared.clock.now()),
            subject: rules.subject.as_deref().map(SubjectDigest::of),
        })
    }

    /// Finds out who has signed a link, and until when it is valid; whether it is valid now is not asked.
    pub(super) fn confirmed<R: Rank>(
        &self,
        operator: &Operator<R>,
        link: &str,
    ) -> Result<Confirmed, OperationError> {
        let snapshot = self.snapshot();
        check_host(&snapshot, &operator.caller().scope, link)?;
        let known = LinkAccess::of(&snapshot, link);
        match &known.access {
            Access::Checked | Access::NotGranted(_) => {}
            Access::Open(reason) | Access::Unserved(reason) => {
                return Err(OperationError::invalid("link", reason.clone()));
            }
        }
        let explanation = explain(&Question {
            url: link,
            cookies: None,
            keys: &known.keys,
            now: self.shared.clock.now(),
            client: None,
            leniency: known.leniency.clone(),
        });
        let unsigned = || {
            let rule =
                "is not signed by a key that its distribution trusts; privet explain says why";
            OperationError::invalid("link", rule)
        };
        let digest = explanation.link_id.ok_or_else(unsigned)?;
        let (host, path) = host_and_path(link).ok_or_else(unsigned)?;
        Ok(Confirmed {
            digest: LinkDigest::from_bytes(*digest.as_bytes()),
            host: host.to_ascii_lowercase(),
            path: path.to_owned(),
            until: explanation.until.ok_or_else(unsigned)?,
            key_pair_id: explanation.key_pair_id.ok_or_else(unsigned)?,
            mark: explanation.link_mark,
        })
    }
}

fn random() -> Result<[u8; 16], OperationError> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| OperationError::System("no random bytes"))?;
    // The text of an id begins with a letter then, and is no option on a command line.
    bytes[0] &= 0x7f;
    Ok(bytes)
}
