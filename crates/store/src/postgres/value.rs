//! Cells and rows as PostgreSQL sends and takes them: TEXT and BIGINT.

use std::error::Error as StdError;

use bytes::BytesMut;
use tokio_postgres::Error;

use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::session::{Cell, Row};

type Failure = Box<dyn StdError + Sync + Send>;

/// Reads all columns of a row.
pub(super) fn row(row: &tokio_postgres::Row) -> Result<Row, Error> {
    let cells = (0..row.len()).map(|column| row.try_get(column));
    Ok(Row::new(cells.collect::<Result<Vec<Cell>, Error>>()?))
}

impl<'a> FromSql<'a> for Cell {
    fn from_sql(sql_type: &Type, raw: &'a [u8]) -> Result<Self, Failure> {
        match *sql_type {
            Type::INT8 => Ok(Self::Number(i64::from_sql(sql_type, raw)?)),
            Type::INT4 => Ok(Self::Number(i32::from_sql(sql_type, raw)?.into())),
            _ => Ok(Self::Text(String::from_sql(sql_type, raw)?)),
        }
    }

    fn from_sql_null(_: &Type) -> Result<Self, Failure> {
        Ok(Self::Null)
    }

    fn accepts(sql_type: &Type) -> bool {
        matches!(*sql_type, Type::INT8 | Type::INT4) || <String as FromSql>::accepts(sql_type)
    }
}

impl ToSql for Cell {
    fn to_sql(&self, sql_type: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        match (self, sql_type) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Number(number), &Type::INT8) => number.to_sql(sql_type, out),
            (Self::Text(text), _) if <String as ToSql>::accepts(sql_type) => {
                text.to_sql(sql_type, out)
            }
            (Self::Number(_) | Self::Text(_), _) => {
                Err(format!("a parameter is not {sql_type}").into())
            }
        }
    }

    fn accepts(sql_type: &Type) -> bool {
        *sql_type == Type::INT8 || <String as ToSql>::accepts(sql_type)
    }

    to_sql_checked!();
}
