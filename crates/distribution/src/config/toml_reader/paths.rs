//! The paths of files in a document, which mean something in the folder of its file alone.

use serde_json::Value;
use std::path::Path;

/// Keys whose values are paths, in whichever table of a service they stand.
const PATH_KEYS: [&str; 6] = [
    "file",
    "chain",
    "key",
    "folder",
    "trusted_roots",
    "secret_access_key_file",
];

/// Makes the paths in an item those from `folder`, so that they name the same files elsewhere. What is beneath
/// `headers` and `tags` are names of the operator's own and not keys.
pub(super) fn make_absolute(value: &mut Value, folder: &Path) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                if key == "headers" || key == "tags" {
                    continue;
                }
                make_absolute(value, folder);
                if PATH_KEYS.contains(&key.as_str())
                    && let Value::String(text) = value
                    && let Some(path) = folder.join(&*text).to_str()
                {
                    *text = path.to_owned();
                }
            }
        }
        Value::Array(elements) => {
            for element in elements {
                make_absolute(element, folder);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
