//! The types that templates see: `Data`, `Alert`, `KV`, `Pair` and their kin, with their methods.

use gotemplate::{
    Field, GoString, Key, Kind, Map, Method, Results, Slice, Struct, Type, TypeInfo, Value, types,
};
use types::{BOOL, STRING, STRING_SLICE};

/// Labels or annotations.
pub static KV: TypeInfo = TypeInfo {
    elem: Some(&STRING),
    key: Some(&STRING),
    methods: &[
        method("Names", &[], |_, me, _| {
            Ok(part_of_pairs(&sorted_pairs(me), "Name").into())
        }),
        method("Remove", &[&STRING_SLICE], |_, me, args| {
            Ok(remove(me, args).into())
        }),
        method("SortedPairs", &[], |_, me, _| Ok(sorted_pairs(me).into())),
        method("String", &[], |_, me, _| {
            Ok(shown_pairs(&sorted_pairs(me)).into())
        }),
        method("Values", &[], |_, me, _| {
            Ok(part_of_pairs(&sorted_pairs(me), "Value").into())
        }),
    ],
    stringer: Some(|me| shown_pairs(&sorted_pairs(me))),
    ..TypeInfo::named("template.KV", Kind::Map)
};

/// One label or annotation.
pub static PAIR: TypeInfo = TypeInfo {
    fields: &[
        field("Name", &STRING, "Name"),
        field("Value", &STRING, "Value"),
    ],
    ..TypeInfo::named("template.Pair", Kind::Struct)
};

/// Labels or annotations in order.
pub static PAIRS: TypeInfo = TypeInfo {
    elem: Some(&PAIR),
    methods: &[
        method("Names", &[], |_, me, _| {
            Ok(part_of_pairs(&slice(me), "Name").into())
        }),
        method("String", &[], |_, me, _| Ok(shown_pairs(&slice(me)).into())),
        method("Values", &[], |_, me, _| {
            Ok(part_of_pairs(&slice(me), "Value").into())
        }),
    ],
    stringer: Some(|me| shown_pairs(&slice(me))),
    ..TypeInfo::named("template.Pairs", Kind::Slice)
};

/// Names or values.
pub static STRINGS: TypeInfo = TypeInfo {
    elem: Some(&STRING),
    methods: &[method("Join", &[&STRING], |call, me, args| {
        let separator = args.first().map(Value::as_bytes).unwrap_or_default();
        Ok(super::text::join(call, separator, &slice(me))?.into())
    })],
    ..TypeInfo::named("template.Strings", Kind::Slice)
};

/// An alert.
pub static ALERT: TypeInfo = TypeInfo {
    fields: &[
        field("Status", &STRING, "status"),
        field("Labels", &KV, "labels"),
        field("Annotations", &KV, "annotations"),
        field("StartsAt", &gotemplate::time::TIME, "startsAt"),
        field("EndsAt", &gotemplate::time::TIME, "endsAt"),
        field("GeneratorURL", &STRING, "generatorURL"),
        field("Fingerprint", &STRING, "fingerprint"),
    ],
    ..TypeInfo::named("template.Alert", Kind::Struct)
};

/// What `Firing` and `Resolved` return: a plain slice, without these methods of its own.
pub static ALERT_SLICE: TypeInfo = TypeInfo {
    elem: Some(&ALERT),
    ..TypeInfo::unnamed("[]template.Alert", Kind::Slice)
};

/// The alerts of a notification.
pub static ALERTS: TypeInfo = TypeInfo {
    elem: Some(&ALERT),
    methods: &[
        method("Firing", &[], |_, me, _| {
            Ok(with_status(me, "firing").into())
        }),
        method("Resolved", &[], |_, me, _| {
            Ok(with_status(me, "resolved").into())
        }),
    ],
    ..TypeInfo::named("template.Alerts", Kind::Slice)
};

