//! One life of the process, from its start to the moment at which it is killed, stops or fails.
//!
//! ```text
//!   what happens ─► requests wait ─► commit ─► durable ─► work (apply, decide) ─► requests wait …
//!                                       └─► clients are answered         └─► delivery's tasks ─► receivers
//! ```
//!
//! Between any two of these steps the process may be killed. Whatever it has then on disk, and nothing
//! else, is what the next life begins with.

use std::pin::Pin;

use tocsin::core::{Core, Section};
use tocsin::node::serve::stepped::{Server, Start, replay};
use tocsin::record::CodecError;
use tocsin::sys::{Clock, Image, SimDisk};
use tokio::runtime::Handle;
use tokio::time::sleep_until;

use super::event::Event;
use super::run::{KillAt, Run};
use super::setting::{Ms, one_in};
use super::world::MortalDisk;

/// How a life ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// While it came up.
    Stillborn,
    Killed,
    Stopped,
    /// It found that it cannot go on.
    Failed,
    Over,
}

/// What is compared at a kill.
struct Kept {
    hash: u64,
}

impl Kept {
    /// If what the log holds has to be what lived.
    fn of(run: &Run, server: &Server, ending: Ending) -> Option<Self> {
        // Killed within an operation of the disk, it may have written what it has not applied; and what a
        // failed sync left on disk is in the log, and was not applied.
        let is_at_rest = !server.has_arrivals()
            && !run.disk.is_dead()
            && !run.is_disk_faulty
            && ending != Ending::Failed;
        let hash = || server.read(hash);
        (is_at_rest && run.is_comparable).then(|| Self { hash: hash() })
    }
}

/// Lives one life. The disk is dead afterwards, or closed in order.
pub(super) async fn live(run: &mut Run, down_at: Option<Ms>) -> Ending {
    run.world.clock.begin_life();
    run.lives += 1;
    if let Some(operations) = run.draw_kill_in_recovery() {
        run.disk.die_after(operations);
    }
    let environment = run.environment(run.disk.clone());
    let start = Start {
        environment: &environment,
        log: run.log_options(),
        blueprint: run.blueprint(),
        runtime: Handle::current(),
    };
    let opened = Server::open(start);
    if run.disk.is_dead() || (opened.is_err() && run.is_disk_faulty) {
        run.disk.kill();
        return Ending::Stillborn;
    }
    let server = match opened {
        Ok(server) => server,
        Err(fault) => {
            run.oracle
                .refute(|| format!("I11: the start was refused: {fault}"));
            return Ending::Over;
        }
    };
    // Not again in this life, unless somebody aims.
    run.disk.die_after(u64::MAX);
    let now = run.world.now();
    let state = server.read(hash);
    let wall = run.world.clock.wall();
    server.read(|core| run.oracle.ready(now, down_at, wall, core));
    let life = run.lives;
    run.note(&Event::Ready { life, state });
    run.plan_resend();
    let mut life = Life::new(run, server);
    let ending = life.go_on().await;
    let Life { run, server, .. } = life;
    run.look_around();
    if ending == Ending::Stopped {
        if let Err(fault) = server.close()
            && !run.disk.is_dead()
            && run.oracle.violation().is_none()
        {
            // A full or failing disk may prevent it, which makes it a crash.
            run.note(&Event::Disk {
                what: fault.to_string(),
            });
        }
        run.disk.kill();
        return ending;
    }
    let kept = Kept::of(run, &server, ending);
    run.disk.kill();
    if let Some(kept) = kept
        && one_in(&run.entropy, 2)
    {
        compare(run, &kept);
    }
    drop(server);
    ending
}

fn hash(core: &Core) -> u64 {
    core.state_hash().unwrap_or(0)
}

/// What the log holds is what lived; and a recovery that is killed when it is done changes nothing (I12).
fn compare(run: &mut Run, kept: &Kept) {
    let image = run.disk.inner().image();
    let of_image = |image: &Image| MortalDisk::new(SimDisk::without_power_loss(image));
    let environment = run.environment(of_image(&image));
    match replay(&environment, &run.log_options(), run.blueprint()) {
        Ok(core) if hash(&core) == kept.hash => {}
        Ok(_) => run
            .oracle
            .refute(|| "I12: replay gives another state than the live one".to_owned()),
        Err(fault) => run
            .oracle
            .refute(|| format!("I11: the start was refused: {fault}")),
    }
    if !one_in(&run.entropy, 4) {
        return;
    }
    let mut states: Vec<Vec<Section>> = Vec::new();
    let mut image = image;
    for _ in 0..2 {
        let disk = of_image(&image);
        let environment = run.environment(disk.clone());
        let opened = Server::open(Start {
            environment: &environment,
            log: run.log_options(),
            blueprint: run.blueprint(),
            runtime: Handle::current(),
        });
        match opened {
            Ok(server) => states.push(server.read(sections)),
            Err(fault) => run
                .oracle
                .refute(|| format!("I11: the start was refused: {fault}")),
        }
        disk.kill();
        image = disk.inner().image();
    }
    if let [one, other] = states.as_slice()
        && one != other
    {
        let kinds = one.iter().zip(other).filter(|(one, other)| one != other);
        let kinds: Vec<u32> = kinds.map(|(one, _)| one.kind).collect();
        run.oracle.refute(|| {
            format!(
                "I12: a recovery that is killed at its end changes the state (sections {kinds:?})"
            )
        });
    }
}

fn sections(core: &Core) -> Vec<Section> {
    let mut all = Vec::new();
    // What cannot be encoded has shown already when the state was hashed.
    let _ = core.snapshot(|section| {
        all.push(section);
        Ok::<(), CodecError>(())
    });
    all
}

