//! The checks of a link that are not in its signed text: whether it was revoked, and whether the store has a use left.
//!
//! An edge and a command on the machine ask the same way. A store that fails leaves a check unknown, never passed.

use crate::link_access::host_and_path;
use privet_distribution::links::{
    GrantFacts, Judgement, LinkSource, RevocationTable, RevokedObject,
};
use privet_edge::object_paths;
use privet_sign::{
    Check, ErrorCode, Explanation, LimitedId, LinkId, Outcome, Timestamp, Verdict, WireUrl,
};
use privet_store::{
    AttemptId, Durability, LinkDigest, LinkKind, LinkUse, RegisteredId, Store, StoreError,
    StoredLink, UseAnswer, ViewerDigest,
};

/// Name of the edge in questions that make no use.
const ASKER: &str = "explain";
/// What is found where the store fails.
const SILENT: &str = "the store does not answer";

/// What is known of links beside their signed text.
#[derive(Clone, Copy, Debug)]
pub struct LinkState<'a> {
    /// What is revoked; `None` where nobody can tell.
    pub revocations: Option<&'a RevocationTable>,
    /// The store.
    pub store: LinkStoreState<'a>,
    /// Whether limited links are served though a failover of the database may forget uses.
    pub allow_asynchronous_standby: bool,
}

/// The store that links are registered with.
#[derive(Clone, Copy, Debug)]
pub enum LinkStoreState<'a> {
    /// It can be asked.
    Open(&'a Store),
    /// It cannot be reached.
    Silent,
    /// The edge has none, so that limited links open nothing.
    Absent,
    /// It is not known which edge serves the link.
    NotNamed,
}

impl LinkState<'_> {
    /// Adds the checks of a link that a trusted key has signed. A check that fails refuses a link that opens otherwise;
    /// one that is unknown leaves its verdict open.
    pub async fn check(&self, explanation: &mut Explanation, url: &str, now: Timestamp) {
        let Some(link) = explanation.link_id else {
            return;
        };
        if let Some(check) = self.revoked(explanation, link, url, now).await {
            add(explanation, check);
        }
        let mark = explanation.link_mark.as_ref();
        if let Some(limited) = mark.and_then(|mark| mark.limited) {
            let checks = self.limited((limited.id, link), now).await;
            checks.into_iter().for_each(|check| add(explanation, check));
        }
    }

    async fn revoked(
        &self,
        explanation: &Explanation,
        link: LinkId,
        url: &str,
        now: Timestamp,
    ) -> Option<Check> {
        let check = |outcome, found: &str| Some(named("revoked", outcome, "not revoked", found));
        let Some(table) = self.revocations else {
            return match self.store {
                LinkStoreState::Open(_) | LinkStoreState::Silent => {
                    check(Outcome::Unknown, "what is revoked is not known here")
                }
                LinkStoreState::Absent | LinkStoreState::NotNamed => None,
            };
        };
        let wire = WireUrl::parse(url).ok();
        let (host, path) = host_and_path(wire.as_ref().map_or(url, WireUrl::as_str))?;
        let host = host.to_ascii_lowercase();
        let paths = object_paths(path);
        let facts = GrantFacts {
            link: LinkSource::Known(link),
            key_pair_id: explanation.key_pair_id.as_deref()?,
            mark: explanation.link_mark.as_ref(),
            object: RevokedObject {
                host: &host,
                paths: &paths,
            },
        };
        match table.judge(&facts, now) {
            Judgement::NotRevoked => check(Outcome::Passed, "not revoked"),
            Judgement::Forgotten => check(
                Outcome::Unknown,
                "revocations of that time are forgotten already",
            ),
            Judgement::Revoked(by) => {
                check(Outcome::Failed, &self.revocation_text(by.revocation).await)
            }
        }
    }

    /// Returns when and by whom a revocation was made, as far as the store says.
    async fn revocation_text(&self, seq: u64) -> String {
        let stored = match self.store {
            LinkStoreState::Open(store) => store.revocation(seq).await.ok().flatten(),
            LinkStoreState::Silent | LinkStoreState::Absent | LinkStoreState::NotNamed => None,
        };
        match stored {
            Some(stored) => format!(
                "revoked on {}, by {} (revocation {seq})",
                shown(stored.made_at),
                stored.made_by
            ),
            None => format!("revoked (revocation {seq})"),
        }
    }

    async fn limited(&self, link: (LimitedId, LinkId), now: Timestamp) -> Vec<Check> {
        let expected = "registered with the store";
        let check = |outcome, found: &str| vec![named("registered", outcome, expected, found)];
        let store = match self.store {
            LinkStoreState::Open(store) => store,
            LinkStoreState::Silent => {
                return check(Outcome::Unknown, SILENT);
            }
            LinkStoreState::Absent => {
                let found = "the edge has no store, and limited links open nothing without one";
                return check(Outcome::Failed, found);
            }
            LinkStoreState::NotNamed => {
                return check(
                    Outcome::Unknown,
                    "limited links are counted by a store; name its configuration by --config",
                );
            }
        };
        let id = RegisteredId::from_bytes(*link.0.as_bytes());
        let digest = LinkDigest::from_bytes(*link.1.as_bytes());
        let stored = match store.link(&id).await {
            Ok(stored) => stored,
            Err(_) => return check(Outcome::Unknown, SILENT),
        };
        let is_it = |stored: &StoredLink| {
            stored.link.kind == LinkKind::Limited && stored.link.digest == digest
        };
        let Some(stored) = stored.filter(is_it) else {
            return check(
                Outcome::Failed,
                "not registered: privet link create --register takes it in",
            );
        };
        let mut checks = check(Outcome::Passed, expected);
        checks.extend(self.standby(store).await);
        let answer = match peeked(store, &stored, now).await {
            Ok(answer) => answer,
            Err(_) => {
                checks.push(named(
                    "used",
                    Outcome::Unknown,
                    "a use that is left",
                    SILENT,
                ));
                return checks;
            }
        };
        let (outcome, found) = use_text(&stored, &answer);
        checks.push(named("used", outcome, "a use that is left", &found));
        checks
    }

    /// Returns the check that limited links are refused by while a failover of the database may forget uses.
    async fn standby(&self, store: &Store) -> Option<Check> {
        let expected = "a standby with each commit, or allow_asynchronous_standby";
        let check = |outcome, found: &str| Some(named("standby", outcome, expected, found));
        match store.synchronous_standby().await {
            Ok(Durability::File | Durability::Standby { .. }) => None,
            Ok(Durability::Server { .. }) if self.allow_asynchronous_standby => None,
            Ok(Durability::Server { problem }) => check(Outcome::Failed, &problem),
            Err(_) => check(Outcome::Unknown, SILENT),
        }
    }
}

