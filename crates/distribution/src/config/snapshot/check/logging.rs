//! Faults of the access logs of distributions.

use super::Checker;
use crate::config::distribution::DistributionLogging;

const PREFIX_LENGTH_MAX: usize = 256;
/// Maximum length of the last part, which stands before the name of each file in one name of the file system.
const NAME_LENGTH_MAX: usize = 128;

impl Checker<'_> {
    /// Checks that the files of a log can lie beneath the folder of its bucket and nowhere else.
    pub(super) fn logging(&mut self, logging: Option<&DistributionLogging>, path: &str) {
        let Some(logging) = logging else { return };
        let prefix = &logging.prefix;
        let (folders, name) = prefix.rsplit_once('/').unwrap_or(("", prefix));
        let is_folder = |name: &str| !name.is_empty() && name != "." && name != "..";
        let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
        let is_beneath =
            folders.is_empty() && !prefix.starts_with('/') || folders.split('/').all(is_folder);
        if prefix.len() > PREFIX_LENGTH_MAX
            || name.len() > NAME_LENGTH_MAX
            || !prefix.bytes().all(is_plain)
            || !is_beneath
        {
            let message = format!(
                "must be a path of up to {PREFIX_LENGTH_MAX} ASCII characters, {NAME_LENGTH_MAX} after its last slash, without a leading slash, without blanks and without .."
            );
            self.fault(&format!("{path}.logging.prefix"), message);
        }
    }
}
