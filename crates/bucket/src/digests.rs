//! Digests that a client announces for a body: `Content-MD5` and `x-amz-checksum-…`, in the head or in the trailer.

use crate::body::{BodyError, TrailerSlot};
use crate::error::{IntoS3, known};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::HeaderMap;
use md5::{Digest, Md5};
use privet_objects::{Algorithm, Digests};
use s3s::{S3Error, S3ErrorCode};

const CONTENT_MD5: &str = "content-md5";
const PREFIX: &str = "x-amz-checksum-";
/// Fields with this prefix that are no checksums.
const ABOUT_CHECKSUMS: [&str; 3] = [
    "x-amz-checksum-algorithm",
    "x-amz-checksum-mode",
    "x-amz-checksum-type",
];

/// Returns the name of the field in which a checksum is sent.
pub(crate) fn field(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Crc32 => "x-amz-checksum-crc32",
        Algorithm::Crc32c => "x-amz-checksum-crc32c",
        Algorithm::Crc64Nvme => "x-amz-checksum-crc64nvme",
        Algorithm::Sha1 => "x-amz-checksum-sha1",
        Algorithm::Sha256 => "x-amz-checksum-sha256",
    }
}

/// Returns the name of an algorithm as S3 writes it.
pub(crate) fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Crc32 => "CRC32",
        Algorithm::Crc32c => "CRC32C",
        Algorithm::Crc64Nvme => "CRC64NVME",
        Algorithm::Sha1 => "SHA1",
        Algorithm::Sha256 => "SHA256",
    }
}

/// Reads the name of an algorithm.
pub(crate) fn algorithm(text: &str) -> Option<Algorithm> {
    let mut all = Algorithm::ALL.into_iter();
    all.find(|known| name(*known).eq_ignore_ascii_case(text))
}

/// Returns the algorithm whose checksum is in a field of this name.
pub(crate) fn of_field(name: &str) -> Option<Algorithm> {
    let mut all = Algorithm::ALL.into_iter();
    all.find(|algorithm| field(*algorithm) == name)
}

/// Returns the algorithms that have to be computed for an upload: those that are announced, or S3's own.
pub(crate) fn wanted(
    headers: &HeaderMap,
    trailer_names: &[String],
) -> Result<Vec<Algorithm>, S3Error> {
    let mut wanted: Vec<Algorithm> = trailer_names
        .iter()
        .map(|name| of_field(name).ok_or_else(|| unknown(name)))
        .collect::<Result<_, _>>()?;
    wanted.extend(headers.keys().filter_map(|name| of_field(name.as_str())));
    if let Some(named) = headers.get("x-amz-sdk-checksum-algorithm") {
        let named = named.to_str().unwrap_or_default();
        wanted.push(algorithm(named).ok_or_else(|| unknown(named))?);
    }
    if wanted.is_empty() {
        wanted.push(Algorithm::Crc64Nvme);
    }
    wanted.sort();
    wanted.dedup();
    Ok(wanted)
}

/// Reads the digests in a head.
pub(crate) fn announced(headers: &HeaderMap) -> Result<Digests, S3Error> {
    let mut digests = Digests::default();
    for (name, value) in headers {
        let value = value.to_str().unwrap_or_default();
        if name == CONTENT_MD5 {
            let bytes = BASE64_STANDARD.decode(value).ok();
            let md5 = bytes.and_then(|bytes| bytes.try_into().ok());
            digests.md5 = Some(md5.ok_or_else(|| {
                known(
                    S3ErrorCode::InvalidDigest,
                    "The Content-MD5 you specified is not valid.",
                )
            })?);
        } else if let Some(algorithm) = of_field(name.as_str()) {
            digests
                .checksums
                .push((algorithm, checksum(algorithm, value)?));
        } else if name.as_str().starts_with(PREFIX) && !ABOUT_CHECKSUMS.contains(&name.as_str()) {
            // Whoever sends a checksum relies on its being checked.
            return Err(unknown(name.as_str()));
        }
    }
    Ok(digests)
}

/// Returns the checksum of something that can have one: of several, all but one would not be checked.
pub(crate) fn single(digests: Digests) -> Result<Option<(Algorithm, Vec<u8>)>, S3Error> {
    let mut checksums = digests.checksums.into_iter();
    match (checksums.next(), checksums.next()) {
        (checksum, None) => Ok(checksum),
        (_, Some(_)) => Err(known(
            S3ErrorCode::InvalidRequest,
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
        )),
    }
}

