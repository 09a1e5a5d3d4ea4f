//! Files with flags that an operator does not want to type.
//!
//! Alertmanager 0.34: `$HOME/.config/amtool/config.yml`, then `/etc/amtool/config.yml`, each a mapping
//! of long flags to texts. For each flag the first file that has it counts, and the command line before
//! both. Unknown keys are ignored; `comment_required` is the old name of `require-comment`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::failure::Failure;
use crate::cli::World;
use crate::config::yaml;

/// Far more than a handful of flags needs.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Flags of the program that take a value.
pub(super) const FLAGS: [&str; 6] = [
    "date.format",
    "alertmanager.url",
    "output",
    "timeout",
    "http.config.file",
    "enable-feature",
];

/// Flags of the program that are on or off.
const SWITCHES: [&str; 2] = ["verbose", "version-check"];

/// What the files say, by flag.
pub(super) fn read(world: &World) -> Result<BTreeMap<String, String>, Failure> {
    let home = world
        .home
        .iter()
        .map(|home| home.join(".config/amtool/config.yml"));
    let paths = home.chain([PathBuf::from("/etc/amtool/config.yml")]);
    let mut flags = BTreeMap::new();
    for path in paths {
        for (key, value) in read_file(world, &path)? {
            flags.entry(key).or_insert(value);
        }
    }
    if let Some(value) = flags.remove("comment_required") {
        flags.entry("require-comment".to_owned()).or_insert(value);
    }
    Ok(flags)
}

fn read_file(world: &World, path: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let refused = |error: &dyn std::fmt::Display| {
        Failure::Fatal(format!("could not load config file: {error}"))
    };
    let text = match world.files.read(path, FILE_BYTES_MAX) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(refused(&format!("open {}: {error}", path.display()))),
    };
    let document = yaml::parse(&text).map_err(|problem| refused(&problem.text))?;
    let mut flags = BTreeMap::new();
    yaml::Decoder::plain(&document)
        .read_document(&mut flags)
        .map_err(|error| refused(&error))?;
    Ok(flags)
}

/// The command line with the flags of the files that it lacks, behind the program's name.
pub(super) fn added_to(args: &[OsString], flags: &BTreeMap<String, String>) -> Vec<OsString> {
    let is_given = |name: &str| {
        args.iter().filter_map(|arg| arg.to_str()).any(|arg| {
            let long = arg.strip_prefix("--").unwrap_or_default();
            let long = long.strip_prefix("no-").unwrap_or(long);
            let is_short = match name {
                "output" => arg.starts_with("-o"),
                "verbose" => arg == "-v",
                _ => false,
            };
            long.split('=').next() == Some(name) || is_short
        })
    };
    let mut added = Vec::new();
    for (name, value) in flags {
        if is_given(name) {
            continue;
        }
        if FLAGS.contains(&name.as_str()) {
            added.push(OsString::from(format!("--{name}={value}")));
        }
        if SWITCHES.contains(&name.as_str()) {
            match value.as_str() {
                "true" => added.push(OsString::from(format!("--{name}"))),
                "false" if name == "version-check" => added.push("--no-version-check".into()),
                _ => {}
            }
        }
    }
    let (program, rest) = args.split_at(args.len().min(1));
    [program, &added, rest].concat()
}
