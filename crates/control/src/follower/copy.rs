//! The local copy of the store, read for what an edge serves: everything at a start, and afterwards what a change
//! touches.

use crate::follower::assembly::{Assembly, Base, CHUNK, Chunk, Failure, Gathered, StoredItem};
use crate::follower::revoking::Revoking;
use privet_distribution::config::{ItemFacts, ServiceKind, Snapshot, read_items};
use privet_distribution::links::RevocationTable;
use privet_edge::{EdgeLinks, standard_error};
use privet_store::{CaughtUp, Change, Page, Replica, SealingKey, Store, StoreError, View};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

/// Number of policies read at a time when one is looked for by its name.
const PAGE: u32 = 500;

/// The copy of the store that an edge starts from and serves while the store cannot be reached.
pub struct LocalCopy {
    replica: Replica,
    key: SealingKey,
    folder: PathBuf,
    start: Option<(u64, Vec<Failure>)>,
    revoking: Revoking,
}

impl fmt::Debug for LocalCopy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LocalCopy")
            .field("applied", &self.applied())
            .finish_non_exhaustive()
    }
}

impl LocalCopy {
    /// Takes the copy, the key that opens its secrets, and the folder at which relative paths of its items begin.
    pub fn new(replica: Replica, key: SealingKey, folder: PathBuf) -> Self {
        LocalCopy {
            replica,
            key,
            folder,
            start: None,
            revoking: Revoking::default(),
        }
    }

    /// Takes over what has changed in the store.
    ///
    /// # Errors
    /// Those of both databases; the copy is as it was before then.
    pub async fn catch_up(&self, store: &Store) -> Result<CaughtUp, StoreError> {
        self.replica.catch_up(store).await
    }

    /// Takes over what has changed in the store, and returns a view of the very moment up to which it has.
    ///
    /// # Errors
    /// As [`LocalCopy::catch_up`].
    pub(super) async fn catch_up_with_view(
        &self,
        store: &Store,
    ) -> Result<(CaughtUp, CopyView), StoreError> {
        let (caught_up, view) = self.replica.catch_up_with_view(store).await?;
        Ok((caught_up, self.view_of(view)))
    }

    /// Returns the snapshot with everything that the copy has, under the settings of `node`, whose own service is left
    /// out. Items that cannot be served are left out and told; the follower tries them again.
    ///
    /// # Errors
    /// [`StoreError`] if the copy cannot be read.
    pub fn snapshot(&mut self, node: &Snapshot) -> Result<Snapshot, StoreError> {
        let applied = self.applied();
        let (snapshot, failures) = self.view()?.load(node.without_service())?;
        for failure in &failures {
            standard_error::warning(format_args!(
                "the {} {} is not served: {}",
                failure.kind, failure.id, failure.reason
            ));
        }
        self.start = Some((applied, failures));
        Ok(snapshot)
    }

    /// Returns everything that is revoked, for an edge to start with.
    ///
    /// # Errors
    /// [`StoreError`] if the copy cannot be read.
    pub fn revocations(&mut self) -> Result<Arc<RevocationTable>, StoreError> {
        let (table, revoking) = Revoking::whole(&mut self.replica.view()?)?;
        self.revoking = revoking;
        Ok(table)
    }

    /// Returns how far the table has come that the edge was started with.
    pub(super) fn take_revoking(&mut self) -> Revoking {
        self.revoking
    }

    /// Returns the number of the change up to which the edge was started with everything, and what it was started
    /// without; `None` if it was not started from this copy.
    pub(super) fn take_start(&mut self) -> Option<(u64, Vec<Failure>)> {
        self.start.take()
    }

    pub(super) fn applied(&self) -> u64 {
        self.replica.applied()
    }

    pub(super) fn assembly(&self) -> Assembly {
        Assembly {
            folder: self.folder.clone(),
        }
    }

    /// Opens a view of what the copy has now.
    pub(super) fn view(&self) -> Result<CopyView, StoreError> {
        Ok(self.view_of(self.replica.view()?))
    }

