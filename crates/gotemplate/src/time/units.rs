//! The types `time.Duration`, `time.Month` and `time.Weekday`.

use super::duration::{format_duration, round, truncate};
use crate::bytes::GoString;
use crate::func::{Call, Fault};
use crate::number::int_to_float;
use crate::types::{Kind, Method, Results, Type, TypeInfo};
use crate::value::Value;

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// `time.Duration`: nanoseconds.
pub static DURATION: TypeInfo = TypeInfo {
    methods: &[
        method("Abs", &[], |_, me, _| {
            Ok(duration(int(me).saturating_abs()))
        }),
        method("Hours", &[], |_, me, _| Ok(in_units(me, 3_600_000_000_000))),
        method("Microseconds", &[], |_, me, _| {
            Ok(Value::Int(int(me) / 1_000, &crate::types::INT64))
        }),
        method("Milliseconds", &[], |_, me, _| {
            Ok(Value::Int(int(me) / 1_000_000, &crate::types::INT64))
        }),
        method("Minutes", &[], |_, me, _| Ok(in_units(me, 60_000_000_000))),
        method("Nanoseconds", &[], |_, me, _| {
            Ok(Value::Int(int(me), &crate::types::INT64))
        }),
        method("Round", &[&DURATION], |_, me, args| {
            Ok(duration(round(int(me), first(args))))
        }),
        method("Seconds", &[], |_, me, _| Ok(in_units(me, 1_000_000_000))),
        method(
            "String",
            &[],
            |_, me, _| Ok(format_duration(int(me)).into()),
        ),
        method("Truncate", &[&DURATION], |_, me, args| {
            Ok(duration(truncate(int(me), first(args))))
        }),
    ],
    stringer: Some(|me| format_duration(int(me)).into()),
    ..TypeInfo::named("time.Duration", Kind::Int)
};

/// `time.Month`: January is 1.
pub static MONTH: TypeInfo = TypeInfo {
    methods: &[method("String", &[], |_, me, _| Ok(month_name(me).into()))],
    stringer: Some(month_name),
    ..TypeInfo::named("time.Month", Kind::Int)
};

/// `time.Weekday`: Sunday is 0.
pub static WEEKDAY: TypeInfo = TypeInfo {
    methods: &[method(
        "String",
        &[],
        |_, me, _| Ok(weekday_name(me).into()),
    )],
    stringer: Some(weekday_name),
    ..TypeInfo::named("time.Weekday", Kind::Int)
};

pub(super) const fn method(
    name: &'static str,
    params: &'static [Type],
    body: fn(&Call<'_>, &Value, &[Value]) -> Result<Value, Fault>,
) -> Method {
    Method {
        name,
        params,
        variadic: false,
        results: Results::Usable,
        body,
    }
}

pub(super) fn int(value: &Value) -> i64 {
    match value.indirect().0 {
        Value::Int(number, _) => *number,
        _ => 0,
    }
}

pub(super) fn first(args: &[Value]) -> i64 {
    args.first().map_or(0, int)
}

pub(super) fn duration(nanos: i64) -> Value {
    Value::Int(nanos, &DURATION)
}

/// Whole units and the fraction are added as floats, which decides the last digit.
fn in_units(me: &Value, unit: i64) -> Value {
    let nanos = int(me);
    Value::Float(int_to_float(nanos / unit) + int_to_float(nanos % unit) / int_to_float(unit))
}

fn month_name(me: &Value) -> GoString {
    named(&MONTHS, int(me), 1, "Month")
}

fn weekday_name(me: &Value) -> GoString {
    named(&WEEKDAYS, int(me), 0, "Weekday")
}

fn named(names: &[&'static str], number: i64, lowest: i64, kind: &str) -> GoString {
    let name = usize::try_from(number - lowest)
        .ok()
        .and_then(|at| names.get(at));
    name.map_or_else(
        || format!("%!{kind}({number})").into(),
        |name| (*name).into(),
    )
}
