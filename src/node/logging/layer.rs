//! From an event and the spans around it to a line.

use std::sync::Arc;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::{LookupSpan, Scope};

use super::line::{Line, Value};
use super::queue::Queue;
use crate::cli::serve::flags::LogFormat;
use crate::sys::Clock;

/// Makes lines of events. Fields of spans, the outermost first, stand before those of the event.
#[derive(Debug)]
pub(super) struct LineLayer {
    format: LogFormat,
    clock: Arc<dyn Clock>,
    queue: Arc<Queue>,
}

impl LineLayer {
    pub(super) fn new(format: LogFormat, clock: Arc<dyn Clock>, queue: Arc<Queue>) -> Self {
        Self {
            format,
            clock,
            queue,
        }
    }
}

/// The fields of an event or of a span.
#[derive(Debug, Default)]
struct Fields {
    message: String,
    attributes: Vec<(&'static str, Value)>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::Text(text)) => self.message = text,
            (name, value) => self.attributes.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, Value::Float(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, Value::Integer(i128::from(value)));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, Value::Integer(i128::from(value)));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.put(field, Value::Integer(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, Value::Bool(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Value::Text(value.to_owned()));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, Value::Text(value.to_string()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.put(field, Value::Text(format!("{value:?}")));
    }
}

impl<S> Layer<S> for LineLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            record.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let mut fields = Fields::default();
        event.record(&mut fields);
        let source = (
            metadata.file().unwrap_or_else(|| metadata.target()),
            metadata.line().unwrap_or_default(),
        );
        let level = *metadata.level();
        let mut line = Line::new(
            self.format,
            self.clock.as_ref(),
            level,
            source,
            &fields.message,
        );
        let spans = context.event_scope(event).into_iter();
        for span in spans.flat_map(Scope::from_root) {
            if let Some(bound) = span.extensions().get::<Fields>() {
                for (key, value) in &bound.attributes {
                    line.attribute(key, value);
                }
            }
        }
        for (key, value) in &fields.attributes {
            line.attribute(key, value);
        }
        self.queue.push(line.end());
    }
}
