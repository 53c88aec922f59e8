//! Tests of credentials that were cut, listed or written in another way, and of texts that only look like them.

use super::{redact_cookies, redact_query, redact_url, redact_viewer_text};
use std::borrow::Cow;

/// Real signatures of a P-256 key.
const SIGNATURES: [&str; 2] = [
    "MEYCIQC0ciMpetX8D8ajVastpkeuE7EErE~4r5zcrI0aTwgmzQIhAMcqZQIIxUpcQul2EPM2DLmWL0IK2OsuyPi25-lsq6VK",
    "MEQCIHkEzFTPfHNgW--Uv-0ZZOe0GqXwzqF2WGE6ldiPT67XAiB1QMK9mlt01R8MG5kjMggP7MQW63yQAdW5d1YmRqUYzA__",
];
/// A text as long as the signature of an RSA key.
const RSA: &str = "UxqdmKPx26wK-dCMlegXojnmPy8QnNXZ3v7Gg078ZoET1yYxxFFEa5vIaIN6vK445inIsgrPBt2CtJmH~e-OXLp6~uhDJbLMWy7Bp9zS0RTLH0j4XVrbX5EtZSefwWYi-RKmQFeUMxs410MmC~0XD3M5DPUiV9ipeTNXgHGmYcEVGZwVaJT1gxuRez8sCKozpz-nrYqlLoVJxIGM~F8iOWz9zUv9OS26XzObXUucCDA6sqpwLgo0Wm6EActTj~jyLWH04jBtvA0GIDtfbYtT~00-76kZPFMH0DO4rCm-s6DYOUpXGbJkXKdNN2bk40FOCBAPg-6wu38MWT3lY-ruiA__";

type Redact = fn(&str) -> Cow<'_, str>;

/// Checks in each kind of field that redaction leaves at most `left_max` characters of `text` besides labels.
#[track_caller]
fn check(text: &str, left_max: usize) {
    let all: [(&str, Redact); 4] = [
        ("text", redact_viewer_text),
        ("query", redact_query),
        ("cookies", redact_cookies),
        ("URL", redact_url),
    ];
    for (name, redact) in all {
        let redacted = redact(text).into_owned();
        let labels = redacted.matches("grant:").count() * "grant:0123456789abcdef".len();
        let left = redacted.replace("redacted", "").len() - labels;
        assert!(left <= left_max, "{name}: {text}\nleft: {redacted}");
        assert_eq!(redact(&redacted), redacted, "twice");
    }
}

#[track_caller]
fn check_stays(text: &str) {
    for redacted in [
        redact_viewer_text(text),
        redact_url(text),
        redact_query(text),
    ] {
        assert_eq!(redacted, text);
    }
}

/// Returns the bytes of a signature.
fn bytes(signature: &str) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~";
    let digits = signature.bytes().filter(|byte| *byte != b'_');
    let bits: Vec<u8> = digits
        .map(|byte| alphabet.iter().position(|one| *one == byte).unwrap())
        .flat_map(|digit| (0..6).rev().map(move |bit| (digit >> bit & 1) as u8))
        .collect();
    let whole = bits.as_chunks::<8>().0.iter();
    whole
        .map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | bit))
        .collect()
}

fn list(numbers: impl Iterator<Item = String>, separator: &str) -> String {
    numbers.collect::<Vec<_>>().join(separator)
}

fn hexadecimal(signature: &str) -> String {
    list(
        bytes(signature).iter().map(|byte| format!("{byte:02x}")),
        "",
    )
}

