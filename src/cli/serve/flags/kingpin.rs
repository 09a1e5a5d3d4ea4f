//! The grammar of kingpin 2.4, with which Alertmanager 0.34 reads its command line.
//!
//! | Word | Meaning |
//! |---|---|
//! | `--name=value`, `--name value` | a flag; a value of its own word does not begin with `-` (but `-` itself is an empty one) |
//! | `--name`, `--no-name` | a boolean, which takes no value |
//! | `-h` | help; there is no other short flag, and short ones may be joined (`-hh`) |
//! | `@file` | the lines of that file, each a word; empty ones and comments (`#…`) are left out |
//! | `--` | what follows are no flags. The server takes no arguments, so it is a mistake |
//!
//! `--version` and the longer helps take effect where they stand, whatever follows; `--help` takes
//! effect when all words are known to be flags. Only then are values looked at, from left to right.

use std::collections::{HashSet, VecDeque};
use std::ffi::OsString;
use std::path::Path;

use clap::Command;

use crate::sys::Files;

/// An `@file` with arguments is not longer than this: far more than a command line may be.
const ARGUMENT_FILE_BYTES_MAX: u64 = 1024 * 1024;
/// So many `@file`s, those within files included: a file may name itself.
const ARGUMENT_FILES_MAX: usize = 64;

/// What the words are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lexed {
    Flags(Found),
    Help,
    Version,
    Manual,
    /// The words to complete.
    Complete(Vec<String>),
    Script(Shell),
}

/// The flags in their order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Each as `--name` or `--name=value`, those before the repeated one.
    pub(super) flags: Vec<String>,
    /// The first one that may not be repeated, and was.
    pub(super) repeated: Option<String>,
}

/// A shell for which there is a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shell {
    Bash,
    Zsh,
}

/// What a flag takes.
enum Kind {
    Boolean,
    Value {
        is_repeatable: bool,
    },
    Help,
    /// Ends the reading at once.
    Now(Now),
}

enum Now {
    Version,
    Help,
    Manual,
    Complete,
    Script(Shell),
}

/// Takes the words apart.
///
/// # Errors
/// The first mistake, in kingpin's words.
pub(super) fn lex(
    command: &Command,
    words: &[OsString],
    files: &dyn Files,
) -> Result<Lexed, String> {
    let mut words = Words::new(words, files)?;
    let mut found = Found::default();
    let mut seen = HashSet::new();
    let mut wants_help = false;
    while let Some(word) = words.next()? {
        let (name, value) = match word.as_str() {
            "--" => match words.raw() {
                Some(word) => return Err(format!("unexpected {word}")),
                None => break,
            },
            word if word.starts_with("--") => {
                let word = word.get(2..).unwrap_or_default();
                match word.split_once('=') {
                    Some((name, value)) => (name, Some(value)),
                    None => (word, None),
                }
            }
            "-" => return Err("unexpected ".to_owned()),
            word if word.starts_with('-') => {
                if let Some(other) = word.chars().skip(1).find(|c| *c != 'h') {
                    return Err(format!("unknown short flag '-{other}'"));
                }
                wants_help = true;
                continue;
            }
            word => return Err(format!("unexpected {word}")),
        };
        let Some((known, kind, is_on)) = find(command, name) else {
            return Err(format!("unknown long flag '--{name}'"));
        };
        let flag = match kind {
            Kind::Now(now) => return Ok(now.lexed(words)),
            Kind::Value { is_repeatable } => {
                let value = match value {
                    Some(value) => value.to_owned(),
                    None => words.value(known)?,
                };
                (format!("--{known}={value}"), is_repeatable)
            }
            Kind::Boolean | Kind::Help => {
                if let Some(value) = value {
                    return Err(format!("unexpected {value}"));
                }
                wants_help |= matches!(kind, Kind::Help);
                (format!("--{known}"), false)
            }
        };
        let (flag, is_repeatable) = flag;
        if matches!(kind, Kind::Help) || found.repeated.is_some() {
            continue;
        }
        if !seen.insert(known.to_owned()) && !is_repeatable {
            found.repeated = Some(known.to_owned());
        } else if is_on {
            found.flags.push(flag);
        }
    }
    match wants_help {
        true => Ok(Lexed::Help),
        false => Ok(Lexed::Flags(found)),
    }
}

