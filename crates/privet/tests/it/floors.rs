//! The order of imports among the files: a file imports only what stands below it, and the rooms of the edge and of the
//! rules have floors.
//!
//! Imports are read from the `use` lines and paths of the sources, as a reader would. `ARCHITECTURE.md` says the same
//! in words.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms of the edge from the bottom up. A file may import from lower floors, and from its own room.
const EDGE_FLOORS: [&[&str]; 15] = [
    &[
        "clock",
        "connections_by_address",
        "departures",
        "links",
        "memory",
        "own_files",
        "pace",
        "request_id",
        "file_placeholder",
        "standard_error",
        "start_error",
        "viewer_stream",
    ],
    &["notices", "redeem"],
    &[
        "answer_memory",
        "countries",
        "log",
        "origin",
        "request_body",
        "tls",
        "unwritten_logs",
    ],
    &["ends", "origin_client", "state", "viewer_end"],
    &["cache", "connection_state", "proxy_header"],
    &["exchange", "video", "guests", "viewer_io"],
    &["body", "workers", "h2_watch", "readiness", "remote_object"],
    &["answer", "descriptors"],
    &["context"],
    &["admission", "test_clock"],
    &["pipeline"],
    &["connection"],
    &["rtmp"],
    &["serve"],
    &[
        "accept",
        "edge",
        "handle",
        "listeners",
        "operator",
        "worker",
    ],
];

/// The rooms of the rules from the bottom up; what they share stands beneath them.
const DISTRIBUTION_ROOMS: [&str; 6] = [
    "logging", "config", "request", "links", "caching", "response",
];

/// The modules of the top floor, from the bottom up.
const EDGE_TOP: [&str; 6] = [
    "accept",
    "worker",
    "listeners",
    "operator",
    "handle",
    "edge",
];

const CRATES: [&str; 9] = [
    "bucket",
    "cache",
    "control",
    "distribution",
    "edge",
    "media",
    "objects",
    "privet",
    "sign",
];

/// A module's path below its crate: `["cache", "fetch"]`.
type Module = Vec<String>;

struct Crate {
    name: &'static str,
    /// The code of each module, without comments and unit tests.
    files: BTreeMap<Module, String>,
}

impl Crate {
    fn read(name: &'static str) -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .join(name)
            .join("src");
        let mut paths = Vec::new();
        collect(&source, &mut paths);
        let files = paths.iter().map(|path| {
            let place = path.strip_prefix(&source).unwrap().with_extension("");
            let parts = place.iter().map(|part| part.to_str().unwrap().to_owned());
            let module: Module = parts
                .filter(|part| part != "lib" && part != "main")
                .collect();
            (module, code(&fs::read_to_string(path).unwrap()))
        });
        Crate {
            name,
            files: files.collect(),
        }
    }

    /// Returns the files that each file imports, directly or through re-exports.
    fn imports(&self) -> BTreeMap<&Module, BTreeSet<&Module>> {
        let of = |(module, code): (&'_ Module, &String)| -> BTreeSet<&Module> {
            let paths = imported_paths(code);
            let found = paths.iter().filter_map(|path| self.resolve(module, path));
            found.filter(|other| *other != module).collect()
        };
        let entries = self.files.iter();
        entries.map(|entry| (entry.0, of(entry))).collect()
    }

    /// Returns the file that defines what `path` names when used in `module`.
    fn resolve(&self, module: &Module, path: &str) -> Option<&Module> {
        let mut names: Vec<&str> = path.split("::").map(str::trim).collect();
        let mut base = match names.first() {
            Some(&"crate") => Module::new(),
            _ => module.clone(),
        };
        if matches!(names.first(), Some(&("crate" | "self"))) {
            names.remove(0);
        }
        while names.first() == Some(&"super") {
            base.pop();
            names.remove(0);
        }
        let (file, rest) = self.deepest(&base, &names);
        match rest.first().and_then(|name| self.re_exported(file, name)) {
            Some(origin) => Some(origin),
            None => Some(file),
        }
    }

