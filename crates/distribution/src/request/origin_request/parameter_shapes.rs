//! What the values of a bucket's parameters may be: gateways build names of objects and files with some of them.

use crate::percent::percent_decoded;

/// As long as Ceph's names for versions are.
const CEPH_VERSION_SIZE: usize = 32;
const VERSION_SIZE_MAX: usize = 128;
const UPLOAD_SIZE_MAX: usize = 1024;
const PART_SIZE_MAX: usize = 5;
const OPERATION_SIZE_MAX: usize = 64;

/// Whether the value of a parameter of this name, in `piece`, is one that S3 or a gateway might have given out. A value
/// that is missing or empty names nothing. Of other parameters nothing is known.
pub(super) fn has_known_shape(name: &str, piece: &str) -> bool {
    let value = piece.split_once('=').map_or("", |(_, value)| value);
    let value = percent_decoded(value);
    value.is_empty()
        || match name.to_ascii_lowercase().as_str() {
            "versionid" => is_version(&value),
            "uploadid" => is_id(&value, b"-._~", UPLOAD_SIZE_MAX),
            "partnumber" => value.len() <= PART_SIZE_MAX && value.iter().all(u8::is_ascii_digit),
            "x-id" => {
                value.len() <= OPERATION_SIZE_MAX && value.iter().all(u8::is_ascii_alphabetic)
            }
            _ => true,
        }
}

/// Ceph keeps a version under `_:<version>_<name>` and takes that apart at the first `_`. `<version>_private/2024`
/// would read the version of another object whose name begins with `private/2024_`, so that no `_` may follow as many
/// characters as Ceph's versions have; they have no `_` themselves, but those of others do. There is no `/` either:
/// were a gateway to splice versions of another length, it would still reach no other folder than the root of the
/// bucket, and there only names that end with `_` and the whole path that was asked for.
fn is_version(value: &[u8]) -> bool {
    let before_mark = value.split(|byte| *byte == b'_').next();
    let has_mark = value.contains(&b'_');
    let is_one = !has_mark || before_mark.is_some_and(|before| before.len() < CEPH_VERSION_SIZE);
    is_one && is_id(value, b"-._", VERSION_SIZE_MAX)
}

/// Letters, digits and `marks`, and not marks alone: `..` is a folder to gateways that keep files.
fn is_id(value: &[u8], marks: &[u8], size_max: usize) -> bool {
    let is_known = |byte: &u8| byte.is_ascii_alphanumeric() || marks.contains(byte);
    value.len() <= size_max
        && value.iter().all(is_known)
        && value.iter().any(u8::is_ascii_alphanumeric)
}
