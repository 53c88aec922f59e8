use super::*;

const TCP4: &[u8] = &[192, 0, 2, 7, 10, 0, 0, 1, 0x30, 0x39, 1, 187];

fn header(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [&SIGNATURE[..], &[command, family], &length, rest].concat()
}

fn extension(kind: u8, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap().to_be_bytes();
    [&[kind], &length[..], value].concat()
}

/// Returns a header for 192.0.2.7:12345 with these extensions and, after them, a good checksum.
fn with_checksum(extensions: &[u8]) -> Vec<u8> {
    let rest = [TCP4, extensions, &extension(CRC32C, &[0; 4])].concat();
    let mut header = header(0x21, 0x11, &rest);
    let checksum = crc32c(header.iter()).to_be_bytes();
    let place = header.len() - 4;
    header[place..].copy_from_slice(&checksum);
    header
}

fn taken(stream: &mut &[u8]) -> Result<Vec<u8>, ProxyFault> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.build().unwrap().block_on(read_header(stream))
}

/// Reads a header as from a connection, with bytes of the viewer's after it.
fn parsed(bytes: &[u8]) -> Result<Option<SocketAddr>, ProxyFault> {
    let request = b"GET / HTTP/1.1\r\n";
    let sent = [bytes, request].concat();
    let mut stream = sent.as_slice();
    let said = said(&taken(&mut stream)?)?;
    assert_eq!(stream, request);
    Ok(said.source)
}

#[track_caller]
fn check_fault(bytes: &[u8], expected: ProxyFault) {
    assert_eq!(parsed(bytes), Err(expected));
}

#[track_caller]
fn check(bytes: &[u8], expected: Option<&str>) {
    let expected = expected.map(|address| address.parse().unwrap());
    assert_eq!(parsed(bytes), Ok(expected));
}

#[test]
fn what_is_no_header() {
    check_fault(b"", ProxyFault::NoHeader);
    check_fault(b"\x16\x03\x01\x02\x00\x01\x00\x01", ProxyFault::NoHeader);
    check_fault(
        b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2\r\n",
        ProxyFault::Version1,
    );
    check_fault(b"PROXY UNKNOWN\r\n", ProxyFault::Version1);
    let mut torn = header(0x21, 0x11, TCP4);
    torn[11] = b'\r';
    check_fault(&torn, ProxyFault::NoHeader);
    let ended = ProxyFault::Ended(io::ErrorKind::UnexpectedEof);
    check_fault(&header(0x21, 0x11, TCP4)[..1], ProxyFault::NoHeader);
    assert_eq!(taken(&mut &SIGNATURE[..]), Err(ended.clone()));
    let whole = header(0x21, 0x11, TCP4);
    assert_eq!(taken(&mut &whole[..whole.len() - 1]), Err(ended));
}

#[test]
fn headers_of_unknown_kinds() {
    check_fault(&header(0x11, 0x11, TCP4), ProxyFault::UnknownCommand(0x11));
    check_fault(&header(0x22, 0x11, TCP4), ProxyFault::UnknownCommand(0x22));
    check_fault(&header(0x21, 0x10, TCP4), ProxyFault::UnknownFamily(0x10));
    check_fault(&header(0x21, 0x13, TCP4), ProxyFault::UnknownFamily(0x13));
    check_fault(&header(0x21, 0x41, TCP4), ProxyFault::UnknownFamily(0x41));
}

#[test]
fn headers_of_wrong_sizes() {
    check_fault(&header(0x21, 0x11, &TCP4[..11]), ProxyFault::TooShort);
    check_fault(&header(0x21, 0x21, &[0; 35]), ProxyFault::TooShort);
    check_fault(&header(0x21, 0x31, &[0; 215]), ProxyFault::TooShort);
    let extensions = extension(0xe0, &[0; EXTENSIONS_SIZE_BYTES_MAX - 2]);
    let long = [TCP4, &extensions].concat();
    check_fault(&header(0x21, 0x11, &long), ProxyFault::TooLong);
    check_fault(&header(0x21, 0x11, &[0; 5000]), ProxyFault::TooLong);
    check_fault(&header(0x20, 0x00, &[0xff; 65_535]), ProxyFault::TooLong);
}

#[test]
fn extensions_that_lead_astray() {
    for broken in [&[4][..], &[4, 0], &[4, 0, 1], &[4, 0, 0, 4, 255, 255, 1]] {
        let rest = [TCP4, broken].concat();
        check_fault(&header(0x21, 0x11, &rest), ProxyFault::BrokenExtension);
    }
}

