//! Reading `wal-format.md`: its tables, layouts and dumps, each found by a comment before it.

use std::path::{Path, PathBuf};

/// A row of a table of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) offset: usize,
    pub(crate) size: usize,
    pub(crate) kind: String,
    pub(crate) name: String,
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn path() -> PathBuf {
    root().join("wal-format.md")
}

pub(crate) fn text() -> String {
    std::fs::read_to_string(path()).unwrap()
}

/// What follows a comment.
fn after<'a>(text: &'a str, comment: &str) -> &'a str {
    let mark = format!("<!-- {comment} -->\n");
    let at = text
        .find(&mark)
        .unwrap_or_else(|| panic!("the document has no {mark}"));
    &text[at + mark.len()..]
}

/// The cells of the table behind a comment, without its head.
pub(crate) fn table(name: &str) -> Vec<Vec<String>> {
    let text = text();
    let lines = after(&text, &format!("table: {name}")).lines();
    let rows = lines
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .skip(2);
    rows.map(|row| {
        let cells = row.trim_matches('|').split('|');
        cells
            .map(|cell| cell.trim().replace('`', ""))
            .collect::<Vec<_>>()
    })
    .collect()
}

/// A table of bytes: offset, size, type, field, meaning.
pub(crate) fn fields(name: &str) -> Vec<Field> {
    let field = |row: Vec<String>| Field {
        offset: row[0].parse().unwrap(),
        size: row[1].parse().unwrap_or(0),
        kind: row[2].clone(),
        name: row[3].clone(),
    };
    table(name).into_iter().map(field).collect()
}

/// The layouts of the caller's records: name, and name and type of each field.
pub(crate) fn layouts() -> Vec<(String, Vec<(String, String)>)> {
    let mut layouts: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for line in fence(after(&text(), "layouts")).lines() {
        match line.strip_prefix("  ") {
            None if line.is_empty() => {}
            None => layouts.push((line.to_owned(), Vec::new())),
            Some(field) => {
                let (name, kind) = field.split_once(' ').unwrap();
                let field = (name.to_owned(), kind.trim().to_owned());
                layouts.last_mut().unwrap().1.push(field);
            }
        }
    }
    layouts
}

/// The contents of the first fenced block.
fn fence(text: &str) -> &str {
    let start = text.find("```").unwrap();
    let start = start + text[start..].find('\n').unwrap() + 1;
    let end = start + text[start..].find("\n```").unwrap() + 1;
    &text[start..end]
}

/// A block of JSON.
pub(crate) fn json(name: &str) -> serde_json::Value {
    serde_json::from_str(fence(after(&text(), &format!("json: {name}")))).unwrap()
}

/// The names of the dumped files, and each one's block up to its end mark.
pub(crate) fn dumps(text: &str) -> Vec<(PathBuf, String)> {
    let mut dumps = Vec::new();
    for part in text.split("<!-- dump: ").skip(1) {
        let (name, rest) = part.split_once(" -->\n").unwrap();
        let (block, _) = rest.split_once("<!-- end -->").unwrap();
        dumps.push((PathBuf::from(name), block.to_owned()));
    }
    dumps
}

/// The bytes of a dumped file: those of the rows that begin with an offset, zeros between them, up
/// to the offset that stands alone. A block without such rows is the file's text.
pub(crate) fn undump(block: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in block.lines() {
        let Some((offset, row)) = offset_of(line) else {
            continue;
        };
        assert!(offset >= bytes.len(), "rows out of order: {line}");
        bytes.resize(offset, 0);
        let byte = |digits| u8::from_str_radix(digits, 16).unwrap();
        bytes.extend(row.split_whitespace().map(byte));
    }
    if bytes.is_empty() {
        return fence(block).as_bytes().to_vec();
    }
    bytes
}

fn offset_of(line: &str) -> Option<(usize, &str)> {
    let digits = line.get(..8)?;
    let offset = usize::from_str_radix(digits, 16).ok()?;
    Some((offset, &line[8..]))
}
