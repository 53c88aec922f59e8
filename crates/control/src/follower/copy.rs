//! The local copy of the store, read for what an edge serves: everything at a start, and afterwards what a change touches.

use crate::follower::assembly::{
    Assembly, Base, CHUNK, Chunk, Failure, Gathered, StoredItem, is_served,
};
use privet_distribution::config::{ItemFacts, ServiceKind, Snapshot, read_items};
use privet_edge::standard_error;
use privet_store::{CaughtUp, Change, DocumentName, Page, Replica, SealingKey, Store, StoreError};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, sync_channel};

/// Number of policies read at a time when one is looked for by its name.
const PAGE: u32 = 500;

/// The copy of the store that an edge starts from and serves while the store cannot be reached.
pub struct LocalCopy {
    replica: Replica,
    key: SealingKey,
    folder: PathBuf,
    /// Items that the edge was started without.
    failures: Vec<Failure>,
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
            failures: Vec::new(),
        }
    }

    /// Takes over what has changed in the store.
    ///
    /// # Errors
    /// Those of both databases; the copy is as it was before then.
    pub async fn catch_up(&self, store: &Store) -> Result<CaughtUp, StoreError> {
        self.replica.catch_up(store).await
    }

    /// Returns the snapshot with everything that the copy has, under the settings of `node`, whose own service is left
    /// out. Items that cannot be served are left out and told; the follower tries them again.
    ///
    /// # Errors
    /// [`StoreError`] if the copy cannot be read.
    pub fn snapshot(&mut self, node: &Snapshot) -> Result<Snapshot, StoreError> {
        let (snapshot, failures) = self.load(node.without_service())?;
        for failure in &failures {
            standard_error::warning(format_args!(
                "the {} {} is not served: {}",
                failure.kind, failure.id, failure.reason
            ));
        }
        self.failures = failures;
        Ok(snapshot)
    }

    /// Returns the items that the edge was started without.
    pub(super) fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// Returns `snapshot` with everything that the copy has in place of its service. Items that cannot be served stay
    /// as they are in `snapshot`.
    pub(super) fn renew(
        &self,
        snapshot: &Snapshot,
    ) -> Result<(Snapshot, Vec<Failure>), StoreError> {
        let (renewed, failures) = self.load(snapshot.without_service())?;
        if !failures.iter().any(|failure| failure.has_form_in(snapshot)) {
            return Ok((renewed, failures));
        }
        // Built over what is served: an item that is at fault keeps the form that it has there.
        let gone = self.gone_from(snapshot)?;
        self.load(self.assembly().without(snapshot.clone(), &gone))
    }

    /// Returns what the snapshot has and the copy does not.
    fn gone_from(&self, snapshot: &Snapshot) -> Result<Vec<(ServiceKind, String)>, StoreError> {
        let distributions = snapshot.distributions().iter();
        let distributions = distributions.map(|item| (ServiceKind::Distribution, item.id.clone()));
        let streaming = snapshot.streaming_distributions().iter();
        let streaming = streaming.map(|item| (ServiceKind::StreamingDistribution, item.id.clone()));
        let mut gone: BTreeSet<(ServiceKind, String)> = distributions.chain(streaming).collect();
        for kind in ServiceKind::ALL.into_iter().filter(|kind| is_served(*kind)) {
            self.replica.for_each(kind.as_str(), |id, _| {
                gone.remove(&(kind, id.to_owned()));
            })?;
        }
        Ok(gone.into_iter().collect())
    }

    pub(super) fn applied(&self) -> u64 {
        self.replica.applied()
    }

    pub(super) fn assembly(&self) -> Assembly {
        Assembly {
            folder: self.folder.clone(),
        }
    }

    /// Returns `snapshot` with everything that the copy has. While one thread reads and parses, the other resolves.
    fn load(&self, snapshot: Snapshot) -> Result<(Snapshot, Vec<Failure>), StoreError> {
        let mut base = Base::default();
        for kind in ServiceKind::ALL
            .into_iter()
            .filter(|kind| !is_served(*kind))
        {
            self.for_each(kind, |id, text| base.insert(kind, id, text))?;
        }
        let (base, assembly) = (&base, self.assembly());
        std::thread::scope(|scope| {
            let (send, receive) = sync_channel(1);
            let reading = scope.spawn(|| self.send_served(base, send));
            let filled = assembly.fill(snapshot, receive.into_iter(), base);
            let read = reading.join();
            read.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            Ok(filled)
        })
    }

    /// Sends everything that viewers reach, in chunks, distributions before the streaming distributions that play their
    /// videos.
    fn send_served(&self, base: &Base, send: SyncSender<Chunk>) -> Result<(), StoreError> {
        let assembly = self.assembly();
        for kind in ServiceKind::ALL.into_iter().filter(|kind| is_served(*kind)) {
            let mut items = Vec::new();
            // Sending fails only if the receiver has panicked, which ends the program's reading as well.
            let send = |items: Vec<StoredItem>| drop(send.send(assembly.read(items, base)));
            self.for_each(kind, |id, text| {
                let id = id.to_owned();
                items.push(StoredItem { kind, id, text });
                if items.len() == CHUNK {
                    send(std::mem::take(&mut items));
                }
            })?;
            send(items);
        }
        Ok(())
    }

    /// Passes each item of a kind to `each`, as JSON with its secrets in clear.
    fn for_each(
        &self,
        kind: ServiceKind,
        mut each: impl FnMut(&str, String),
    ) -> Result<(), StoreError> {
        let mut fault = None;
        self.replica.for_each(kind.as_str(), |id, text| {
            match self.clear_text(kind, id, text) {
                Ok(text) => each(id, text),
                Err(error) => fault = Some(error),
            }
        })?;
        fault.map_or(Ok(()), Err)
    }

    /// Reads what a change touches: the changed distributions, those that refer to a changed item, and everything that
    /// they refer to.
    pub(super) async fn gather(&self, touched: &Touched) -> Result<Gathered, StoreError> {
        let mut gathered = Gathered::default();
        let mut upward: Vec<(ServiceKind, String)> = touched.names.keys().cloned().collect();
        let mut known: BTreeSet<(ServiceKind, String)> = upward.iter().cloned().collect();
        while let Some((kind, id)) = upward.pop() {
            if is_served(kind) {
                self.take(&mut gathered, kind, &id).await?;
                continue;
            }
            for user in self.replica.used_by(kind.as_str(), &id).await? {
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
        self.gather_base(&mut gathered).await?;
        Ok(gathered)
    }

    /// Reads a distribution; one that is not there any more is removed.
    async fn take(
        &self,
        gathered: &mut Gathered,
        kind: ServiceKind,
        id: &str,
    ) -> Result<(), StoreError> {
        match self.text(kind, id).await? {
            Some(text) => gathered.add(kind, id, text),
            None => gathered.removed.push((kind, id.to_owned())),
        }
        Ok(())
    }

    /// Reads what the distributions refer to, and what that refers to.
    async fn gather_base(&self, gathered: &mut Gathered) -> Result<(), StoreError> {
        let mut known = BTreeSet::new();
        let texts = gathered.items.iter();
        let mut wanted: Vec<(ServiceKind, String)> = texts
            .flat_map(|item| references(item.kind, &item.text))
            .collect();
        while let Some((kind, name)) = wanted.pop() {
            if is_served(kind) || !known.insert((kind, name.clone())) {
                continue;
            }
            match self.text(kind, &name).await? {
                Some(text) => {
                    wanted.extend(references(kind, &text));
                    gathered.base.insert(kind, &name, text);
                }
                None => self.gather_all(&mut gathered.base, kind).await?,
            }
        }
        Ok(())
    }

    /// Reads all items of a kind, one of which is named otherwise than by its id. Only policies can be.
    async fn gather_all(&self, base: &mut Base, kind: ServiceKind) -> Result<(), StoreError> {
        let mut page = Page {
            after: None,
            limit: PAGE,
        };
        loop {
            let documents = self.replica.documents(kind.as_str(), &page).await?;
            let Some(last) = documents.last() else {
                return Ok(());
            };
            page.after = Some(last.id.clone());
            for document in &documents {
                let name = DocumentName::new(kind.as_str(), &document.id);
                let clear = self.replica.unseal(&self.key, &name, &document.body)?;
                base.insert(kind, &document.id, clear.to_string());
            }
        }
    }

    async fn text(&self, kind: ServiceKind, id: &str) -> Result<Option<String>, StoreError> {
        let Some(document) = self.replica.document(kind.as_str(), id).await? else {
            return Ok(None);
        };
        let name = DocumentName::new(kind.as_str(), id);
        let clear = self.replica.unseal(&self.key, &name, &document.body)?;
        Ok(Some(clear.to_string()))
    }

    /// Returns a stored text with its secrets in clear. Most have none, and are not parsed.
    fn clear_text(&self, kind: ServiceKind, id: &str, text: &str) -> Result<String, StoreError> {
        if !text.contains("\"sealed\"") {
            return Ok(text.to_owned());
        }
        let name = DocumentName::new(kind.as_str(), id);
        let body = serde_json::from_str(text).unwrap_or_default();
        Ok(self.replica.unseal(&self.key, &name, &body)?.to_string())
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
