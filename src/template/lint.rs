//! Faults in template files that would otherwise show in the middle of the night.
//!
//! Alertmanager finds what is no template when it loads a file; everything else it finds when a
//! notification is to be sent, and then the notification is lost. This looks at all of it before:
//!
//! * texts that do not parse, with the place where the block or action began that is not closed;
//!   unknown functions, all of them and not only the first;
//! * fields that the data have not, calls of templates that nobody defines, wrong numbers of
//!   arguments, in every branch;
//! * definitions that have no effect: blank, defined again later, or, if the configuration is
//!   given, called by nobody;
//! * labels and annotations that the data have not, if data are given;
//! * HTML whose meaning is open, in templates whose name contains `html`.
//!
//! What dot is in a template is known from its calls. One that nobody calls is taken to be called
//! with the notification's data. Where that fails but an alert, a list of alerts, labels or a pair of
//! them would do, it is a warning: the configuration may call it so, and if it is given, that is
//! known.

use std::collections::{BTreeMap, BTreeSet};

use gotemplate::check::{Finding as Checked, Remark, ResultTypes};
use gotemplate::time::{DURATION, TIME};
use gotemplate::types::{ANY, ANY_MAP, ANY_SLICE, BOOL, HTML, STRING, STRING_SLICE, URL, same};
use gotemplate::{Environment, Function, HtmlSet, ParseError, TextSet, Type, Value};

use super::{
    ALERT, ALERT_SLICE, ALERTS, DATA_POINTER, Data, KV, Options, PAIR, PAIRS, STRINGS, lint_help,
};

/// How many unknown functions of a file are reported: each costs a parse of the file.
const MAX_UNKNOWN_FUNCTIONS: usize = 50;

/// A file to be looked at.
#[derive(Clone, Debug)]
pub struct LintFile {
    /// Its name, as it is to be shown.
    pub name: String,
    /// What is in it.
    pub text: Vec<u8>,
}

/// What else is known.
#[derive(Clone, Debug, Default)]
pub struct LintOptions {
    /// The configuration that uses the files: what it does not use is reported.
    pub config: Option<LintFile>,
    /// Data such as the files will get: labels that these have not are reported.
    pub data: Option<Data>,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// A notification would be lost.
    Error,
    /// Probably not what was meant.
    Warning,
}

impl Severity {
    /// The word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A fault.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Which of the files, counted from zero.
    pub file: usize,
    /// Where: a byte offset.
    pub offset: usize,
    /// How many bytes of the text it takes up.
    pub len: usize,
    /// How bad it is.
    pub severity: Severity,
    /// What kind of fault, in a word for scripts.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

/// Looks at the files, in the order in which they would be loaded.
///
/// # Errors
/// Never, unless a default template is broken.
pub fn lint(files: &[LintFile], options: &LintOptions) -> Result<Vec<Finding>, ParseError> {
    let (text, html) = super::Templates::new(&Options::default())?.sets();
    let mut linter = Linter {
        files,
        text,
        html,
        own: Vec::new(),
        is_complete: true,
        findings: BTreeSet::new(),
    };
    for file in 0..files.len() {
        linter.load(file);
    }
    linter.redefinitions();
    let config = options
        .config
        .as_ref()
        .and_then(|config| linter.config(config));
    linter.types(config.as_deref(), options.data.as_ref());
    linter.escaping();
    Ok(linter.findings.into_iter().collect())
}

struct Linter<'l> {
    files: &'l [LintFile],
    text: TextSet,
    html: HtmlSet,
    /// The definitions of each file; none of one that does not parse.
    own: Vec<TextSet>,
    /// Whether all files parse, so that what is not defined is really missing.
    is_complete: bool,
    findings: BTreeSet<Finding>,
}

/// The one default template that is called from the configuration with a list of alerts.
const TEMPLATE_OF_LISTS: &str = "pagerduty.default.instances";

/// The name that a file's text is parsed under.
fn base_name(file: &LintFile) -> &str {
    file.name.rsplit('/').next().unwrap_or(&file.name)
}

