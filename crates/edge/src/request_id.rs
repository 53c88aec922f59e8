//! Makes the value of `X-Amz-Cf-Id`: 56 characters that name one request in page, header and log.

use std::cell::RefCell;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// Number of random bytes in an id; they give 54 characters and `==`.
const RANDOM_BYTES: usize = 40;
/// Number of characters in an id.
const ID_LENGTH: usize = 56;
const POOL_BYTES: usize = RANDOM_BYTES * 64;

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { bytes: [0; POOL_BYTES], next: POOL_BYTES }) };
}

struct Pool {
    bytes: [u8; POOL_BYTES],
    next: usize,
}

/// Returns a fresh id of 56 characters from `A-Za-z0-9-_`, ending in `==` as CloudFront's do.
pub(crate) fn request_id() -> String {
    POOL.with_borrow_mut(|pool| {
        if pool.next == POOL_BYTES {
            // The id is a name, not a secret: if the source of randomness fails, the old bytes serve.
            let _ = aws_lc_rs::rand::fill(&mut pool.bytes);
            pool.next = 0;
        }
        let start = pool.next;
        pool.next += RANDOM_BYTES;
        encode(&pool.bytes[start..start + RANDOM_BYTES])
    })
}

/// Returns 32 lower-case hexadecimal digits, made once for the running edge: its name in `Via`.
pub(crate) fn node_name() -> String {
    let mut bytes = [0u8; 16];
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn encode(bytes: &[u8]) -> String {
    let mut id = vec![b'='; ID_LENGTH];
    for (chunk, out) in bytes.chunks(3).zip(id.chunks_mut(4)) {
        let byte = |position: usize| u32::from(chunk.get(position).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for (position, digit) in out.iter_mut().take(chunk.len() + 1).enumerate() {
            *digit = ALPHABET[(word >> (18 - 6 * position) & 63) as usize];
        }
    }
    // The alphabet is ASCII, so this cannot fail.
    String::from_utf8(id).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_the_form_of_cloudfronts() {
        let id = request_id();
        assert_eq!(id.len(), 56);
        assert!(id.ends_with("=="));
        assert!(id[..54].bytes().all(|byte| ALPHABET.contains(&byte)));
        assert_ne!(id, request_id());
    }
}