    fn view_of(&self, view: View) -> CopyView {
        CopyView {
            view,
            key: self.key.clone(),
            assembly: self.assembly(),
        }
    }
}

/// What the copy has at one moment, whatever is written to it meanwhile: a change is never seen in part.
pub(super) struct CopyView {
    view: View,
    key: SealingKey,
    assembly: Assembly,
}

impl CopyView {
    /// Returns the number of the last change that the view has.
    pub(super) fn seq(&self) -> u64 {
        self.view.seq()
    }

    /// Brings the edge's table of revocations to what the view has.
    pub(super) fn take_over_revocations(
        &mut self,
        revoking: &mut Revoking,
        links: &EdgeLinks,
    ) -> Result<(), StoreError> {
        revoking.take_over(&mut self.view, links)
    }

    /// Replaces the edge's table of revocations by one with what the view has.
    pub(super) fn renew_revocations(
        &mut self,
        revoking: &mut Revoking,
        links: &EdgeLinks,
    ) -> Result<(), StoreError> {
        revoking.renew(&mut self.view, links)
    }

    /// Returns `snapshot` with everything that the copy has in place of its service. What cannot be served now stays as
    /// it is in `snapshot`.
    pub(super) fn renew(
        &mut self,
        snapshot: &Snapshot,
    ) -> Result<(Snapshot, Vec<Failure>), StoreError> {
        let (renewed, failures) = self.load(snapshot.without_service())?;
        if !failures.iter().any(|failure| failure.has_form_in(snapshot)) {
            return Ok((renewed, failures));
        }
        // Built over what is served: an item that is at fault keeps the form that it has there.
        let absent = self.absent(snapshot)?;
        let kept = self.assembly.without(snapshot.clone(), &absent);
        self.load(kept)
    }