impl Linter<'_> {
    fn load(&mut self, file: usize) {
        let Some(LintFile { text, .. }) = self.files.get(file) else {
            return;
        };
        let name = self.files.get(file).map(base_name).unwrap_or_default();
        for _ in 0..MAX_UNKNOWN_FUNCTIONS {
            let Err(error) = self.text.parse(name, text) else {
                break;
            };
            let Some(function) = between(&error.message, "function \"", "\" not defined") else {
                self.is_complete = false;
                self.parse_error(file, &error);
                break;
            };
            let names = known_functions();
            self.findings.insert(Finding {
                file,
                offset: error.offset,
                len: function.len(),
                severity: Severity::Error,
                code: "unknown-function",
                message: format!("there is no function `{function}`"),
                help: lint_help::for_function(function, names.iter().copied()),
            });
            // With a stand-in the rest of the file can be looked at.
            let stand_in = Function::variadic([&ANY as Type], |_, _| Ok(Value::None));
            for environment in [self.text.environment_mut(), self.html.environment_mut()] {
                environment.functions.insert(function, stand_in.clone());
            }
        }
        // The text set has reported what there is to report.
        let _ = self.html.parse(name, text);
        let mut own = TextSet::new(Environment {
            functions: self.text.environment_mut().functions.clone(),
            ..Environment::default()
        });
        let _ = own.parse(name, text);
        self.own.push(own);
    }

    fn parse_error(&mut self, file: usize, error: &ParseError) {
        let text = self
            .files
            .get(file)
            .map(|file| file.text.as_slice())
            .unwrap_or_default();
        let message = &error.message;
        let variable = between(message, "undefined variable \"", "\"");
        let (offset, help) = if message.contains("unexpected EOF") {
            let opened = action_before(text, error.offset);
            (opened, Some("this has no `{{ end }}`".to_owned()))
        } else if message.contains("unclosed action") {
            let help = "this has no `}}` on its way to the end of the file".to_owned();
            (error.offset, Some(help))
        } else if message.contains("unexpected {{end}}") {
            let help = "there is nothing left to end here: an `{{ end }}` too many, or an `if`, `range` or `with` too few".to_owned();
            (error.offset, Some(help))
        } else if let Some(variable) = variable {
            (error.offset, lint_help::for_variable(variable))
        } else if message.contains("U+002D") {
            let help =
                "a name with a dash is read by `index`: `{{ index .CommonLabels \"my-label\" }}`"
                    .to_owned();
            (error.offset, Some(help))
        } else {
            (error.offset, None)
        };
        let (message, code) = match variable {
            Some(variable) => (
                format!("there is no variable `{variable}`"),
                "unknown-variable",
            ),
            None => (message.clone(), "syntax"),
        };
        let len = match variable {
            Some(variable) => variable.len(),
            None => token_len(text, offset),
        };
        self.findings.insert(Finding {
            file,
            offset,
            len,
            severity: Severity::Error,
            code,
            message,
            help,
        });
    }

    /// The file a text was parsed from: the last one of that name.
    fn file_of(&self, parse_name: &str) -> Option<usize> {
        self.files
            .iter()
            .rposition(|file| base_name(file) == parse_name)
            .filter(|_| !parse_name.is_empty())
    }

    /// Definitions that do nothing because of what they are or what comes later.
    fn redefinitions(&mut self) {
        let mut found = Vec::new();
        for (file, own) in self.own.iter().enumerate() {
            let file_name = self.files.get(file).map(base_name).unwrap_or_default();
            for name in own.names().filter(|name| *name != file_name) {
                let Some(tree) = own.get(name) else { continue };
                let text = self
                    .files
                    .get(file)
                    .map(|file| file.text.as_slice())
                    .unwrap_or_default();
                let offset = action_before(text, tree.offset());
                let later = self.own.iter().enumerate().skip(file + 1);
                let later = later
                    .filter(|(_, own)| own.get(name).is_some_and(|tree| !tree.is_empty()))
                    .map(|(later, _)| later)
                    .next_back();
                let is_taken = self.text.get(name).is_some_and(|winner| !winner.is_empty());
                let (code, message, help) = if tree.is_empty() && is_taken {
                    (
                        "blank-definition",
                        format!("a blank definition does not replace \"{name}\""),
                        Some("`{{ \"\" }}` prints nothing and is not blank".to_owned()),
                    )
                } else if let Some(later) = later.and_then(|later| self.files.get(later)) {
                    (
                        "redefined",
                        format!(
                            "\"{name}\" is defined again in {}, which counts",
                            later.name
                        ),
                        None,
                    )
                } else {
                    continue;
                };
                found.push(Finding {
                    file,
                    offset,
                    len: token_len(text, offset),
                    severity: Severity::Warning,
                    code,
                    message,
                    help,
                });
            }
        }
        self.findings.extend(found);
    }

    /// The name under which the configuration is a template that calls what it uses.
    fn config(&mut self, config: &LintFile) -> Option<String> {
        /// A name that no template can have by accident.
        const NAME: &str = "\0configuration";
        // To the parser of templates YAML is text. What is quoted in YAML loses its quotes first.
        let text = String::from_utf8_lossy(&config.text)
            .replace("\\\"", "\"")
            .replace("''", "'");
        self.text.parse(NAME, text).ok().map(|_| NAME.to_owned())
    }

    fn types(&mut self, config: Option<&str>, data: Option<&Data>) {
        let names: Vec<String> = self.text.names().map(str::to_owned).collect();
        let mut callers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for name in &names {
            for callee in self
                .text
                .get(name)
                .map(|tree| tree.calls())
                .unwrap_or_default()
            {
                callers.entry(callee).or_default().push(name);
            }
        }
        let defaults = super::default_names();
        let mut checked: Vec<(Vec<Checked>, bool)> = Vec::new();
        let mut unused: Vec<&str> = Vec::new();
        for name in &names {
            let Some(tree) = self.text.get(name) else {
                continue;
            };
            let is_own = self.file_of(tree.parse_name()).is_some() || Some(name.as_str()) == config;
            let is_default = defaults.contains(name);
            let is_called = callers.contains_key(name.as_str());
            if is_called && !is_default {
                continue;
            }
            let is_outer = self.file_of(tree.parse_name()).is_some() && name == tree.parse_name();
            if config.is_some()
                && is_own
                && !is_default
                && !is_outer
                && Some(name.as_str()) != config
            {
                unused.push(name);
                continue;
            }
            if !is_called {
                checked.push(self.entry(name));
            }
        }
        for name in unused {
            checked.push(self.entry(name));
            let Some(tree) = self.text.get(name) else {
                continue;
            };
            let Some(file) = self.file_of(tree.parse_name()) else {
                continue;
            };
            let text = self
                .files
                .get(file)
                .map(|file| file.text.as_slice())
                .unwrap_or_default();
            let offset = action_before(text, tree.offset());
            self.findings.insert(Finding {
                file,
                offset,
                len: token_len(text, offset),
                severity: Severity::Warning,
                code: "unused-definition",
                message: format!("\"{name}\" is not used by the configuration"),
                help: None,
            });
        }
        for (findings, is_doubtful) in checked {
            for finding in findings {
                self.remark(&finding, data, is_doubtful);
            }
        }
    }

    /// What there is to say of a template that no other one calls, and whether that is only so if
    /// it is given a notification's data.
    fn entry(&self, name: &str) -> (Vec<Checked>, bool) {
        let results = Results;
        let of = |dot: Type| self.text.check(name, Some(dot), &results);
        let fails = |found: &[Checked]| {
            found
                .iter()
                .any(|finding| matches!(finding.remark, Remark::NoSuchField { .. }))
        };
        if name == TEMPLATE_OF_LISTS {
            return (of(&ALERT_SLICE), false);
        }
        let found = of(&DATA_POINTER);
        let others: [Type; 5] = [&ALERT, &ALERT_SLICE, &ALERTS, &PAIR, &KV];
        let is_doubtful = fails(&found) && others.into_iter().any(|dot| !fails(&of(dot)));
        (found, is_doubtful)
    }

    fn remark(&mut self, checked: &Checked, data: Option<&Data>, is_doubtful: bool) {
        let Some(file) = self.file_of(&checked.parse_name) else {
            return;
        };
        let (severity, code, message, help) = match &checked.remark {
            Remark::NoSuchField { name, ty, known } => (
                if is_doubtful {
                    Severity::Warning
                } else {
                    Severity::Error
                },
                "unknown-field",
                format!("there is no `.{name}` in {}", described(ty)),
                lint_help::for_field(ty, name, known),
            ),
            Remark::NoSuchTemplate { .. } if !self.is_complete => return,
            Remark::NoSuchTemplate { name } => (
                Severity::Error,
                "unknown-template",
                format!("there is no template \"{name}\""),
                lint_help::for_template(name, self.text.names()),
            ),
            Remark::ArgumentCount {
                name,
                wanted,
                or_more,
                given,
            } => (
                Severity::Error,
                "argument-count",
                format!(
                    "`{name}` takes {}{wanted} argument{}, and gets {given}",
                    if *or_more { "at least " } else { "" },
                    if *wanted == 1 { "" } else { "s" },
                ),
                None,
            ),
            Remark::Key { key, map } => {
                let Some(known) = data.and_then(|data| keys_of(data, map)) else {
                    return;
                };
                if known.contains(key.as_str()) {
                    return;
                }
                let known: Vec<&str> = known.into_iter().collect();
                (
                    Severity::Warning,
                    "missing-key",
                    format!("nothing in the data has `{key}` in `{map}`: it prints nothing"),
                    lint_help::for_key(key, &known),
                )
            }
            _ => return,
        };
        self.findings.insert(Finding {
            file,
            offset: checked.offset,
            len: checked.len,
            severity,
            code,
            message,
            help,
        });
    }

    /// Templates for HTML whose actions stand where their meaning is open.
    fn escaping(&mut self) {
        let names: Vec<String> = self
            .text
            .names()
            .filter(|name| name.to_lowercase().contains("html"))
            .map(str::to_owned)
            .collect();
        for name in names {
            let Some(tree) = self.text.get(&name) else {
                continue;
            };
            let Err(error) = self.html.escape(&name) else {
                continue;
            };
            let place = error.location.as_deref().unwrap_or_default();
            let parse_name = place.split(':').next().unwrap_or_default();
            let Some(file) = self
                .file_of(parse_name)
                .or_else(|| self.file_of(tree.parse_name()))
            else {
                continue;
            };
            if error.message.starts_with("no such template") {
                continue;
            }
            let text = self
                .files
                .get(file)
                .map(|file| file.text.as_slice())
                .unwrap_or_default();
            let offset =
                offset_of(text, place).unwrap_or_else(|| action_before(text, tree.offset()));
            self.findings.insert(Finding {
                file,
                offset,
                len: token_len(text, offset),
                severity: Severity::Error,
                code: "html",
                message: format!("as HTML, \"{name}\" cannot be escaped: {}", error.message),
                help: None,
            });
        }
    }
}