/// The flag of that name, its kind, and whether the name switches it on.
fn find<'a>(command: &'a Command, name: &'a str) -> Option<(&'a str, Kind, bool)> {
    if let Some(kind) = kind(command, name) {
        return Some((name, kind, true));
    }
    let negated = name.strip_prefix("no-")?;
    let kind = kind(command, negated)?;
    let is_boolean = !matches!(kind, Kind::Value { .. });
    is_boolean.then_some((negated, kind, false))
}

fn kind(command: &Command, name: &str) -> Option<Kind> {
    let now = |now| Some(Kind::Now(now));
    match name {
        "help" => return Some(Kind::Help),
        "version" => return now(Now::Version),
        "help-long" => return now(Now::Help),
        "help-man" => return now(Now::Manual),
        "completion-bash" => return now(Now::Complete),
        "completion-script-bash" => return now(Now::Script(Shell::Bash)),
        "completion-script-zsh" => return now(Now::Script(Shell::Zsh)),
        _ => {}
    }
    let mut flags = command.get_arguments();
    let flag = flags.find(|flag| flag.get_long() == Some(name))?;
    let is_repeatable = matches!(flag.get_action(), clap::ArgAction::Append);
    Some(match flag.get_action().takes_values() {
        true => Kind::Value { is_repeatable },
        false => Kind::Boolean,
    })
}

impl Now {
    fn lexed(self, words: Words<'_>) -> Lexed {
        match self {
            Self::Version => Lexed::Version,
            Self::Help => Lexed::Help,
            Self::Manual => Lexed::Manual,
            Self::Complete => Lexed::Complete(words.rest.into()),
            Self::Script(shell) => Lexed::Script(shell),
        }
    }
}

/// The words that have not been looked at, files in place of their names.
struct Words<'a> {
    rest: VecDeque<String>,
    files: &'a dyn Files,
    files_left: usize,
}

impl<'a> Words<'a> {
    fn new(words: &[OsString], files: &'a dyn Files) -> Result<Self, String> {
        let text = |word: &OsString| match word.to_str() {
            Some(text) => Ok(text.to_owned()),
            None => Err(format!("{word:?} is not UTF-8")),
        };
        Ok(Self {
            rest: words.iter().map(text).collect::<Result<_, _>>()?,
            files,
            files_left: ARGUMENT_FILES_MAX,
        })
    }

    /// The next word.
    fn next(&mut self) -> Result<Option<String>, String> {
        loop {
            let Some(word) = self.rest.pop_front() else {
                return Ok(None);
            };
            match word.strip_prefix('@') {
                Some(path) => self.open(path)?,
                None => return Ok(Some(word)),
            }
        }
    }

    /// The next word as it stands.
    fn raw(&mut self) -> Option<String> {
        self.rest.pop_front()
    }

    /// The next word as the value of a flag.
    fn value(&mut self, name: &str) -> Result<String, String> {
        let missing = || format!("expected argument for flag '--{name}'");
        // A file that cannot be read is no value; kingpin does not say more.
        match self.next().map_err(|_| missing())? {
            Some(word) if word == "-" => Ok(String::new()),
            Some(word) if !word.starts_with('-') => Ok(word),
            _ => Err(missing()),
        }
    }

    /// Puts the lines of a file in front.
    fn open(&mut self, path: &str) -> Result<(), String> {
        if path.is_empty() {
            return Err("expected @ file to expand arguments from".to_owned());
        }
        let failed = |why: String| format!("failed to open arguments file {path:?}: {why}");
        let Some(files_left) = self.files_left.checked_sub(1) else {
            return Err(failed(
                "too many files, or one that names itself".to_owned(),
            ));
        };
        self.files_left = files_left;
        let contents = self
            .files
            .read(Path::new(path), ARGUMENT_FILE_BYTES_MAX)
            .map_err(|error| failed(format!("open {path}: {}", crate::config::go_words(&error))))?;
        let text = String::from_utf8_lossy(&contents);
        let lines = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        for line in lines.rev() {
            self.rest.push_front(line.to_owned());
        }
        Ok(())
    }
}
