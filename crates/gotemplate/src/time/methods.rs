//! The types `time.Time` and `*time.Location` and their methods.

use super::units::{DURATION, MONTH, WEEKDAY, duration, first, int, method};
use super::{Civil, SECOND, Time, Zone};
use crate::bytes::GoString;
use crate::collection::Slice;
use crate::func::{Call, Fault};
use crate::types::{self, Field, INT, INT64, Kind, Method, Results, STRING, Type, TypeInfo};
use crate::value::Value;

/// `time.Location`
pub static LOCATION: TypeInfo = TypeInfo::named("time.Location", Kind::Struct);

/// `*time.Location`
pub static LOCATION_POINTER: TypeInfo = TypeInfo {
    elem: Some(&LOCATION),
    methods: &[method("String", &[], |_, me, _| {
        Ok(location_name(me).into())
    })],
    stringer: Some(location_name),
    ..TypeInfo::unnamed("*time.Location", Kind::Pointer)
};

/// `time.Time`
pub static TIME: TypeInfo = TypeInfo {
    fields: &[
        Field {
            name: "wall",
            ty: &types::UINT64,
            json: "",
        },
        Field {
            name: "ext",
            ty: &INT64,
            json: "",
        },
        Field {
            name: "loc",
            ty: &LOCATION_POINTER,
            json: "",
        },
    ],
    methods: &METHODS,
    stringer: Some(|me| time(me).to_string().into()),
    go_stringer: Some(|me| go_string(&time(me)).into()),
    json: Some(|me| time(me).to_json()),
    ..TypeInfo::named("time.Time", Kind::Struct)
};

static BYTES: Type = &types::BYTE_SLICE;

static METHODS: [Method; 43] = [
    method("Add", &[&DURATION], |_, me, args| {
        Ok(time(me).plus(first(args).into()).into())
    }),
    method("AddDate", &[&INT, &INT, &INT], add_date),
    method("After", &[&TIME], |_, me, args| {
        Ok(time(me).compare(&arg(args)).is_gt().into())
    }),
    method("AppendBinary", &[&types::BYTE_SLICE], |_, me, args| {
        appended(args, &binary(&time(me))?)
    }),
    method(
        "AppendFormat",
        &[&types::BYTE_SLICE, &STRING],
        |_, me, args| {
            let layout = args.get(1).map(Value::as_bytes).unwrap_or_default();
            appended(args, &time(me).format_bytes(layout))
        },
    ),
    method("AppendText", &[&types::BYTE_SLICE], |_, me, args| {
        appended(args, text(&time(me), "Time.AppendText")?.as_bytes())
    }),
    method("Before", &[&TIME], |_, me, args| {
        Ok(time(me).compare(&arg(args)).is_lt().into())
    }),
    unusable("Clock", Results::Count(3)),
    method("Compare", &[&TIME], |_, me, args| {
        Ok(Value::from(time(me).compare(&arg(args)) as i32))
    }),
    unusable("Date", Results::Count(3)),
    method("Day", &[], |_, me, _| Ok(civil(me).day.into())),
    method("Equal", &[&TIME], |_, me, args| {
        Ok(time(me).compare(&arg(args)).is_eq().into())
    }),
    method("Format", &[&STRING], |_, me, args| {
        let layout = args.first().map(Value::as_bytes).unwrap_or_default();
        Ok(time(me).format_bytes(layout).into())
    }),
    method("GoString", &[], |_, me, _| Ok(go_string(&time(me)).into())),
    method("GobEncode", &[], |_, me, _| bytes(&binary(&time(me))?)),
    method("Hour", &[], |_, me, _| Ok(civil(me).hour.into())),
    unusable("ISOWeek", Results::SecondIs("int")),
    method("In", &[&LOCATION_POINTER], |_, me, args| {
        match args.first() {
            Some(Value::Zone(zone)) => Ok(time(me).in_zone(zone.clone()).into()),
            _ => Err(Fault::new("time: missing Location in call to Time.In")),
        }
    }),
    method("IsDST", &[], |_, me, _| {
        let time = time(me);
        Ok(time.zone.at(time.unix).is_dst.into())
    }),
    method("IsZero", &[], |_, me, _| Ok(time(me).is_zero().into())),
    method("Local", &[], |call, me, _| {
        Ok(time(me).in_zone(call.local_zone()).into())
    }),
    method("Location", &[], |_, me, _| Ok(Value::Zone(time(me).zone))),
    method("MarshalBinary", &[], |_, me, _| bytes(&binary(&time(me))?)),
    method("MarshalJSON", &[], |_, me, _| {
        bytes(time(me).to_json().map_err(Fault::new)?.as_bytes())
    }),
    method("MarshalText", &[], |_, me, _| {
        bytes(text(&time(me), "Time.MarshalText")?.as_bytes())
    }),
    method("Minute", &[], |_, me, _| Ok(civil(me).minute.into())),
    method("Month", &[], |_, me, _| {
        Ok(Value::Int(civil(me).month, &MONTH))
    }),
    method("Nanosecond", &[], |_, me, _| {
        Ok(i64::from(time(me).nanos).into())
    }),
    method("Round", &[&DURATION], |_, me, args| {
        Ok(rounded(&time(me), first(args), true).into())
    }),
    method("Second", &[], |_, me, _| Ok(civil(me).second.into())),
    method("String", &[], |_, me, _| Ok(time(me).to_string().into())),
    method("Sub", &[&TIME], |_, me, args| {
        Ok(duration(time(me).since(&arg(args))))
    }),
    method("Truncate", &[&DURATION], |_, me, args| {
        Ok(rounded(&time(me), first(args), false).into())
    }),
    method("UTC", &[], |_, me, _| {
        Ok(time(me).in_zone(Zone::utc()).into())
    }),
    method("Unix", &[], |_, me, _| {
        Ok(Value::Int(time(me).unix, &INT64))
    }),
    method("UnixMicro", &[], |_, me, _| {
        Ok(since_1970(&time(me), 1_000))
    }),
    method("UnixMilli", &[], |_, me, _| {
        Ok(since_1970(&time(me), 1_000_000))
    }),
    method("UnixNano", &[], |_, me, _| Ok(since_1970(&time(me), 1))),
    method("Weekday", &[], |_, me, _| {
        Ok(Value::Int(civil(me).weekday(), &WEEKDAY))
    }),
    method("Year", &[], |_, me, _| Ok(civil(me).year.into())),
    method("YearDay", &[], |_, me, _| {
        Ok(civil(me).day_of_year().into())
    }),
    unusable("Zone", Results::SecondIs("int")),
    unusable("ZoneBounds", Results::SecondIs("time.Time")),
];