    /// Returns `snapshot` with everything that the copy has. While one thread reads and parses, the other resolves.
    pub(super) fn load(
        &mut self,
        snapshot: Snapshot,
    ) -> Result<(Snapshot, Vec<Failure>), StoreError> {
        let mut base = Base::default();
        let mut failures = Vec::new();
        for kind in ServiceKind::ALL
            .into_iter()
            .filter(|kind| !kind.is_distribution())
        {
            failures.extend(self.for_each(kind, |id, text| base.insert(kind, id, text))?);
        }
        let (base, assembly) = (&base, self.assembly.clone());
        std::thread::scope(|scope| {
            let (send, receive) = sync_channel(1);
            let reading = scope.spawn(move || self.send_served(base, &send));
            let (snapshot, faulty) = assembly.fill(snapshot, receive.into_iter(), base);
            failures.extend(faulty);
            let read = reading.join();
            failures.extend(read.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
            Ok((snapshot, failures))
        })
    }

    /// Returns the distributions of a snapshot that the copy does not have.
    fn absent(&mut self, snapshot: &Snapshot) -> Result<Vec<(ServiceKind, String)>, StoreError> {
        let distributions = snapshot.distributions().iter();
        let distributions = distributions.map(|one| (ServiceKind::Distribution, one.id.clone()));
        let streaming = snapshot.streaming_distributions().iter();
        let streaming = streaming.map(|one| (ServiceKind::StreamingDistribution, one.id.clone()));
        let mut absent: BTreeSet<(ServiceKind, String)> = distributions.chain(streaming).collect();
        for kind in ServiceKind::ALL
            .into_iter()
            .filter(|kind| kind.is_distribution())
        {
            self.view.for_each(kind.as_str(), |id, _| {
                absent.remove(&(kind, id.to_owned()));
            })?;
        }
        Ok(absent.into_iter().collect())
    }

    /// Sends everything that viewers reach, in chunks, distributions before the streaming distributions that play their
    /// videos.
    fn send_served(
        &mut self,
        base: &Base,
        sender: &SyncSender<Chunk>,
    ) -> Result<Vec<Failure>, StoreError> {
        let assembly = self.assembly.clone();
        let mut failures = Vec::new();
        for kind in ServiceKind::ALL
            .into_iter()
            .filter(|kind| kind.is_distribution())
        {
            let mut items = Vec::new();
            // Sending fails only if the receiver has panicked, which ends this thread's work as well.
            let send = |items: Vec<StoredItem>| drop(sender.send(assembly.read(items, base)));
            failures.extend(self.for_each(kind, |id, text| {
                let id = id.to_owned();
                items.push(StoredItem { kind, id, text });
                if items.len() == CHUNK {
                    send(std::mem::take(&mut items));
                }
            })?);
            send(items);
        }
        Ok(failures)
    }

    /// Passes each item of a kind to `each`, as JSON with its secrets in clear. Returns those that cannot be read.
    fn for_each(
        &mut self,
        kind: ServiceKind,
        mut each: impl FnMut(&str, String),
    ) -> Result<Vec<Failure>, StoreError> {
        let (mut failures, key) = (Vec::new(), self.key.clone());
        self.view.for_each(kind.as_str(), |id, text| {
            match clear_text(&key, kind, id, text) {
                Ok(text) => each(id, text),
                Err(failure) => failures.push(failure),
            }
        })?;
        Ok(failures)
    }

    /// Reads what a change touches: the changed distributions, those that refer to a changed item, and everything that
    /// they refer to.
    pub(super) fn gather(&mut self, touched: &Touched) -> Result<Gathered, StoreError> {
        let mut gathered = Gathered::default();
        let mut upward: Vec<(ServiceKind, String)> = touched.names.keys().cloned().collect();
        upward.extend(self.with_buckets(touched)?);
        let mut known: BTreeSet<(ServiceKind, String)> = upward.iter().cloned().collect();
        while let Some((kind, id)) = upward.pop() {
            if kind.is_distribution() {
                self.take(&mut gathered, kind, &id)?;
                continue;
            }
            for user in self.view.used_by(kind.as_str(), &id)? {
                // Other documents of the store refer to nothing that is served.
                let Ok(kind) = user.kind.parse::<ServiceKind>() else {
                    continue;
                };
                if known.insert((kind, user.id.clone())) {
                    upward.push((kind, user.id));
                }
            }
        }
        gathered.sort();
        self.gather_base(&mut gathered)?;
        Ok(gathered)
    }

    /// Returns the distributions with an origin in one of the buckets that are touched. The store does not know of
    /// them: an origin names its bucket whether there is an item of it or not. So all distributions are looked at;
    /// items of buckets change seldom.
    fn with_buckets(
        &mut self,
        touched: &Touched,
    ) -> Result<Vec<(ServiceKind, String)>, StoreError> {
        let names = touched.names.keys();
        let buckets: BTreeSet<&(ServiceKind, String)> = names
            .filter(|(kind, _)| *kind == ServiceKind::Bucket)
            .collect();
        let mut found = Vec::new();
        if buckets.is_empty() {
            return Ok(found);
        }
        for kind in ServiceKind::ALL
            .into_iter()
            .filter(|kind| kind.is_distribution())
        {
            let key = self.key.clone();
            self.view.for_each(kind.as_str(), |id, text| {
                // Reading takes long, and few have such an origin.
                let is_candidate = text.contains("\"bucket_host\"") || text.contains("\"bucket\"");
                let clear = is_candidate.then(|| clear_text(&key, kind, id, text));
                let named = clear
                    .and_then(Result::ok)
                    .map(|text| references(kind, &text));
                if named.is_some_and(|named| named.iter().any(|name| buckets.contains(name))) {
                    found.push((kind, id.to_owned()));
                }
            })?;
        }
        Ok(found)
    }

    /// Reads a distribution; one that is not there any more is removed.
    fn take(
        &mut self,
        gathered: &mut Gathered,
        kind: ServiceKind,
        id: &str,
    ) -> Result<(), StoreError> {
        match self.text(kind, id)? {
            Some(Ok(text)) => gathered.add(kind, id, text),
            Some(Err(failure)) => gathered.unreadable.push(failure),
            None => gathered.removed.push((kind, id.to_owned())),
        }
        Ok(())
    }

    /// Reads what the distributions refer to, and what that refers to.
    fn gather_base(&mut self, gathered: &mut Gathered) -> Result<(), StoreError> {
        let mut known = BTreeSet::new();
        let texts = gathered.items.iter();
        let mut wanted: Vec<(ServiceKind, String)> = texts
            .flat_map(|item| references(item.kind, &item.text))
            .collect();
        while let Some((kind, name)) = wanted.pop() {
            if kind.is_distribution() || !known.insert((kind, name.clone())) {
                continue;
            }
            match self.text(kind, &name)? {
                Some(Ok(text)) => {
                    wanted.extend(references(kind, &text));
                    gathered.base.insert(kind, &name, text);
                }
                // Whatever refers to it is at fault then, and says so.
                Some(Err(_)) => {}
                None if kind.has_titles() => self.gather_all(&mut gathered.base, kind)?,
                None => {}
            }
        }
        Ok(())
    }

    /// Reads all items of a kind, one of which is named otherwise than by its id. Only policies can be.
    fn gather_all(&mut self, base: &mut Base, kind: ServiceKind) -> Result<(), StoreError> {
        let mut page = Page {
            after: None,
            limit: PAGE,
        };
        loop {
            let documents = self.view.documents(kind.as_str(), &page)?;
            let Some(last) = documents.last() else {
                return Ok(());
            };
            page.after = Some(last.id.clone());
            for document in &documents {
                // One that cannot be read is as absent for what refers to it.
                if let Ok(text) = clear(&self.key, kind, &document.id, &document.body) {
                    base.insert(kind, &document.id, text);
                }
            }
        }
    }

    /// Reads an item as JSON with its secrets in clear; `None` if there is none.
    fn text(
        &mut self,
        kind: ServiceKind,
        id: &str,
    ) -> Result<Option<Result<String, Failure>>, StoreError> {
        let document = self.view.document(kind.as_str(), id)?;
        Ok(document.map(|document| clear(&self.key, kind, id, &document.body)))
    }
}

/// The names of changed items, with the numbers of their changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Touched {
    names: BTreeMap<(ServiceKind, String), u64>,
}