/// The part of a text between two others.
fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    text.split_once(before)?
        .1
        .split_once(after)
        .map(|(found, _)| found)
}

/// Where the action begins that ends before this place.
fn action_before(text: &[u8], offset: usize) -> usize {
    text.get(..offset)
        .unwrap_or(text)
        .windows(2)
        .rposition(|pair| pair == b"{{")
        .unwrap_or(0)
}

/// How much of the text to underline: an action up to its end or its line's, else a word.
fn token_len(text: &[u8], offset: usize) -> usize {
    let rest = text.get(offset..).unwrap_or_default();
    let line = rest
        .iter()
        .position(|&byte| byte == b'\n')
        .unwrap_or(rest.len());
    let line = rest.get(..line).unwrap_or_default();
    if line.starts_with(b"{{") {
        let end = line.windows(2).position(|pair| pair == b"}}");
        return end.map_or(line.len(), |end| end + 2);
    }
    let word = line
        .iter()
        .position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'}' | b')' | b'|'));
    word.unwrap_or(line.len()).max(1)
}

/// The offset of `NAME:LINE:COLUMN`.
fn offset_of(text: &[u8], place: &str) -> Option<usize> {
    let mut parts = place.rsplitn(3, ':');
    let column: usize = parts.next()?.parse().ok()?;
    let line: usize = parts.next()?.parse().ok()?;
    let start = match line.checked_sub(2) {
        None => 0,
        Some(skipped) => {
            let newlines = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
            newlines.map(|(at, _)| at + 1).nth(skipped)?
        }
    };
    Some(start + column)
}

