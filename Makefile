# Every verb that CI uses, and no other way in.
#
#   make run      build, and serve on :9093 with docs/examples/alertmanager.yml and a store under ./data
#   make demo     kill the server again and again while a real Prometheus sends to it; about 40 s
#   make test     all tests; fetches the Prometheus that some of them talk to (scripts/test-deps)
#   make lint     format, clippy, licences
#   make bench    benchmarks, beside a bare loop on the same disk
#   make coverage which lines of src/wal the tests reach; every one has to be (needs cargo-llvm-cov)
#   make fuzz     one fuzz target (TARGET=name SECONDS=60); needs cargo-fuzz
#   make kills    kill the server 200 times with the index of history and without; some ten minutes
#   make chaos    try to refute what is promised, by all layers, then one table (CHAOS=short for a few minutes' worth)
#   make hunts    look for planted bugs in the real server, by killing it and by cutting its power; some 12 minutes
#   make soak     the same by the hundred thousand, for a release; hours

CARGO ?= cargo
CHAOS ?= full
SEED ?= 1
SECONDS ?= 60
PROFILE := --profile chaos
BUILT := $(or $(CARGO_TARGET_DIR),target)/chaos
RESULTS := $(BUILT)/results

# SIGKILLs of the real process, and every how many of the system calls of its life something is done to. The
# short form does without system calls and power: tracing and FUSE are not allowed everywhere.
ifeq ($(CHAOS),short)
KILLS ?= 200
SEEDS ?= 1000
PARTS := log kill simulate
else
KILLS ?= 2000
LOSSES ?= 400
EVERY ?= 1
SEEDS ?= 10000
PARTS := log kill disk syscalls simulate
endif
SOAK_KILLS ?= 100000
SOAK_SEEDS ?= 1000000

.PHONY: run demo test lint bench coverage fuzz kills chaos hunts soak

run:
	$(CARGO) build --release --locked -p tocsin
	@echo
	@echo "tocsin answers on http://localhost:9093 (stop it with Ctrl-C; what it knows stays under ./data)."
	@echo "In another terminal:"
	@echo
	@echo "  send an alert      curl -H 'Content-Type: application/json' http://localhost:9093/api/v2/alerts \\"
	@echo "                       -d '[{\"labels\":{\"alertname\":\"DiskFull\",\"severity\":\"page\"}}]'"
	@echo "  see it             curl http://localhost:9093/api/v2/alerts"
	@echo "  what is on disk    target/release/tocsin wal dump data"
	@echo "  kill it, start it  kill -9 the process, then make run again: the alert is still there"
	@echo
	$(or $(CARGO_TARGET_DIR),target)/release/tocsin --config.file=docs/examples/alertmanager.yml --storage.path=data \
		--cluster.listen-address=

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
	$(CARGO) bench --locked --bench server
	$(CARGO) bench --locked --bench history

# Not part of what every change has to pass: it builds everything once more, instrumented.
coverage:
	scripts/coverage

# Without a sanitizer the stable compiler will do, and there is no unsafe code of ours for one to watch.
fuzz:
	$(CARGO) fuzz run --fuzz-dir tests/fuzz --sanitizer none $(TARGET) -- \
		-max_total_time=$(SECONDS) -rss_limit_mb=2048 -timeout=10

kills:
	$(CARGO) test --locked -p tocsin --test history -- --ignored --nocapture two_hundred

# One build without and one with the planted bugs; the named tests of recovery are one layer of the hunt.
# A layer that finds something does not keep the others from being run: the table fails in the end, also if
# the result of a layer is missing.
chaos:
	$(CARGO) build $(PROFILE) --locked -p tocsin -p tocsin-chaos --bin tocsin --bin tocsin-chaos
	$(CARGO) build $(PROFILE) --locked -p tocsin-chaos --features bug-zoo \
		--bin tocsin-chaos-zoo --bin tocsin-chaos-server
	$(CARGO) test $(PROFILE) --locked -p tocsin --features bug-zoo --test recovery --no-run \
		--message-format=json > $(BUILT)/recovery.json
	rm -rf $(RESULTS) && mkdir -p $(RESULTS)
	-$(BUILT)/tocsin-chaos log --length $(CHAOS) --seed $(SEED) --zoo $(BUILT)/tocsin-chaos-zoo \
		--scenarios "$$(sed -n 's/.*"executable":"\([^"]*\/recovery-[^"]*\)".*/\1/p' $(BUILT)/recovery.json | tail -n 1)" \
		--result $(RESULTS)/log.json
	-$(BUILT)/tocsin-chaos kill --kills $(KILLS) --seed $(SEED) --dir $(BUILT)/chaos-runs \
		--result $(RESULTS)/kill.json
ifneq ($(CHAOS),short)
	-$(BUILT)/tocsin-chaos syscalls --every $(EVERY) --dir $(BUILT)/chaos-lives \
		--result $(RESULTS)/syscalls.json
	-$(BUILT)/tocsin-chaos disk --losses $(LOSSES) --seed $(SEED) --dir $(BUILT)/chaos-losses \
		--result $(RESULTS)/disk.json
endif
	-$(BUILT)/tocsin-chaos simulate --seeds $(SEEDS) --seed $(SEED) --failures $(BUILT)/chaos-failures \
		--result $(RESULTS)/simulate.json
	$(BUILT)/tocsin-chaos table $(PARTS:%=$(RESULTS)/%.json)

# Some twelve minutes of their own, for bugs that the zoo has found already by what is cheapest.
hunts:
	$(CARGO) build $(PROFILE) --locked -p tocsin-chaos --features bug-zoo \
		--bin tocsin-chaos-zoo --bin tocsin-chaos-server
	$(BUILT)/tocsin-chaos-zoo hunts --seed $(SEED) --dir $(BUILT)/chaos-hunts

soak:
	$(CARGO) build $(PROFILE) --locked -p tocsin -p tocsin-chaos --bin tocsin --bin tocsin-chaos
	rm -rf $(RESULTS)-soak && mkdir -p $(RESULTS)-soak
	-$(BUILT)/tocsin-chaos kill --kills $(SOAK_KILLS) --seed $(SEED) --dir $(BUILT)/chaos-runs \
		--result $(RESULTS)-soak/kill.json
	-$(BUILT)/tocsin-chaos simulate --seeds $(SOAK_SEEDS) --seed $(SEED) --failures $(BUILT)/chaos-failures \
		--result $(RESULTS)-soak/simulate.json
	$(BUILT)/tocsin-chaos table $(RESULTS)-soak/kill.json $(RESULTS)-soak/simulate.json
