//! Questions that make no sense.

use crate::past::tocsin;
use crate::support::{Place, Sink, one_webhook};

#[test]
fn a_wrong_question_gets_a_400_that_shows_the_right_form() {
    let sink = Sink::start();
    let place = Place::new(&one_webhook(&sink.url("/"), "1h", "1h"));
    let server = place.start();
    server.fire(&["A"]);
    let cases = [
        (
            "why",
            "\"which alert? Give matchers, as in filter=alertname=\\\"DiskFull\\\", or fingerprint=3a1f…\"",
        ),
        ("why?filter=%7B", "\"bad parameter filter: `{`: "),
        (
            "why?fingerprint=12",
            "\"bad parameter fingerprint: `12`: it is not 16 hexadecimal digits; example: fingerprint=66d3ba4ec1ba56a1\"",
        ),
        (
            "why?filter=a%3Db&at=2199-01-01T00:00:00Z",
            "\"bad parameter at: `2199-01-01T00:00:00Z`: the time is in the future: it is ",
        ),
        (
            "why?filter=a%3Db&at=yesterday",
            "\"bad parameter at: `yesterday`: it is neither a time, nor a date such as 2026-11-22, nor a duration such as 2h; example: at=2026-11-22T03:12:00Z\"",
        ),
        (
            "history?receiver=nobody",
            "\"bad parameter receiver: nothing is known of a receiver `nobody`; example: receiver=team-x\"",
        ),
        (
            "history?cursor=first",
            "\"bad parameter cursor: `first`: it is not known; take `nextCursor` of the answer before, or leave it out; example: cursor=",
        ),
        (
            "history?limit=0",
            "\"bad parameter limit: `0`: it is no number from 1 to 1000; example: limit=100\"",
        ),
        (
            "history?kind=all",
            "\"bad parameter kind: `all`: it is none of received, ",
        ),
        (
            "history?filer=a%3Db",
            "\"there is no parameter `filer`; there are: filter, fingerprint, ",
        ),
        (
            "notifications?status=lost",
            "\"bad parameter status: `lost`: it is none of delivered, failed, ",
        ),
        (
            "notifications?from=1h&to=2h",
            "\"bad parameters from and to: the end is before the beginning; example: from=2h\"",
        ),
        (
            "notifications?format=xml",
            "\"bad parameter format: `xml`: it is none of json, jsonl, text; example: format=json\"",
        ),
    ];
    let seen = cases.map(|(path, expected)| {
        let answer = server.get(&format!("/api/tocsin/v1/{path}"));
        let shown = answer.body.get(..expected.len()).unwrap_or(&answer.body);
        (path, answer.status, shown.to_owned())
    });
    assert_eq!(
        seen,
        cases.map(|(path, expected)| (path, 400, expected.to_owned()))
    );
}

#[test]
fn a_command_says_in_one_line_what_is_wrong_with_a_question() {
    let place = Place::new("");
    let data = place.data();
    let data = data.to_str().unwrap();
    std::fs::create_dir_all(data).unwrap();
    let missing = format!("tocsin: error: {data} is not a tocsin data directory: ");
    let no_server = "tocsin: error: the server at http://127.0.0.1:1 does not answer: ";
    let cases: [(&[&str], i32, &str); 2] = [
        (&["why", "a=b", "--data", data], 6, &missing),
        (&["why", "a=b", "--url", "http://127.0.0.1:1"], 1, no_server),
    ];
    let seen = cases.map(|(words, _, expected)| {
        let (code, out, err) = tocsin(words);
        let shown = err.get(..expected.len()).unwrap_or(&err).to_owned();
        (code, out, shown, err.lines().count())
    });
    assert_eq!(
        seen,
        cases.map(|(_, code, expected)| (Some(code), String::new(), expected.to_owned(), 1))
    );
}

#[test]
fn without_history_a_question_is_told_so_and_everything_else_works() {
    let sink = Sink::start();
    let place = Place::new(&one_webhook(&sink.url("/"), "0s", "1h"));
    let server = place.start_with(&["--history=off"]);
    server.fire(&["A"]);
    sink.wait_to_be_told("A firing");
    let answer = server.get("/api/tocsin/v1/why?filter=a%3Db");
    assert_eq!(
        (
            answer.status,
            answer.body.as_str(),
            place.data().join("index").exists()
        ),
        (
            503,
            "\"there is no history: it is switched off (--history=off)\"\n",
            false
        )
    );
}
