//! The file with tests of routes. The format is told in `docs/testing-routes.md`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::config::block::{Checked, Refusal, block};
use crate::config::yaml::{self, Decode, Decoded, Decoder, NodeId, Place, Problem, Step};
use crate::model::{LabelSet, Mode};

block! {
    /// The file.
    TestFile "a test file" {
        /// The configuration, seen from the directory of this file.
        config: String;
        tests: Vec<Test>;
    }
}

block! {
    /// An alert, and what is to become of it.
    Test "a test" {
        name: String;
        labels: BTreeMap<String, String>;
        time: Option<Time>;
        /// The labels of other alerts that fire.
        firing: Vec<BTreeMap<String, String>>;
        expect: Expect;
    }
}

block! {
    /// What is to become of it. What is absent may be anything.
    Expect "expectations" {
        /// In the order of the routes.
        receivers: Option<Vec<String>>;
        inhibited: Option<bool>;
        /// Of every route that takes the alert, as the next two.
        group_labels: Option<BTreeMap<String, String>>;
        group_key: Option<String>;
        /// Names of time intervals.
        muted_by: Option<Vec<String>>;
        /// Of each route that takes the alert, in their order.
        routes: Option<Vec<ExpectRoute>>;
    }
}

block! {
    /// What a route is to do.
    ExpectRoute "expectations of a route" {
        receiver: Option<String>;
        group_labels: Option<BTreeMap<String, String>>;
        group_key: Option<String>;
        muted_by: Option<Vec<String>>;
    }
}

impl Checked for TestFile {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        match self.tests.is_empty() {
            true => Err("there are no tests".into()),
            false => Ok(()),
        }
    }
}

impl Checked for Test {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        if self.name.is_empty() {
            return Err("a test needs a name".into());
        }
        if self.expect == Expect::default() {
            return Err(Refusal::at("expect", "a test must expect something"));
        }
        if self.time.is_none() && self.expect.tells_of_muting() {
            let text = "a test that expects muted_by needs a time";
            return Err(Refusal::at("expect", text));
        }
        Ok(())
    }
}

impl Checked for Expect {
    const IS_CUSTOM: bool = false;
}

impl Checked for ExpectRoute {
    const IS_CUSTOM: bool = false;
}

impl Expect {
    fn tells_of_muting(&self) -> bool {
        let mut routes = self.routes.iter().flatten();
        self.muted_by.is_some() || routes.any(|route| route.muted_by.is_some())
    }
}

impl Test {
    /// The labels of the alert.
    pub(super) fn label_set(&self) -> LabelSet {
        LabelSet::new(&self.labels)
    }
}

/// A point in time, in RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Time(pub(super) jiff::Timestamp);

impl Decode for Time {
    const IS_CUSTOM: bool = true;

    fn go_type() -> Cow<'static, str> {
        "a time".into()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        let mut text = String::new();
        if !decoder.read(at, &mut text)? {
            return Ok(false);
        }
        match text.parse() {
            Ok(time) => self.0 = time,
            Err(_) => {
                let text = format!("{text:?} is not a time such as 2026-11-22T03:00:00Z");
                return Err(Box::new(Problem::new(text).at(decoder.place(at))));
            }
        }
        Ok(true)
    }
}

impl crate::config::block::Show for Time {
    fn item(&self) -> yaml::Item {
        yaml::Item::Text(self.0.to_string())
    }

    fn is_zero(&self) -> bool {
        false
    }
}

/// Reads a file of tests, with the line of each test.
pub(super) fn read(text: &[u8]) -> Result<(TestFile, Vec<Option<Place>>), yaml::Error> {
    let document = yaml::parse(text)?;
    let mut file = TestFile::default();
    let mut decoder = Decoder::new(&document, Mode::default(), jiff::tz::TimeZone::UTC);
    if !decoder.read_document(&mut file)? {
        return Err(Box::new(Problem::new("the file is empty")).into());
    }
    let places = (0..file.tests.len())
        .map(|index| document.find(&[Step::Key("tests"), Step::Index(index)]))
        .collect();
    Ok((file, places))
}