    /// Follows `names` as long as they are modules; returns the last module and the remaining names.
    fn deepest<'n>(&self, base: &Module, names: &'n [&'n str]) -> (&Module, &'n [&'n str]) {
        let mut place = base.clone();
        let mut taken = 0;
        for name in names {
            place.push((*name).to_owned());
            if !self.files.contains_key(&place) {
                place.pop();
                break;
            }
            taken += 1;
        }
        let known = self.files.get_key_value(&place);
        let (file, _) = known.unwrap_or_else(|| panic!("{}: no file for {place:?}", self.name));
        (file, &names[taken..])
    }

    /// Returns the file that defines a name which `module` only re-exports.
    fn re_exported(&self, module: &Module, name: &str) -> Option<&Module> {
        let passed_on = uses(&self.files[module])
            .into_iter()
            .filter(|line| line.is_public);
        let mut paths = passed_on.flat_map(|line| expanded(&line.tree));
        let path = paths.find(|path| path.rsplit("::").next() == Some(name))?;
        let names: Vec<&str> = path.split("::").collect();
        let is_elsewhere = ["crate", "super"].contains(&names[0]);
        let base = if is_elsewhere {
            Module::new()
        } else {
            module.clone()
        };
        let names = names
            .iter()
            .skip(usize::from(names[0] == "crate" || names[0] == "self"));
        let names: Vec<&str> = names.copied().collect();
        let (file, _) = self.deepest(&base, &names);
        (file != module).then_some(file)
    }
}

struct UseLine {
    is_public: bool,
    tree: String,
}

fn uses(code: &str) -> Vec<UseLine> {
    let mut lines = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find("use ") {
        let before = rest[..at].rsplit('\n').next().unwrap_or("").trim();
        let is_line = before.is_empty() || before.starts_with("pub");
        let after = &rest[at + "use ".len()..];
        let end = after.find(';').unwrap_or(after.len());
        if is_line {
            lines.push(UseLine {
                is_public: before.starts_with("pub"),
                tree: after[..end]
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" "),
            });
        }
        rest = &after[end..];
    }
    lines
}

/// Returns all paths of a `use` tree with braces; renamed items appear under their first name.
fn expanded(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((start, inner)) = tree.split_once('{') else {
        let name = tree.split(" as ").next().unwrap_or(tree);
        return vec![name.to_owned()];
    };
    let inner = inner.strip_suffix('}').unwrap_or(inner);
    let mut depth = 0;
    let members = inner.split(|char| {
        match char {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        char == ',' && depth == 0
    });
    let members = members.filter(|member| !member.trim().is_empty());
    members
        .flat_map(expanded)
        .map(|member| format!("{start}{member}"))
        .collect()
}

/// Returns the paths within the crate that the code names, in `use` lines and elsewhere.
fn imported_paths(code: &str) -> Vec<String> {
    let mut paths: Vec<String> = uses(code)
        .iter()
        .flat_map(|line| expanded(&line.tree))
        .filter(|path| ["crate", "super", "self"].contains(&path.split("::").next().unwrap_or("")))
        .collect();
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let is_path = |char: char| char.is_ascii_alphanumeric() || "_:".contains(char);
            let path = &code[at..];
            let path = &path[..path.find(|char| !is_path(char)).unwrap_or(path.len())];
            let before = code[..at].chars().next_back();
            if before.is_none_or(|char| !is_path(char)) {
                paths.push(path.trim_end_matches(':').to_owned());
            }
        }
    }
    paths
}

/// Removes comments and unit tests.
fn code(text: &str) -> String {
    let text = without_tests(text);
    let lines = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}

/// Removes what is compiled for tests only: single statements, and everything from the first block on, which is the
/// last of its file.
fn without_tests(text: &str) -> String {
    let mut rest = text;
    let mut code = String::new();
    while let Some((before, tests)) = rest.split_once("\n#[cfg(test)]") {
        code.push_str(before);
        let end = tests.find([';', '{']).unwrap_or(tests.len());
        rest = match tests.get(end..=end) {
            Some(";") => &tests[end + 1..],
            _ => "",
        };
    }
    code.push_str(rest);
    code
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && name != "tests" {
            collect(&path, files);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            files.push(path);
        }
    }
}

fn shown(module: &Module) -> String {
    module.join("::")
}

/// Returns the cycles: what is left after repeatedly removing files that import nothing or that nothing imports.
fn circles<'m>(mut imports: BTreeMap<&'m Module, BTreeSet<&'m Module>>) -> Vec<String> {
    loop {
        let count = imports.len();
        let left: BTreeSet<&Module> = imports.keys().copied().collect();
        imports.retain(|_, others| others.iter().any(|other| left.contains(*other)));
        let imported: BTreeSet<&Module> = imports.values().flatten().copied().collect();
        imports.retain(|file, _| imported.contains(*file));
        if imports.len() == count {
            break;
        }
    }
    let left: BTreeSet<&Module> = imports.keys().copied().collect();
    let arrow = |(from, to): (&&Module, &BTreeSet<&Module>)| {
        let to = to.iter().filter(|to| left.contains(*to));
        let to: Vec<String> = to.map(|to| shown(to)).collect();
        format!("{} -> {}", shown(from), to.join(", "))
    };
    imports.iter().map(arrow).collect()
}

