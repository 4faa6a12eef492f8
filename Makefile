# adapler: `make help` lists what there is.
#
# Sources are found by wildcard: a new engine/x.c, engine/x_cmd.c or tests/test_x.c needs no line here. Everything built
# goes below build/: objects in release/ and debug/, the program, the libraries. `make V=1` shows whole command lines.

VERSION := $(shell sed -n 's/.*ADAPLER_VERSION "\(.*\)"/\1/p' engine/engine.h)
SONAME := libadapler.so.0
PREFIX ?= /usr/local
DESTDIR ?=
LIBDIR ?= $(PREFIX)/lib

ifeq ($(origin CC),default)
CC := gcc
endif
CLANG ?= clang
WERROR ?= -Werror
FUZZ_SECONDS ?= 30
JOBS ?= $(shell nproc)

ifeq ($(V),)
.SILENT:
say = @printf '  %-5s %s\n' $(1) $@
endif

# ---- packages: `make` says what is missing, `make test` installs it --------------------------------------------------
PACKAGES := libcjson libutf8proc zlib openblas sqlite3
HDF5 := $(firstword $(foreach p,hdf5 hdf5-serial,$(shell pkg-config --exists $(p) 2>/dev/null && echo $(p))))
PACKAGE_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) $(HDF5) 2>/dev/null)
LDLIBS := $(shell pkg-config --libs $(PACKAGES) $(HDF5) 2>/dev/null) -lpthread -lm
# The library reads models and text, but converts nothing and draws nothing: it needs less.
LIBRARY_LIBS := $(shell pkg-config --libs libcjson zlib openblas 2>/dev/null) -lpthread -lm
COMMIT := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
MACHINE := $(shell $(CC) -dumpmachine 2>/dev/null)

# ---- flags -----------------------------------------------------------------------------------------------------------
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wold-style-definition -Wmissing-prototypes -Wvla \
	-Wundef -Wwrite-strings -Wpointer-arith -Wformat=2 -Wimplicit-fallthrough $(WERROR)
COMMON_CFLAGS := -std=c11 -D_GNU_SOURCE -MMD -MP -pthread -fPIC -fno-semantic-interposition -ffp-contract=off \
	$(WARNINGS) $(if $(HDF5),-DHAVE_HDF5) $(PACKAGE_CFLAGS)
RELEASE_CFLAGS = $(COMMON_CFLAGS) $(OPTIMISE) -g $(CFLAGS)
# ADAPLER_TEST switches on what only tests look at, such as operation counters.
DEBUG_CFLAGS := $(COMMON_CFLAGS) -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=all -DADAPLER_TEST $(CFLAGS)
FUZZ_CFLAGS := $(COMMON_CFLAGS) -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=all

# One kernel file for each instruction set; which one runs is decided at run time.
ifneq ($(filter x86_64-%,$(MACHINE)),)
%/engine/kernels_avx512.o: SET_CFLAGS := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma
%/engine/kernels_avx2.o: SET_CFLAGS := -mavx2 -mfma
OPTIMISE := -O3
else
# GCC 12 for arm64 breaks down ("internal compiler error") on some loops that -O3 vectorises.
OPTIMISE := -O2
%/engine/kernels_portable.o: SET_CFLAGS := -O3
endif

