//! Bodies that are not what was announced, and those that are.

use super::*;
use crate::sigv4::tests::chunked_example;
use http_body_util::Full;

/// Content, and the fields of the trailer.
type ReadBody = (Vec<u8>, Vec<(String, String)>);

/// Reads a body in chunks, whose bytes arrive `step` at a time.
fn read(framing: Framing, body: &[u8], step: usize) -> Result<ReadBody, BodyError> {
    let mut chunked = Chunked::new(framing);
    let mut content = Vec::new();
    for bytes in body.chunks(step) {
        let mut left = Bytes::copy_from_slice(bytes);
        while let Some(piece) = chunked.take(&mut left)? {
            content.extend_from_slice(&piece);
        }
    }
    let trailer = chunked.finish()?;
    Ok((content, trailer))
}

fn unsigned(length: u64, trailer: &[&str]) -> Framing {
    Framing {
        signer: None,
        trailer: Some(trailer.iter().map(|name| (*name).to_owned()).collect()),
        length,
    }
}

#[track_caller]
#[expect(
    clippy::needless_pass_by_value,
    reason = "a case is written as a value"
)]
fn check(body: &str, length: u64, trailer: &[&str], expected: Result<&str, BodyError>) {
    for step in [1, 3, body.len().max(1)] {
        let read = read(unsigned(length, trailer), body.as_bytes(), step);
        let content = read.map(|(content, _)| String::from_utf8(content).unwrap());
        assert_eq!(content, expected.clone().map(str::to_owned), "{step}");
    }
}

#[test]
fn broken_framing_is_refused() {
    let chunks = |fault| Err(BodyError::Chunks(fault));
    check("", 0, &[], Err(BodyError::TooShort));
    check("3\r\nabc\r\n", 3, &[], Err(BodyError::TooShort));
    check("3\r\nabc\r\n0\r\n", 3, &[], Err(BodyError::TooShort));
    check("3\r\nabc\r\n0\r\n\r\n", 4, &[], Err(BodyError::TooShort));
    check("3\r\nabc\r\n0\r\n\r\n", 2, &[], Err(BodyError::TooLong));
    check("ffffffffffffffff\r\n", 2, &[], Err(BodyError::TooLong));
    check("x\r\n", 2, &[], chunks("a length is not hexadecimal"));
    check("+3\r\nabc", 3, &[], chunks("a length is not hexadecimal"));
    check(
        "00000000000000003\r\nabc",
        3,
        &[],
        chunks("a length is not hexadecimal"),
    );
    check("3\r\nabcd\r\n", 3, &[], chunks("a line is too long"));
    check(&"0".repeat(300), 3, &[], chunks("a line is too long"));
    check(
        "0\r\n\r\nx",
        0,
        &[],
        chunks("something follows the last chunk"),
    );
    let announced = chunks("the trailer is not what x-amz-trailer announced");
    check("0\r\n\r\n", 0, &["x-amz-checksum-crc32"], announced.clone());
    check(
        "0\r\nx-amz-checksum-crc32:a\r\n\r\n",
        0,
        &[],
        announced.clone(),
    );
    check("0\r\na:1\r\na:2\r\n\r\n", 0, &["a", "b"], announced);
    check(
        "0\r\na\r\n\r\n",
        0,
        &["a"],
        chunks("the trailer has a line without a colon"),
    );
    check(
        &format!("0\r\na:{}", "1".repeat(5000)),
        0,
        &["a"],
        chunks("the trailer is too long"),
    );
}

#[test]
fn a_trailer_follows_the_body() {
    check("3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", 5, &[], Ok("abcde"));
    let body = b"A\r\n0123456789\r\n0\r\nx-amz-checksum-crc32: pogJHQ== \r\n\r\n";
    let (_, trailer) = read(unsigned(10, &["x-amz-checksum-crc32"]), body, 2).unwrap();
    assert_eq!(
        trailer,
        [("x-amz-checksum-crc32".to_owned(), "pogJHQ==".to_owned())]
    );
}

fn signed(verified: Verified) -> Framing {
    Framing {
        signer: Some(verified.chunks),
        trailer: None,
        length: 66_560,
    }
}

