# make           build/stoker                  make check     style, units, properties, goldens, fuzz corpora, faults
# make SAN=1     the same with ASan and UBSan  make bench     cost, bound, time, memory beside the peers
# make help      every target
ifeq ($(origin CC),default)
  CC := gcc
endif
BUILD ?= build
SAN ?= 0
TSAN ?= 0
COV ?= 0
FUZZ ?= 0
OPT ?= -O2
PREFIX ?= /usr/local

STD := -std=c17 -D_GNU_SOURCE -I. -include base/banned.h
WARN = -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 \
	-Wundef -Wpointer-arith -Wcast-align -Wwrite-strings -Wimplicit-fallthrough -Werror $(WARN_CC)
# gcc alone knows the first; cutting a long message short is what snprintf is for.
ifneq ($(findstring clang,$(CC)),clang)
  WARN_CC := -Wno-format-truncation
else
  WARN_CC := -Wno-gnu-zero-variadic-macro-arguments
endif
HARD := -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fPIE
LDHARD := -pie -Wl,-z,relro,-z,now
SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=all
ifeq ($(SAN),1)
  BUILD := build/san
  OPT := -O1
  HARD := -fPIE -fno-omit-frame-pointer $(SANITIZERS)
  LDHARD := -pie $(SANITIZERS)
endif
ifeq ($(TSAN),1)
  BUILD := build/tsan
  OPT := -O1
  HARD := -fPIE -fno-omit-frame-pointer -fsanitize=thread
  LDHARD := -pie -fsanitize=thread
endif
ifeq ($(COV),1)
  BUILD := build/cov
  OPT := -O0
  HARD := --coverage
  LDHARD := --coverage
endif
ifeq ($(FUZZ),1)
  BUILD := build/fuzz
  OPT := -O1
  HARD := -fno-omit-frame-pointer -fsanitize=fuzzer-no-link $(SANITIZERS)
  LDHARD := $(SANITIZERS)
endif
ALL_CFLAGS = $(STD) $(WARN) $(OPT) -g $(HARD) $(CFLAGS)
LIBS := -lglpk -lcjson -lyaml -lcurl -lexpat -lmicrohttpd -lcrypto -lpthread -lm

ROOMS := base solver cloud cloud/aws provisioner/api provisioner/spark provisioner/kube provisioner/state provisioner/plan \
	provisioner/lifecycle provisioner/disruption provisioner/serve provisioner/cmd