/// A type in words.
fn described(ty: &str) -> String {
    match ty {
        "template.Data" => "the data of a notification (`template.Data`)".to_owned(),
        "template.Alert" => "an alert (`template.Alert`)".to_owned(),
        "template.Alerts" | "[]template.Alert" => format!("a list of alerts (`{ty}`)"),
        "template.Pair" => "a pair of name and value (`template.Pair`)".to_owned(),
        ty => format!("`{ty}`"),
    }
}

/// The names in a map of the data, by how the map is reached.
fn keys_of<'d>(data: &'d Data, map: &str) -> Option<BTreeSet<&'d str>> {
    let keys = |labels: &'d super::Labels| labels.keys().map(String::as_str).collect();
    let of_alerts = |of: fn(&super::Alert) -> &super::Labels| {
        data.alerts
            .iter()
            .flat_map(|alert| of(alert).keys())
            .map(String::as_str)
            .collect()
    };
    match map.rsplit('.').next()? {
        "CommonLabels" => Some(keys(&data.common_labels)),
        "CommonAnnotations" => Some(keys(&data.common_annotations)),
        "GroupLabels" => Some(keys(&data.group_labels)),
        "RouteLabels" => Some(keys(&data.route_labels)),
        "Labels" => Some(of_alerts(|alert| &alert.labels)),
        "Annotations" => Some(of_alerts(|alert| &alert.annotations)),
        _ => None,
    }
}