fn cut(text: &str, lengths: &[usize], separator: &str) -> String {
    let mut rest = text;
    let mut pieces = Vec::new();
    for length in lengths {
        let (piece, after) = rest.split_at(*length);
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    pieces.join(separator)
}

#[test]
fn f8_halves_on_both_sides_of_a_query_mark() {
    for signature in SIGNATURES {
        for length in [24, 40, 48, 56, 70] {
            check(&cut(signature, &[length], "?"), 1);
            check(&format!("https://h/{}", cut(signature, &[length], "?")), 12);
        }
    }
}

/// A part of a run up to `=` used to be taken for the name of a parameter.
#[test]
fn f8_the_beginning_of_a_signature_is_no_name() {
    for signature in SIGNATURES {
        for separator in ["=", "%3D", "=3D", "&equals;", "\\u003d"] {
            for length in [11, 14, 20, 24, 30, 32] {
                check(&cut(signature, &[length], separator), 36);
                check(&format!("k,{}", cut(signature, &[length], separator)), 38);
            }
            check(&cut(signature, &[32], separator), 1);
        }
    }
}

/// Text after a label used not to be examined.
#[test]
fn f8_labels_hide_nothing_beside_them() {
    for signature in SIGNATURES {
        for label in ["redacted", "grant:0123456789abcdef"] {
            for between in [" ", "%20", ", ", "/ "] {
                let halves = cut(signature, &[42], ",");
                check(&format!("Signature={label}{between}{halves}"), 40);
            }
        }
        check(&format!("/~REDACTED/{}", cut(signature, &[42], ",")), 14);
    }
}

#[test]
fn f8_the_rest_of_a_named_value_that_was_cut() {
    for separator in ["&", ";", ",", ".", "|", "&amp;"] {
        check(&format!("Signature={}", cut(RSA, &[260], separator)), 20);
        check(
            &format!("a=b; CloudFront-Signature={}", cut(RSA, &[260], separator)),
            36,
        );
        for signature in SIGNATURES {
            for length in [11, 20, 30, 50, 70] {
                check(
                    &format!("Signature={}", cut(signature, &[length], separator)),
                    20,
                );
                check(
                    &format!(
                        "CloudFront-Signature={}",
                        cut(signature, &[length], separator)
                    ),
                    32,
                );
            }
        }
    }
    // Nothing is missing next to a whole signature.
    let file = "file=Summer_Holiday_2026_S01E02_German_DL";
    let label = super::label(RSA);
    assert_eq!(
        redact_query(&format!(
            "{file}&Signature={RSA}&Key-Pair-Id=K2JCJMDEHXQW5F"
        )),
        format!("{file}&Signature={label}&Key-Pair-Id=K2JCJMDEHXQW5F")
    );
}

#[test]
fn f8_small_pieces_beside_a_long_one() {
    for signature in SIGNATURES {
        for separator in [",", ".", "\"+\"", "<br>", "|"] {
            for lengths in [
                &[11][..],
                &[14],
                &[23],
                &[73],
                &[78],
                &[84],
                &[41, 41],
                &[14, 41],
                &[41, 14],
            ] {
                check(&cut(signature, lengths, separator), 2 * separator.len());
            }
        }
    }
}

#[test]
fn f8_hexadecimal_that_was_cut() {
    for signature in SIGNATURES {
        let text = hexadecimal(signature);
        for separator in [".", ",", "/", "-", "\",\""] {
            for lengths in [&[70][..], &[72], &[64], &[100], &[44, 50]] {
                check(&cut(&text, lengths, separator), 2 * separator.len());
            }
        }
    }
}

#[test]
fn f8_numbers_of_bytes_and_words() {
    for signature in SIGNATURES {
        let raw = bytes(signature);
        let text = signature.as_bytes();
        let pairs = || {
            raw.as_chunks::<2>()
                .0
                .iter()
                .map(|pair| u16::from_be_bytes(*pair))
        };
        let words = || {
            raw.as_chunks::<4>()
                .0
                .iter()
                .map(|word| u32::from_be_bytes(*word))
        };
        let lists = [
            list(raw.iter().map(u8::to_string), ","),
            list(raw.iter().map(|byte| format!("{byte:02x}")), ":"),
            list(raw.iter().map(|byte| format!("{byte:03o}")), ","),
            list(text.iter().map(|byte| format!("0o{byte:o}")), ", "),
            list(text.iter().map(|byte| format!("{byte:08b}")), ","),
            list(text.iter().map(|byte| format!("0b{byte:b}")), " "),
            list(text.iter().map(u8::to_string), "."),
            list(pairs().map(|pair| pair.to_string()), ","),
            list(pairs().map(|pair| format!("{pair:04x}")), ":"),
            list(pairs().map(|pair| format!("0x{pair:04x}")), ", "),
            list(words().map(|word| word.to_string()), ","),
            list(words().map(|word| format!("{word:08x}")), " "),
            list(words().map(|word| format!("0x{word:08x}")), ", "),
            list(words().map(|word| word.cast_signed().to_string()), ","),
            format!("999,{},1000", list(raw.iter().map(u8::to_string), ",")),
        ];
        for text in lists {
            check(&text, 20);
            check(&format!("[{text}]"), 20);
        }
    }
}

#[test]
fn f8_fullwidth_characters_and_base32() {
    for signature in SIGNATURES {
        let wide: String = signature
            .chars()
            .map(|character| char::from_u32(u32::from(character) + 0xfee0).unwrap())
            .collect();
        let percent: String = wide.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let json: String = wide
            .encode_utf16()
            .map(|unit| format!("\\u{unit:04x}"))
            .collect();
        let entities: String = wide
            .chars()
            .map(|one| format!("&#{};", u32::from(one)))
            .collect();
        for text in [wide, percent, json, entities] {
            check(&text, 1);
        }
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let bits: Vec<u8> = bytes(signature)
            .into_iter()
            .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1))
            .collect();
        let digits = bits.as_chunks::<5>().0.iter();
        let digits = digits.map(|bits| bits.iter().fold(0, |digit, bit| digit << 1 | bit));
        let base32: String = digits
            .map(|digit: u8| char::from(alphabet[usize::from(digit)]))
            .collect();
        check(&base32, 1);
        check(&base32.to_lowercase(), 1);
    }
}