/// What a notification is about.
pub static DATA: TypeInfo = TypeInfo {
    fields: &[
        field("Receiver", &STRING, "receiver"),
        field("Status", &STRING, "status"),
        field("Alerts", &ALERTS, "alerts"),
        field("NotificationReason", &STRING, "notification_reason"),
        field("GroupLabels", &KV, "groupLabels"),
        field("CommonLabels", &KV, "commonLabels"),
        field("CommonAnnotations", &KV, "commonAnnotations"),
        field("RouteLabels", &KV, "routeLabels"),
        field("ExternalURL", &STRING, "externalURL"),
        field("routeLabelsRendered", &BOOL, ""),
    ],
    ..TypeInfo::named("template.Data", Kind::Struct)
};

/// What templates are executed with.
pub static DATA_POINTER: TypeInfo = TypeInfo {
    elem: Some(&DATA),
    ..TypeInfo::unnamed("*template.Data", Kind::Pointer)
};

const fn field(name: &'static str, ty: Type, json: &'static str) -> Field {
    Field { name, ty, json }
}

const fn method(
    name: &'static str,
    params: &'static [Type],
    body: gotemplate::types::MethodBody,
) -> Method {
    Method {
        name,
        params,
        variadic: false,
        results: Results::Usable,
        body,
    }
}

fn slice(value: &Value) -> Slice {
    match value {
        Value::Slice(slice) => slice.clone(),
        _ => Slice::nil(&PAIRS),
    }
}

/// The label that comes first whatever the others are called.
const FIRST: &str = "alertname";

/// The entries by name, except that the name of the alert comes first.
fn sorted_pairs(me: &Value) -> Slice {
    let Value::Map(map) = me else {
        return Slice::nil(&PAIRS);
    };
    let mut pairs = Vec::with_capacity(map.len());
    for (name, value) in map.iter() {
        let at = if name.as_bytes() == FIRST.as_bytes() {
            0
        } else {
            pairs.len()
        };
        pairs.insert(
            at,
            Value::from(Struct::new(&PAIR, vec![name, value.clone()])),
        );
    }
    Slice::new(&PAIRS, pairs)
}

fn part_of_pairs(pairs: &Slice, part: &str) -> Slice {
    let strings = pairs
        .iter()
        .filter_map(|pair| match pair {
            Value::Struct(fields) => fields.field(part).cloned(),
            _ => None,
        })
        .collect();
    Slice::new(&STRINGS, strings)
}

fn shown_pairs(pairs: &Slice) -> GoString {
    let mut out = Vec::new();
    for (at, pair) in pairs.iter().enumerate() {
        let Value::Struct(fields) = pair else {
            continue;
        };
        if at > 0 {
            out.extend_from_slice(b", ");
        }
        out.extend_from_slice(
            fields
                .field("Name")
                .map(Value::as_bytes)
                .unwrap_or_default(),
        );
        out.push(b'=');
        out.extend_from_slice(
            fields
                .field("Value")
                .map(Value::as_bytes)
                .unwrap_or_default(),
        );
    }
    out.into()
}

fn remove(me: &Value, args: &[Value]) -> Map {
    let Value::Map(map) = me else {
        return Map::nil(&KV);
    };
    let removed = match args.first() {
        Some(Value::Slice(names)) => names.to_vec(),
        _ => Vec::new(),
    };
    let kept = map.iter().filter_map(|(name, value)| match name {
        Value::String(text, _) if !removed.iter().any(|r| r.as_bytes() == text.as_bytes()) => {
            Some((Key::from(text), value.clone()))
        }
        _ => None,
    });
    Map::new(&KV, kept)
}

fn with_status(me: &Value, status: &str) -> Slice {
    let alerts = slice(me)
        .iter()
        .filter(|alert| match alert {
            Value::Struct(fields) => fields
                .field("Status")
                .is_some_and(|own| own.as_bytes() == status.as_bytes()),
            _ => false,
        })
        .collect();
    Slice::new(&ALERT_SLICE, alerts)
}
