//! The table of what is stored says of each form where its version is told, and the code tells it there.

use std::path::Path;

/// Returns what is wrong with the table: what a row names and its file does not have, and what the code seals or stores without a row.
pub fn faults(root: &Path, page: &str) -> Vec<String> {
    let section = page.split("\n## ").find_map(|part| part.strip_prefix("What is stored\n")).unwrap_or_default();
    let rows: Vec<Vec<&str>> = section
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| --- ") && !line.starts_with("| what | "))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let mut faults = Vec::new();
    let mut told = String::from("version");
    for row in &rows {
        let &[what, place, version, file, later] = row.as_slice() else {
            faults.push(format!("a row has other columns: {row:?}"));
            continue;
        };
        let own = version.split('`').nth(1);
        if let Some(own) = own {
            own.clone_into(&mut told);
        } else if !matches!(version, "the same" | "its keys") {
            faults.push(format!("{what}: nothing says its version"));
        }
        let path = file.trim_matches('`');
        let source = std::fs::read_to_string(root.join(path)).unwrap_or_default();
        if own.is_some() && !source.contains(&told) {
            faults.push(format!("{what}: {path} has no {told}"));
        }
        if place.is_empty() || later.is_empty() {
            faults.push(format!("{what}: a column is empty"));
        }
    }
    let text = |row: &Vec<&str>| row.join(" ");
    for named in stored_by(root) {
        if !rows.iter().any(|row| text(row).contains(&named)) {
            faults.push(format!("no row has {named}"));
        }
    }
    faults
}

/// Returns what the code says of what it stores: the purposes of its keys, the classes of its objects, the namespaces of KV.
fn stored_by(root: &Path) -> Vec<String> {
    let mut named = Vec::new();
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the folder can be read") {
            let path = entry.expect("its entry can be read").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap_or_default();
            for line in source.lines().filter(|line| line.contains("const ")) {
                let is_of_storage = ["PURPOSE: &str =", "PURPOSE =", "KV_BINDING: &str ="];
                if is_of_storage.iter().any(|name| line.contains(name)) {
                    named.extend(line.split(['"', '\'']).nth(1).map(str::to_owned));
                }
            }
            if path.ends_with("src/edge/library.mjs") {
                let classes = source.lines().filter_map(|line| line.strip_prefix("export class "));
                named.extend(classes.filter_map(|line| line.split(' ').next()).map(str::to_owned));
            }
        }
    }
    named
}
