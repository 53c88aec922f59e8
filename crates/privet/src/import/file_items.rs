//! The items of a file, in the form in which other machines can use them: keys as text, policies by their ids.

use crate::command_error::CommandError;
use crate::configuration::{LoadError, read_text};
use crate::progress::progress;
use crate::whole_file::read_whole_text;
use privet_distribution::config::{
    ConfigError, Places, ServiceItem, ServiceKind, read_toml_in_part, read_toml_items,
};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::path::{self, Path};

/// What becomes of the files of certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Certificates {
    /// Each machine has them, under the same paths.
    ByPath,
    /// The store has them, private keys sealed.
    Embedded,
}

/// The items of a file, with the positions of their values.
#[derive(Debug)]
pub(super) struct FileItems {
    pub(super) items: Vec<ServiceItem>,
    pub(super) places: Places,
}

impl FileItems {
    /// Reads a file's service.
    ///
    /// # Errors
    /// [`CommandError::Configuration`] with all faults, [`CommandError::Read`] for a key that cannot be read.
    pub(super) fn read(file: &Path, certificates: Certificates) -> Result<Self, CommandError> {
        let text = read_text(file)?;
        // The store is used from other folders, so its paths have to begin at the root.
        let whole =
            path::absolute(file).map_err(|error| CommandError::read(shown(file), &error))?;
        let items = read_toml_items(&text, &whole).map_err(|faults| told_of(file, faults))?;
        let (_, places, _) = read_toml_in_part(&text, file).map_err(LoadError::Faults)?;
        let mut read = FileItems { items, places };
        read.refuse_twins()?;
        read.embed(certificates)?;
        Ok(read)
    }

    /// Refuses an item that stands in the file twice: the store would have one of them.
    fn refuse_twins(&self) -> Result<(), CommandError> {
        let mut positions: HashMap<(ServiceKind, &str), usize> = HashMap::new();
        let mut counts: HashMap<ServiceKind, usize> = HashMap::new();
        let mut faults = Vec::new();
        for item in &self.items {
            let count = counts.entry(item.kind).or_default();
            let path = format!("{}[{count}].{}", item.kind.table(), item.kind.id_key());
            *count += 1;
            if positions.insert((item.kind, &item.id), *count).is_some() {
                let message = format!("{:?} stands there twice; remove one of them", item.id);
                faults.push(self.places.error(&path, message));
            }
        }
        match faults.is_empty() {
            true => Ok(()),
            false => Err(LoadError::Faults(faults).into()),
        }
    }

    fn embed(&mut self, certificates: Certificates) -> Result<(), CommandError> {
        let progress = progress(self.items.len(), "reading keys");
        let mut made = Vec::new();
        for item in progress.wrap_iter(self.items.iter_mut()) {
            let Some(members) = item.value.as_object_mut() else {
                continue;
            };
            match (item.kind, certificates) {
                (ServiceKind::PublicKey, _) => embed_file(members, "file", "pem")?,
                (ServiceKind::Certificate, Certificates::Embedded) => {
                    embed_certificate(members)?;
                }
                (
                    ServiceKind::Distribution | ServiceKind::StreamingDistribution,
                    Certificates::Embedded,
                ) => made.extend(own_certificate(members, &item.id)?),
                (
                    ServiceKind::KeyGroup
                    | ServiceKind::TrustedSigner
                    | ServiceKind::CachePolicy
                    | ServiceKind::OriginRequestPolicy
                    | ServiceKind::ResponseHeadersPolicy
                    | ServiceKind::Certificate
                    | ServiceKind::Bucket
                    | ServiceKind::OriginAccessIdentity
                    | ServiceKind::OriginAccessControl
                    | ServiceKind::Distribution
                    | ServiceKind::StreamingDistribution,
                    _,
                ) => {}
            }
        }
        // Behind the file's own, so that these keep their positions.
        self.items.append(&mut made);
        Ok(())
    }

    /// Puts the ids of policies in place of their names: a policy may get another name, its id stays.
    pub(super) fn name_policies_by_id<'i>(
        &mut self,
        others: impl IntoIterator<Item = &'i ServiceItem>,
    ) {
        let mut ids = HashMap::new();
        others
            .into_iter()
            .for_each(|item| note_name(item, &mut ids));
        self.items.iter().for_each(|item| note_name(item, &mut ids));
        let distributions = self.items.iter_mut();
        for item in distributions.filter(|item| item.kind == ServiceKind::Distribution) {
            if let Some(default) = item.value.get_mut("default_behavior") {
                name_policies(default, &ids);
            }
            let behaviors = item.value.get_mut("behaviors");
            for behavior in behaviors
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
            {
                name_policies(behavior, &ids);
            }
        }
    }
}

/// Ids of policies by their names.
type PolicyIds = HashMap<(ServiceKind, String), String>;

fn note_name(item: &ServiceItem, ids: &mut PolicyIds) {
    if let Some(name) = item.value.get("name").and_then(Value::as_str) {
        ids.insert((item.kind, name.to_owned()), item.id.clone());
    }
}

fn name_policies(behavior: &mut Value, ids: &PolicyIds) {
    for kind in [
        ServiceKind::CachePolicy,
        ServiceKind::OriginRequestPolicy,
        ServiceKind::ResponseHeadersPolicy,
    ] {
        // A behavior's key for a policy is the name of the kind.
        let Some(Value::String(name)) = behavior.get_mut(kind.as_str()) else {
            continue;
        };
        if let Some(id) = ids.get(&(kind, name.clone())) {
            id.clone_into(name);
        }
    }
}

/// Puts the text of a file in place of its path.
fn embed_file(
    members: &mut Map<String, Value>,
    path_key: &str,
    text_key: &str,
) -> Result<(), CommandError> {
    if let Some(Value::String(file)) = members.get(path_key) {
        let text =
            read_whole_text(Path::new(file)).map_err(|error| CommandError::read(file, &error))?;
        members.remove(path_key);
        members.insert(text_key.to_owned(), Value::String(text));
    }
    Ok(())
}

fn embed_certificate(members: &mut Map<String, Value>) -> Result<(), CommandError> {
    embed_file(members, "chain", "chain_pem")?;
    embed_file(members, "key", "key_pem")
}

/// Makes an item of the files that a distribution names as its certificate, under the distribution's own id.
fn own_certificate(
    members: &mut Map<String, Value>,
    id: &str,
) -> Result<Option<ServiceItem>, CommandError> {
    let Some(Value::Object(files)) = members.get("certificate") else {
        return Ok(None);
    };
    let mut certificate = files.clone();
    embed_certificate(&mut certificate)?;
    certificate.insert("id".to_owned(), json!(id));
    members.insert("certificate".to_owned(), json!(id));
    Ok(Some(ServiceItem {
        kind: ServiceKind::Certificate,
        id: id.to_owned(),
        value: Value::Object(certificate),
    }))
}

/// Returns faults with the file's name as it was given.
fn told_of(file: &Path, mut faults: Vec<ConfigError>) -> CommandError {
    for fault in &mut faults {
        fault.file = Some(file.to_owned());
    }
    LoadError::Faults(faults).into()
}

fn shown(file: &Path) -> String {
    file.display().to_string()
}
