//! SIGTERM, SIGHUP and `/-/reload`.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::{
    PATIENCE, Place, Reply, Request, Server, Sink, firing, one_webhook, told, until,
};

/// Requests that the server is at work on, of which half the body has been sent.
fn half_sent(server: &Server, count: usize) -> Vec<(TcpStream, Vec<u8>)> {
    const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
    (0..count)
        .map(|index| {
            let alert = json!([firing(&format!("A{index:03}"))]);
            let mut asked = Request::post("/api/v2/alerts", alert.to_string());
            asked.headers.push(("Expect", "100-continue".to_owned()));
            let mut stream = TcpStream::connect(server.address()).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.write_all(asked.head().as_bytes()).unwrap();
            let mut waits_for_body = [0; CONTINUE.len()];
            stream.read_exact(&mut waits_for_body).unwrap();
            assert_eq!(waits_for_body, CONTINUE);
            let (sent, rest) = asked.body.split_at(asked.body.len() / 2);
            stream.write_all(sent).unwrap();
            (stream, rest.to_vec())
        })
        .collect()
}

#[test]
fn a13_sigterm_during_a_hundred_posts_answers_them_and_every_200_is_on_disk() {
    const POSTS: usize = 100;
    let place = Place::new(&one_webhook("http://127.0.0.1:9/", "1h", "1h"));
    let server = place.start();
    let posts = half_sent(&server, POSTS);
    server.signal("TERM");
    server.wait_for_line("Shutting down gracefully");
    let statuses: Vec<String> = posts
        .into_iter()
        .map(|(mut stream, rest)| {
            let _ = stream.write_all(&rest);
            let mut line = [0; 12];
            match stream.read_exact(&mut line) {
                Ok(()) => String::from_utf8_lossy(&line).into_owned(),
                Err(_) => "no answer".to_owned(),
            }
        })
        .collect();
    let ended = server.wait();
    let found = place.check();
    let names = place.start().names();
    let acknowledged: Vec<String> = (0..POSTS)
        .filter(|index| statuses[*index] == "HTTP/1.1 200")
        .map(|index| format!("A{index:03}"))
        .collect();
    assert_eq!(
        (ended.code, found, acknowledged.len(), names),
        (
            Some(0),
            (Some(0), "E".into(), true.into()),
            POSTS,
            acknowledged
        )
    );
}

#[test]
fn a14_sigterm_twice_ends_in_order() {
    let sink = Sink::replying(Reply::Nothing);
    let place = Place::new(&one_webhook(&sink.url("/"), "0s", "1h"));
    let server = place.start();
    server.fire(&["A"]);
    sink.wait_for(1);
    server.signal("TERM");
    server.wait_for_line("Shutting down gracefully");
    let ended = server.stop();
    assert_eq!(
        (ended.code, place.check()),
        (Some(0), (Some(0), "E".into(), true.into()))
    );
}

#[test]
fn a14_sigterm_then_sigkill_while_a_receiver_is_slow_tells_it_again_with_the_same_key() {
    let sink = Sink::replying(Reply::Nothing);
    let place = Place::new(&one_webhook(&sink.url("/"), "0s", "1h"));
    let server = place.start();
    server.fire(&["A"]);
    sink.wait_for(1);
    server.signal("TERM");
    server.wait_for_line("Shutting down gracefully");
    server.kill();
    sink.reply(Reply::Say(200));
    let _server = place.start();
    let got = sink.wait_for(2);
    let key = got[0].marks().0;
    assert_eq!(
        (told(&got), got[1].marks(), key.len()),
        (
            vec!["A firing".to_owned(), "A firing".to_owned()],
            (key.clone(), "2".to_owned(), "true".to_owned()),
            64
        )
    );
}

