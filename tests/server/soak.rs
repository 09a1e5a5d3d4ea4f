//! Kills at any time while alerts come: whatever was acknowledged is told, and what is told twice was under
//! way at a kill, has its key and says so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tocsin::sys::{Entropy, SeededEntropy};

use crate::support::{Place, Reply, Request, Server, Sink, firing, one_webhook, request, until};

const KILLS: usize = 12;

/// Another run takes another seed, `TOCSIN_SEED` the one of a run before.
fn seed() -> u64 {
    let given = std::env::var("TOCSIN_SEED").ok();
    let given = given.and_then(|it| it.parse().ok());
    given.unwrap_or_else(|| u64::from(std::process::id()))
}

/// Posts one alert after the other until it is told to stop, or the server is gone.
fn post_on(
    server: &Server,
    life: usize,
    is_over: &AtomicBool,
    acknowledged: &Mutex<BTreeSet<String>>,
) {
    for turn in 0.. {
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        let name = format!("L{life:02}T{turn:04}");
        let body = serde_json::Value::from(vec![firing(&name)]).to_string();
        let answer = request(server.address(), &Request::post("/api/v2/alerts", body));
        match answer {
            Ok(answer) if answer.status == 200 => {
                acknowledged.lock().unwrap().insert(name);
            }
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

#[test]
fn i01_i05_kills_at_any_time_lose_nothing_and_every_repetition_is_of_one_kill_and_says_so() {
    let seed = seed();
    let entropy = SeededEntropy::new(seed);
    let sink = Sink::replying(Reply::Late(Duration::from_millis(30)));
    let config = one_webhook(&sink.url("/"), "50ms", "300ms");
    let place = Place::new(&config.replace("receiver: r", "receiver: r\n  group_by: [alertname]"));
    let acknowledged = Mutex::new(BTreeSet::new());
    for life in 0..KILLS {
        let server = place.start();
        let wait = Duration::from_millis(50 + entropy.next_u64() % 500);
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| post_on(&server, life, &is_over, &acknowledged));
            let begun = Instant::now();
            until("the time of the kill", || {
                (begun.elapsed() >= wait).then_some(())
            });
            server.signal("KILL");
            is_over.store(true, Ordering::Relaxed);
        });
        server.wait();
    }
    let server = place.start();
    let acknowledged = acknowledged.into_inner().unwrap();
    let name_of = |told: &str| told.split(' ').next().unwrap_or_default().to_owned();
    let told = || -> BTreeSet<String> { sink.got().iter().map(|it| name_of(&it.told())).collect() };
    until("the notification of all that was acknowledged", || {
        acknowledged.is_subset(&told()).then_some(())
    });
    server.stop();
    let mut marks: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for got in sink.got() {
        let (key, _, recovered) = got.marks();
        marks
            .entry(name_of(&got.told()))
            .or_default()
            .push((key, recovered));
    }
    let wrong: Vec<_> = marks
        .iter()
        .filter(|(_, marks)| {
            let (first, others) = marks.split_first().unwrap();
            let is_marked = others.iter().all(|it| it.0 == first.0 && it.1 == "true");
            !is_marked || others.len() > KILLS
        })
        .collect();
    let told_twice = marks.values().filter(|it| it.len() > 1).count();
    assert_eq!(
        (wrong, acknowledged.len() > KILLS),
        (vec![], true),
        "TOCSIN_SEED={seed}, {} acknowledged, {told_twice} told more than once",
        acknowledged.len()
    );
}
