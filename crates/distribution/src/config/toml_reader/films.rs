//! Reads what is made of films, and streaming distributions.

use super::origins::read_origin;
use super::table::{Reader, Table, value};
use super::{MIB, SECOND, read_certificate, schema};
use crate::config::document::{
    FilmsDocument, StreamingDistributionDocument, StreamingSourceDocument,
};
use crate::config::film_settings::FilmSettings;
use toml::de::DeValue;

const PIB: u64 = 1 << 50;

pub(super) fn read_films<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> FilmsDocument {
    let mut films = FilmsDocument::default();
    let range = 16 * MIB..=PIB;
    reader.set_size(
        table,
        "index_memory",
        range.clone(),
        &mut films.index_memory_size_bytes_max,
    );
    reader.set_size(
        table,
        "block_memory",
        range,
        &mut films.block_memory_size_bytes_max,
    );
    films.session_secret_file = reader.path(table, "session_secret_file");
    films
}

/// `films = true`, `films = false`, or a table; without any of them, films with the defaults.
pub(super) fn read_behavior_films<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
) -> Option<FilmSettings> {
    match value(table, "films") {
        None | Some(DeValue::Boolean(true)) => Some(FilmSettings::default()),
        Some(DeValue::Boolean(false)) => None,
        Some(DeValue::Table(_)) => {
            let films = reader.table(table, "films", &schema::BEHAVIOR_FILMS)?;
            Some(read_film_settings(reader, &films))
        }
        Some(other) => {
            reader.wrong_type(&table.path("films"), other, "write true, false or a table");
            None
        }
    }
}

fn read_film_settings<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> FilmSettings {
    let mut films = FilmSettings::default();
    let range = 2 * SECOND..=10 * SECOND;
    reader.set_duration(table, "segment_duration", range, &mut films.segment_target);
    if let Some(flag) = reader.boolean(table, "object_grant") {
        films.object_grant = flag;
    }
    films.qualities = reader.strings(table, "qualities").unwrap_or_default();
    films.subtitles = reader.strings(table, "subtitles").unwrap_or_default();
    if let Some(flag) = reader.boolean(table, "rewrite_playlists") {
        films.rewrite_playlists = flag;
    }
    films
}

pub(super) fn read_streaming_distribution<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
) -> StreamingDistributionDocument {
    let certificate = reader.table(table, "certificate", &schema::STREAMING_CERTIFICATE);
    StreamingDistributionDocument {
        id: reader.required_string(table, "id"),
        domain_name: reader.required_string(table, "domain_name"),
        aliases: reader.strings(table, "aliases").unwrap_or_default(),
        enabled: reader.boolean(table, "enabled").unwrap_or(true),
        certificate: certificate.map(|table| read_certificate(reader, &table)),
        source: read_streaming_source(reader, table),
        trusted_key_groups: reader.strings(table, "trusted_key_groups"),
        trusted_signers: reader.strings(table, "trusted_signers"),
        statement_object: reader.boolean(table, "statement_object").unwrap_or(false),
        web_resources: reader.boolean(table, "web_resources").unwrap_or(false),
    }
}

fn read_streaming_source<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
) -> StreamingSourceDocument {
    let origin = reader.table(table, "origin", &schema::STREAMING_ORIGIN);
    let origin = origin.map(|origin| Box::new(read_origin(reader, &origin)));
    let is_named = value(table, "distribution").is_some();
    match origin {
        Some(origin) => {
            if is_named {
                let message = "stands beside origin; remove one of them";
                reader.fault(&table.path("distribution"), message);
            }
            StreamingSourceDocument::Origin(origin)
        }
        None if is_named => {
            StreamingSourceDocument::Distribution(reader.required_string(table, "distribution"))
        }
        None => {
            if value(table, "origin").is_none() {
                let message = "is missing; add distribution = \"…\", or an origin table";
                reader.fault(&table.path("distribution"), message);
            }
            StreamingSourceDocument::Distribution(String::new())
        }
    }
}