/// Adds the checksums of a trailer.
pub(crate) fn add_trailer(
    digests: &mut Digests,
    slot: Option<&TrailerSlot>,
) -> Result<(), S3Error> {
    let Some(slot) = slot else {
        return Ok(());
    };
    // Without its end a body is not known to be whole.
    let trailer = slot.take().ok_or_else(|| BodyError::TooShort.into_s3())?;
    for (name, value) in trailer {
        let algorithm = of_field(&name).ok_or_else(|| unknown(&name))?;
        digests
            .checksums
            .push((algorithm, checksum(algorithm, &value)?));
    }
    Ok(())
}

/// Checks a body that is no object against everything that was announced for it.
pub(crate) fn check_document(
    headers: &HeaderMap,
    slot: Option<&TrailerSlot>,
    body: &[u8],
) -> Result<(), S3Error> {
    let mut digests = announced(headers)?;
    add_trailer(&mut digests, slot)?;
    if let Some(md5) = digests.md5
        && Md5::digest(body)[..] != md5
    {
        return Err(bad_digest("Content-MD5"));
    }
    let mut checksums = digests.checksums.iter();
    match checksums.find(|(algorithm, value)| algorithm.checksum(body) != *value) {
        Some((algorithm, _)) => Err(bad_digest(name(*algorithm))),
        None => Ok(()),
    }
}

/// Says that a digest is not that of the body.
pub(crate) fn bad_digest(name: &str) -> S3Error {
    let message = format!("The {name} you specified did not match what we received.");
    known(S3ErrorCode::BadDigest, message)
}

fn checksum(algorithm: Algorithm, value: &str) -> Result<Vec<u8>, S3Error> {
    let bytes = BASE64_STANDARD.decode(value).ok();
    bytes
        .filter(|bytes| bytes.len() == algorithm.value_bytes())
        .ok_or_else(|| {
            let message = format!("Value for {} header is invalid.", field(algorithm));
            known(S3ErrorCode::InvalidRequest, message)
        })
}

fn unknown(name: &str) -> S3Error {
    let name = name.strip_prefix(PREFIX).unwrap_or(name);
    let message = format!(
        "The algorithm {name:?} is not known here: use CRC32, CRC32C, CRC64NVME, SHA1 or SHA256."
    );
    known(S3ErrorCode::InvalidRequest, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, http::HeaderValue::from_static(value));
        headers
    }

    #[test]
    fn a_checksum_that_cannot_be_checked_is_refused() {
        for name in [
            "x-amz-checksum-sha512",
            "x-amz-checksum-xxhash64",
            "x-amz-checksum-",
        ] {
            let refused = announced(&headers(name, "AAAA")).unwrap_err();
            assert_eq!(*refused.code(), S3ErrorCode::InvalidRequest, "{name}");
        }
        assert!(announced(&headers("x-amz-checksum-crc32", "AAAA")).is_err());
        let none = announced(&headers("x-amz-checksum-type", "COMPOSITE")).unwrap();
        assert!(none.checksums.is_empty());
        let one = announced(&headers("x-amz-checksum-crc32", "AAAAAA==")).unwrap();
        assert_eq!(one.checksums, [(Algorithm::Crc32, vec![0; 4])]);
    }

    #[test]
    fn of_several_checksums_none_is_passed_over() {
        let one = (Algorithm::Crc32, vec![0; 4]);
        let mut digests = Digests {
            checksums: vec![one.clone(), (Algorithm::Crc32c, vec![0; 4])],
            ..Digests::default()
        };
        assert!(single(digests.clone()).is_err());
        digests.checksums.truncate(1);
        assert_eq!(single(digests).unwrap(), Some(one));
        assert_eq!(single(Digests::default()).unwrap(), None);
    }

    #[test]
    fn a_body_without_its_end_has_no_checksums() {
        let mut digests = Digests::default();
        let refused = add_trailer(&mut digests, Some(&TrailerSlot::default())).unwrap_err();
        assert_eq!(*refused.code(), S3ErrorCode::IncompleteBody);
        assert!(add_trailer(&mut digests, None).is_ok());
    }
}
