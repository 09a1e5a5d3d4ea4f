//! The names that Go knows behind `\p`.
//!
//! They are compared without regard to case, blanks, `_` and `-`. Go 1.25 and later looks scripts up
//! by a name without underscores in a table whose names have them, so that `Old_Italic` and its like
//! cannot be reached under any spelling; a pattern with one is refused there, and so it is here.

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// A class of the crate.
    Named(&'static str),
    /// Surrogates, of which a text has none.
    Empty,
}

/// The class of that name.
pub(super) fn class(name: &str) -> Option<Class> {
    let is_ignored = |c: char| matches!(c, '_' | '-' | ' ');
    let plain: String = name
        .chars()
        .filter(|c| !is_ignored(*c))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    if matches!(&*plain, "cs" | "surrogate") {
        return Some(Class::Empty);
    }
    let of_property = CATEGORIES
        .iter()
        .find(|(short, names)| short.eq_ignore_ascii_case(&plain) || names.contains(&&*plain))
        .map(|(short, _)| *short);
    let of_script = || {
        SCRIPTS
            .split_ascii_whitespace()
            .find(|script| script.eq_ignore_ascii_case(&plain))
    };
    of_property.or_else(of_script).map(Class::Named)
}

/// Categories and other properties, with the long names of those that have some.
const CATEGORIES: [(&str, &[&str]); 40] = [
    ("Any", &[]),
    ("Assigned", &[]),
    ("ASCII", &[]),
    ("C", &["other"]),
    ("Cc", &["control", "cntrl"]),
    ("Cf", &["format"]),
    ("Cn", &["unassigned"]),
    ("Co", &["privateuse"]),
    ("L", &["letter"]),
    ("LC", &["casedletter"]),
    ("Ll", &["lowercaseletter"]),
    ("Lm", &["modifierletter"]),
    ("Lo", &["otherletter"]),
    ("Lt", &["titlecaseletter"]),
    ("Lu", &["uppercaseletter"]),
    ("M", &["mark", "combiningmark"]),
    ("Mc", &["spacingmark"]),
    ("Me", &["enclosingmark"]),
    ("Mn", &["nonspacingmark"]),
    ("N", &["number"]),
    ("Nd", &["decimalnumber", "digit"]),
    ("Nl", &["letternumber"]),
    ("No", &["othernumber"]),
    ("P", &["punctuation", "punct"]),
    ("Pc", &["connectorpunctuation"]),
    ("Pd", &["dashpunctuation"]),
    ("Pe", &["closepunctuation"]),
    ("Pf", &["finalpunctuation"]),
    ("Pi", &["initialpunctuation"]),
    ("Po", &["otherpunctuation"]),
    ("Ps", &["openpunctuation"]),
    ("S", &["symbol"]),
    ("Sc", &["currencysymbol"]),
    ("Sk", &["modifiersymbol"]),
    ("Sm", &["mathsymbol"]),
    ("So", &["othersymbol"]),
    ("Z", &["separator"]),
    ("Zl", &["lineseparator"]),
    ("Zp", &["paragraphseparator"]),
    ("Zs", &["spaceseparator"]),
];

/// The scripts of Unicode 15 whose names are one word.
const SCRIPTS: &str = "
    Adlam Ahom Arabic Armenian Avestan Balinese Bamum Batak Bengali Bhaiksuki Bopomofo Brahmi
    Braille Buginese Buhid Carian Chakma Cham Cherokee Chorasmian Common Coptic Cuneiform
    Cypriot Cyrillic Deseret Devanagari Dogra Duployan Elbasan Elymaic Ethiopic Georgian
    Glagolitic Gothic Grantha Greek Gujarati Gurmukhi Han Hangul Hanunoo Hatran Hebrew Hiragana
    Inherited Javanese Kaithi Kannada Katakana Kawi Kharoshthi Khmer Khojki Khudawadi Lao Latin
    Lepcha Limbu Lisu Lycian Lydian Mahajani Makasar Malayalam Mandaic Manichaean Marchen
    Medefaidrin Miao Modi Mongolian Mro Multani Myanmar Nabataean Nandinagari Newa Nko Nushu
    Ogham Oriya Osage Osmanya Palmyrene Phoenician Rejang Runic Samaritan Saurashtra Sharada
    Shavian Siddham Sinhala Sogdian Soyombo Sundanese Syriac Tagalog Tagbanwa Takri Tamil
    Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Toto Ugaritic Vai Vithkuqi Wancho
    Yezidi Yi
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_class_of_the_crate() {
        let names = CATEGORIES.iter().map(|(short, _)| *short);
        let unknown: Vec<_> = names
            .chain(SCRIPTS.split_ascii_whitespace())
            .filter(|name| regex::Regex::new(&format!("\\p{{{name}}}")).is_err())
            .collect();
        assert_eq!(unknown, Vec::<&str>::new());
    }

    #[test]
    fn names_are_found_as_go_finds_them() {
        let names = [
            "greek",
            "Lowercase Letter",
            "lc",
            "_L-",
            "Cs",
            "Old_Italic",
            "Alphabetic",
            "",
        ];
        assert_eq!(
            names.map(class),
            [
                Some(Class::Named("Greek")),
                Some(Class::Named("Ll")),
                Some(Class::Named("LC")),
                Some(Class::Named("L")),
                Some(Class::Empty),
                None,
                None,
                None,
            ]
        );
    }
}
