//! The table of what reaches origins, `data/reach.txt`, and the spellings in which its names are tried.

/// One line of the table.
#[derive(Clone, Debug)]
pub struct Known {
    pub name: &'static str,
    places: &'static str,
}

impl Known {
    /// Returns true if the line has this letter; the table says what each means.
    pub fn has(&self, place: char) -> bool {
        self.places.contains(place)
    }
}

pub fn known_headers() -> Vec<Known> {
    lines_of("header")
}

pub fn known_parameters() -> Vec<Known> {
    lines_of("parameter")
}

fn lines_of(kind: &str) -> Vec<Known> {
    let lines = include_str!("../../data/reach.txt").lines();
    let words = lines.map(|line| line.split(' ').collect::<Vec<_>>());
    words
        .filter(|words| words[0] == kind)
        .map(|words| Known {
            name: words[1],
            places: words[2],
        })
        .collect()
}

/// A spelling, and whether every reader takes it for the name itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spelling {
    pub text: String,
    pub is_faithful: bool,
}

fn spellings(faithful: &[String], others: &[String]) -> Vec<Spelling> {
    let mut all: Vec<Spelling> = Vec::new();
    let marked = |texts: &[String], is_faithful| {
        let spelled = texts.iter().map(move |text| Spelling {
            text: text.clone(),
            is_faithful,
        });
        spelled.collect::<Vec<_>>()
    };
    for spelling in [marked(faithful, true), marked(others, false)].concat() {
        if all.iter().all(|known| known.text != spelling.text) {
            all.push(spelling);
        }
    }
    assert!(all.len() >= 8, "{all:?}");
    all
}

/// Returns the name in other cases, and in forms that a server which folds characters may take for it.
pub fn header_spellings(name: &str) -> Vec<Spelling> {
    let first = name.replacen('-', "_", 1);
    let last = match name.rsplit_once('-') {
        Some((before, after)) => format!("{before}_{after}"),
        None => format!("{name}."),
    };
    let titled = name.split('-').map(titled).collect::<Vec<_>>();
    let faithful = [name.to_owned(), name.to_uppercase(), titled.join("-")];
    let mut others = vec![
        name.replace('-', "_"),
        name.replace('-', "_").to_uppercase(),
        titled.join("_"),
        first,
        last,
        name.replace('-', "."),
        name.replace('-', "|"),
        format!("{name}_"),
        format!("{name}|"),
        format!("_{name}"),
        format!("http_{}", name.replace('-', "_")),
    ];
    others.retain(|spelling| !faithful.contains(spelling));
    spellings(&faithful, &others)
}

fn titled(word: &str) -> String {
    let (first, rest) = word.split_at(1.min(word.len()));
    first.to_uppercase() + rest
}

/// Returns the name as whole parameters: with and without a value, escaped, and cut where it does not seem to end.
pub fn parameter_spellings(name: &str) -> Vec<Spelling> {
    let escaped = |text: &str| -> String {
        let bytes = text.bytes();
        bytes.map(|byte| format!("%{byte:02X}")).collect()
    };
    let (first, rest) = name.split_at(1);
    // A value that the parameter may have.
    let value = if name == "partNumber" { "1" } else { "x" };
    let faithful = [
        name.to_owned(),
        format!("{name}="),
        format!("{name}={value}"),
        format!("{}{rest}={value}", escaped(first)),
        escaped(name),
    ];
    let others = [
        "%3D", "%3Dx", "%3D%3Dx", "%253D", "%26", "%3B", "%00", "+", "%20", ";", "%2B=x", "[]=x",
        "?",
    ];
    let mut others: Vec<String> = others.map(|end| format!("{name}{end}")).to_vec();
    others.extend(
        ["+", "%20", ";", "%26", "x;", "x%26", "%00", "?", "%3F"]
            .map(|start| format!("{start}{name}=x")),
    );
    others.push(format!("%25{:02X}{rest}=x", first.as_bytes()[0]));
    others.push(format!("x%3D1%26{name}%3D2"));
    spellings(&faithful, &others)
}

/// Returns a header's name as a careless reader has it: in one case, with every mark as the same character.
pub fn careless(name: &str) -> String {
    let fold = |character: char| {
        if character.is_ascii_alphanumeric() {
            character.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    name.chars().map(fold).collect()
}
