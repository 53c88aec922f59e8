//! `privet sign` with many URLs: order, refusals by line, one signature for all, broken pipes.

use std::io::{BufRead, BufReader, Read, Write};

use crate::cli::{Folder, ID};

#[test]
fn bad_lines_are_named_and_good_ones_printed() {
    let lines = "https://host/1\n\nftp://host/2\n  \nhttps://host/3\r\nhttps://HOST/4\nhttps://host/\u{1}\n";
    let said = Folder::new().sign_lines(lines, &[]);
    assert_eq!(said.code, 1);
    let starts: Vec<&str> = said.out.lines().map(|line| &line[..14]).collect();
    assert_eq!(
        starts,
        ["https://host/1", "https://host/3", "https://host/4"]
    );
    said.mentions(&[
        "error: line 3: not an http or https URL",
        "note: line 6: the host HOST is sent as host",
        "error: line 7: white space or control characters",
    ]);
}

#[test]
fn lines_that_are_no_text_are_refused() {
    let mut lines = b"https://host/\xff\n".to_vec();
    lines.extend(b"https://host/");
    lines.extend(vec![b'a'; 200_000]);
    lines.extend(b"\nhttps://host/3");
    let said = Folder::new().sign_lines(&lines, &["-"]);
    assert_eq!((said.code, said.out.lines().count()), (1, 1), "{said:?}");
    said.mentions(&[
        "error: line 1: not UTF-8",
        "error: line 2: the line is longer than 65536",
    ]);
}

#[test]
fn no_lines_are_no_links() {
    assert_eq!(Folder::new().sign_lines("", &[]).ok(), "");
    assert_eq!(Folder::new().sign_lines("\n\n", &["-"]).ok(), "");
}

fn numbered(count: usize) -> String {
    (0..count)
        .map(|number| format!("https://host/videos/{number}\n"))
        .collect()
}

fn check_order(count: usize, arguments: &[&str], separator: char) {
    let folder = Folder::new();
    folder.take("p256.pkcs8.pem", "key.pem");
    let signed = folder.sign_lines(numbered(count), arguments).ok();
    let bases = signed
        .lines()
        .map(|line| line.split(separator).next().unwrap());
    assert!(bases.eq(numbered(count).lines()));
}

#[test]
fn order_is_kept_across_threads() {
    check_order(3_000, &[], '?');
}

#[test]
fn one_signature_serves_all() {
    check_order(
        20_000,
        &["--shared", "--resource", "https://host/videos/*"],
        '?',
    );
    let folder = Folder::new();
    let lines = "https://host/videos/1\nhttps://host/other/2\nhttps://host/videos/3?a=b\n";
    let said = folder.sign_lines(lines, &["--shared", "--resource", "https://host/videos/*"]);
    assert_eq!(said.code, 1);
    said.mentions(&["error: line 2: the resource https://host/videos/* does not cover"]);
    let parameters: Vec<&str> = said
        .out
        .lines()
        .map(|line| line.split_once("Policy=").unwrap().1)
        .collect();
    assert_eq!((parameters.len(), parameters[0]), (2, parameters[1]));
    for link in said.out.lines() {
        assert_eq!(folder.explain(&[link]).code, 0, "{link}");
    }
}

#[test]
fn arguments_that_are_refused_are_named() {
    let said = Folder::new().sign(&["https://host/1", "ftp://host/2"]);
    assert_eq!((said.code, said.out.lines().count()), (1, 1));
    said.mentions(&["error: ftp://host/2: not an http or https URL"]);
}

#[test]
fn json_has_a_line_each() {
    let said = Folder::new().sign_lines(
        "https://host/1\nhttps://HOST/2\n",
        &["--output", "json", "-q"],
    );
    let lines: Vec<serde_json::Value> = said
        .ok()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["changes"].as_array().unwrap().len(), 0);
    assert_eq!(lines[1]["changes"][0], "the host HOST is sent as host");
}

const SIGN: [&str; 7] = [
    "sign",
    "--key",
    "key.pem",
    "--key-pair-id",
    ID,
    "--for",
    "2h",
];

#[test]
fn a_line_is_answered_before_the_next_is_written() {
    let folder = Folder::new();
    let mut child = folder.command(&SIGN).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    for number in 0..3 {
        writeln!(input, "https://host/{number}").unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert!(
            line.starts_with(&format!("https://host/{number}?")),
            "{line}"
        );
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_reader_that_goes_ends_it_quietly() {
    let folder = Folder::new();
    folder.take("p256.pkcs8.pem", "key.pem");
    let mut child = folder.command(&SIGN).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        // Writing fails as soon as the program is gone.
        while input.write_all(numbered(100).as_bytes()).is_ok() {}
    });
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut String::new()).unwrap();
    drop(output);
    let mut errors = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut errors)
        .unwrap();
    let status = child.wait().unwrap();
    writer.join().unwrap();
    assert_eq!((status.code(), errors.as_str()), (Some(0), ""));
}

#[test]
fn l3_lists_of_windows_tools_are_read() {
    let folder = Folder::new();
    let urls = "https://d111111abcdef8.cloudfront.net/a.jpg\r\nhttps://d111111abcdef8.cloudfront.net/b.jpg\r\n";
    let expected = folder.sign_lines(urls, &[]).ok();
    assert_eq!(expected.lines().count(), 2);
    let marked = format!("\u{feff}{urls}");
    let utf16 = |text: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    };
    for list in [
        marked.clone().into_bytes(),
        utf16(&marked, u16::to_le_bytes),
        utf16(&marked, u16::to_be_bytes),
        utf16(urls, u16::to_le_bytes),
    ] {
        assert_eq!(folder.sign_lines(&list, &[]).ok(), expected, "{list:?}");
        let dash = folder.sign_lines(&list, &["-"]).ok();
        assert_eq!(dash, expected);
    }
    let link = expected.lines().next().unwrap();
    let explain = [
        "explain",
        "--at",
        "1999999999",
        "--public-key",
        &format!("{ID}=key.pub.pem"),
    ];
    let said = folder.pipe(
        utf16(&format!("\u{feff}{link}"), u16::to_le_bytes),
        &explain,
    );
    assert_eq!(said.code, 0, "{said:?}");
    let said = folder.sign_lines([&[0xFF, 0xFE][..], b"h"].concat(), &[]);
    said.fails(1, &["error: line 1: not UTF-8 text"]);
}
