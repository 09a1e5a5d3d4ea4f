//! The functions of Alertmanager 0.34 that do not depend on the notification.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use gotemplate::time::{DURATION, TIME, Time, Zone, parse};
use gotemplate::types::{ANY, ANY_MAP, ANY_SLICE, HTML, STRING, STRING_SLICE, URL};
use gotemplate::{Call, Fault, FuncMap, Function, Map, Slice, Stop, Type, Value, strconv};

use super::regexp::GoRegexp;
use super::{text, title};

/// The names of the functions, for tools.
pub(super) const NAMES: [&str; 25] = [
    "append",
    "base64decode",
    "base64encode",
    "date",
    "dict",
    "humanizeDuration",
    "join",
    "list",
    "match",
    "mustToDate",
    "now",
    "reReplaceAll",
    "routeLabels",
    "safeHtml",
    "safeUrl",
    "since",
    "stringSlice",
    "title",
    "toDate",
    "toJson",
    "toLower",
    "toUpper",
    "trimSpace",
    "tz",
    "urlUnescape",
];

/// What tells the functions the time.
pub type Now = Arc<dyn Fn() -> Time + Send + Sync>;

/// The functions, which have the current time from the caller.
pub(super) fn table(now: &Now) -> FuncMap {
    let mut table = FuncMap::new();
    strings(&mut table);
    regexps(&mut table);
    times(&mut table, now);
    collections(&mut table);
    table
}

