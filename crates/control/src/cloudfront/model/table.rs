//! Reads the table.

use super::{Element, Form, Member, Model, Need, Operation, Shape, Version};

/// The thing that indented lines belong to.
enum Open {
    Nothing,
    Operation,
    Structure(&'static str),
}

/// Reads the whole table.
///
/// # Errors
/// Returns the first line that is not in its form.
pub(super) fn parse(text: &'static str) -> Result<Model, String> {
    let mut model = Model::default();
    for (name, shape) in [
        ("string", Shape::Text),
        ("boolean", Shape::Flag),
        ("integer", Shape::Whole),
        ("long", Shape::Whole),
        ("float", Shape::Fraction),
        ("double", Shape::Fraction),
        ("timestamp", Shape::Time),
        ("blob", Shape::Bytes),
    ] {
        model.shapes.insert(name, shape);
    }
    let mut open = Open::Nothing;
    for line in text.lines() {
        let fault = || format!("this is no line of the table: {line}");
        match (line.strip_prefix(' '), &open) {
            (Some(inner), Open::Operation) => {
                let form = model
                    .operations
                    .last_mut()
                    .and_then(|last| last.form.as_mut());
                detail(form.ok_or_else(fault)?, inner).ok_or_else(fault)?;
            }
            (Some(inner), Open::Structure(name)) => {
                let member = member(inner).ok_or_else(fault)?;
                match model.shapes.get_mut(name) {
                    Some(Shape::Structure(members)) => members.push(member),
                    Some(_) | None => return Err(fault()),
                }
            }
            (Some(_), Open::Nothing) => return Err(fault()),
            (None, _) => open = begin(&mut model, line).ok_or_else(fault)?,
        }
    }
    Ok(model)
}

/// Reads a line that is not indented.
fn begin(model: &mut Model, line: &'static str) -> Option<Open> {
    let words: Vec<&'static str> = line.split(' ').collect();
    match words.as_slice() {
        ["botocore", _] => {}
        ["versions", versions @ ..] => model.versions = versions.to_vec(),
        ["error", code, status] => {
            model.errors.insert(code, status.parse().ok()?);
        }
        ["operation", name, since, method, status, path] => {
            let form = Form {
                status: status.parse().ok()?,
                ..Form::default()
            };
            let operation = operation([name, since, method, path], Some(form))?;
            model.operations.push(operation);
            return Some(Open::Operation);
        }
        ["later", name, since, method, path] => {
            let operation = operation([name, since, method, path], None)?;
            model.operations.push(operation);
        }
        ["structure", name] => {
            model.shapes.insert(name, Shape::Structure(Vec::new()));
            return Some(Open::Structure(name));
        }
        ["list", name, element, shape] => {
            model.shapes.insert(name, Shape::List { element, shape });
        }
        ["words", name, words @ ..] => {
            model.shapes.insert(name, Shape::Words(words.to_vec()));
        }
        _ => return None,
    }
    Some(Open::Nothing)
}

fn operation(words: [&'static str; 4], form: Option<Form>) -> Option<Operation> {
    let [name, since, method, path] = words;
    let (path, query) = path
        .split_once('?')
        .map_or((path, None), |(path, query)| (path, Some(query)));
    let told_by = query.map(|query| query.split_once('=').unwrap_or((query, "")));
    Some(Operation {
        name,
        since: version(since)?,
        method,
        path,
        told_by,
        form,
    })
}

/// Reads a line of an operation.
fn detail(form: &mut Form, line: &'static str) -> Option<()> {
    let words: Vec<&'static str> = line.split(' ').collect();
    match words.as_slice() {
        ["query", names @ ..] => form.query = names.to_vec(),
        ["headers", names @ ..] => form.headers = names.to_vec(),
        ["errors", codes @ ..] => form.errors = codes.to_vec(),
        ["body", root, shape, need] => {
            let need = self::need(need)?;
            form.body = Some(Element { root, shape, need });
        }
        ["answer", root, shape] => {
            let need = Need::Required;
            form.answer = Some(Element { root, shape, need });
        }
        _ => return None,
    }
    Some(())
}

fn member(line: &'static str) -> Option<Member> {
    let words: Vec<&'static str> = line.split(' ').collect();
    let [name, since, shape, need] = words.as_slice() else {
        return None;
    };
    Some(Member {
        name,
        since: version(since)?,
        shape,
        need: self::need(need)?,
    })
}

fn version(word: &str) -> Option<Version> {
    word.parse().ok().map(Version)
}

fn need(word: &str) -> Option<Need> {
    match word {
        "required" => Some(Need::Required),
        "optional" => Some(Need::Optional),
        _ => None,
    }
}
