//! Access keys of an operator: from a file of profiles, or from the environment.

use crate::api_fault::ApiFault;
use crate::reason::reason;
use crate::whole_file::read_whole_text;
use privet_control::shell;
use privet_store::Secret;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The environment's names for these settings.
const FILE_VARIABLE: &str = "PRIVET_PROFILES";
const ID_VARIABLE: &str = "PRIVET_ACCESS_KEY_ID";
const SECRET_VARIABLE: &str = "PRIVET_SECRET_ACCESS_KEY";

/// An access key, and perhaps where it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Profile {
    pub(super) endpoint: Option<String>,
    pub(super) access_key_id: String,
    pub(super) secret_access_key: Secret,
    /// File with the certificates of a private authority.
    pub(super) ca: Option<PathBuf>,
}

/// A table of the file. It has no `Debug`: it holds a secret in clear.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileTable {
    endpoint: Option<String>,
    access_key_id: String,
    secret_access_key: String,
    ca: Option<PathBuf>,
}

impl Profile {
    /// Reads the profile called `name` from the file of profiles.
    ///
    /// # Errors
    /// [`ApiFault::Profiles`].
    pub(super) fn named(name: &str) -> Result<Self, ApiFault> {
        let file = profile_file().ok_or_else(|| ApiFault::Profiles {
            file: "profiles.toml".to_owned(),
            problem: format!("neither {FILE_VARIABLE} nor HOME says where it is"),
        })?;
        read(&file, name)
    }

    /// Returns the access key of the environment, if it has one.
    ///
    /// # Errors
    /// [`ApiFault::HalfAccessKey`].
    pub(super) fn from_environment() -> Result<Option<Self>, ApiFault> {
        match (variable(ID_VARIABLE), variable(SECRET_VARIABLE)) {
            (None, None) => Ok(None),
            (Some(_), None) => Err(ApiFault::HalfAccessKey {
                missing: SECRET_VARIABLE,
            }),
            (None, Some(_)) => Err(ApiFault::HalfAccessKey {
                missing: ID_VARIABLE,
            }),
            (Some(id), Some(secret)) => Ok(Some(Profile {
                endpoint: None,
                access_key_id: id,
                secret_access_key: Secret::new(secret),
                ca: None,
            })),
        }
    }
}

/// Returns a variable that is text and not empty.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

fn profile_file() -> Option<PathBuf> {
    if let Some(file) = variable(FILE_VARIABLE) {
        return Some(file.into());
    }
    let configuration = variable("XDG_CONFIG_HOME").map(PathBuf::from);
    let configuration =
        configuration.or_else(|| variable("HOME").map(|home| Path::new(&home).join(".config")));
    configuration.map(|folder| folder.join("privet/profiles.toml"))
}

fn read(file: &Path, name: &str) -> Result<Profile, ApiFault> {
    let fault = |problem: String| ApiFault::Profiles {
        file: file.display().to_string(),
        problem,
    };
    let text = read_whole_text(file).map_err(|error| fault(reason(&error)))?;
    let mode = fs::metadata(file).map_or(0, |metadata| metadata.permissions().mode() & 0o777);
    if mode & 0o077 != 0 {
        let word = shell::word(&file.display().to_string());
        return Err(fault(format!(
            "others can read it (mode {mode:04o}): run chmod 600 {word}"
        )));
    }
    let tables: BTreeMap<String, ProfileTable> = toml::from_str(&text).map_err(|error| {
        // The error's own text would quote the line, which may have the secret.
        let line = error.span().and_then(|span| text.get(..span.start));
        let line = line.map_or(1, |before| before.matches('\n').count() + 1);
        fault(format!("line {line}: {}", without_values(error.message())))
    })?;
    let known = || tables.keys().cloned().collect::<Vec<_>>().join(", ");
    let Some(table) = tables.get(name) else {
        return Err(fault(format!(
            "there is no profile {name:?}; there are: {}",
            known()
        )));
    };
    let folder = file.parent().unwrap_or(Path::new(""));
    Ok(Profile {
        endpoint: table.endpoint.clone(),
        access_key_id: table.access_key_id.clone(),
        secret_access_key: Secret::new(&table.secret_access_key),
        ca: table.ca.as_ref().map(|ca| folder.join(ca)),
    })
}

/// Returns the message without the value of which it complains: serde quotes it.
fn without_values(message: &str) -> &str {
    match message.split_once(": ") {
        Some((kind @ ("invalid type" | "invalid value"), _)) => kind,
        Some(_) | None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[ci]\nendpoint = \"https://cdn.example.com:9443\"\naccess_key_id = \"PRIVETX\"\n\
                        secret_access_key = \"hunter2\"\nca = \"ca.pem\"\n";

    #[track_caller]
    fn check(text: &str, mode: u32, expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("profiles.toml");
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let error = read(&file, "ci").unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn files_that_cannot_be_used_are_told_without_their_secrets() {
        check(GOOD, 0o640, "others can read it (mode 0640): run chmod 600");
        check(GOOD, 0o604, "others can read it");
        check("", 0o600, "there is no profile \"ci\"");
        check(
            "[other]\naccess_key_id = \"a\"\nsecret_access_key = \"hunter2\"\n",
            0o600,
            "there are: other",
        );
        check(
            "[ci]\naccess_key_id = \"a\"\n",
            0o600,
            "missing field `secret_access_key`",
        );
        check(
            "[ci]\nsecret_accessq_key = \"hunter2\"\n",
            0o600,
            "line 2: unknown field `secret_accessq_key`",
        );
        check("[ci]\nsecret_access_key = hunter2\n", 0o600, "line 2");
        check(
            "[ci]\naccess_key_id = \"a\"\nsecret_access_key = [\"hunter2\"]\n",
            0o600,
            "line 3: invalid type",
        );
        check("ci = \"hunter2\"\n", 0o600, "line 1: invalid type");
        let absent = read(Path::new("/nowhere/profiles.toml"), "ci").unwrap_err();
        assert_eq!(
            absent.to_string(),
            "/nowhere/profiles.toml: no such file or directory"
        );
    }

    #[test]
    fn a_profile_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("profiles.toml");
        fs::write(&file, GOOD).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let profile = read(&file, "ci").unwrap();
        assert_eq!(
            profile.endpoint.as_deref(),
            Some("https://cdn.example.com:9443")
        );
        assert_eq!(profile.access_key_id, "PRIVETX");
        assert_eq!(profile.secret_access_key.expose(), "hunter2");
        assert_eq!(profile.ca, Some(folder.path().join("ca.pem")));
        assert!(!format!("{profile:?}").contains("hunter2"));
    }
}
