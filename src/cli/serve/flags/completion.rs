//! Manual and completions, made of the list of flags.
//!
//! Alertmanager's scripts ask the program itself (`--completion-bash WORDS`) for what may follow, one
//! candidate a line; so do these.

use clap::Command;

use super::kingpin::Shell;

/// Values that are completed.
const HINTS: [(&str, &[&str]); 2] = [
    ("--log.level", &["debug", "info", "warn", "error"]),
    ("--log.format", &["logfmt", "json"]),
];

/// The manual, for `man`.
pub(super) fn manual(command: Command) -> String {
    let mut page = Vec::new();
    // Writing into memory does not fail.
    let _ = clap_mangen::Man::new(command).render(&mut page);
    String::from_utf8_lossy(&page).into_owned()
}

/// What may follow those words, the last of which may be begun.
pub(super) fn candidates(command: &Command, words: &[String]) -> String {
    let (begun, before) = match words.split_last() {
        Some((begun, before)) => (begun.as_str(), before),
        None => ("", words),
    };
    let flag = before.last().map(String::as_str);
    if let Some((_, values)) = HINTS
        .iter()
        .find(|(name, _)| flag == Some(name) || begun == *name)
    {
        return lines(values.iter().map(|value| (*value).to_owned()));
    }
    let flags = command.get_arguments().filter_map(|flag| {
        let name = flag.get_long()?;
        let is_boolean = !flag.get_action().takes_values();
        Some([
            Some(format!("--{name}")),
            is_boolean.then(|| format!("--no-{name}")),
        ])
    });
    let helps = ["--help", "--version"].map(str::to_owned);
    let all = helps.into_iter().chain(flags.flatten().flatten());
    lines(all.filter(|flag| flag.starts_with(begun)))
}

fn lines(candidates: impl Iterator<Item = String>) -> String {
    candidates.map(|candidate| candidate + "\n").collect()
}

/// A script that completes with the program's help.
pub(super) fn script(program: &str, shell: Shell) -> String {
    let function: String = program
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    let bash = format!(
        "_{function}_complete() {{\n    \
         local begun=\"${{COMP_WORDS[COMP_CWORD]}}\"\n    \
         local candidates\n    \
         candidates=$(\"${{COMP_WORDS[0]}}\" --completion-bash \"${{COMP_WORDS[@]:1:COMP_CWORD}}\")\n    \
         mapfile -t COMPREPLY < <(compgen -W \"$candidates\" -- \"$begun\")\n\
         }}\n\
         complete -F _{function}_complete -o default {program}\n"
    );
    match shell {
        Shell::Bash => bash,
        Shell::Zsh => format!(
            "#compdef {program}\n\
             _{function}_complete() {{\n    \
             local candidates\n    \
             candidates=(\"${{(@f)$(\"${{words[1]}}\" --completion-bash \"${{(@)words[2,CURRENT]}}\")}}\")\n    \
             compadd -a candidates\n\
             }}\n\
             compdef _{function}_complete {program}\n"
        ),
    }
}