impl Touched {
    /// Returns what changes touch by themselves. Documents of other kinds, such as invalidations, are not served.
    pub(super) fn by(changes: &[Change]) -> Self {
        let names = changes.iter().filter_map(|change| {
            let kind = change.kind.parse::<ServiceKind>().ok()?;
            Some((kind, change.id.clone(), change.seq))
        });
        Touched::again(names)
    }

    /// Returns names with the numbers of their changes.
    pub(super) fn again(names: impl Iterator<Item = (ServiceKind, String, u64)>) -> Self {
        Touched {
            names: names.map(|(kind, id, seq)| ((kind, id), seq)).collect(),
        }
    }

    /// Returns true if nothing is touched.
    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Returns the number of the first of the changes.
    pub(super) fn first_change(&self) -> u64 {
        self.names.values().copied().min().unwrap_or_default()
    }
}

/// Returns what an item refers to; nothing if it cannot be read, which is told when it is put in force.
fn references(kind: ServiceKind, text: &str) -> BTreeSet<(ServiceKind, String)> {
    let read = read_items([(kind, text)], std::path::Path::new("/"));
    read.map_or_else(
        |_| BTreeSet::new(),
        |service| ItemFacts::references_of(&service),
    )
}

/// Returns a stored text with its secrets in clear. Most have none, and are not parsed.
fn clear_text(
    key: &SealingKey,
    kind: ServiceKind,
    id: &str,
    text: &str,
) -> Result<String, Failure> {
    if !text.contains("\"sealed\"") {
        return Ok(text.to_owned());
    }
    let body = serde_json::from_str(text).unwrap_or_default();
    clear(key, kind, id, &body)
}

/// Returns a stored body as JSON with its secrets in clear. One that does not open concerns its item alone.
fn clear(key: &SealingKey, kind: ServiceKind, id: &str, body: &Value) -> Result<String, Failure> {
    let clear = key.unseal(kind.as_str(), id, body);
    let clear = clear.map(|clear| clear.to_string());
    clear.map_err(|error| Failure {
        kind,
        id: id.to_owned(),
        reason: error.to_string(),
    })
}
