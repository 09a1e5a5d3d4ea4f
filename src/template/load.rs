//! Loading the template files that a configuration names.
//!
//! Alertmanager 0.34: the default templates come first, then each entry of `templates:` in its
//! order. An entry is a pattern; it may match nothing, for files may come later, but it must be a
//! pattern, and what it matches must be readable files that parse. Matches are taken in the order of
//! their bytes, directory by directory. A file is parsed under its base name; of two definitions of
//! a name the later counts, unless it is blank.

use std::fmt;
use std::io;
use std::path::Path;

use gotemplate::ParseError;

use super::glob::{self, BadPattern};
use super::{Options, Templates};
use crate::sys::Files;

/// The longest template file. Those of users hold some kilobytes; the default mail has 13.
pub const MAX_FILE_BYTES: u64 = 8 << 20;

/// How many files the entries of a configuration may match together. A pattern that matches more
/// was not meant.
pub const MAX_FILES: usize = 10_000;

/// Template files that cannot be loaded. Shown, it is Alertmanager's text.
#[derive(Debug)]
pub struct LoadError {
    /// The entry of the configuration, or the flag.
    pub entry: String,
    /// What is wrong.
    pub problem: LoadProblem,
}

/// Why template files cannot be loaded.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadProblem {
    /// The entry is no pattern.
    Pattern(BadPattern),
    /// A file cannot be read.
    Read {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A file is no template.
    Parse(ParseError),
    /// There are more files than [`MAX_FILES`].
    TooMany,
}

impl fmt::Display for LoadError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            LoadProblem::Pattern(error) => error.fmt(out),
            LoadProblem::Parse(error) => error.fmt(out),
            LoadProblem::TooMany => write!(
                out,
                "more than {MAX_FILES} template files, counted up to the entry {:?}",
                self.entry
            ),
            LoadProblem::Read { path, source } => match source.kind() {
                io::ErrorKind::IsADirectory => write!(out, "read {path}: is a directory"),
                io::ErrorKind::PermissionDenied => write!(out, "open {path}: permission denied"),
                io::ErrorKind::FileTooLarge => {
                    write!(out, "read {path}: longer than {MAX_FILE_BYTES} bytes")
                }
                _ => write!(out, "open {path}: {source}"),
            },
        }
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.problem {
            LoadProblem::Pattern(error) => Some(error),
            LoadProblem::Parse(error) => Some(error),
            LoadProblem::Read { source, .. } => Some(source),
            LoadProblem::TooMany => None,
        }
    }
}

/// A template file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where it is.
    pub path: String,
    /// What is in it.
    pub text: Vec<u8>,
}