#[test]
fn f8_addresses_ids_and_names_stay() {
    let numbers = |count: u32, step: u32, modulus: u32| {
        list(
            (0..count).map(|at| (at.wrapping_mul(2_654_435_761) / step % modulus).to_string()),
            ",",
        )
    };
    let dotted = |at: u8| format!("{}.{}.{}.{}", at ^ 0x5a, at.wrapping_mul(37), at, 255 - at);
    let long = |at: u16| {
        let group = |factor: u16| at.wrapping_mul(factor) ^ 0x3c5a;
        format!(
            "2001:db8:{:x}:{:x}:{:x}:{:x}:{:x}:1",
            group(7),
            group(91),
            group(3001),
            group(911),
            group(17)
        )
    };
    for text in [
        list((1..60).map(dotted), ", "),
        list((1..60).map(|at| dotted(at) + ":443"), ", "),
        list((1..60).map(long), ", "),
        list((1..60).map(|at| format!("[{}]:443", long(at))), ", "),
        list((1..60).map(|at| format!("::ffff:{}", dotted(at))), ","),
        list((1..60).map(|at| format!("for=\"[{}]\"", long(at))), ", "),
        format!("ids={}", list((1..100).map(|id: u8| id.to_string()), ",")),
        format!("/{}", list((0..100).map(|part: u8| format!("{part:04}")), "/")),
        format!("ids={}", numbers(90, 100, 1000)),
        format!("ids={}", numbers(90, 1, 90_000)),
        format!("ids={}", list((0..90).map(|at: u32| (1_700_000_000 + at * 7919 % 100_000).to_string()), ",")),
        format!("/v2/a/blobs/sha256:{}", "c0ffee42".repeat(8)),
        format!("/compare/{}...{}", "c0ffee42".repeat(5), "42beef0c".repeat(5)),
        format!("/{0}/{0},{0},{0}", "c0ffee42".repeat(8)),
        format!("/sha512/{}.{}", "c0ffee42".repeat(16), "20261130052311"),
        "/nix/store/0c1p5z4kdpvgbfi8v2xn1y7l2xr2i0b4-python3.11-cryptography-41.0.7/lib/python3.11/site-packages".to_owned(),
        "/Videoe/Der_Herr_Der_Ringe_Die_Gefaehrten_2001_German_DL_1080p_BluRay_x264_AC3_DTSHD_51_Extended_Edition.mkv".to_owned(),
        "/Serie.Name.S01E02.German.DL.1080p.WEB-DL.DDP5.1.H264-GRP/Serie.Name.S01E02.German.DL.1080p.WEB-DL.DDP5.1.H264-GRP.mkv".to_owned(),
        "_ga=GA1.2.1234567890.1700000000; _gid=GA1.2.987654321.1700000000; _gat=1".to_owned(),
        "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; WOW64; Trident/4.0; SLCC2; .NET CLR 2.0.50727; .NET CLR 3.5.30729; .NET CLR 3.0.30729; Media Center PC 6.0; .NET4.0C; .NET4.0E; InfoPath.3; MS-RTC LM 8)".to_owned(),
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/465.0.1.41.103;FBBV/602060281;FBDV/iPhone15,3;FBMD/iPhone;FBSN/iOS;FBSV/17.5.1;FBSS/3;FBID/phone;FBLC/de_DE;FBOP/5;FBRV/604391541;IABMV/1]".to_owned(),
        "https://fonts.googleapis.com/css2?family=Roboto:ital,wght@0,100;0,300;0,400;0,500;0,700;1,100&family=Open+Sans:wght@300..800".to_owned(),
    ] {
        check_stays(&text);
    }
}

/// The text is percent-encoded, broken into fours by blanks, and percent-encoded again, any number of times.
#[test]
fn f8_blanks_within_escapes_hide_nothing() {
    let credential = "Ab3-Qz9_Xy7K~mP2".repeat(22);
    let letters = |text: &str| {
        { text.bytes() }
            .map(|byte| format!("%{byte:02X}"))
            .collect::<String>()
    };
    let broken = |text: &str, with: &str| {
        let fours = text.as_bytes().chunks(4);
        let fours: Vec<_> = fours.map(String::from_utf8_lossy).collect();
        fours.join(with)
    };
    for with in [" ", "\t", "\r\n"] {
        let once = broken(&letters(&credential), with);
        for text in [
            once.clone(),
            letters(&once),
            broken(&letters(&letters(&once)), with),
        ] {
            for redacted in [
                super::redact_viewer_text(&text),
                super::redact_query(&format!("a={text}")),
            ] {
                let is_short = redacted.len() < 40 && redacted.ends_with("redacted");
                assert!(is_short, "{redacted:.60}");
            }
        }
    }
    for fine in [
        "a=%20b; c=%2Fd; e=100% f",
        "50% of 100%, &amp; so on \\ in words",
    ] {
        assert_eq!(super::redact_cookies(fine), fine);
    }
}
