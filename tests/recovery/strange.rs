//! Records whose checksums hold and which the log would never write, and devices that fail in parts.

use tocsin::sys::{Call, Errno, Fault, FaultKind};
use tocsin::wal::control::{CONTROL_SCHEMA, Control};
use tocsin::wal::frame::{Broken, FrameCodec, FrameDraft};
use tocsin::wal::{Cause, Class, Lsn, RecordType, Salt};

use crate::support::{Place, World, checkpoint, damage_of, place_of, places, post, proven, texts};

/// Writes another record into the place of one, with checksums that hold.
fn rewrite(
    world: &World,
    place: Place,
    schema: u8,
    record_type: RecordType,
    payload: &[u8],
) -> World {
    let path = world.first_segment();
    world.with(&path, |bytes| {
        let field = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        let codec = FrameCodec::new(Salt(field(48)));
        let header = codec.header(&bytes[place.start..]).unwrap();
        let mut frame = Vec::new();
        codec.append(
            &mut frame,
            &FrameDraft {
                link: header.link,
                lsn: header.lsn,
                record_type,
                schema,
                flags: header.flags,
                payload,
            },
        );
        assert_eq!(frame.len(), place.end - place.start);
        bytes[place.start..place.end].copy_from_slice(&frame);
    })
}

#[test]
fn record_of_the_logs_own_that_it_would_never_write_is_damage() {
    let world = proven(&["one", "two"]);
    let path = world.first_segment();
    // The BatchStart before the second record.
    let bytes = world.bytes(&path);
    let second = place_of(&bytes, "two");
    let place = *places(&bytes)
        .iter()
        .find(|place| place.end == second.start)
        .unwrap();
    let backwards = Control::Lost {
        from: Lsn(place.lsn),
        to: Lsn(1),
    };
    let broken = [
        rewrite(
            &world,
            place,
            CONTROL_SCHEMA,
            RecordType::BATCH_START,
            &[7; 15],
        ),
        rewrite(
            &world,
            place,
            CONTROL_SCHEMA + 1,
            RecordType::BATCH_START,
            &[7; 16],
        ),
        rewrite(
            &world,
            place,
            CONTROL_SCHEMA,
            RecordType::LOST,
            &backwards.encode(),
        ),
    ];
    let found = broken.map(|world| {
        let cause = world.inspect().damage[0].cause;
        (cause, damage_of(&world.refusal()))
    });
    let expected = (Cause::Frame(Broken::Control), vec![place.of(&path)]);
    assert_eq!(found, [expected.clone(), expected.clone(), expected]);
}

#[test]
fn record_whose_second_page_the_device_cannot_read_is_named_and_the_others_are_read() {
    let world = World::new();
    let mut writer = world.open();
    let (before, long) = ("b".repeat(3400), "x".repeat(5000));
    post(&mut writer, &[&before]);
    post(&mut writer, &[&long]);
    post(&mut writer, &["after"]);
    drop(writer);
    let (path, place) = world.find("xxx");
    // The header is read first, then all at once, which fails, then page by page.
    let on = path.display().to_string();
    for nth in [2, 4] {
        world
            .disk
            .plan(Fault::once(Call::Read, nth, FaultKind::Error(Errno::Eio)).on(&on));
    }
    let refusal = world.refusal();
    world.disk.heal();
    assert_eq!(
        (
            damage_of(&refusal),
            refusal
                .to_string()
                .contains("the device cannot read this place"),
            world.recover()
        ),
        (
            vec![place.of(&path)],
            true,
            texts(&[&before, &long, "after"])
        )
    );
}

#[test]
fn flipped_bit_in_the_first_copy_of_a_header_is_made_good_by_the_second() {
    let world = proven(&["one"]);
    let path = world.first_segment();
    // A bit of the salt, without which no record is one.
    let broken = world.with(&path, |bytes| bytes[48] ^= 1);
    assert_eq!(
        (broken.class(), broken.recover()),
        (Class::CleanEnd, texts(&["one"]))
    );
}

#[test]
fn segment_that_a_running_server_removes_under_a_reader_is_not_missed() {
    let world = World::new();
    let mut writer = world.open();
    post(&mut writer, &["one"]);
    writer.rotate().unwrap();
    post(&mut writer, &["two"]);
    checkpoint(&mut writer, &["one", "two"]);
    let whole = world.inspect();
    // Between the look into the directory and the opening of what was seen there.
    let first = world.first_segment();
    let gone = Fault::once(Call::Open, 1, FaultKind::Error(Errno::Enoent));
    world.disk.plan(gone.on(first.to_str().unwrap()));
    let without = world.inspect();
    assert_eq!(
        (whole.segments.len(), without.segments.len(), without.class),
        (2, 1, Class::CleanEnd)
    );
}
