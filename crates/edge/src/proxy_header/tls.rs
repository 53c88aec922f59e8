//! The extension about TLS (`proxy-protocol.txt`, section 2.2.5): whether the viewer spoke it, and which.

use super::{Extensions, ProxyFault};
use crate::tls::TlsNames;

/// Bits for what the viewer did, then four bytes about its certificate.
const START_SIZE_BYTES: usize = 5;
/// The viewer spoke TLS.
const CLIENT_SSL: u8 = 0x01;
const VERSION: u8 = 0x21;
const CIPHER: u8 = 0x23;
/// Versions in the words of OpenSSL, which are those of the log.
const VERSIONS: [&str; 5] = ["TLSv1.3", "TLSv1.2", "TLSv1.1", "TLSv1", "SSLv3"];
/// OpenSSL's names of cipher suites have some forty characters.
const CIPHER_SIZE_BYTES_MAX: usize = 64;

/// `None`: the viewer spoke no TLS. What is not known of it is `-`, as in the log.
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

/// What goes into a log as it is.
fn is_plain(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    !text.is_empty() && text.len() <= CIPHER_SIZE_BYTES_MAX && text.bytes().all(is_plain)
}