#[test]
fn every_chunk_has_its_signature() {
    for (from, to) in [
        ("aaaa\r\n400", "aaab\r\n400"),
        ("ad80c7", "ad80c8"),
        ("\r\n0;chunk-signature=b6", "\r\n0;chunk-signature=b7"),
    ] {
        let (verified, body) = chunked_example();
        let body = String::from_utf8(body).unwrap().replace(from, to);
        assert_eq!(
            read(signed(verified), body.as_bytes(), 1000),
            Err(BodyError::ChunkSignature)
        );
    }
    let (verified, body) = chunked_example();
    let body = String::from_utf8(body)
        .unwrap()
        .replace("400;chunk-signature=", "400;x=");
    let fault = BodyError::Chunks("a chunk has no signature");
    assert_eq!(read(signed(verified), body.as_bytes(), 1000), Err(fault));
    for step in [1, 7, 70_000] {
        let (verified, body) = chunked_example();
        let (content, trailer) = read(signed(verified), &body, step).unwrap();
        assert_eq!((content.len(), trailer.len()), (66_560, 0));
    }
}

fn digest_of(bytes: &[u8]) -> [u8; 32] {
    digest::digest(&digest::SHA256, bytes)
        .as_ref()
        .try_into()
        .unwrap()
}

async fn whole(
    body: &'static str,
    payload: Payload,
    length: Option<u64>,
) -> Result<Bytes, BodyError> {
    whole_with_trailer(body, payload, length, &[]).await
}

async fn whole_with_trailer(
    body: &'static str,
    payload: Payload,
    length: Option<u64>,
    trailer: &[&str],
) -> Result<Bytes, BodyError> {
    let (verified, _) = chunked_example();
    let announced = Announced {
        content_length: length,
        decoded_length: length,
        trailer: trailer.iter().map(|name| (*name).to_owned()).collect(),
    };
    let limits = Limits {
        upload_size_bytes: 10,
        ..Limits::default()
    };
    let verified = Verified {
        payload,
        ..verified
    };
    let body = checked(Full::new(Bytes::from(body)), verified, announced, &limits)?;
    gather(body.pieces, 100).await
}

#[tokio::test]
async fn a_body_is_what_was_announced() {
    let digest = Payload::Digest(digest_of(b"abc"));
    assert_eq!(whole("abx", digest, Some(3)).await, Err(BodyError::Digest));
    assert_eq!(whole("", digest, None).await, Err(BodyError::Digest));
    assert_eq!(
        whole("abc", Payload::Unsigned, Some(4)).await,
        Err(BodyError::TooShort)
    );
    assert_eq!(
        whole("abc", Payload::Unsigned, Some(2)).await,
        Err(BodyError::TooLong)
    );
    assert_eq!(
        whole("abcdefghijk", Payload::Unsigned, None).await,
        Err(BodyError::TooLong)
    );
    let chunks = Payload::Chunks {
        is_signed: true,
        has_trailer: false,
    };
    assert!(matches!(
        whole("", chunks, None).await,
        Err(BodyError::Chunks(_))
    ));
    assert_eq!(whole("abc", digest, Some(3)).await, Ok(Bytes::from("abc")));
}

#[tokio::test]
async fn a_trailer_that_cannot_come_is_refused() {
    let chunks = |is_signed, has_trailer| Payload::Chunks {
        is_signed,
        has_trailer,
    };
    let names = ["x-amz-checksum-crc32"];
    for payload in [
        Payload::Unsigned,
        Payload::Digest(digest_of(b"abc")),
        chunks(true, false),
    ] {
        let read = whole_with_trailer("abc", payload, Some(3), &names).await;
        assert!(matches!(read, Err(BodyError::Chunks(_))), "{payload:?}");
    }
    let body = "3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n";
    let read = whole_with_trailer(body, chunks(false, true), Some(3), &names).await;
    assert_eq!(read, Ok(Bytes::from("abc")));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_ends() {
    let silent = http_body_util::StreamBody::new(futures_util::stream::pending::<
        Result<http_body::Frame<Bytes>, std::io::Error>,
    >());
    let mut pieces = paced(silent, Duration::from_secs(30), 1000);
    assert_eq!(pieces.next().await, Some(Err(BodyError::TooSlow)));
    let slow = futures_util::stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_secs(20)).await;
        Some((
            Ok::<_, std::io::Error>(http_body::Frame::data(Bytes::from("a"))),
            (),
        ))
    });
    let pieces = paced(
        http_body_util::StreamBody::new(Box::pin(slow)),
        Duration::from_secs(30),
        1000,
    );
    let ends: Vec<bool> = pieces.map(|piece| piece.is_err()).take(3).collect().await;
    assert_eq!(ends, [false, true]);
}
