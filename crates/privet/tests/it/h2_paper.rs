//! HTTP/2: the table of cases in docs/conformance-h2.md matches the tests.

/// The files with the cases.
const TESTS: [&str; 5] = [
    include_str!("h2_compression.rs"),
    include_str!("h2_frame_types.rs"),
    include_str!("h2_generic.rs"),
    include_str!("h2_messages.rs"),
    include_str!("h2_streams.rs"),
];

#[test]
fn every_case_of_the_paper_is_driven() {
    let paper = include_str!("../../../../docs/conformance-h2.md");
    let cases: Vec<&str> = paper
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next())
        .filter(|case| {
            ["generic/", "http2/", "hpack/"]
                .iter()
                .any(|group| case.starts_with(group))
        })
        .collect();
    assert_eq!(cases.len(), 149);
    for case in cases {
        let quoted = format!("\"{case}\"");
        assert!(TESTS.iter().any(|test| test.contains(&quoted)), "{case}");
    }
}