const fn unusable(name: &'static str, results: Results) -> Method {
    Method {
        name,
        params: &[],
        variadic: false,
        results,
        body: |_, _, _| Ok(Value::None),
    }
}

fn time(me: &Value) -> Time {
    match me.indirect().0 {
        Value::Time(time) => time.clone(),
        _ => Time::ZERO,
    }
}

fn arg(args: &[Value]) -> Time {
    args.first().map_or(Time::ZERO, time)
}

fn civil(me: &Value) -> Civil {
    time(me).civil()
}

fn location_name(me: &Value) -> GoString {
    match me {
        Value::Zone(zone) => zone.name().into(),
        _ => "UTC".into(),
    }
}

fn add_date(_: &Call<'_>, me: &Value, args: &[Value]) -> Result<Value, Fault> {
    let time = time(me);
    let mut civil = time.civil();
    let mut more = args.iter().map(int);
    civil.year = civil.year.saturating_add(more.next().unwrap_or(0));
    civil.month = civil.month.saturating_add(more.next().unwrap_or(0));
    civil.day = civil.day.saturating_add(more.next().unwrap_or(0));
    Ok(Time::from_civil(&civil, time.zone).into())
}

/// Multiples of the duration are counted from the zero time; halves round up.
fn rounded(time: &Time, unit: i64, to_nearest: bool) -> Time {
    let stripped = time.in_zone(time.zone.clone());
    if unit <= 0 {
        return stripped;
    }
    let since_zero = (i128::from(time.unix) - i128::from(Time::ZERO.unix)) * i128::from(SECOND)
        + i128::from(time.nanos);
    let rest = since_zero.rem_euclid(unit.into());
    if to_nearest && rest * 2 >= unit.into() {
        stripped.plus(i128::from(unit) - rest)
    } else {
        stripped.plus(-rest)
    }
}

/// The units since 1970, wrapping around as Go's arithmetic does.
fn since_1970(time: &Time, unit: i64) -> Value {
    let whole = time.unix.wrapping_mul(SECOND / unit);
    Value::Int(whole.wrapping_add(i64::from(time.nanos) / unit), &INT64)
}

fn bytes(bytes: &[u8]) -> Result<Value, Fault> {
    appended(&[], bytes)
}

fn appended(args: &[Value], more: &[u8]) -> Result<Value, Fault> {
    let start = match args.first() {
        Some(Value::Slice(slice)) => slice.clone().retyped(BYTES),
        _ => Slice::nil(BYTES),
    };
    let more = more
        .iter()
        .map(|&byte| Value::Uint(byte.into(), &types::UINT8))
        .collect();
    Ok(start.append(more).into())
}

fn text(time: &Time, name: &str) -> Result<String, Fault> {
    if !(0..=9999).contains(&time.civil().year) {
        return Err(Fault::new(format!(
            "{name}: year outside of range [0,9999]"
        )));
    }
    Ok(time.format(super::RFC3339_NANO))
}

/// Go's binary form: a version, seconds since the year 1, nanoseconds and the offset in minutes,
/// -1 for UTC; version 2 adds the seconds of an offset that has any.
fn binary(time: &Time) -> Result<Vec<u8>, Fault> {
    let (offset, seconds) = if time.zone.is_utc() {
        (-1, 0)
    } else {
        let offset = time.zone.at(time.unix).offset;
        (offset / 60, offset % 60)
    };
    let Some(offset) = i16::try_from(offset)
        .ok()
        .filter(|_| offset != -1 || time.zone.is_utc())
    else {
        return Err(Fault::new("Time.MarshalBinary: unexpected zone offset"));
    };
    let mut out = vec![if seconds == 0 { 1 } else { 2 }];
    out.extend_from_slice(&(time.unix.wrapping_sub(Time::ZERO.unix)).to_be_bytes());
    out.extend_from_slice(&time.nanos.to_be_bytes());
    out.extend_from_slice(&offset.to_be_bytes());
    if seconds != 0 {
        out.push(seconds.to_be_bytes()[3]);
    }
    Ok(out)
}

fn go_string(time: &Time) -> String {
    let civil = time.civil();
    let month = super::units::MONTHS;
    let month = usize::try_from(civil.month - 1)
        .ok()
        .and_then(|at| month.get(at));
    let zone = match time.zone.name() {
        "UTC" => "time.UTC".to_owned(),
        "Local" => "time.Local".to_owned(),
        name => format!("time.Location({})", crate::quote::quote(name.as_bytes())),
    };
    let Civil {
        year,
        day,
        hour,
        minute,
        second,
        nanos,
        ..
    } = civil;
    let month = month.copied().unwrap_or_default();
    format!("time.Date({year}, time.{month}, {day}, {hour}, {minute}, {second}, {nanos}, {zone})")
}