# ---- what is built from what -----------------------------------------------------------------------------------------
SOURCES := $(foreach f,engine/base engine eval eraser reports,$(wildcard $(f)/*.c))
# The library has no commands in it, and nothing that only a command line needs.
COMMAND_SOURCES := $(wildcard engine/*_cmd.c) $(addprefix engine/base/,opt.c opt_print.c rows.c progress.c interrupt.c log.c) \
	$(addprefix engine/,input.c show.c convert.c torch.c pickle.c zip.c hdf5.c \
		word_counts.c vocab_train.c bench_train.c)
LIBRARY_SOURCES := $(filter-out $(COMMAND_SOURCES), \
	$(wildcard engine/base/*.c engine/*.c))
FUZZ_SOURCES := $(filter-out %_cmd.c,$(SOURCES))
objects = $(patsubst %.c,build/$(1)/%.o,$(2))

TESTS := $(patsubst tests/%.c,build/debug/tests/%,$(wildcard tests/test_*.c)) \
	$(patsubst tests/%.c,build/release/tests/%,$(wildcard tests/release_*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all help test test-build check check-build format bench fuzz fuzz-build install uninstall reproduce clean packages FORCE

help: ## this list
	sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 12

all: packages ## the program build/adapler, the libraries beside it, adapler.pc
	$(MAKE) --no-print-directory build/adapler build/libadapler.a build/$(SONAME) build/adapler.pc

packages:
	scripts/deps.sh --check

build/release/%.o: %.c
	$(call say,CC)
	mkdir -p $(@D)
	$(CC) $(RELEASE_CFLAGS) $(SET_CFLAGS) $(DEFINES) -c $< -o $@

build/debug/%.o: %.c
	$(call say,CC)
	mkdir -p $(@D)
	$(CC) $(DEBUG_CFLAGS) $(SET_CFLAGS) $(DEFINES) -c $< -o $@

build/adapler: $(call objects,release,adapler.c $(SOURCES))
	$(call say,LINK)
	$(CC) $(RELEASE_CFLAGS) $^ $(LDFLAGS) $(LDLIBS) -o $@

build/debug/adapler: $(call objects,debug,adapler.c $(SOURCES))
	$(call say,LINK)
	$(CC) $(DEBUG_CFLAGS) $^ $(LDFLAGS) $(LDLIBS) -o $@

# The commit is compiled in; the file changes, and its user with it, only when the commit does.
build/commit: FORCE
	mkdir -p build
	echo '$(COMMIT)' | cmp -s - $@ || echo '$(COMMIT)' >$@

# So is a hash of what results may depend on: the library's sources, not the commands, tests or texts around them.
build/sources: $(sort $(LIBRARY_SOURCES) $(wildcard engine/*.[hd]* engine/base/*.h))
	mkdir -p build
	cat $^ | sha256sum | cut -c 1-16 >$@

%/engine/version.o: DEFINES = -DADAPLER_COMMIT='"$(COMMIT)"' -DADAPLER_SOURCES='"$(shell cat build/sources)"'
build/release/engine/version.o build/debug/engine/version.o: build/commit build/sources

# Compiled in with .incbin, which no dependency file knows of.
$(foreach set,release debug clang fuzz,$(call objects,$(set),$(wildcard reports/*.c))): \
	$(wildcard reports/plot/*.gp reports/query/*.sql reports/html/*)

# ---- the library: only the functions of engine.h are visible, in the archive too -------------------------------------
build/$(SONAME): $(call objects,release,$(LIBRARY_SOURCES)) libadapler.map
	$(call say,LINK)
	$(CC) $(RELEASE_CFLAGS) -shared -Wl,-soname,$(SONAME) -Wl,--version-script=libadapler.map -Wl,--no-undefined \
		$(filter %.o,$^) $(LDFLAGS) $(LIBRARY_LIBS) -o $@
	ln -sf $(SONAME) build/libadapler.so

build/libadapler.a: $(call objects,release,$(LIBRARY_SOURCES)) libadapler.map
	$(call say,AR)
	rm -f $@
	$(CC) -r -nostdlib $(filter %.o,$^) -o build/libadapler.o
	sed -n 's/^[[:space:]]*\([a-z_0-9]*\);$$/\1/p' libadapler.map >build/libadapler.symbols
	objcopy --keep-global-symbols=build/libadapler.symbols build/libadapler.o
	$(AR) rcs $@ build/libadapler.o

build/adapler.pc: adapler.pc.in Makefile FORCE
	mkdir -p build
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@VERSION@|$(VERSION)|' \
		-e 's|@LIBS@|$(LIBRARY_LIBS)|' $< >$@

# ---- tests -----------------------------------------------------------------------------------------------------------
build/debug/libtest.a: $(call objects,debug,$(SOURCES) tests/test.c)
build/release/libtest.a: $(call objects,release,$(SOURCES) tests/test.c)
build/debug/libtest.a build/release/libtest.a:
	rm -f $@
	$(AR) rcs $@ $^

build/debug/tests/%: build/debug/tests/%.o build/debug/libtest.a
	$(call say,LINK)
	$(CC) $(DEBUG_CFLAGS) $^ $(LDFLAGS) $(LDLIBS) -o $@

build/release/tests/%: build/release/tests/%.o build/release/libtest.a
	$(call say,LINK)
	$(CC) $(RELEASE_CFLAGS) $^ $(LDFLAGS) $(LDLIBS) -o $@

test-build: $(TESTS) build/debug/tests/canary build/debug/adapler all

test: ## builds and runs every test; installs packages that are missing
	scripts/deps.sh
	$(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS)) test-build || \
		{ echo 'failed: the build'; echo '0 passed, 1 failed'; exit 1; }
	tests/run.sh scripts/check_includes.sh tests/harness.sh $(TESTS) tests/cli/run.sh tests/install.sh tests/readme.sh

check: packages ## the other compiler, formatting, include rules, static analysis
	scripts/deps.sh tools
	$(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS)) check-build
	scripts/check.sh $(PACKAGE_CFLAGS) $(if $(HDF5),-DHAVE_HDF5)

format: ## rewrites the sources with clang-format
	clang-format -i $(wildcard *.c $(foreach f,engine/base engine eval eraser reports tests tests/fuzz,$(f)/*.[ch]))

check-build: $(call objects,clang,adapler.c $(SOURCES) $(wildcard tests/*.c tests/fuzz/*.c))

build/clang/tests/%.o: DEFINES = -DADAPLER_TEST
build/clang/%.o: %.c
	$(call say,CLANG)
	mkdir -p $(@D)
	$(CLANG) $(COMMON_CFLAGS) -O1 $(SET_CFLAGS) $(DEFINES) -c $< -o $@

bench: all ## measures speed, side by side with peers that are installed
	scripts/bench.sh
	scripts/bench_tokenizer.sh
	scripts/bench_training.sh

# ---- fuzzing: finds are kept in build/fuzz, the corpus in tests/fuzz/corpus ------------------------------------------
build/fuzz/%.o: %.c
	$(call say,FUZZ)
	mkdir -p $(@D)
	$(CLANG) $(FUZZ_CFLAGS) $(SET_CFLAGS) $(DEFINES) -c $< -o $@

build/fuzz/libfuzzed.a: $(call objects,fuzz,$(FUZZ_SOURCES))
	rm -f $@
	$(AR) rcs $@ $^

$(FUZZERS): build/fuzz/%: build/fuzz/tests/fuzz/%.o build/fuzz/libfuzzed.a
	$(call say,LINK)
	$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer $^ $(LDLIBS) -o $@

fuzz-build: $(FUZZERS)

fuzz: ## runs each fuzzer for FUZZ_SECONDS (30)
	scripts/deps.sh tools
	$(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS)) fuzz-build
	tests/fuzz/run.sh $(FUZZ_SECONDS) $(FUZZERS)

# ---- installation ----------------------------------------------------------------------------------------------------
MAN := $(PREFIX)/share/man/man1/adapler.1
BASH_COMPLETION := $(PREFIX)/share/bash-completion/completions/adapler
ZSH_COMPLETION := $(PREFIX)/share/zsh/site-functions/_adapler

install: all ## program, libraries, header, man page, completion; DESTDIR= PREFIX=/usr/local
	install -D build/adapler $(DESTDIR)$(PREFIX)/bin/adapler
	install -D -m 644 build/libadapler.a $(DESTDIR)$(LIBDIR)/libadapler.a
	install -D -m 644 build/$(SONAME) $(DESTDIR)$(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libadapler.so
	install -D -m 644 build/adapler.pc $(DESTDIR)$(LIBDIR)/pkgconfig/adapler.pc
	install -D -m 644 engine/engine.h $(DESTDIR)$(PREFIX)/include/adapler/engine.h
	install -D -m 644 engine/base/err.h $(DESTDIR)$(PREFIX)/include/adapler/base/err.h
	mkdir -p $(dir $(DESTDIR)$(MAN) $(DESTDIR)$(BASH_COMPLETION) $(DESTDIR)$(ZSH_COMPLETION))
	build/adapler man >$(DESTDIR)$(MAN)
	build/adapler completion bash >$(DESTDIR)$(BASH_COMPLETION)
	build/adapler completion zsh >$(DESTDIR)$(ZSH_COMPLETION)

uninstall: ## removes what install put there
	rm -f $(addprefix $(DESTDIR),$(PREFIX)/bin/adapler $(MAN) $(BASH_COMPLETION) $(ZSH_COMPLETION)) \
		$(addprefix $(DESTDIR)$(LIBDIR)/,libadapler.a $(SONAME) libadapler.so pkgconfig/adapler.pc) \
		$(addprefix $(DESTDIR)$(PREFIX)/include/adapler/,engine.h base/err.h)
	-rmdir $(DESTDIR)$(PREFIX)/include/adapler/base $(DESTDIR)$(PREFIX)/include/adapler 2>/dev/null || true

reproduce: ## trains, prunes and judges from nothing, on made-up data or DATA=DIR, into REPORT=report; minutes on 2 cores
	scripts/reproduce.sh

# The default data set's generator: plain C that depends on nothing here.
build/make_reviews: scripts/make_reviews.c
	$(call say,CC)
	mkdir -p build
	$(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) -O1 $(CFLAGS) $< -o $@

clean: ## removes build/
	rm -rf build

-include $(shell find build -name '*.d' 2>/dev/null)
