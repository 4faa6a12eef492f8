# adapler: `make help` lists what there is.
#
# Sources are found by wildcard: a new engine/x.c, engine/x_cmd.c or tests/test_x.c needs no line here.
# Everything built goes below build/: release and debug objects, the program, the libraries, the tests.

VERSION := $(shell sed -n 's/.*ADAPLER_VERSION "\(.*\)"/\1/p' engine/engine.h)
SOVERSION := 0
PREFIX ?= /usr/local
DESTDIR ?=
BINDIR := $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR := $(PREFIX)/include
DATADIR := $(PREFIX)/share

ifeq ($(origin CC),default)
CC := gcc
endif
CLANG ?= clang
WERROR ?= -Werror
FUZZ_SECONDS ?= 30

# ---- packages: `make` says what is missing, `make test` installs it --------------------------------------------------
PACKAGES := libcjson libutf8proc zlib openblas
HDF5 := $(firstword $(foreach p,hdf5 hdf5-serial,$(shell pkg-config --exists $(p) 2>/dev/null && echo $(p))))
PACKAGE_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) $(HDF5) 2>/dev/null)
PACKAGE_LIBS := $(shell pkg-config --libs $(PACKAGES) $(HDF5) 2>/dev/null)
LDLIBS := $(PACKAGE_LIBS) -lpthread -lm
COMMIT := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
MACHINE := $(shell $(CC) -dumpmachine 2>/dev/null)

# ---- flags -----------------------------------------------------------------------------------------------------------
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wold-style-definition -Wmissing-prototypes -Wvla \
	-Wundef -Wwrite-strings -Wpointer-arith -Wformat=2 -Wimplicit-fallthrough $(WERROR)
BASE_CFLAGS := -std=c11 -D_GNU_SOURCE -MMD -MP -pthread -fPIC -fno-semantic-interposition -ffp-contract=off \
	$(WARNINGS) $(if $(HDF5),-DHAVE_HDF5) $(PACKAGE_CFLAGS)
RELEASE_CFLAGS := $(BASE_CFLAGS) -O3 -g $(CFLAGS)
# ADAPLER_TEST switches on what only tests look at (operation counters).
DEBUG_CFLAGS := $(BASE_CFLAGS) -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all \
	-DADAPLER_TEST $(CFLAGS)

# One kernel file for each instruction set; which one runs is decided at run time.
ifneq ($(filter x86_64-%,$(MACHINE)),)
%/engine/kernels_avx512.o: SET_CFLAGS := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -ffp-contract=fast
%/engine/kernels_avx2.o: SET_CFLAGS := -mavx2 -mfma -ffp-contract=fast
endif

# ---- what is built from what -----------------------------------------------------------------------------------------
FOLDERS := engine/base engine eval eraser reports
SOURCES = $(foreach f,$(FOLDERS),$(wildcard $(f)/*.c))
# The library has no commands in it, and none of what only a command line needs.
LIBRARY_SOURCES := $(filter-out %_cmd.c $(addprefix engine/base/,opt.c opt_print.c progress.c interrupt.c log.c), \
	$(wildcard engine/base/*.c engine/*.c))
objects = $(patsubst %.c,build/$(1)/%.o,$(2))

TESTS := $(patsubst tests/%.c,build/debug/tests/%,$(wildcard tests/test_*.c)) \
	$(patsubst tests/%.c,build/release/tests/%,$(wildcard tests/release_*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all help test check bench fuzz install uninstall reproduce clean packages-present test-build test-run FORCE

all: packages-present ## the program build/adapler, libadapler.a and .so, adapler.pc
	@$(MAKE) --no-print-directory build/adapler build/libadapler.a build/libadapler.so build/adapler.pc

packages-present:
	@scripts/deps.sh --check

build/release/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(RELEASE_CFLAGS) $(SET_CFLAGS) $(OBJECT_CFLAGS) -c $< -o $@

build/debug/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(DEBUG_CFLAGS) $(SET_CFLAGS) $(OBJECT_CFLAGS) -c $< -o $@

build/adapler: build/release/adapler.o $(call objects,release,$(SOURCES))
	$(CC) $(RELEASE_CFLAGS) $^ $(LDFLAGS) $(LDLIBS) -o $@

build/debug/adapler: build/debug/adapler.o $(call objects,debug,$(SOURCES))
	$(CC) $(DEBUG_CFLAGS) $^ $(LDFLAGS) $(LDLIBS) -o $@

# The commit is compiled in; the file changes, and its users with it, only when the commit does.
build/commit: FORCE
	@mkdir -p build
	@echo '$(COMMIT)' | cmp -s - $@ || echo '$(COMMIT)' >$@

%/engine/version_cmd.o: OBJECT_CFLAGS = -DADAPLER_COMMIT='"$(COMMIT)"'
build/release/engine/version_cmd.o build/debug/engine/version_cmd.o: build/commit

# ---- tests -----------------------------------------------------------------------------------------------------------
build/%/libtest.a:
	@rm -f $@
	@$(AR) rcs $@ $^
build/debug/libtest.a: $(call objects,debug,$(SOURCES) tests/test.c)
build/release/libtest.a: $(call objects,release,$(SOURCES) tests/test.c)

build/debug/tests/%: build/debug/tests/%.o build/debug/libtest.a
	$(CC) $(DEBUG_CFLAGS) $^ $(LDFLAGS) $(LDLIBS) -o $@

build/release/tests/%: build/release/tests/%.o build/release/libtest.a
	$(CC) $(RELEASE_CFLAGS) $^ $(LDFLAGS) $(LDLIBS) -o $@

test: ## builds and runs every test; installs missing packages first
	@scripts/deps.sh
	@$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$$(nproc)) test-build >build/test-build.log 2>&1 || \
		{ cat build/test-build.log; echo '0 passed, 1 failed'; exit 1; }
	@$(MAKE) --no-print-directory test-run

test-build: $(TESTS)

test-run:
	@tests/run.sh $(TESTS)

clean: ## removes build/
	rm -rf build

-include $(shell find build -name '*.d' 2>/dev/null)
