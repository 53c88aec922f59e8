//! The extension about TLS (`proxy-protocol.txt`, section 2.2.5): whether the viewer used it, with which version and
//! cipher suite.

use super::{Extensions, ProxyFault};
use crate::tls::TlsNames;

/// Size of the fixed part: bits for what the viewer did, then four bytes about its certificate.
const START_SIZE_BYTES: usize = 5;
/// Bit that is set if the viewer spoke TLS.
const CLIENT_SSL: u8 = 0x01;
const VERSION: u8 = 0x21;
const CIPHER: u8 = 0x23;
/// Versions as OpenSSL names them, which is how the log does.
const VERSIONS: [&str; 5] = ["TLSv1.3", "TLSv1.2", "TLSv1.1", "TLSv1", "SSLv3"];
/// Maximum length of a cipher suite's name; OpenSSL's have some forty characters.
const CIPHER_SIZE_BYTES_MAX: usize = 64;

/// Reads the extension; `None` if the viewer spoke no TLS. An unknown name is `-`, as in the log.
pub(super) fn read(value: &[u8]) -> Result<Option<TlsNames>, ProxyFault> {
    let Some([client, ..]) = value.get(..START_SIZE_BYTES) else {
        return Err(ProxyFault::BrokenExtension);
    };
    let mut names = ("-", "-".to_owned());
    for extension in (Extensions {
        header: value,
        at: START_SIZE_BYTES,
    }) {
        let (kind, place) = extension?;
        let text = std::str::from_utf8(&value[place]).unwrap_or_default();
        match kind {
            VERSION => {
                let known = VERSIONS.into_iter().find(|known| *known == text);
                names.0 = known.unwrap_or("-");
            }
            CIPHER if is_plain(text) => text.clone_into(&mut names.1),
            _ => {}
        }
    }
    Ok((client & CLIENT_SSL != 0).then_some(names))
}

/// Returns true for a name that may be logged as it is.
fn is_plain(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    !text.is_empty() && text.len() <= CIPHER_SIZE_BYTES_MAX && text.bytes().all(is_plain)
}
