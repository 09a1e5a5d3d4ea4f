//! What can be wrong with a text, with the place and, where there is one, a suggestion.

use std::fmt;

use super::node::Place;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// In Alertmanager's words; may have more than one line.
    pub text: String,
    /// Where, if that is known.
    pub place: Option<Place>,
    /// What was meant, perhaps.
    pub suggestion: Option<String>,
}

/// An error that ends the decoding.
pub type Fatal = Box<Problem>;

impl Problem {
    /// A problem whose place is not known (yet).
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            place: None,
            suggestion: None,
        }
    }

    /// With that place, unless a more exact one is known.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place.get_or_insert(place);
        self
    }

    /// The same as a [`Fatal`] in the words of the library.
    pub(super) fn yaml(text: impl fmt::Display, place: Place) -> Fatal {
        Box::new(Self::new(format!("yaml: {text}")).at(place))
    }
}

/// Why a text does not decode: one error that stands alone, or all errors of types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The one error.
    Fatal(Fatal),
    /// Every value of a wrong type and every unknown field; each text begins with `line N: `.
    Types(Vec<Problem>),
}

impl Error {
    /// The things that are wrong, in the order of the document.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Fatal(problem) => std::slice::from_ref(problem),
            Self::Types(problems) => problems,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fatal(problem) => f.write_str(&problem.text),
            Self::Types(problems) => {
                f.write_str("yaml: unmarshal errors:")?;
                problems
                    .iter()
                    .try_for_each(|problem| write!(f, "\n  {}", problem.text))
            }
        }
    }
}

impl std::error::Error for Error {}

impl From<Fatal> for Error {
    fn from(problem: Fatal) -> Self {
        Self::Fatal(problem)
    }
}
