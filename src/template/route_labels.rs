//! The function `routeLabels`, which knows the notification.
//!
//! The labels of a route may be templates themselves. In a notification they have been rendered
//! already; elsewhere a label is rendered when it is asked for, once, in the mode of the template
//! that asks, and may ask for others. A label that asks for itself is an error.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gotemplate::{Fault, Function, Value, types};

use super::{Data, Labels, Mode, Sets};

/// How deep labels may ask for each other. Each level is a rendering within a rendering.
const MAX_DEPTH: usize = 20;

/// The labels of one rendering.
#[derive(Clone)]
pub(super) struct RouteLabels {
    shared: Arc<Shared>,
}

struct Shared {
    sets: Arc<Sets>,
    mode: Mode,
    value: Value,
    labels: Labels,
    is_rendered: bool,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    done: HashMap<String, Vec<u8>>,
    /// The labels being rendered, each asked for by the one before.
    open: Vec<String>,
}

impl RouteLabels {
    pub(super) fn new(sets: &Arc<Sets>, mode: Mode, value: &Value, data: &Data) -> Self {
        Self {
            shared: Arc::new(Shared {
                sets: Arc::clone(sets),
                mode,
                value: value.clone(),
                labels: data.route_labels.clone(),
                is_rendered: data.route_labels_rendered,
                progress: Mutex::new(Progress::default()),
            }),
        }
    }

    pub(super) fn function(&self) -> Function {
        let labels = self.clone();
        Function::new([&types::STRING as gotemplate::Type], move |_, args| {
            let name = args
                .first()
                .map(|name| name.to_text().into_owned())
                .unwrap_or_default();
            Ok(labels.get(&name)?.into())
        })
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.shared
            .progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, name: &str) -> Result<Vec<u8>, Fault> {
        let Some(label) = self.shared.labels.get(name) else {
            return Ok(Vec::new());
        };
        if self.shared.is_rendered {
            return Ok(label.as_bytes().to_vec());
        }
        {
            let mut progress = self.progress();
            if let Some(done) = progress.done.get(name) {
                return Ok(done.clone());
            }
            if progress.open.iter().any(|open| open == name) {
                let path = progress.open.join(" -> ");
                return Err(Fault::new(format!(
                    "route label cycle detected: {path} -> {name}"
                )));
            }
            if progress.open.len() >= MAX_DEPTH {
                return Err(Fault::new("route labels nest too deeply"));
            }
            progress.open.push(name.to_owned());
        }
        let rendered = self
            .shared
            .sets
            .render(self.shared.mode, label, &self.shared.value, self);
        let mut progress = self.progress();
        progress.open.pop();
        match rendered {
            Ok(text) => {
                progress.done.insert(name.to_owned(), text.clone());
                Ok(text)
            }
            Err(error) => Err(match error.stop() {
                Some(stop) => stop.into(),
                None => Fault::new(error.to_string()),
            }),
        }
    }
}