/// The functions that a template may call.
fn known_functions() -> Vec<&'static str> {
    let mut names = vec![
        "and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not",
        "or", "print", "printf", "println", "slice", "urlquery",
    ];
    names.extend(super::functions::NAMES);
    names
}

/// What functions and methods return.
struct Results;

impl ResultTypes for Results {
    fn method(&self, receiver: Type, name: &str) -> Option<Type> {
        let of = |ty: Type| same(receiver, ty);
        Some(match name {
            "Firing" | "Resolved" if of(&ALERTS) => &ALERT_SLICE,
            "SortedPairs" if of(&KV) => &PAIRS,
            "Names" | "Values" if of(&KV) || of(&PAIRS) => &STRINGS,
            "Remove" if of(&KV) => &KV,
            "Join" if of(&STRINGS) => &STRING,
            "Add" | "AddDate" | "In" | "Local" | "Round" | "Truncate" | "UTC" if of(&TIME) => &TIME,
            "Sub" if of(&TIME) => &DURATION,
            "Format" | "GoString" if of(&TIME) => &STRING,
            "IsZero" | "After" | "Before" | "Equal" | "IsDST" => &BOOL,
            "String" => &STRING,
            _ => return None,
        })
    }

    fn function(&self, name: &str) -> Option<Type> {
        Some(match name {
            "toUpper" | "toLower" | "title" | "trimSpace" | "join" | "reReplaceAll"
            | "urlUnescape" | "date" | "toJson" | "base64encode" | "base64decode"
            | "humanizeDuration" | "routeLabels" => &STRING,
            "match" => &BOOL,
            "safeHtml" => &HTML,
            "safeUrl" => &URL,
            "stringSlice" => &STRING_SLICE,
            "tz" | "now" | "toDate" | "mustToDate" => &TIME,
            "since" => &DURATION,
            "list" | "append" => &ANY_SLICE,
            "dict" => &ANY_MAP,
            _ => return None,
        })
    }
}
