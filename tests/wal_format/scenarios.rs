//! The list of scenarios names tests that exist, and leaves none out.

use std::path::Path;

use crate::document;

fn list() -> String {
    let path = "docs/decisions/0003-scenarios-of-later-layers.md";
    std::fs::read_to_string(document::root().join(path)).unwrap()
}

/// All source text below a directory.
fn sources(dir: &Path, text: &mut String) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension() == Some("rs".as_ref()) {
            text.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn tests_named_for_scenarios_exist_and_every_scenario_has_a_row() {
    let mut source = String::new();
    sources(&document::root().join("tests"), &mut source);
    sources(&document::root().join("src"), &mut source);
    let list = list();
    let rows: Vec<&str> = list
        .lines()
        .filter_map(|line| line.strip_prefix("| "))
        .collect();
    let is_test = |word: &&str| word.len() > 20 && !word.contains([' ', ':', '/', '-', '.']);
    let unknown: Vec<&str> = rows
        .iter()
        .flat_map(|row| row.split('`').skip(1).step_by(2))
        .filter(is_test)
        .filter(|name| !source.contains(&format!("#[test]\nfn {name}()")))
        .filter(|name| !source.contains(&format!("#[test]\n    fn {name}()")))
        .collect();
    let ids: Vec<&str> = rows
        .iter()
        .map(|row| row.split(' ').next().unwrap())
        .collect();
    let wanted = (1..=36)
        .map(|at| format!("W{at:02}"))
        .chain((1..=11).map(|at| format!("C{at:02}")))
        .chain(["U01", "U04", "U05", "U06"].map(str::to_owned));
    let missing: Vec<String> = wanted.filter(|id| !ids.contains(&id.as_str())).collect();
    assert_eq!((unknown, missing), (Vec::<&str>::new(), Vec::new()));
}
