//! Integrations that have another place after a reload.
//!
//! Alertmanager 0.34 remembers what was told by the place of an integration among those of its kind. One
//! that is moved takes over what another was told: it may be told something again, or not told something
//! that only the other knows. That is kept, and said.

use crate::config::Receiver;

/// An integration that stands elsewhere now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) receiver: String,
    /// As in log lines: `webhook[0]`.
    pub(super) from: String,
    pub(super) to: String,
}

/// The integrations of receivers of the same name that have changed places.
pub(super) fn moved(before: &[Receiver], now: &[Receiver]) -> Vec<Moved> {
    let mut found = Vec::new();
    for new in now {
        let Some(old) = before.iter().find(|it| it.name == new.name) else {
            continue;
        };
        let places = moved_among(old.webhook_configs.iter(), new.webhook_configs.iter());
        found.extend(places.into_iter().map(|(from, to)| Moved {
            receiver: new.name.clone(),
            from: format!("webhook[{from}]"),
            to: format!("webhook[{to}]"),
        }));
    }
    found
}

fn moved_among<'a, T: PartialEq + 'a>(
    before: impl Iterator<Item = &'a T>,
    now: impl Iterator<Item = &'a T>,
) -> Vec<(usize, usize)> {
    let now: Vec<&T> = now.collect();
    let places = before.enumerate().filter_map(|(from, integration)| {
        if now.get(from) == Some(&integration) {
            return None;
        }
        let to = now.iter().position(|it| *it == integration)?;
        Some((from, to))
    });
    places.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_elsewhere_has_moved() {
        let moved = |before: &[u8], now: &[u8]| moved_among(before.iter(), now.iter());
        let seen = [
            moved(&[1, 2, 3], &[1, 2, 3]),
            moved(&[1, 2], &[2, 1]),
            moved(&[1, 2], &[2]),
            moved(&[1, 2], &[3, 1, 2]),
            moved(&[1, 2], &[1, 4]),
            moved(&[1, 1], &[1, 1, 1]),
        ];
        let expected = [
            vec![],
            vec![(0, 1), (1, 0)],
            vec![(1, 0)],
            vec![(0, 1), (1, 2)],
            vec![],
            vec![],
        ];
        assert_eq!(seen, expected);
    }
}
