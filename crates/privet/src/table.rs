//! Rows as aligned columns.

/// Returns the rows with each column as wide as its longest cell, under a header.
pub(crate) fn table<const COLUMNS: usize>(
    header: [&str; COLUMNS],
    rows: &[[String; COLUMNS]],
) -> Vec<String> {
    let header = header.map(str::to_owned);
    let all: Vec<&[String; COLUMNS]> = std::iter::once(&header).chain(rows).collect();
    let widths: [usize; COLUMNS] = std::array::from_fn(|column| {
        let lengths = all.iter().map(|row| row[column].chars().count());
        lengths.max().unwrap_or_default()
    });
    let line = |row: &&[String; COLUMNS]| {
        let cells = row.iter().zip(widths);
        let cells: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    all.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_characters() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned);
        assert_eq!(table(["ID", "NAME"], &[]), ["ID  NAME"]);
        assert_eq!(
            table(["ID", "NAME"], &[row(["ä", "b"]), row(["long", ""])]),
            ["ID    NAME", "ä     b", "long"]
        );
    }
}