MAIN := provisioner/cmd/main.c
# Everything but main() is in one archive, so that tests can reach it all.
SRC := $(filter-out $(MAIN),$(foreach room,$(ROOMS),$(wildcard $(room)/*.c)))
ASM := $(wildcard cloud/aws/*.S)
LIB_OBJ := $(SRC:%.c=$(BUILD)/%.o) $(ASM:%.S=$(BUILD)/%.o)
MAIN_OBJ := $(MAIN:%.c=$(BUILD)/%.o)

.PHONY: all
all: $(BUILD)/stoker

$(BUILD)/libstoker.a: $(LIB_OBJ)
	@rm -f $@
	@$(AR) rcs $@ $(LIB_OBJ)

$(BUILD)/stoker: $(MAIN_OBJ) $(BUILD)/libstoker.a
	@$(CC) $(LDHARD) -o $@ $(MAIN_OBJ) $(BUILD)/libstoker.a $(LIBS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The built-in catalogue is assembled in from data/.
$(BUILD)/%.o: %.S $(wildcard data/*.tsv)
	@mkdir -p $(@D)
	@$(CC) -I. -c -o $@ $<

# Unit and property tests: one cmocka program a file. What several of them share, generators and brute force, is in support.
SUPPORT_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/support/*.c))
TEST_SRC := $(wildcard tests/unit/*.c tests/property/*.c)
TESTS := $(TEST_SRC:%.c=$(BUILD)/%)
$(BUILD)/tests/%: tests/%.c $(SUPPORT_OBJ) $(BUILD)/libstoker.a
	@mkdir -p $(@D)
	@$(CC) $(ALL_CFLAGS) $(LDHARD) -MMD -MP -o $@ $< $(TEST_OBJ) $(SUPPORT_OBJ) $(BUILD)/libstoker.a -lcmocka -lssl $(LIBS)

.PHONY: tests tests-run
tests: $(TESTS)
	@set -e; for t in $(TESTS); do echo "# $$t"; $$t; done

# The same, counted: failures do not stop it, each program's result goes to build/results.
tests-run: $(TESTS)
	@tools/run-tests build/results/tests-$(subst /,-,$(BUILD)).tap $(TESTS)

# Where threads meet: the loop and its worker, signals, servers of tests.
TSAN_TESTS := $(addprefix $(BUILD)/tests/unit/,test_http_curl test_serve test_log)
.PHONY: tsan tsan-run
tsan:
	@$(MAKE) --no-print-directory TSAN=1 tsan-run
tsan-run: $(TSAN_TESTS)
	@tools/run-tests build/results/tsan.tap $(TSAN_TESTS)

# Failure of the n-th allocation: our own calls of malloc are wrapped, see tests/fault.
FAULT_SRC := $(wildcard tests/fault/test_*.c)
FAULTS := $(FAULT_SRC:%.c=$(BUILD)/%)
WRAP := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
$(FAULTS): LDHARD += $(WRAP)
$(FAULTS): TEST_OBJ = $(BUILD)/tests/fault/nth.o
$(FAULTS): $(BUILD)/tests/fault/nth.o
.PHONY: fault-run
fault-run: $(FAULTS)
	@tools/run-tests build/results/fault.tap $(FAULTS)

# Fuzz targets: `fuzz` searches with clang's libFuzzer, `fuzz-replay` runs the kept inputs with any compiler.
FUZZ_SECONDS ?= 20
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZERS := $(FUZZ_SRC:%.c=$(BUILD)/%)
REPLAYS := $(FUZZ_SRC:tests/fuzz/fuzz_%.c=$(BUILD)/tests/fuzz/replay_%)
$(BUILD)/tests/fuzz/replay_%: tests/fuzz/fuzz_%.c tests/fuzz/replay_main.c $(BUILD)/libstoker.a
	@mkdir -p $(@D)
	@$(CC) $(ALL_CFLAGS) -Wno-missing-prototypes $(LDHARD) -o $@ $< tests/fuzz/replay_main.c $(BUILD)/libstoker.a $(LIBS)
$(BUILD)/tests/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(BUILD)/libstoker.a
	@mkdir -p $(@D)
	@$(CC) $(ALL_CFLAGS) -Wno-missing-prototypes -fsanitize=fuzzer $(LDHARD) -o $@ $< $(BUILD)/libstoker.a $(LIBS)
.PHONY: fuzz fuzz-run fuzz-replay
fuzz:
	@$(MAKE) --no-print-directory FUZZ=1 CC=clang fuzz-run
fuzz-run: $(FUZZERS)
	@tools/fuzz $(FUZZ_SECONDS) $(FUZZERS)
fuzz-replay: $(REPLAYS)
	@tools/run-tests build/results/fuzz-replay.tap $(REPLAYS)

# The examples' plans and the command line's answers, compared with what is kept in tests/golden.
.PHONY: golden golden-update
golden: $(BUILD)/stoker
	@tools/run-tests build/results/golden.tap "tests/golden/run $(BUILD)/stoker" "tests/golden/cli $(BUILD)/stoker"
golden-update: $(BUILD)/stoker
	@tests/golden/run $(BUILD)/stoker --update

# What the cluster and people are told of our documents' fields, from one table: provisioner/api/schema*.c.
.PHONY: crds crds-check
crds: $(BUILD)/stoker
	@tools/crds $(BUILD)/stoker
crds-check: $(BUILD)/stoker
	@tools/crds $(BUILD)/stoker --check

.PHONY: lint lint-deep format
C_FILES = $(shell git ls-files '*.c' '*.h' 2>/dev/null)
lint:
	@tools/check-format $(C_FILES)
	@tools/check-size $(C_FILES)
	@tools/check-includes $(C_FILES)
lint-deep:
	@tools/lint-deep $(STD)
format:
	@clang-format -i $(C_FILES)

.PHONY: check
check:
	@rm -rf build/results
	@mkdir -p build/results
	@KEEP_GOING=1 tools/run-tests build/results/lint.tap "tools/as-test lint $(MAKE) --no-print-directory lint"
	@$(MAKE) --no-print-directory all
	@KEEP_GOING=1 tools/run-tests build/results/crds.tap "tools/as-test crds $(MAKE) --no-print-directory crds-check"
	@KEEP_GOING=1 $(MAKE) --no-print-directory SAN=1 tests-run fuzz-replay fault-run
	@KEEP_GOING=1 $(MAKE) --no-print-directory golden
	@tools/tally build/results/*.tap

.PHONY: coverage
coverage:
	@KEEP_GOING=1 $(MAKE) --no-print-directory COV=1 tests-run golden
	@tools/coverage build/cov $(SRC)

.PHONY: bench
bench: $(BUILD)/stoker
	@python3 bench/run.py $(BUILD)/stoker $(WORKLOADS)

# The controller on real parts: tests/e2e/bootstrap puts them into STOKER_E2E_CACHE first. CASES names some of them.
.PHONY: e2e e2e-bench
e2e: $(BUILD)/stoker
	@tests/e2e/bootstrap
	@tests/e2e/run $(CASES)
e2e-bench: $(BUILD)/stoker
	@tests/e2e/bootstrap
	@tests/e2e/bench $(WORKLOADS)

# One pass of the controllers over a large cluster in memory.
$(BUILD)/bench/pass: bench/pass.c $(SUPPORT_OBJ) $(BUILD)/libstoker.a
	@mkdir -p $(@D)
	@$(CC) $(ALL_CFLAGS) $(LDHARD) -o $@ $< $(SUPPORT_OBJ) $(BUILD)/libstoker.a -lcmocka -lssl $(LIBS)
.PHONY: bench-pass
bench-pass: $(BUILD)/bench/pass
	@$< 10000

.PHONY: install clean help
install: $(BUILD)/stoker
	install -D -m 755 $(BUILD)/stoker $(DESTDIR)$(PREFIX)/bin/stoker
clean:
	rm -rf build
help:
	@echo "make                 build/stoker (SAN=1: build/san/stoker with ASan and UBSan; CC=clang)"
	@echo "make check           everything that must hold before a commit; ends with 'N passed, N failed'"
	@echo "make tests           unit and property tests, stopping at the first failure"
	@echo "make bench-pass      how long one pass takes over 10,000 pods, when nothing and when one pod has changed"
	@echo "make golden          examples against tests/golden; golden-update writes them anew"
	@echo "make fuzz            every fuzz target under clang for FUZZ_SECONDS (20) each"
	@echo "make fuzz-replay     the fuzz targets' kept inputs, any compiler"
	@echo "make tsan            what runs on several threads, with ThreadSanitizer"
	@echo "make lint            format, sizes, arrows between rooms; lint-deep: clang-tidy and cppcheck"
	@echo "make crds            crds/ and docs/provisioner.md from the table of fields; crds-check: are they fresh?"
	@echo "make format          clang-format over everything"
	@echo "make coverage        lines executed by the tests, by folder"
	@echo "make bench           WORKLOADS='mixed-1k …': cost, bound, time, memory, and the peers where they are there"
	@echo "make e2e             CASES='spark …': stoker run on a real control plane, with Spark, on a stand-in for AWS"
	@echo "make e2e-bench       WORKLOADS='mixed-1k …': how fast and how well a cluster gets its nodes"
	@echo "make install         DESTDIR, PREFIX (/usr/local)"
	@echo "make clean"

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