fn add(
    table: &mut FuncMap,
    name: &str,
    params: &[Type],
    body: impl Fn(&Call<'_>, &[Value]) -> Result<Value, Fault> + Send + Sync + 'static,
) {
    table.insert(name, Function::new(params, body));
}

fn add_variadic(
    table: &mut FuncMap,
    name: &str,
    params: &[Type],
    body: impl Fn(&Call<'_>, &[Value]) -> Result<Value, Fault> + Send + Sync + 'static,
) {
    table.insert(name, Function::variadic(params, body));
}

fn bytes(args: &[Value], at: usize) -> &[u8] {
    args.get(at).map(Value::as_bytes).unwrap_or_default()
}

fn lossy(args: &[Value], at: usize) -> String {
    args.get(at)
        .map(|value| value.to_text().into_owned())
        .unwrap_or_default()
}

fn strings(table: &mut FuncMap) {
    add(table, "toUpper", &[&STRING], |_, args| {
        Ok(text::to_upper(&lossy(args, 0)).into())
    });
    add(table, "toLower", &[&STRING], |_, args| {
        Ok(text::to_lower(&lossy(args, 0)).into())
    });
    add(table, "title", &[&STRING], |_, args| {
        Ok(title::title(bytes(args, 0)).into())
    });
    add(table, "trimSpace", &[&STRING], |_, args| {
        Ok(text::trim_space(bytes(args, 0)).into())
    });
    add(table, "join", &[&STRING, &STRING_SLICE], |call, args| {
        let strings = match args.get(1) {
            Some(Value::Slice(strings)) => strings.clone(),
            _ => Slice::nil(&STRING_SLICE),
        };
        Ok(text::join(call, bytes(args, 0), &strings)?.into())
    });
    add(table, "safeHtml", &[&STRING], |_, args| {
        Ok(Value::string_of(&HTML, bytes(args, 0)))
    });
    add(table, "safeUrl", &[&STRING], |_, args| {
        Ok(Value::string_of(&URL, bytes(args, 0)))
    });
    add(table, "urlUnescape", &[&STRING], |_, args| {
        let unescaped = text::query_unescape(bytes(args, 0)).map_err(|escape| {
            Fault::new(format!("invalid URL escape {}", strconv::quote(&escape)))
        })?;
        Ok(unescaped.into())
    });
    add(table, "base64encode", &[&STRING], |_, args| {
        Ok(text::base64_encode(bytes(args, 0)).into())
    });
    add(table, "base64decode", &[&STRING], |_, args| {
        let decoded = text::base64_decode(bytes(args, 0))
            .map_err(|at| Fault::new(format!("illegal base64 data at input byte {at}")))?;
        Ok(decoded.into())
    });
    add(table, "toJson", &[&ANY], |call, args| {
        Ok(call.json(args.first().unwrap_or(&Value::None))?.into())
    });
    add(table, "humanizeDuration", &[&ANY], |_, args| {
        Ok(text::humanize_duration(args.first().unwrap_or(&Value::None))?.into())
    });
}

/// The patterns that were compiled last. Templates ask for the same few over and over, and
/// compiling one costs more than all else that a template does with it.
#[derive(Clone, Default)]
struct Patterns(Arc<Mutex<HashMap<Vec<u8>, Compiled>>>);

/// A pattern, or the text of its error.
type Compiled = Arc<Result<GoRegexp, String>>;

impl Patterns {
    /// How many are kept. One may take some megabytes, most take some kilobytes.
    const KEPT: usize = 16;

    fn get(&self, call: &Call<'_>, pattern: &[u8]) -> Result<Compiled, Fault> {
        call.spend(SEARCH_STEPS)?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(compiled) = known.get(pattern) {
            return Ok(Arc::clone(compiled));
        }
        call.spend(compile_steps(pattern))?;
        if known.len() >= Self::KEPT {
            known.clear();
        }
        let compiled = Arc::new(GoRegexp::new(pattern));
        known.insert(pattern.to_vec(), Arc::clone(&compiled));
        Ok(compiled)
    }
}

/// What a search counts for, apart from the bytes it reads: it takes about a microsecond.
const SEARCH_STEPS: u64 = 50;

/// What compiling a pattern counts for: most take some ten microseconds, those with classes of
/// Unicode, flags or counted repetitions some milliseconds.
fn compile_steps(pattern: &[u8]) -> u64 {
    let is_costly = pattern
        .windows(2)
        .any(|pair| matches!(pair, [b'\\', b'p' | b'P'] | [b'(', b'?'] | [b'{', _]));
    if is_costly { 40_000 } else { 2_000 }
}

fn regexps(table: &mut FuncMap) {
    let patterns = Patterns::default();
    let shared = patterns.clone();
    add(
        table,
        "match",
        &[&STRING, &STRING],
        move |call, args| match shared.get(call, bytes(args, 0))?.as_ref() {
            Ok(regexp) => Ok(regexp.is_match(bytes(args, 1)).into()),
            Err(error) => Err(Fault::new(error)),
        },
    );
    let shared = patterns;
    let strings = [&STRING as Type; 3];
    add(table, "reReplaceAll", &strings, move |call, args| {
        let pattern = bytes(args, 0);
        let compiled = shared.get(call, pattern)?;
        let regexp = compiled.as_ref().as_ref().map_err(|error| {
            let shown = if strconv::can_backquote(pattern) {
                format!("`{}`", String::from_utf8_lossy(pattern))
            } else {
                strconv::quote(pattern)
            };
            Fault::new(format!("regexp: Compile({shown}): {error}"))
        })?;
        let replaced = regexp.replace_all(bytes(args, 2), bytes(args, 1), call.max_bytes());
        Ok(replaced.ok_or(Stop::Output)?.into())
    });
}

fn time(args: &[Value], at: usize) -> Time {
    match args.get(at) {
        Some(Value::Time(time)) => time.clone(),
        _ => Time::ZERO,
    }
}

fn times(table: &mut FuncMap, now: &Now) {
    let clock = Arc::clone(now);
    add(table, "now", &[], move |_, _| Ok(clock().into()));
    let clock = Arc::clone(now);
    add(table, "since", &[&TIME], move |_, args| {
        Ok(Value::Int(clock().since(&time(args, 0)), &DURATION))
    });
    add(table, "date", &[&STRING, &TIME], |_, args| {
        Ok(time(args, 1).format_bytes(bytes(args, 0)).into())
    });
    add(table, "tz", &[&STRING, &TIME], |call, args| {
        Ok(time(args, 1).in_zone(zone(call, &lossy(args, 0))?).into())
    });
    add(table, "toDate", &[&STRING, &STRING], |_, args| {
        let parsed = parse(bytes(args, 0), bytes(args, 1), &Zone::utc());
        Ok(parsed.unwrap_or(Time::ZERO).into())
    });
    add(table, "mustToDate", &[&STRING, &STRING], |_, args| {
        let parsed = parse(bytes(args, 0), bytes(args, 1), &Zone::utc());
        Ok(parsed.map_err(Fault::new)?.into())
    });
}

fn zone(call: &Call<'_>, name: &str) -> Result<Zone, Fault> {
    match name {
        "" | "UTC" => return Ok(Zone::utc()),
        "Local" => return Ok(call.local_zone()),
        _ => {}
    }
    if name.contains("..") || name.starts_with(['/', '\\']) {
        return Err(Fault::new("time: invalid location name"));
    }
    Zone::lookup(name).ok_or_else(|| Fault::new(format!("unknown time zone {name}")))
}

fn collections(table: &mut FuncMap) {
    add_variadic(table, "stringSlice", &[&STRING], |_, args| {
        Ok(Slice::new(&STRING_SLICE, args.to_vec()).into())
    });
    add_variadic(table, "list", &[&ANY], |_, args| {
        Ok(Slice::new(&ANY_SLICE, args.to_vec()).into())
    });
    add_variadic(table, "append", &[&ANY_SLICE, &ANY], |_, args| {
        match args.split_first() {
            Some((Value::Slice(list), more)) => Ok(list.append(more.to_vec()).into()),
            _ => Ok(Slice::nil(&ANY_SLICE).into()),
        }
    });
    add_variadic(table, "dict", &[&ANY], |_, args| {
        if args.len() % 2 != 0 {
            return Err(Fault::new("dict requires an even number of arguments"));
        }
        let mut entries = Vec::with_capacity(args.len() / 2);
        for pair in args.chunks_exact(2) {
            match pair {
                [Value::String(key, ty), value] if gotemplate::types::same(ty, &STRING) => {
                    entries.push((key.clone(), value.clone()));
                }
                _ => return Err(Fault::new("dict keys must be strings")),
            }
        }
        Ok(Map::new(&ANY_MAP, entries).into())
    });
    // The registered function only makes the name known; each rendering brings its own.
    add(table, "routeLabels", &[&STRING], |_, _| Ok(Value::from("")));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_functions_are_listed() {
        let now: Now = Arc::new(|| Time::ZERO);
        let table = table(&now);
        assert!(NAMES.iter().all(|name| table.contains(name)));
    }
}
