# shmline: build and check. `make run` and `make check` also install what they need; the packages
# are listed in packages.txt.
#
#   make [DEV=1] [SAN=address,undefined | SAN=thread] [CC=clang] [SDT=yes|no]     programs, into the root
#   make run | check | bench [QUICK=1] | bench-plots | unit | lint | format | layers | clean         (V=1: show commands)
#   make killpoints | mistakes | model | model-full | model-mutants
#   make storm | fuzz [SECONDS=600]
#   POSTGRES=auto | yes | no         whether consumers can store in PostgreSQL (libpq)
#   make install | uninstall [PREFIX=/usr/local DESTDIR= PROGRAM_PREFIX=shmline-] | deb | deb-check | abi
#   make lint | analyze [A=FILES] | coverage [T=PATTERN]
#
# Nothing here runs a compiler or pkg-config while the file is read: a bare machine has neither.

VERSION = 0.1.0

# ------------------------------------------------------------------ where things go

comma := ,
ifdef SAN
BUILD ?= build/san-$(subst $(comma),-,$(SAN))
PROGDIR ?= $(BUILD)
else
BUILD ?= build
PROGDIR ?= .
endif

# ------------------------------------------------------------------ what is built

objects = $(patsubst %.c,$(BUILD)/%.o,$(wildcard $(1)))

# A folder of src/ is a room; one with a main.c is a program.
ROOMS    := $(notdir $(wildcard src/*))
PROGRAMS := $(patsubst src/%/main.c,%,$(wildcard src/*/main.c))

