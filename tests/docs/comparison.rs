//! docs/comparison.md: whoever is compared is in every table, and every cell says where it was read.

use std::collections::BTreeSet;

/// The product that the other pages of the documents are the source of.
const OWN: &str = "Bargate";
/// What a cell says that has no source: nothing was found, or it is not the task of that software.
const UNSOURCED: [&str; 2] = ["not found", "–"];
/// Addresses whose content changes.
const MOVING: [&str; 3] = ["/blob/main/", "/blob/master/", "/blob/HEAD/"];

/// A row of a table: what is compared, and its cells.
type Row<'page> = (&'page str, Vec<&'page str>);

/// Returns what is wrong with the page.
pub fn faults(page: &str) -> Vec<String> {
    let tables = tables(page);
    let addresses: Vec<(&str, &str)> =
        page.lines().filter_map(|line| line.strip_prefix('[')?.split_once("]: ")).collect();
    let compared: Vec<&str> = tables.first().into_iter().flatten().map(|(name, _)| *name).collect();
    let mut faults = Vec::new();
    for table in &tables {
        let names: Vec<&str> = table.iter().map(|(name, _)| *name).collect();
        if names != compared {
            faults.push(format!("a table has the rows {names:?}"));
        }
        let cells = table.iter().flat_map(|(name, cells)| cells.iter().map(move |cell| (*name, *cell)));
        faults
            .extend(cells.filter(|cell| !has_source(*cell)).map(|(name, cell)| format!("{name}: no source of {cell}")));
    }
    let versions = tables.first().into_iter().flatten().filter_map(|(name, cells)| Some((name, cells.first()?)));
    let unversioned = versions.filter(|(_, cell)| !cell.contains(|character: char| character.is_ascii_digit()));
    faults.extend(unversioned.map(|(name, _)| format!("{name} has no version")));
    for (name, address) in &addresses {
        if !address.starts_with("https://") || MOVING.iter().any(|moving| address.contains(moving)) {
            faults.push(format!("{name}: {address} is not https, or of no version"));
        }
    }
    let defined: BTreeSet<&str> = addresses.iter().map(|(name, _)| *name).collect();
    let used: BTreeSet<&str> = page.split("][").skip(1).filter_map(|rest| rest.split(']').next()).collect();
    faults.extend(defined.symmetric_difference(&used).map(|name| format!("{name} is not both defined and used")));
    faults
}

/// Returns the tables that compare: those whose first column has no heading.
fn tables(page: &str) -> Vec<Vec<Row<'_>>> {
    let sections = page.split("\n\n").filter(|section| section.starts_with("| | "));
    sections.map(|section| section.lines().skip(2).filter_map(row).collect()).collect()
}

fn row(line: &str) -> Option<Row<'_>> {
    let mut cells = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ");
    Some((cells.next()?, cells.collect()))
}

fn has_source((name, cell): (&str, &str)) -> bool {
    name == OWN || UNSOURCED.contains(&cell) || cell.contains("][")
}