/// Asks what a viewer would be told who has not used the link before.
async fn peeked(
    store: &Store,
    stored: &StoredLink,
    now: Timestamp,
) -> Result<UseAnswer, StoreError> {
    let nobody = RegisteredId::random()?;
    store
        .peek(&LinkUse {
            link: stored.link.id,
            digest: stored.link.digest,
            attempt: AttemptId::from_bytes(*nobody.as_bytes()),
            viewer: ViewerDigest::from_bytes(*nobody.as_bytes()),
            at: privet_store::Timestamp::from_seconds(
                i64::try_from(now.as_secs()).unwrap_or(i64::MAX),
            ),
            edge: ASKER.to_owned(),
        })
        .await
}

fn use_text(stored: &StoredLink, answer: &UseAnswer) -> (Outcome, String) {
    let link = &stored.link;
    let used = match link.uses_max {
        Some(uses_max) => format!("used {} of {uses_max}", stored.uses),
        None => format!("used {}", stored.uses),
    };
    match answer {
        UseAnswer::Open | UseAnswer::Redeemed { .. } | UseAnswer::Again { .. } => {
            (Outcome::Passed, used)
        }
        UseAnswer::UsedUp { uses, last_at } => {
            let uses_max = link.uses_max.unwrap_or(*uses);
            let last_at = shown(*last_at);
            let found = format!(
                "used {uses} of {uses_max} on {last_at}; only viewers whose visit is not over go on"
            );
            (Outcome::Failed, found)
        }
        UseAnswer::ViewersUsedUp => {
            let viewers_max = link.viewers_max.unwrap_or_default();
            let found = format!("{used}, all {viewers_max} viewers have come; only they go on");
            (Outcome::Failed, found)
        }
        UseAnswer::BytesUsedUp => {
            let bytes_max = link.bytes_max.unwrap_or_default();
            (
                Outcome::Failed,
                format!("{used}, all {bytes_max} bytes were sent"),
            )
        }
        UseAnswer::Revoked { revocation } => {
            let found = format!("{used}, revoked (revocation {revocation})");
            (Outcome::Failed, found)
        }
        UseAnswer::Ended => (Outcome::Failed, format!("{used}, the link has ended")),
        UseAnswer::GivenBack | UseAnswer::Unknown => (
            Outcome::Unknown,
            "the store's answer is no answer".to_owned(),
        ),
    }
}

fn named(name: &'static str, outcome: Outcome, expected: &str, found: &str) -> Check {
    Check {
        name,
        outcome,
        expected: expected.to_owned(),
        found: found.to_owned(),
    }
}

fn add(explanation: &mut Explanation, check: Check) {
    match (check.outcome, &explanation.verdict) {
        (Outcome::Failed, Verdict::Opens | Verdict::CannotTell(_)) => {
            explanation.verdict = Verdict::Refused(ErrorCode::AccessDenied);
        }
        (Outcome::Unknown, Verdict::Opens) => {
            explanation.verdict = Verdict::CannotTell(check.found.clone());
        }
        (Outcome::Failed | Outcome::Unknown, _) | (Outcome::Passed | Outcome::Skipped, _) => {}
    }
    explanation.checks.push(check);
}