#[test]
fn what_is_cut_off_by_an_orderly_stop_is_told_by_the_next_start() {
    let sink = Sink::replying(Reply::Nothing);
    let place = Place::new(&one_webhook(&sink.url("/"), "0s", "1h"));
    let server = place.start();
    server.fire(&["A"]);
    sink.wait_for(1);
    let ended = server.stop();
    sink.reply(Reply::Say(200));
    let server = place.start();
    let got = sink.wait_for(2);
    let report = server.recovery();
    assert_eq!(
        (ended.code, told(&got), report["inDoubt"].clone()),
        (
            Some(0),
            vec!["A firing".to_owned(), "A firing".to_owned()],
            Value::from(1)
        )
    );
}

/// How a reload is asked for.
fn reload_by_signal(server: &Server) {
    server.signal("HUP");
    server.wait_for_line("Completed loading of configuration file");
}

fn reload_by_post(server: &Server) {
    let answer = server.ask(&Request::post("/-/reload", ""));
    assert_eq!(answer.said(), (200, ""));
}

/// A group waits while the configuration is loaded anew: what is told, and in which phase?
fn told_after_a_reload(reload: fn(&Server)) -> (Vec<String>, (bool, bool)) {
    let sink = Sink::start();
    let config = one_webhook(&sink.url("/"), "5s", "1h");
    let place = Place::new(&config);
    let server = place.start();
    let posted = Instant::now();
    server.fire(&["A"]);
    until("half of group_wait", || {
        (posted.elapsed() > Duration::from_millis(2_500)).then_some(())
    });
    // Another hash, the same route.
    place.configure(&format!("{config}  - url: {}\n", sink.url("/other")));
    let reloaded = Timestamp::now();
    reload(&server);
    let got = sink.wait_for(2);
    (told(&got), place.phase(Duration::from_secs(5), reloaded))
}

#[test]
fn sighup_keeps_the_timer_of_a_group_and_tells_the_new_integration_too() {
    let both = vec!["A firing".to_owned(), "A firing".to_owned()];
    assert_eq!(told_after_a_reload(reload_by_signal), (both, (true, true)));
}

#[test]
fn post_reload_keeps_the_timer_of_a_group_and_tells_the_new_integration_too() {
    let both = vec!["A firing".to_owned(), "A firing".to_owned()];
    assert_eq!(told_after_a_reload(reload_by_post), (both, (true, true)));
}

#[test]
fn a_reload_of_a_broken_file_answers_500_and_the_old_configuration_goes_on() {
    let sink = Sink::start();
    let config = one_webhook(&sink.url("/"), "0s", "1s");
    let place = Place::new(&config);
    let server = place.start();
    place.configure("route: {receiver: nobody}\nreceivers: []\n");
    let answer = server.ask(&Request::post("/-/reload", ""));
    server.signal("HUP");
    server.wait_for_line("configuration reload failed");
    server.fire(&["A"]);
    let got = sink.wait_for(1);
    place.configure(&config);
    let mended = server.ask(&Request::post("/-/reload", ""));
    assert_eq!(
        (answer.said(), told(&got), mended.said()),
        (
            (
                500,
                "failed to reload config: undefined receiver \"nobody\" used in route\n"
            ),
            vec!["A firing".to_owned()],
            (200, "")
        )
    );
}

/// Standard error is a pipe, and whoever read it has stopped.
#[test]
fn a_log_that_nobody_reads_holds_up_neither_alerts_nor_the_end() {
    const ALERTS: usize = 2_000;
    let sink = Sink::start();
    let place = Place::new(&one_webhook(&sink.url("/"), "0s", "1s"));
    let mut server = place.spawn(&["--log.level=debug"]);
    server.wait_until_ready();
    server.stop_reading_its_log();
    let long = "x".repeat(200);
    let names: Vec<String> = (0..ALERTS)
        .map(|it| format!("A{it:04} text={long}"))
        .collect();
    let statuses: Vec<u16> = names
        .chunks(100)
        .map(|names| {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            server.fire(&names)
        })
        .collect();
    sink.wait_for(2);
    server.signal("TERM");
    let code = server.wait_without_its_log();
    assert_eq!(
        (statuses, code, place.check()),
        (
            vec![200; ALERTS / 100],
            Some(0),
            (Some(0), "E".into(), true.into())
        )
    );
}