impl File {
    /// The name its text is parsed under.
    #[must_use]
    pub fn base_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// Reads the files that these entries mean, in the order in which they are to be loaded.
/// `dir` is where relative entries begin: the directory of the configuration file, or nothing for
/// the working directory.
///
/// # Errors
/// If an entry is no pattern or a file cannot be read.
pub fn read(files: &dyn Files, dir: &str, entries: &[String]) -> Result<Vec<File>, LoadError> {
    let mut found: Vec<File> = Vec::new();
    for entry in entries {
        let failed = |problem| LoadError {
            entry: entry.clone(),
            problem,
        };
        let pattern = if dir.is_empty() || entry.starts_with('/') {
            entry.clone()
        } else {
            glob::join(dir, entry)
        };
        let paths =
            glob::expand(files, &pattern).map_err(|error| failed(LoadProblem::Pattern(error)))?;
        if found.len() + paths.len() > MAX_FILES {
            return Err(failed(LoadProblem::TooMany));
        }
        for path in paths {
            match files.read(Path::new(&path), MAX_FILE_BYTES) {
                Ok(text) => found.push(File { path, text }),
                Err(source) => return Err(failed(LoadProblem::Read { path, source })),
            }
        }
    }
    Ok(found)
}

impl Templates {
    /// The default templates and the files of these entries on top, as [`read`] finds them.
    ///
    /// ```
    /// use tocsin::sys::MemoryFiles;
    /// use tocsin::template::{Data, Options, Templates};
    /// let files = MemoryFiles::new([("/etc/own.tmpl", r#"{{ define "own" }}{{ .Status }}!{{ end }}"#)]);
    /// let entries = ["*.tmpl".to_owned()];
    /// let templates = Templates::load(&Options::default(), &files, "/etc", &entries)?;
    /// let data = Data { status: "firing".to_owned(), ..Data::default() };
    /// assert_eq!(templates.render_text(r#"{{ template "own" . }}"#, &data)?, b"firing!");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If an entry is no pattern, or a file cannot be read or is no template.
    pub fn load(
        options: &Options,
        files: &dyn Files,
        dir: &str,
        entries: &[String],
    ) -> Result<Self, LoadError> {
        let mut templates = Self::new(options).map_err(|error| LoadError {
            entry: String::new(),
            problem: LoadProblem::Parse(error),
        })?;
        for file in read(files, dir, entries)? {
            templates
                .add(file.base_name(), &file.text)
                .map_err(|error| LoadError {
                    entry: file.path.clone(),
                    problem: LoadProblem::Parse(error),
                })?;
        }
        Ok(templates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::MemoryFiles;
    use crate::template::Data;

    fn rendered(files: &[(&str, &str)], entries: &[&str], template: &str) -> String {
        let files = MemoryFiles::new(files.iter().map(|&(path, text)| (path, text)));
        let entries: Vec<String> = entries.iter().map(|&entry| entry.to_owned()).collect();
        let data = Data::default();
        Templates::load(&Options::default(), &files, "/etc/am", &entries)
            .map_err(|error| error.to_string())
            .and_then(|templates| {
                let out = templates.render_text(template, &data);
                out.map_err(|error| error.to_string())
            })
            .map_or_else(
                |error| error,
                |out| String::from_utf8_lossy(&out).into_owned(),
            )
    }

    #[test]
    fn of_two_definitions_the_later_counts_unless_it_is_blank() {
        let files = [
            (
                "/etc/am/t/a.tmpl",
                r#"{{ define "x" }}a{{ end }}{{ define "__subject" }}own{{ end }}"#,
            ),
            ("/etc/am/t/b.tmpl", r#"{{ define "x" }}b{{ end }}"#),
            (
                "/etc/am/u/z.tmpl",
                r#"{{ define "x" }} {{/* blank */}} {{ end }}{{ define "slack.default.title" }}{{ end }}"#,
            ),
            ("/etc/am/u/b.tmpl", "outer of u"),
            ("/etc/am/t/c.txt", "{{ broken"),
        ];
        let template =
            r#"{{ template "x" }} {{ template "slack.default.title" . }} {{ template "b.tmpl" }}"#;
        let seen = [
            rendered(&files, &["t/*.tmpl", "u/*.tmpl"], template),
            rendered(&files, &["u/*.tmpl", "/etc/am/t/[^b].tmpl"], template),
            rendered(
                &files,
                &["?/b.tmpl", "none/*.tmpl", "none.tmpl"],
                r#"{{ template "x" }}{{ template "b.tmpl" }}"#,
            ),
        ];
        assert_eq!(
            seen,
            ["b own outer of u", "a own outer of u", "bouter of u"]
        );
    }

    #[test]
    fn what_cannot_be_loaded_is_said_in_the_words_of_alertmanager() {
        let files = [
            ("/etc/am/t/a.tmpl", "\n{{ nope }}"),
            ("/etc/am/t/d.tmpl/x", ""),
        ];
        let seen = [
            rendered(&files, &["t/a*"], ""),
            rendered(&files, &["t/[a"], ""),
            rendered(
                &files,
                &["t/d.tmpl"],
                "nothing is where only a directory is implied",
            ),
        ];
        assert_eq!(
            seen,
            [
                r#"template: a.tmpl:2: function "nope" not defined"#,
                "syntax error in pattern",
                "nothing is where only a directory is implied",
            ]
        );
    }
}