fn shown(at: privet_store::Timestamp) -> String {
    Timestamp::from_secs(u64::try_from(at.seconds()).unwrap_or_default()).to_utc()
}

#[cfg(test)]
mod tests {
    use super::*;
    use privet_distribution::links::{RevocationChange, RevocationEntry, Revoked};
    use privet_sign::{Limited, LinkMark, LinkNonce};

    const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);
    const URL: &str = "https://Media.example.com/talk.mp4";

    fn explanation(verdict: Verdict, is_limited: bool) -> Explanation {
        let limited = Limited {
            id: LimitedId::from_bytes([1; 16]),
            nonce: LinkNonce::from_bytes([2; 16]),
        };
        Explanation {
            verdict,
            checks: Vec::new(),
            hints: Vec::new(),
            policy_text: None,
            link_id: LinkId::parse(&"5a".repeat(32)),
            link_mark: is_limited.then_some(LinkMark {
                limited: Some(limited),
                made: None,
                subject: None,
            }),
            key_pair_id: Some("KEC".to_owned()),
            until: None,
        }
    }

    fn table(what: Revoked) -> RevocationTable {
        let table = RevocationTable::new();
        let entry = RevocationEntry {
            seq: 7,
            what,
            until: Timestamp::from_secs(2_000_000_000),
            cut: false,
            made: NOW,
        };
        table.apply(&[RevocationChange::Made(entry)]).unwrap();
        table
    }

    #[track_caller]
    fn check(state: &LinkState<'_>, mut given: Explanation, verdict: &Verdict, checks: &[&str]) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(state.check(&mut given, URL, NOW));
        let found: Vec<String> = given
            .checks
            .iter()
            .map(|check| format!("{} {:?}: {}", check.name, check.outcome, check.found))
            .collect();
        assert_eq!(found, checks);
        assert_eq!(given.verdict, *verdict);
    }

    #[test]
    fn what_is_revoked_is_refused() {
        let pattern = privet_distribution::links::ObjectPattern::parse("media.example.com/t*");
        let by = [
            Revoked::Link(LinkId::parse(&"5a".repeat(32)).unwrap()),
            Revoked::Key("KEC".to_owned()),
            Revoked::Object(pattern.unwrap()),
        ];
        for what in by {
            let table = table(what);
            let state = LinkState {
                revocations: Some(&table),
                store: LinkStoreState::Absent,
                allow_asynchronous_standby: false,
            };
            let found = ["revoked Failed: revoked (revocation 7)"];
            let refused = Verdict::Refused(ErrorCode::AccessDenied);
            check(&state, explanation(Verdict::Opens, false), &refused, &found);
            let open = Verdict::CannotTell("the address".to_owned());
            check(&state, explanation(open, false), &refused, &found);
            // An earlier reason stays the reason.
            let earlier = Verdict::Refused(ErrorCode::MalformedPolicy);
            check(
                &state,
                explanation(earlier.clone(), false),
                &earlier,
                &found,
            );
        }
    }

    #[test]
    fn a_limited_link_opens_nothing_without_a_store() {
        let empty = RevocationTable::new();
        let state = |store| LinkState {
            revocations: Some(&empty),
            store,
            allow_asynchronous_standby: false,
        };
        let silent = "the store does not answer";
        check(
            &state(LinkStoreState::Silent),
            explanation(Verdict::Opens, true),
            &Verdict::CannotTell(silent.to_owned()),
            &[
                "revoked Passed: not revoked",
                "registered Unknown: the store does not answer",
            ],
        );
        let without =
            "registered Failed: the edge has no store, and limited links open nothing without one";
        check(
            &state(LinkStoreState::Absent),
            explanation(Verdict::Opens, true),
            &Verdict::Refused(ErrorCode::AccessDenied),
            &["revoked Passed: not revoked", without],
        );
    }

    #[test]
    fn nothing_is_said_of_what_nobody_knows() {
        let state = LinkState {
            revocations: None,
            store: LinkStoreState::NotNamed,
            allow_asynchronous_standby: false,
        };
        check(
            &state,
            explanation(Verdict::Opens, false),
            &Verdict::Opens,
            &[],
        );
        let mut unconfirmed = explanation(Verdict::Opens, true);
        unconfirmed.link_id = None;
        check(&state, unconfirmed, &Verdict::Opens, &[]);
        let silent = LinkState {
            store: LinkStoreState::Silent,
            ..state
        };
        let unknown = "what is revoked is not known here";
        check(
            &silent,
            explanation(Verdict::Opens, false),
            &Verdict::CannotTell(unknown.to_owned()),
            &[&format!("revoked Unknown: {unknown}")],
        );
    }
}
