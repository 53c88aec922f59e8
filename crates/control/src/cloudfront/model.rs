//! CloudFront's API as a table: versions, operations, shapes and errors.
//!
//! `tests-peers/cloudfront_model.py` writes the table out of botocore's service models, and says what its lines mean.

mod table;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::LazyLock;

const TABLE: &str = include_str!("model/table.txt");
static MODEL: LazyLock<Model> = LazyLock::new(|| table::parse(TABLE).unwrap_or_default());

/// Everything that the table has.
#[derive(Clone, Debug, Default)]
pub struct Model {
    versions: Vec<&'static str>,
    operations: Vec<Operation>,
    shapes: HashMap<&'static str, Shape>,
    /// HTTP status by error code.
    errors: BTreeMap<&'static str, u16>,
}

/// A dated version of the API; a later one is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(usize);

/// An operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Name, such as `CreatePublicKey`.
    pub name: &'static str,
    /// First version that has it.
    pub since: Version,
    /// Method of the request.
    pub method: &'static str,
    /// Path behind the date, such as `/public-key/{Id}`.
    pub path: &'static str,
    /// Parameter of the query that tells it from another operation of the same path, and its value.
    pub told_by: Option<(&'static str, &'static str)>,
    /// Details; `None` for an operation that is refused by its name.
    pub form: Option<Form>,
}

/// The form of requests and answers of an operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// Status of a success.
    pub status: u16,
    /// Parameters of the query besides [`Operation::told_by`].
    pub query: Vec<&'static str>,
    /// Body of the request.
    pub body: Option<Element>,
    /// Body of the answer.
    pub answer: Option<Element>,
    /// Headers of the answer.
    pub headers: Vec<&'static str>,
    /// Codes of its errors.
    pub errors: Vec<&'static str>,
}

/// The element of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    /// Name of the element.
    pub root: &'static str,
    /// Name of its shape.
    pub shape: &'static str,
    /// Whether it may be absent.
    pub need: Need,
}

/// Whether something may be absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It may not.
    Required,
    /// It may.
    Optional,
}

/// The form of an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A text.
    Text,
    /// `true` or `false`.
    Flag,
    /// An integer.
    Whole,
    /// A number with a fraction.
    Fraction,
    /// A time, in ISO 8601.
    Time,
    /// Bytes in base64.
    Bytes,
    /// One of a few texts.
    Words(Vec<&'static str>),
    /// Elements of different names, in any order.
    Structure(Vec<Member>),
    /// Elements of one name.
    List {
        /// Name of the elements.
        element: &'static str,
        /// Name of their shape.
        shape: &'static str,
    },
}

/// A member of a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Name of its element.
    pub name: &'static str,
    /// First version that has it.
    pub since: Version,
    /// Name of its shape.
    pub shape: &'static str,
    /// Whether every version that has it demands it.
    pub need: Need,
}

impl Model {
    /// Returns the table.
    pub fn get() -> &'static Self {
        &MODEL
    }

    /// Returns all operations.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Returns an operation by its name.
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        let mut operations = self.operations.iter();
        operations.find(|operation| operation.name == name)
    }

    /// Returns a shape by its name; a name that is not in the table is that of a text.
    pub fn shape(&self, name: &str) -> &Shape {
        self.shapes.get(name).unwrap_or(&Shape::Text)
    }

    /// Returns the HTTP status of an error code, if the table has the code.
    pub fn status(&self, code: &str) -> Option<u16> {
        self.errors.get(code).copied()
    }
}

impl Version {
    /// Returns the newest version.
    pub fn newest() -> Self {
        Version(Model::get().versions.len().saturating_sub(1))
    }

    /// Finds a version by its date.
    pub fn find(date: &str) -> Option<Self> {
        let mut versions = Model::get().versions.iter();
        versions.position(|version| *version == date).map(Version)
    }

    /// Returns the date, such as `2020-05-31`.
    pub fn date(self) -> &'static str {
        Model::get()
            .versions
            .get(self.0)
            .copied()
            .unwrap_or_default()
    }

    /// Returns the namespace of bodies.
    pub fn namespace(self) -> String {
        format!("http://cloudfront.amazonaws.com/doc/{}/", self.date())
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.date())
    }
}

impl Shape {
    /// Returns the members of a structure; other shapes have none.
    pub fn members(&self) -> &[Member] {
        match self {
            Shape::Structure(members) => members,
            Shape::Text
            | Shape::Flag
            | Shape::Whole
            | Shape::Fraction
            | Shape::Time
            | Shape::Bytes
            | Shape::Words(_)
            | Shape::List { .. } => &[],
        }
    }

    /// Returns true for a structure that says how many items it has.
    pub(crate) fn is_counted(&self) -> bool {
        let has = |name| self.members().iter().any(|member| member.name == name);
        has("Quantity") && has("Items")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_whole() {
        let model = table::parse(TABLE).unwrap();
        assert_eq!(model.versions.len(), 19);
        assert_eq!(model.operations.len(), 167);
        let served = model.operations.iter();
        assert_eq!(served.filter(|one| one.form.is_some()).count(), 86);
        for operation in &model.operations {
            for element in operation
                .form
                .iter()
                .flat_map(|form| [form.body, form.answer])
            {
                check_shape(&model, element.map_or("string", |element| element.shape), 0);
            }
            let errors = operation.form.iter().flat_map(|form| &form.errors);
            for error in errors {
                assert!(model.status(error).is_some(), "{error}");
            }
        }
    }

    /// Checks that a shape and all within it are in the table, and that it does not lead back to itself.
    fn check_shape(model: &Model, name: &str, depth: usize) {
        assert!(depth < 20, "{name}");
        match model.shapes.get(name).unwrap_or_else(|| panic!("{name}")) {
            Shape::Structure(members) => {
                for member in members {
                    check_shape(model, member.shape, depth + 1);
                }
            }
            Shape::List { shape, .. } => check_shape(model, shape, depth + 1),
            Shape::Text
            | Shape::Flag
            | Shape::Whole
            | Shape::Fraction
            | Shape::Time
            | Shape::Bytes
            | Shape::Words(_) => {}
        }
    }

    #[test]
    fn operations_exist_since_their_version() {
        let since = |name| Model::get().operation(name).unwrap().since.date();
        assert_eq!(since("CreateDistribution"), "2014-05-31");
        assert_eq!(since("TagResource"), "2016-08-01");
        assert_eq!(since("CreatePublicKey"), "2017-10-30");
        assert_eq!(since("CreateKeyGroup"), "2020-05-31");
        assert_eq!(Version::find("2013-01-01"), None);
    }
}