struct Life<'a> {
    run: &'a mut Run,
    server: Server,
    /// When the core has something to do.
    work_at: Ms,
    /// When the disk takes what waits.
    commit_at: Ms,
    beat_at: Ms,
    look_at: Ms,
    draining: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl<'a> Life<'a> {
    fn new(run: &'a mut Run, server: Server) -> Self {
        let world = std::sync::Arc::clone(&run.world);
        server.wake_with(move || world.notify.notify_one());
        let now = run.world.now();
        Self {
            work_at: now,
            commit_at: now,
            beat_at: now + run.setting.beat_ms,
            look_at: now,
            draining: None,
            run,
            server,
        }
    }

    async fn go_on(&mut self) -> Ending {
        loop {
            if let Some(ending) = self.ending() {
                return ending;
            }
            let now = self.run.world.now();
            self.run.look_around();
            while let Some((_, what)) = self.run.take_due(now) {
                self.run.act(what, Some(&self.server));
            }
            if self.run.kill_at == Some(KillAt::Now) {
                return Ending::Killed;
            }
            if self.run.stops && self.draining.is_none() {
                self.draining = Some(Box::pin(self.server.drain()));
            }
            if now >= self.look_at {
                self.run.oracle.look(now);
                self.look_at = now + self.run.oracle.look_every();
            }
            if self.server.takes_checkpoint() {
                self.run.checkpoint(&self.server);
            }
            if self.step(now).await {
                continue;
            }
            self.run.checkpoint_if_planned(&self.server, 40);
            if let Some(ending) = self.ending() {
                return ending;
            }
            if self.wait().await {
                return Ending::Stopped;
            }
        }
    }

    fn ending(&mut self) -> Option<Ending> {
        if self.run.disk.is_dead() || self.run.world.take_killed() {
            return Some(Ending::Killed);
        }
        if self.server.failure().is_some() {
            return Some(Ending::Failed);
        }
        let is_over = self.run.is_over || self.run.oracle.violation().is_some();
        is_over.then_some(Ending::Over)
    }

    /// One step of the server; whether there was one to take.
    async fn step(&mut self, now: Ms) -> bool {
        if now >= self.commit_at && self.server.commit() {
            self.beat_at = now + self.run.setting.beat_ms;
            self.commit_at = now + self.run.draw_disk_latency();
            self.run.checkpoint_if_planned(&self.server, 2);
            if self.run.kill_at == Some(KillAt::Committed) {
                self.run.disk.kill();
                return true;
            }
            // Who waits for an answer gets it before the core has applied anything, or after.
            if one_in(&self.run.entropy, 2) {
                tokio::task::yield_now().await;
            }
            return true;
        }
        if self.server.has_arrivals() || now >= self.work_at {
            let run = &mut *self.run;
            let idle = self.server.work(|lsn, record| run.applied(lsn, record));
            self.work_at = match idle {
                Some(idle) => now + i64::try_from(idle.as_millis()).unwrap_or(0).max(1),
                None => Ms::MAX,
            };
            if self.run.kill_at == Some(KillAt::Decided) {
                self.run.disk.kill();
            }
            return true;
        }
        if now >= self.beat_at {
            self.server.beat();
            self.beat_at = now + self.run.setting.beat_ms;
            return true;
        }
        false
    }

    /// Waits until something is to be done; whether the stop is complete.
    async fn wait(&mut self) -> bool {
        let now = self.run.world.now();
        let mut until = self.work_at.min(self.beat_at).min(self.look_at);
        until = until.min(self.run.next_at());
        if self.commit_at > now {
            until = until.min(self.commit_at);
        }
        let until = self.run.world.clock.instant(until);
        let world = std::sync::Arc::clone(&self.run.world);
        let drained = async {
            match &mut self.draining {
                Some(draining) => draining.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = drained => true,
            () = world.notify.notified() => false,
            () = sleep_until(until) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use tocsin::sys::{Call, Errno, Fault, FaultKind};
    use tokio::runtime::Builder;

    use super::super::run::{Blueprints, What};
    use super::*;

    /// A life in which an alert comes and its batch is written: whether what is then on disk is compared with
    /// what lived, and what comes of it if it is.
    fn a_life(syncs: bool, applies: bool) -> (bool, Option<String>) {
        let mut run = Run::new(1, false, &mut Blueprints::default()).unwrap();
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let environment = run.environment(run.disk.clone());
            let mut server = Server::open(Start {
                environment: &environment,
                log: run.log_options(),
                blueprint: run.blueprint(),
                runtime: Handle::current(),
            })
            .unwrap();
            let before = server.read(hash);
            if !syncs {
                let fails = Fault::once(Call::Fdatasync, 1, FaultKind::Error(Errno::Eio));
                run.disk.inner().plan(fails.on(".wal"));
                run.is_disk_faulty = true;
            }
            run.act(What::Flip(0), None);
            run.act(What::Send(0), Some(&server));
            tokio::task::yield_now().await;
            assert!(server.commit());
            let _ = server.work(|_, _| {});
            let kept = Kept::of(&run, &server, Ending::Killed);
            let lived = match applies {
                true => server.read(hash),
                false => before,
            };
            compare(&mut run, &Kept { hash: lived });
            run.disk.kill();
            (kept.is_some(), run.oracle.violation().map(str::to_owned))
        })
    }

    #[test]
    fn i12_what_a_failed_sync_left_on_disk_is_not_compared_with_what_lived() {
        let differs = Some("I12: replay gives another state than the live one".to_owned());
        assert_eq!(
            [a_life(true, true), a_life(false, true), a_life(true, false)],
            [(true, None), (false, differs.clone()), (true, differs)]
        );
    }
}
