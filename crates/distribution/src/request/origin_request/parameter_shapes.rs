//! Limits the values of a bucket's parameters: gateways build names of objects and files from some of them.

use crate::percent::percent_decoded;

/// Length of Ceph's version names.
const CEPH_VERSION_SIZE: usize = 32;
const VERSION_SIZE_MAX: usize = 128;
const UPLOAD_SIZE_MAX: usize = 1024;
const PART_SIZE_MAX: usize = 5;
const OPERATION_SIZE_MAX: usize = 64;

/// Returns whether the value of a parameter of this name, in `piece`, is one that S3 or a gateway might have issued. A
/// missing or empty value names nothing. The values of other parameters are not checked.
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

/// Ceph stores a version under `_:<version>_<name>` and splits that at the first `_`. `<version>_private/2024` would
/// read the version of another object whose name begins with `private/2024_`, so no `_` may follow as many characters
/// as Ceph's versions have; these have no `_` themselves, but those of other gateways do. `/` is not allowed either:
/// even a gateway that spliced versions of another length would reach no other folder than the root of the bucket, and
/// there only names that end with `_` and the whole requested path.
fn is_version(value: &[u8]) -> bool {
    let before_mark = value.split(|byte| *byte == b'_').next();
    let has_mark = value.contains(&b'_');
    let is_one = !has_mark || before_mark.is_some_and(|before| before.len() < CEPH_VERSION_SIZE);
    is_one && is_id(value, b"-._", VERSION_SIZE_MAX)
}

/// Allows letters, digits and `marks`, but not marks alone: `..` is a folder to gateways that store files.
fn is_id(value: &[u8], marks: &[u8], size_max: usize) -> bool {
    let is_known = |byte: &u8| byte.is_ascii_alphanumeric() || marks.contains(byte);
    value.len() <= size_max
        && value.iter().all(is_known)
        && value.iter().any(u8::is_ascii_alphanumeric)
}
