# Every verb that CI uses, and no other way in.
#
#   make run      build, make an example store under ./data, and look at it
#   make demo     kill the server again and again while a real Prometheus sends to it; about 40 s
#   make test     all tests; fetches the Prometheus that some of them talk to (scripts/test-deps)
#   make lint     format, clippy, licences
#   make bench    benchmarks, beside a bare loop on the same disk
#   make coverage which lines of src/wal the tests reach; every one has to be (needs cargo-llvm-cov)
#   make fuzz     one fuzz target (TARGET=name SECONDS=60); needs cargo-fuzz
#   make chaos    try to refute what the log promises (CHAOS=short for a few minutes' worth)

CARGO ?= cargo
CHAOS ?= full
SEED ?= 1
SECONDS ?= 60
PROFILE := --profile chaos
BUILT := $(or $(CARGO_TARGET_DIR),target)/chaos

.PHONY: run demo test lint bench coverage fuzz chaos

# The server is not part of this version: what there is to run are the tools, on an example.
run:
	$(CARGO) build --release --locked -p tocsin -p tocsin-chaos --bins
	@test -e data/STORE || target/release/tocsin-chaos example data
	target/release/tocsin wal check data
	target/release/tocsin wal stats data
	@echo
	@echo "Next: target/release/tocsin wal dump data --type notify_result --limit 3"
	@echo "      target/release/tocsin wal grep 503 data"
	@echo "      target/release/tocsin wal --help"

demo:
	@scripts/test-deps >/dev/null
	$(CARGO) build --release --locked -p tocsin -p tocsin-chaos --bins
	$(or $(CARGO_TARGET_DIR),target)/release/tocsin-chaos demo

test:
	@scripts/test-deps >/dev/null
	$(CARGO) test --workspace --locked

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	scripts/deny

bench:
	$(CARGO) bench --locked --bench log --bench api --bench core --bench routes
	$(CARGO) bench --locked --bench templates

# Not part of what every change has to pass: it builds everything once more, instrumented.
coverage:
	scripts/coverage

# Without a sanitizer the stable compiler will do, and there is no unsafe code of ours for one to watch.
fuzz:
	$(CARGO) fuzz run --fuzz-dir tests/fuzz --sanitizer none $(TARGET) -- \
		-max_total_time=$(SECONDS) -rss_limit_mb=2048 -timeout=10

# One build without and one with the planted bugs; the named tests of recovery are one layer of the hunt.
chaos:
	$(CARGO) build $(PROFILE) --locked -p tocsin-chaos --bin tocsin-chaos
	$(CARGO) build $(PROFILE) --locked -p tocsin-chaos --features bug-zoo --bin tocsin-chaos-zoo
	$(CARGO) test $(PROFILE) --locked -p tocsin --features bug-zoo --test recovery --no-run \
		--message-format=json > $(BUILT)/recovery.json
	$(BUILT)/tocsin-chaos log --length $(CHAOS) --seed $(SEED) --zoo $(BUILT)/tocsin-chaos-zoo \
		--scenarios "$$(sed -n 's/.*"executable":"\([^"]*\/recovery-[^"]*\)".*/\1/p' $(BUILT)/recovery.json | tail -n 1)"
