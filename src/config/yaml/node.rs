//! A document as a tree of nodes that know where they stand.

use std::collections::HashSet;

/// A node of a [`Document`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NodeId(pub(super) u32);

/// A place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// The line, the first is 1. Zero: no place is known.
    pub line: usize,
    /// The column in characters, the first is 1.
    pub column: usize,
    /// How many characters of that line are meant, at least 1.
    pub width: usize,
    /// The last line of what is meant.
    pub last_line: usize,
}

/// What stands at a node.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Scalar(String),
    Sequence(Vec<NodeId>),
    Mapping(Vec<(NodeId, NodeId)>),
    /// Another node of the document, under the name of its anchor.
    Alias(String, NodeId),
}

#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// An explicit tag, in its short form (`!!str`, `!mine`).
    pub(super) tag: Option<Box<str>>,
    /// A scalar without quotes and without a tag: its text decides what it is.
    pub(super) is_plain: bool,
    pub(super) place: Place,
}

/// The first document of a text.
#[derive(Debug, Clone, Default)]
pub struct Document {
    pub(super) nodes: Vec<Node>,
    pub(super) root: Option<NodeId>,
}

/// A step from a node to one below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// To the value of a key.
    Key(&'static str),
    /// To an element of a list.
    Index(usize),
}

impl Document {
    /// Where that place of the configuration is written: the key of the last step that there is, or
    /// the element. Merged keys are found where they stand.
    #[must_use]
    pub fn find(&self, path: &[Step]) -> Option<Place> {
        Some(self.find_from(self.root?, path))
    }

    pub(super) fn find_from(&self, mut at: NodeId, path: &[Step]) -> Place {
        let mut place = self.node(at).place;
        for step in path {
            let found = match step {
                Step::Key(name) => self.entry(at, name),
                Step::Index(index) => self.element(at, *index),
            };
            let Some((key, value)) = found else { break };
            place = self.node(key).place;
            at = value;
        }
        place
    }

    /// From which column on a line must not be shown: where the first value begins whose key is not
    /// one that may be shown.
    pub fn hidden_from(
        &self,
        line: usize,
        may_be_shown: impl Fn(&str, Place) -> bool,
    ) -> Option<usize> {
        let is_hidden = |key: NodeId| match &self.node(key).kind {
            Kind::Scalar(text) => !may_be_shown(text, self.node(key).place),
            _ => true,
        };
        let mut columns = Vec::new();
        for node in &self.nodes {
            let Kind::Mapping(entries) = &node.kind else {
                continue;
            };
            for (_, value) in entries.iter().filter(|(key, _)| is_hidden(*key)) {
                self.columns_on(line, *value, &mut columns);
            }
        }
        columns.into_iter().min()
    }

    /// The columns at which scalars of a value begin in that line.
    fn columns_on(&self, line: usize, at: NodeId, columns: &mut Vec<usize>) {
        let mut waiting = vec![at];
        let mut seen = HashSet::new();
        while let Some(at) = waiting.pop() {
            if !seen.insert(at) {
                continue;
            }
            let node = self.node(at);
            match &node.kind {
                Kind::Scalar(_) if node.place.line == line => columns.push(node.place.column),
                Kind::Scalar(_) if (node.place.line..=node.place.last_line).contains(&line) => {
                    columns.push(1);
                }
                Kind::Scalar(_) => {}
                Kind::Alias(_, target) => waiting.push(*target),
                Kind::Sequence(elements) => waiting.extend(elements),
                Kind::Mapping(entries) => waiting.extend(entries.iter().map(|(_, value)| value)),
            }
        }
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    fn resolved(&self, id: NodeId) -> &Node {
        match &self.node(id).kind {
            Kind::Alias(_, target) => self.node(*target),
            _ => self.node(id),
        }
    }

    fn entry(&self, at: NodeId, name: &str) -> Option<(NodeId, NodeId)> {
        let Kind::Mapping(entries) = &self.resolved(at).kind else {
            return None;
        };
        let is = |id: NodeId, text: &str| match &self.node(id).kind {
            Kind::Scalar(own) => own == text,
            _ => false,
        };
        let own = entries.iter().rev().find(|(key, _)| is(*key, name));
        // One level of merging is enough for a hint.
        let merged = || {
            entries
                .iter()
                .filter(|(key, _)| is(*key, "<<"))
                .filter_map(|(_, value)| match &self.resolved(*value).kind {
                    Kind::Mapping(entries) => entries.iter().find(|(key, _)| is(*key, name)),
                    _ => None,
                })
                .next_back()
        };
        own.or_else(merged).copied()
    }

    fn element(&self, at: NodeId, index: usize) -> Option<(NodeId, NodeId)> {
        let Kind::Sequence(elements) = &self.resolved(at).kind else {
            return None;
        };
        elements.get(index).map(|id| (*id, *id))
    }
}