# In tests and bench each file with a main() is a program; x_*.c beside it are the rest of x.c.
main   := int main(
mains   = $(foreach file,$(wildcard $(1)),$(if $(findstring $(main),$(file < $(file))),$(BUILD)/$(file:.c=)))
UNITS  := $(call mains,tests/unit/*.c)
STRESS := $(call mains,tests/stress/*.c)
HANDS  := $(call mains,tests/workers/*.c)
BENCH  := $(call mains,bench/*.c)
parts   = $(filter-out $(addsuffix .o,$(STRESS) $(BENCH)),$(call objects,$(1)_*.c))

LIBSHM  := $(BUILD)/libshmline.a
LIBBASE := $(BUILD)/libbase.a

# The library for others: code that may lie anywhere, and no symbols but those of ring.h.
SONAME  := libshmline.so.0
SHARED  := $(BUILD)/lib/libshmline.so.$(VERSION)
STATIC  := $(BUILD)/lib/libshmline.a
LIBRARY := $(patsubst shm/%.c,$(BUILD)/lib/%.o,$(wildcard shm/*.c))

# ------------------------------------------------------------------ flags

# CFLAGS, CPPFLAGS and LDFLAGS are the user's; what the code needs to be itself stands apart.
CFLAGS   ?= -O2 -g
LANGUAGE := -std=gnu17 -D_GNU_SOURCE -I. -pthread
WARNINGS := -Wall -Wextra
# SDT: probes for bpftrace in shm/. auto: if <sys/sdt.h> is there.
SDT ?= auto
LANGUAGE += $(if $(filter yes,$(SDT)),-DSDT_NEEDED)$(if $(filter no,$(SDT)),-DSDT_UNWANTED)
ifdef DEV
WARNINGS += -Werror -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	    -Wformat=2 -Wundef -Wwrite-strings -Wpointer-arith -Wcast-align
endif
ifdef SAN
SANITIZE := -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
endif

# The library's calls are short: where the compiler is gcc it is optimised as one, over all its files.
lto = $(eval lto := $(if $(SAN)$(findstring --coverage,$(CFLAGS)),,$(shell \
	$(CC) --version | grep -q 'Free Software Foundation' && echo -flto)))$(lto)

COMPILE = $(CC) $(LANGUAGE) $(WARNINGS) $(SANITIZE) $(CPPFLAGS) $(CFLAGS)
LINK    = $(CC) -pthread $(SANITIZE) $(CFLAGS) -Wl,--as-needed $(LDFLAGS)
LIBS    = -lbsd -lrt -lm $(LDLIBS)

# Libraries that one room needs, by their pkg-config names. They are looked up when a recipe runs.
launcher_PKGS := libevent_core libevent_extra jansson ncursesw inih
consumer_PKGS  = sqlite3 jansson $(if $(with_postgres),libpq)
ringctl_PKGS  := jansson ncursesw sqlite3
view_PKGS     := jansson ncursesw
unit_PKGS     := cmocka

# What not everybody has: auto (used when it is there), yes or no. Found out once, in the first recipe.
POSTGRES ?= auto
$(if $(filter auto yes no,$(POSTGRES)),,$(error POSTGRES=$(POSTGRES): expected auto, yes or no))
with_postgres = $(eval with_postgres := $(filter yes,$(if $(filter auto,$(POSTGRES)),$(shell \
	pkg-config --exists libpq && echo yes),$(POSTGRES))))$(with_postgres)
consumer_DEFS = $(if $(with_postgres),-DWITH_POSTGRES=1)

# Rooms that one room stands on, besides base.
launcher_ROOMS := view
ringctl_ROOMS  := view

# The room of src/launcher/x.c is launcher; that of tests/unit/x.c is unit.
room = $(word 2,$(subst /, ,$(1)))
say  = $(if $(V),,@echo '  $(1)  $(2)';)

below = $(foreach room,$(1),$(room) $($(room)_ROOMS))
pkgs = $(sort $(foreach room,$(call below,$(1)),$($(room)_PKGS)))
pkg  = $(if $(call pkgs,$(2)),$(shell pkg-config $(1) $(call pkgs,$(2))))

# ------------------------------------------------------------------ building

.PHONY: analyze coverage coverage-run stage library install uninstall abi deb deb-check all unit stress workers killpoints mistakes storm fuzz fuzzers fuzz-programs model model-full model-mutants tests run check bench benches bench-plots lint format layers clean force
.DELETE_ON_ERROR:
# Kept, but not .SECONDARY: an object that is missing is made, however old its source is.
.PRECIOUS: $(BUILD)/%.o
.SECONDEXPANSION:

all: $(PROGRAMS:%=$(PROGDIR)/%)

# Everything is compiled again when the compiler or its flags are others than last time.
$(BUILD)/flags: force
	@mkdir -p $(@D)
	@echo '$(COMPILE) $(VERSION) $(consumer_DEFS)' | cmp -s - $@ || \
		echo '$(COMPILE) $(VERSION) $(consumer_DEFS)' > $@

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(COMPILE) $($(call room,$<)_DEFS) $(call pkg,--cflags,$(call room,$<)) -MMD -MP -c -o $@ $<

$(BUILD)/src/launcher/listen_page.o: src/launcher/listen_page.html

$(BUILD)/src/base/options.o: private LANGUAGE += -DSHMLINE_VERSION='"$(VERSION)"'

# A program is its main.o and an archive of the rest, so that unit tests can link the rest too.
$(LIBSHM): $(call objects,shm/*.c)
$(foreach room,$(ROOMS),$(eval \
	$(BUILD)/lib$(room).a: $(filter-out %/main.o,$(call objects,src/$(room)/*.c))))
$(LIBSHM) $(ROOMS:%=$(BUILD)/lib%.a):
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^

$(PROGRAMS:%=$(PROGDIR)/%): $$(BUILD)/src/$$(@F)/main.o $$(patsubst %,$$(BUILD)/lib%.a,$$(call below,$$(@F))) \
		$(LIBBASE) $(STATIC)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(LINK) -o $@ $^ $(LIBS) $(call pkg,--libs,$(@F))

# ------------------------------------------------------------------ tests

unit: $(UNITS)
stress: $(STRESS)

# COMMANDs for the tests and the benchmarks: libc alone, as anybody's would be.
workers: $(HANDS)
$(HANDS): $(BUILD)/%: $(BUILD)/%.o
	$(call say,LD,$@)$(LINK) -o $@ $^

# A unit test links the archives of the rooms whose headers it includes, and base behind them.
entered = $(sort $(call below,$(call names,$(1))))
names   = $(strip $(foreach room,$(filter-out base,$(ROOMS)),$(if $(findstring "src/$(room)/,$(file < $(1))),$(room))))

$(UNITS): $(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o \
		$$(addprefix $(BUILD)/lib,$$(addsuffix .a,$$(call entered,tests/unit/$$*.c))) \
		$(LIBBASE) $(LIBSHM)
	$(call say,LD,$@)$(LINK) -o $@ $^ $(WRAPPED:%=-Wl,--wrap=%) $(LIBS) \
		$(call pkg,--libs,unit $(call entered,tests/unit/$*.c))

# Calls that a test has its own version of.
$(BUILD)/tests/unit/test_clock: WRAPPED := clock_gettime sem_clockwait
$(BUILD)/tests/unit/test_no_resources: WRAPPED := calloc fstat linkat lstat madvise mmap open opendir posix_fallocate pread \
	sem_init shm_open

$(STRESS): $(BUILD)/%: $(BUILD)/%.o $$(call parts,$$*) $(LIBBASE) $(LIBSHM)
	$(call say,LD,$@)$(LINK) -o $@ $^ $(WRAPPED:%=-Wl,--wrap=%) $(LIBS)
$(BENCH): $(BUILD)/%: $(BUILD)/%.o $$(call parts,$$*) $(LIBBASE) $(STATIC)
	$(call say,LD,$@)$(LINK) -o $@ $^ $(LIBS)

$(BUILD)/tests/stress/scribble: WRAPPED := mmap munmap

# The kill points: all of them, and whether they can fail at all. `make check` has a sample. Under a sanitizer
# a call is no longer the instructions that users run.
CHECKED := $(if $(SAN),$(filter-out %/killpoints,$(STRESS)),$(STRESS) tests/stress/mistakes)
killpoints: $(BUILD)/tests/stress/killpoints
	$< --full
mistakes: $(BUILD)/tests/stress/killpoints
	@BUILD=$(BUILD) COMPILE='$(COMPILE)' tests/stress/mistakes

# As long as is wanted. SEED repeats who is hit and when.
SECONDS ?= 600
storm: $(BUILD)/tests/stress/storm
	$< $(SECONDS) $(SEED)

# The protocol in Spin: small sizes (`make check` has them too), large ones in up to 24 GiB, mistakes to be found.
model:
	tests/model/run.sh small
model-full:
	tests/model/run.sh large
model-mutants:
	tests/model/run.sh mistake

fuzz: fuzzers
	FUZZERS=$(FUZZ_BUILD)/tests/fuzz FUZZ_SECONDS=$(SECONDS) tests/fuzz/run

# Fuzzers are libFuzzer's, so clang builds them and all that they link, in a folder of their own. A damaged
# ring's endless loops end sooner, so that more inputs are tried.
FUZZERS    := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_BUILD := $(abspath $(BUILD))/fuzz
fuzzers:
	@$(MAKE) --no-print-directory BUILD=$(FUZZ_BUILD) CC=clang SAN=fuzzer-no-link,address,undefined \
		CPPFLAGS='$(CPPFLAGS) -DTURNS_MAX=2000' fuzz-programs
fuzz-programs: $(FUZZERS)

$(FUZZERS): $(BUILD)/%: $(BUILD)/%.o \
		$$(addprefix $(BUILD)/lib,$$(addsuffix .a,$$(call entered,$$*.c))) $(LIBBASE) $(LIBSHM)
	$(call say,LD,$@)$(LINK) -fsanitize=fuzzer -o $@ $^ $(WRAPPED:%=-Wl,--wrap=%) $(LIBS)

$(BUILD)/tests/fuzz/fuzz_segment: WRAPPED := mmap munmap clock_gettime nanosleep

# The two that may be called on a bare machine: what is missing is installed first.
run:
	@tests/tools/ensure-packages build
	@$(MAKE) --no-print-directory all
	$(PROGDIR)/launcher -p 3 -c 5

check:
	@tests/tools/ensure-packages build check
	@$(MAKE) --no-print-directory tests

# T=PATTERN runs the files whose names match, JOBS=N so many at a time.
# Sanitizers want addresses that are not too random; where that can't be asked for, it goes without.
tests: all unit workers $(STRESS) layers $(if $(SAN),,fuzzers library $(BUILD)/tests/abi/describe)
	@SHMLINE_BIN=$(abspath $(PROGDIR)) WORKERS=$(abspath $(BUILD))/tests/workers FUZZERS=$(FUZZ_BUILD)/tests/fuzz BUILD=$(BUILD) COMPILE='$(COMPILE)' \
		$(if $(SAN),$$(setarch -R true 2>/dev/null && echo setarch -R)) \
		tests/tools/run-tests $(UNITS) $(CHECKED) $(if $(SAN),,tests/fuzz/run) $(wildcard tests/*.bats)

layers: $(LIBSHM)
	@tests/tools/layers $(if $(SAN),,$(LIBSHM))

# ------------------------------------------------------------------ benchmarks

# What the ring is measured against: taken when it is there. QUICK=1: a minute instead of ten.
bench:
	@tests/tools/ensure-packages build
	-@tests/tools/ensure-packages bench
	-@bench/dpdk-headers $(BUILD)/bench/dpdk
	@$(MAKE) --no-print-directory benches
	@SHMLINE_BIN=$(abspath $(PROGDIR)) WORKERS=$(abspath $(BUILD))/tests/workers QUICK=$(QUICK) \
		bench/run $(BUILD)/bench
benches: all $(BENCH) $(HANDS)

# The pictures in bench/README.md, from the last run.
bench-plots:
	@tests/tools/ensure-packages bench
	@bench/plot $(BUILD)/bench

# Peers whose headers came or went since they were compiled are compiled again.
PEERS = $(wildcard /usr/include/ck_ring.h /usr/include/zmq.h /usr/include/nng/nng.h /usr/include/boost/interprocess \
	/usr/include/dpdk $(BUILD)/bench/dpdk/usr) $(shell command -v $(CXX))
$(BUILD)/bench/peers: force
	@mkdir -p $(@D)
	@echo '$(PEERS)' | cmp -s - $@ || echo '$(PEERS)' > $@
$(addprefix $(BUILD)/bench/ipc_,spin.o sockets.o boost.o rte.o): $(BUILD)/bench/peers

$(BUILD)/bench/ipc_rte.o: private LANGUAGE += $(foreach root,$(BUILD)/bench/dpdk,$(foreach folder,dpdk \
	x86_64-linux-gnu/dpdk,-isystem /usr/include/$(folder) -isystem $(root)/usr/include/$(folder)))

# As C, where there is no C++: then it says so.
$(BUILD)/bench/ipc_boost.o: bench/ipc_boost.cc $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CXX,$<)$(if $(shell command -v $(CXX)),$(CXX) -std=gnu++17,$(CC) -std=gnu17 -x c) -D_GNU_SOURCE -I. -pthread -Wall -Wextra $(SANITIZE) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

ifneq ($(filter x86_64-%,$(shell $(CC) -dumpmachine)),)
$(BUILD)/bench/nothing: private LINK += -nostdlib -static
$(BUILD)/bench/nothing: private LIBS :=
endif

$(BUILD)/bench/ipc: $(BUILD)/bench/ipc_boost.o
$(BUILD)/bench/ipc: private LIBS += $(if $(wildcard /usr/include/zmq.h),-lzmq) \
	$(if $(wildcard /usr/include/nng/nng.h),-lnng) $(if $(shell command -v $(CXX)),-lstdc++)

# ------------------------------------------------------------------ installing

PREFIX         ?= /usr/local
PROGRAM_PREFIX ?= shmline-
BINDIR         ?= $(PREFIX)/bin
LIBDIR         ?= $(PREFIX)/lib
INCLUDEDIR     ?= $(PREFIX)/include
DATADIR        ?= $(PREFIX)/share
MANDIR         ?= $(DATADIR)/man
PYTHONDIR      ?= $(PREFIX)/lib/python3/dist-packages
WHERE = $(foreach name,VERSION PREFIX PROGRAM_PREFIX BINDIR LIBDIR INCLUDEDIR DATADIR MANDIR PYTHONDIR,$(name)='$($(name))')

$(LIBRARY): $(BUILD)/lib/%.o: shm/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$< -fPIC)$(COMPILE) $(lto) -fPIC -fvisibility=hidden -MMD -MP -c -o $@ $<

$(SHARED): $(LIBRARY)
	$(call say,LD,$@)$(LINK) $(lto) -shared -Wl,-soname,$(SONAME) -Wl,--no-undefined -o $@ $^
	@ln -sf $(@F) $(@D)/$(SONAME) && ln -sf $(@F) $(@D)/libshmline.so

$(STATIC): $(LIBRARY)
	$(call say,AR,$@)rm -f $@ && $(filter-out -pthread,$(LINK)) $(if $(lto),$(lto) -flinker-output=nolto-rel) -nostdlib -r \
			-o $(@D)/shmline-whole.o $^ && \
		objcopy --localize-hidden -w -L '*.c.????????' $(@D)/shmline-whole.o && $(AR) rcs $@ $(@D)/shmline-whole.o

# The tree as it will be, from which both take their list.
STAGE := $(BUILD)/stage
stage: all library
	@$(WHERE) PROGDIR=$(PROGDIR) LIBS=$(BUILD)/lib SONAME=$(SONAME) tools/stage $(STAGE) $(PROGRAMS)
library: $(SHARED) $(STATIC)

install: stage
	@tools/install $(STAGE) '$(DESTDIR)'
uninstall: stage
	@tools/uninstall $(STAGE) '$(DESTDIR)'

# What others rely on, as tests/install.bats compares it: take over what the tree has now.
abi: library $(BUILD)/tests/abi/describe
	@CC='$(CC)' tests/abi/show $(SHARED) $(BUILD)/tests/abi/describe tests/abi

$(BUILD)/tests/abi/describe: $(BUILD)/tests/abi/describe.o
	$(call say,LD,$@)$(LINK) -o $@ $<

deb:
	@tests/tools/ensure-packages build deb
	@tools/deb $(BUILD)/deb

# The packages in a fresh Debian. It takes root, the network and minutes, so `make check` is without.
deb-check: deb
	@tests/tools/ensure-packages check deb-check
	@DEBS=$(abspath $(BUILD))/deb KEPT=$(abspath $(BUILD))/debootstrap bats tests/deb/debootstrap.bats

# ------------------------------------------------------------------ upkeep

C_FILES  := $(wildcard shm/*.[ch] src/*/*.[ch] tests/*.h tests/*/*.[ch] bench/*.[ch])
SCRIPTS  := $(filter-out %.c,$(wildcard .ci/run tools/* tests/abi/show bench/dpdk-headers bench/goals bench/line bench/plot bench/run bench/scaling bench/storage bench/views bench/workers examples/*.sh tests/tools/* tests/fuzz/run tests/stress/mistakes tests/*.bash))

format:
	@tests/tools/ensure-packages lint
	uncrustify -q -c .uncrustify.cfg -l C --replace --no-backup --if-changed $(C_FILES)

# Several readers of the same code, two at a time: part of .ci/run, so quick ones (`make analyze` has slow ones).
LINTED := $(wildcard shm/*.c src/*/*.c)
READS  := lint-style lint-headers lint-cppcheck lint-text $(LINTED:%=lint-tidy/%) $(LINTED:%=lint-analyzer/%)
.PHONY: lint-parts $(READS)

lint:
	@tests/tools/ensure-packages build lint
	@$(MAKE) --no-print-directory -j$(or $(JOBS),$(shell nproc)) -Otarget lint-parts
lint-parts: layers $(READS)

lint-style:
	@uncrustify -q -c .uncrustify.cfg -l C --check $(C_FILES) >/dev/null
	@! grep -nE '^.{111}' $(C_FILES)

# Each header is compiled alone: it must stand by itself.
lint-headers:
	@for header in $(filter %.h,$(C_FILES)); do \
		$(COMPILE) $(call pkg,--cflags,$(ROOMS) unit) -fsyntax-only -x c -include $$header /dev/null || exit; done

# cppcheck 2.10 stumbles over macros in the arguments of macros, and does not know C11's noreturn.
lint-cppcheck:
	@cppcheck -q --std=c11 --language=c -D_GNU_SOURCE -D'_Noreturn=__attribute__((noreturn))' \
		-D'json_array_foreach(array, i, value)=for (;;)' -I. --inline-suppr --error-exitcode=1 \
		--enable=warning,performance,portability --suppress=preprocessorErrorDirective \
		$(filter %.c,$(C_FILES))

lint-text:
	@shellcheck -x $(SCRIPTS)
	@codespell -L hendler,nd,te,fo,nin,thow,tabel $(C_FILES) $(SCRIPTS) $(wildcard *.md */README.md tests/*.bats man/* python/*.py)
	@MYPYPATH=python mypy --strict --cache-dir=/dev/null python/shmline.py examples/worker.py

# What a file is compiled with, but for its version.
reading = $(LANGUAGE) $(CPPFLAGS) -DSHMLINE_VERSION='""' $($(call room,$(1))_DEFS) $(call pkg,--cflags,$(call room,$(1)))

$(LINTED:%=lint-tidy/%): lint-tidy/%:
	@clang-tidy --quiet --checks='-clang-analyzer-*' $* -- $(call reading,$*)

# -O1: with less the analyzer sees less, and more takes longer. Leaks are LeakSanitizer's to find, in the tests:
# gcc 12 loses sight of what stands in an array.
$(LINTED:%=lint-analyzer/%): lint-analyzer/%:
	@$(CC) $(call reading,$*) -O1 -fanalyzer -Wno-analyzer-malloc-leak -Werror -c -o /dev/null $*

# A slower reader of the same code, or of A='FILE...'.
A ?= $(LINTED)
analyze:
	@tests/tools/ensure-packages build lint
	@$(MAKE) --no-print-directory -j$(or $(JOBS),$(shell nproc)) -Otarget $(A:%=analyze/%)
.PHONY: $(A:%=analyze/%)
$(A:%=analyze/%): analyze/%:
	@clang-tidy --quiet $* -- $(call reading,$*)

# What the tests run (T=PATTERN: some of them), in build/coverage/html. A killed process leaves no count. Left out:
# tests of what is installed, of the model, of single instructions, and fuzzers, which are built otherwise.
COVERAGE := build/coverage
COVERING := $(filter-out %/killpoints,$(STRESS)) $(filter-out $(addprefix tests/,$(addsuffix .bats, \
		docs install model probes)),$(wildcard tests/*.bats))
coverage:
	@tests/tools/ensure-packages build check coverage
	@mkdir -p $(COVERAGE) && $(CC) -O2 -c -o $(COVERAGE)/coverage_exit.o tests/tools/coverage_exit.c
	@$(MAKE) --no-print-directory BUILD=$(COVERAGE) PROGDIR=$(COVERAGE) CFLAGS='-O0 -g --coverage' \
		LDFLAGS='$(COVERAGE)/coverage_exit.o -Wl,--wrap=_exit' coverage-run
coverage-run: all unit workers library $(STRESS)
	@SHMLINE_BIN=$(abspath $(PROGDIR)) WORKERS=$(abspath $(BUILD))/tests/workers BUILD=$(BUILD) COMPILE='$(COMPILE)' \
		tests/tools/coverage $(UNITS) $(COVERING)

clean:
	rm -rf build $(PROGRAMS:%=$(PROGDIR)/%)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