#[test]
fn wrong_checksums() {
    let good = with_checksum(&extension(0xea, b"vpce-1"));
    for at in START_SIZE_BYTES..START_SIZE_BYTES + TCP4.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        check_fault(&bad, ProxyFault::Checksum);
    }
    for length in [0, 3, 5] {
        let rest = [TCP4, &extension(CRC32C, &[0; 5][..length])].concat();
        check_fault(&header(0x21, 0x11, &rest), ProxyFault::Checksum);
    }
}

/// Every value of each single byte gives a result, never a panic.
#[test]
fn torn_headers() {
    let good = with_checksum(&extension(0x04, b"padding"));
    for at in 0..good.len() {
        for value in 0..=u8::MAX {
            let mut torn = good.clone();
            torn[at] = value;
            let _ = taken(&mut &torn[..]).map(|header| said(&header));
        }
    }
}

#[test]
fn addresses() {
    check(&header(0x21, 0x11, TCP4), Some("192.0.2.7:12345"));
    check(&header(0x21, 0x12, TCP4), Some("192.0.2.7:12345"));
    let mut tcp6 = [0; 36];
    tcp6[..16].copy_from_slice(&[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    tcp6[32..].copy_from_slice(&[0x30, 0x39, 1, 187]);
    check(&header(0x21, 0x21, &tcp6), Some("[2001:db8::1]:12345"));
    check(&header(0x21, 0x22, &tcp6), Some("[2001:db8::1]:12345"));
}

#[test]
fn no_addresses() {
    check(&header(0x20, 0x00, b""), None);
    check(&header(0x20, 0x11, b"anything"), None);
    check(&header(0x21, 0x00, b""), None);
    check(&header(0x21, 0x00, b"anything"), None);
    check(&header(0x21, 0x31, &[b'/'; 216]), None);
}

#[test]
fn extensions() {
    let noted = [
        TCP4,
        &extension(0xea, b"vpce-1"),
        &extension(0x04, b""),
        &extension(0x02, b"www.example.com"),
    ];
    let viewer = Some("192.0.2.7:12345");
    check(&header(0x21, 0x11, &noted.concat()), viewer);
    let longest = extension(0xe0, &[0; EXTENSIONS_SIZE_BYTES_MAX - 3]);
    check(&header(0x21, 0x11, &[TCP4, &longest].concat()), viewer);
    check(&with_checksum(&extension(0xea, b"vpce-1")), viewer);
    // The check value of the CRC catalogs.
    assert_eq!(crc32c(b"123456789".iter()), 0xe306_9283);
}

/// Returns the extension that HAProxy's `send-proxy-v2-ssl` adds: flags, the certificate's verdict, and names.
fn of_tls(client: u8, names: &[u8]) -> Vec<u8> {
    extension(SSL, &[&[client, 0, 0, 0, 1], names].concat())
}

#[test]
fn what_is_said_of_tls() {
    let told = |extensions: &[u8]| {
        let rest = [TCP4, extensions].concat();
        said(&taken(&mut &header(0x21, 0x11, &rest)[..]).unwrap()).map(|said| said.tls)
    };
    let names = [
        extension(0x21, b"TLSv1.3"),
        extension(0x22, b"viewer.example"),
        extension(0x23, b"TLS_AES_256_GCM_SHA384"),
    ]
    .concat();
    let some = |version, cipher: &str| Ok(Some((version, cipher.to_owned())));
    let expected = some("TLSv1.3", "TLS_AES_256_GCM_SHA384");
    assert_eq!(told(&of_tls(0x01, &names)), expected);
    assert_eq!(told(&of_tls(0x07, &names)), expected);
    // The frontend accepts TLS, but this viewer came without.
    assert_eq!(told(&of_tls(0x00, &names)), Ok(None));
    assert_eq!(told(&[]), Ok(None));
    assert_eq!(told(&of_tls(0x01, &[])), some("-", "-"));
    let odd = [extension(0x21, b"TLSv9\n"), extension(0x23, b"a b")].concat();
    assert_eq!(told(&of_tls(0x01, &odd)), some("-", "-"));
    let twice = [of_tls(0x01, &[]), of_tls(0x00, &[])].concat();
    assert_eq!(told(&twice), Err(ProxyFault::TlsTwice));
    for broken in [
        &[][..],
        &[1, 0, 0, 0],
        &[1, 0, 0, 0, 0, 0x21],
        &[1, 0, 0, 0, 0, 0x21, 0, 2, 1],
    ] {
        assert_eq!(
            told(&extension(SSL, broken)),
            Err(ProxyFault::BrokenExtension)
        );
    }
    // The TLS of a proxy that speaks for itself is no viewer's.
    let local = header(0x20, 0x11, &[TCP4, &of_tls(0x01, &names)].concat());
    assert_eq!(said(&local), Ok(ProxyFacts::default()));
}