/// Removes imports between a file and those in its own folder, which may know each other: they are one module in
/// several files.
fn without_kin<'m>(
    imports: BTreeMap<&'m Module, BTreeSet<&'m Module>>,
) -> BTreeMap<&'m Module, BTreeSet<&'m Module>> {
    let is_kin = |one: &Module, other: &Module| one.starts_with(other) || other.starts_with(one);
    imports
        .into_iter()
        .map(|(file, others)| {
            let others = others.into_iter().filter(|other| !is_kin(file, other));
            (file, others.collect())
        })
        .collect()
}

#[test]
fn no_file_imports_one_that_imports_it() {
    for name in CRATES {
        let sources = Crate::read(name);
        let imports = without_kin(sources.imports());
        let count: usize = imports.values().map(BTreeSet::len).sum();
        assert!(count > 3, "{name}: {count} imports were found");
        let left = circles(imports);
        assert!(
            left.is_empty(),
            "{name} has circles among:\n{}",
            left.join("\n")
        );
    }
}

fn edge_floor(module: &Module) -> Option<(usize, usize)> {
    let room = module.first()?.as_str();
    let floor = EDGE_FLOORS.iter().position(|rooms| rooms.contains(&room))?;
    let within = EDGE_TOP.iter().position(|top| *top == room);
    Some((floor, within.unwrap_or(0)))
}

#[test]
fn no_file_of_edge_imports_a_higher_one() {
    let edge = Crate::read("edge");
    let rooms: BTreeSet<&String> = edge
        .files
        .keys()
        .filter_map(|module| module.first())
        .collect();
    let known: BTreeSet<&str> = EDGE_FLOORS.iter().copied().flatten().copied().collect();
    for room in &rooms {
        assert!(known.contains(room.as_str()), "give {room} a floor");
    }
    for room in &known {
        let is_there = rooms.iter().any(|there| there == room);
        assert!(is_there, "{room} has a floor and is not there");
    }
    for (file, others) in edge.imports() {
        for other in others {
            let (Some(floor), Some(beneath)) = (edge_floor(file), edge_floor(other)) else {
                continue;
            };
            let is_own = file.first() == other.first();
            assert!(
                is_own || beneath < floor,
                "{} imports {}, which stands no lower",
                shown(file),
                shown(other)
            );
        }
    }
}

#[test]
fn no_room_of_distribution_imports_a_higher_one() {
    let distribution = Crate::read("distribution");
    let floor = |module: &Module| {
        let room = module.first()?;
        DISTRIBUTION_ROOMS.iter().position(|known| known == room)
    };
    for room in DISTRIBUTION_ROOMS {
        let files = distribution.files.keys();
        let count = files.filter(|file| file.first().is_some_and(|first| first == room));
        assert!(count.count() > 1, "{room} has a floor and is not there");
    }
    for (file, others) in distribution.imports() {
        for other in others {
            assert!(
                floor(other) <= floor(file),
                "{} imports {}, which stands higher",
                shown(file),
                shown(other)
            );
        }
    }
}

/// Checks that the tests above see every form of import.
#[test]
fn imports_are_read_as_a_compiler_reads_them() {
    let text = "use crate::a::{self, B, c::{D, E as F}};\nuse super::g;\npub(crate) use h::I;\nfn f() { crate::j::k(); }";
    let mut paths = imported_paths(text);
    paths.sort();
    paths.dedup();
    assert_eq!(
        paths,
        [
            "crate::a",
            "crate::a::B",
            "crate::a::c::D",
            "crate::a::c::E",
            "crate::a::self",
            "crate::j::k",
            "super::g"
        ]
    );
    let a = vec!["a".to_owned()];
    let b = vec!["b".to_owned()];
    let c = vec!["c".to_owned()];
    let arrows = |of_c: &'static [&'static str]| {
        let to = |names: &[&str]| {
            let all = [&a, &b, &c];
            let named = all
                .into_iter()
                .filter(|module| names.contains(&module[0].as_str()));
            named.collect::<BTreeSet<&Module>>()
        };
        circles(BTreeMap::from([
            (&a, to(&["b"])),
            (&b, to(&["c"])),
            (&c, to(of_c)),
        ]))
    };
    assert_eq!(arrows(&[]), Vec::<String>::new());
    assert_eq!(arrows(&["a"]).len(), 3);
    assert_eq!(code("use a; // use b;\n#[cfg(test)]\nuse c;"), "use a; ");
    let in_between = "use a;\n#[cfg(test)]\nmod b;\nuse c;\n#[cfg(test)]\nmod d {\n    use e;\n}";
    assert_eq!(code(in_between), "use a;\nuse c;");
}
