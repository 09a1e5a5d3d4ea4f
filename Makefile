# Every verb that CI uses, and no other way in.
#
#   make run      build and show what this version can do
#   make test     all tests
#   make lint     format, clippy, licences
#   make bench    benchmarks, beside a bare loop on the same disk
#   make chaos    try to refute what the log promises (CHAOS=short for a few minutes' worth)

CARGO ?= cargo
CHAOS ?= full
SEED ?= 1
PROFILE := --profile chaos
BUILT := target/chaos

.PHONY: run test lint bench chaos

run:
	$(CARGO) build --release
	@target/release/tocsin --help

test:
	$(CARGO) test --workspace --locked

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	scripts/deny

bench:
	$(CARGO) bench --locked --bench log

# One build without and one with the planted bugs; the named tests of recovery are one layer of the hunt.
chaos:
	$(CARGO) build $(PROFILE) --locked -p tocsin-chaos --bin tocsin-chaos
	$(CARGO) build $(PROFILE) --locked -p tocsin-chaos --features bug-zoo --bin tocsin-chaos-zoo
	$(CARGO) test $(PROFILE) --locked -p tocsin --features bug-zoo --test recovery --no-run \
		--message-format=json > $(BUILT)/recovery.json
	$(BUILT)/tocsin-chaos log --length $(CHAOS) --seed $(SEED) --zoo $(BUILT)/tocsin-chaos-zoo \
		--scenarios "$$(sed -n 's/.*"executable":"\([^"]*\/recovery-[^"]*\)".*/\1/p' $(BUILT)/recovery.json | tail -n 1)"
