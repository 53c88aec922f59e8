//! Reads certificates: those of distributions, and those with an id.

use super::schema::TableSchema;
use super::table::{Reader, Table, value};
use super::tree::Value;
use crate::config::document::{
    CertificateDocument, CertificateFiles, CertificateSource, NamedCertificateDocument, Secret,
};

/// Reads `certificate = "ID"`, or a table with the files.
pub(super) fn read_certificate<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
    schema: &TableSchema,
) -> Option<CertificateDocument> {
    match value(table, "certificate")? {
        Value::String(_) => Some(CertificateDocument::Named(
            reader.required_string(table, "certificate"),
        )),
        Value::Table(_) => {
            let files = reader.table(table, "certificate", schema)?;
            Some(CertificateDocument::Files(read_certificate_files(
                reader, &files,
            )))
        }
        other @ (Value::Null
        | Value::Integer { .. }
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime
        | Value::Array(_)) => {
            let advice = "write { chain = \"…\", key = \"…\" }, or the id of a certificate";
            reader.wrong_type(&table.path("certificate"), other, advice);
            None
        }
    }
}

pub(super) fn read_certificate_files<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
) -> CertificateFiles {
    CertificateFiles {
        chain: reader.required_path(table, "chain"),
        key: reader.required_path(table, "key"),
    }
}

/// Reads a certificate with an id: two files, or the text of both.
pub(super) fn read_named_certificate<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
) -> NamedCertificateDocument {
    let id = reader.required_string(table, "id");
    let has_text = ["chain_pem", "key_pem"]
        .iter()
        .any(|key| value(table, key).is_some());
    let source = if has_text {
        for key in ["chain", "key"] {
            if value(table, key).is_some() {
                let message = "cannot be combined with chain_pem and key_pem; remove one pair";
                reader.fault(&table.path(key), message);
            }
        }
        CertificateSource::Pem {
            chain: reader.required_string(table, "chain_pem"),
            key: Secret::new(reader.required_string(table, "key_pem")),
        }
    } else {
        CertificateSource::Files(read_certificate_files(reader, table))
    };
    NamedCertificateDocument { id, source }
}
