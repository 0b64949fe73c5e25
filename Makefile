# SPDX-License-Identifier: GPL-2.0-only
#
# The only makefile; `make help` lists the targets.
#   O=DIR    output directory (build)      CC=clang   another compiler
#   V=1      show commands                 KSRC=DIR   another 6.12.y tree

MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:
SHELL := /bin/bash
PYTHON := /usr/bin/python3
jobs := $(shell nproc)

O ?= build
CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
export KSRC

# make splits lists at blanks, so a path with one would be two paths.
ifneq ($(words $(CURDIR)) $(words $(O)),1 1)
$(error the path of the checkout or of O= has a blank in it: $(CURDIR) $(O))
endif

ifneq ($(V),1)
Q := @
say = @printf '  %-7s %s\n' $(1) $(2)
endif

# --- sources -----------------------------------------------------------------

layers := base machine engine campaign guest cmd
bench_src := bench/tlbbench.c $(foreach d,$(layers),$(sort $(wildcard bench/$(d)/*.c)))
workload_src := $(sort $(wildcard workloads/*.c))
litmus_src := $(sort $(wildcard workloads/litmus/*.c))
unit_src := $(sort $(wildcard bench/tests/t_*.c))
accuracy_src := $(sort $(wildcard bench/accuracy/*.c))

obj = $(patsubst %.c,$(O)/obj/%.o,$(1))
bench_obj := $(call obj,$(bench_src) $(workload_src) $(litmus_src)) $(O)/obj/registry.o
# What unit tests link: everything but main().
lib_obj := $(filter-out $(O)/obj/bench/tlbbench.o,$(bench_obj))
# What is built for ASan also looks for leaks where an instance ends.
sanitize_obj := $(if $(findstring address,$(CFLAGS)),$(O)/obj/bench/tests/sanitize.o)
units := $(patsubst bench/tests/%.c,$(O)/tests/%,$(unit_src))

perf := $(O)/libperf
perf_libs := $(perf)/libperf.a $(perf)/libapi.a

CPPFLAGS += -D_GNU_SOURCE -I. -Ibench -isystem $(perf)/include
CFLAGS ?= -O2 -g
CFLAGS += -std=gnu11 -pthread -Wall -Wextra -Wshadow -Werror -Wvla \
	-Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wundef
LDLIBS := -lnuma -luring -lmd -lz -lext2fs -lcom_err -lm

# --- targets -----------------------------------------------------------------

.PHONY: all
all: $(O)/tlbbench ## build tlbbench (the default)

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

.PHONY: setup
setup: ## install the Debian packages that are missing (root)
	$(Q)bench/tools/setup

$(perf_libs) &: | $(O)
	$(call say,LIBPERF,$(perf))
	$(Q)bench/tools/build-libperf '$(abspath $(perf))' $(if $(Q),>$(O)/libperf.log 2>&1 || { tail -n 20 $(O)/libperf.log >&2; false; })

$(O) $(O)/tests:
	@mkdir -p $@

# One symbol per file: a workload or litmus test whose symbol is not its file's
# name does not link. Made every time and kept if it is the same: a file that appears with an
# old date, or goes, must not leave a binary that is not the tree.
registry = printf 'extern const struct $(1)_ops $(1)_%s;\n' $(basename $(notdir $(2))); \
	  echo 'const struct $(1)_ops *const $(1)_registry[] = {'; \
	  printf '\t&$(1)_%s,\n' $(basename $(notdir $(2))); \
	  echo '	NULL,'; echo '};'

.PHONY: force
$(O)/registry.c: force | $(O)
	$(Q){ echo '#include "workloads/litmus/litmus.h"'; \
	  $(call registry,wl,$(workload_src)); $(call registry,litmus,$(litmus_src)); } > $@.new; \
	if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(O)/obj/registry.o: $(O)/registry.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

$(O)/obj/%.o: %.c | $(perf_libs)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

# libnuma can look up hosts, which a static binary cannot, and tlbbench never does.
$(O)/tlbbench: $(bench_obj) $(perf_libs)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -static $(bench_obj) $(perf_libs) $(LDLIBS) -o $@ \
	  2> >(grep -vE 'affinity_ip|getaddrinfo' >&2)

$(O)/tests/%: $(O)/obj/bench/tests/%.o $(lib_obj) $(sanitize_obj) $(perf_libs) | $(O)/tests
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -lcmocka -o $@

# The command, but functions of the C library fail when they are told to. Only
# the C library is shared: a sanitizer needs that, and the linker does the rest.
nth_obj := $(O)/obj/bench/tests/nth.o
$(O)/tests/tlbbench: $(bench_obj) $(nth_obj) $(sanitize_obj) $(perf_libs) | $(O)/tests
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $$(nm $(nth_obj) | sed -n 's/.* T __wrap_/-Wl,--wrap=/p') \
	  -no-pie $^ -Wl,-Bstatic $(filter-out -lm,$(LDLIBS)) -Wl,-Bdynamic -lm -o $@

-include $(patsubst %.o,%.d,$(bench_obj) $(call obj,$(unit_src) $(accuracy_src)))

# --- the demo ----------------------------------------------------------------

demo_kernels := baseline lazy-ipi

# $(1): the campaign, $(2): its kernels.
define compare
@printf '\n== kernels %s\n' '$(2)'
$(Q)kernels/build $(2)
@printf '\n== campaign\n'
$(Q)code=0; dir=$$($(O)/tlbbench campaign configs/$(1).conf) || code=$$?; \
  [ -n "$$dir" ] || exit $$code; \
  printf '\n== report\n'; \
  $(O)/tlbbench report compare "$$dir" || code=$$?; exit $$code
endef

.PHONY: demo
demo: ## two kernels in, one comparison out: set-up, build, boots, report
	$(Q)$(MAKE) --no-print-directory setup
	$(Q)$(MAKE) --no-print-directory -j$(jobs) $(O)/tlbbench
	@printf '\n== this machine, now\n'
	$(Q)$(O)/tlbbench run munmap lazy_idle ops=2000
	$(call compare,demo,$(demo_kernels))

.PHONY: strategies
strategies: $(O)/tlbbench ## all lazy strategies and one of write-protect, in one report
	$(call compare,strategies,baseline lazy-ipi lazy-leave lazy-state3 wp-pending-page)

# --- accuracy ----------------------------------------------------------------

accuracy := $(patsubst bench/accuracy/%.c,$(O)/accuracy/%,$(accuracy_src))

$(O)/accuracy/%: $(O)/obj/bench/accuracy/%.o $(O)/obj/bench/base/hist.o
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ -lm -o $@

.PHONY: bench
bench: $(O)/tlbbench $(accuracy) ## how accurate is it here: four minutes; ARGS='--rounds 3 spin'
	$(Q)$(PYTHON) -B bench/accuracy/bench.py --build $(O) $(ARGS)

# --- checks ------------------------------------------------------------------

c_files = $(shell git ls-files -co --exclude-standard '*.c' '*.h')
shell_files = $(shell git grep -lE '^\#!/bin/(ba)?sh' -- bench kernels report .ci)
python_files = $(shell git ls-files -co --exclude-standard '*.py') report/run bench/tools/litmus-table \
	kernels/build kernels/check kernels/boot bench/tools/docs bench/tools/check-hotloop
tidy_flags = -std=gnu11 $(CPPFLAGS)

.PHONY: check
check: ## everything, with VMs; installs what it needs; as root changes and restores settings
	$(Q)$(MAKE) --no-print-directory setup
	$(Q)$(MAKE) --no-print-directory -j$(jobs) $(O)/tlbbench $(units) check-clang
	$(Q)$(MAKE) --no-print-directory check-fast
	$(Q)$(MAKE) --no-print-directory check-arm64
	$(Q)$(MAKE) --no-print-directory check-sanitize
	$(Q)$(MAKE) --no-print-directory check-fault
	$(Q)TLBBENCH=$(abspath $(O))/tlbbench $(pytest) -m tunes bench/tests
	$(Q)kernels/check
	$(Q)kernels/build --runtime baseline
	$(Q)TLBBENCH=$(abspath $(O))/tlbbench $(pytest) -m vm bench/tests

.PHONY: check-kernels
check-kernels: ## build kernels from nothing and compare them: ten minutes
	$(Q)$(pytest) -m slow kernels/tests

.PHONY: soak
soak: $(O)/tlbbench ## litmus tests under real races, ten minutes for each sound strategy: a night
	$(Q)code=0; for conf in $$(grep -l '^sound = yes' kernels/strategies/*.conf); do \
	  id=$$(basename "$$conf" .conf); printf '\n== %s\n' "$$id"; \
	  $(O)/tlbbench litmus --kernel "runtime:$$id" --vm accel=tcg \
	    --vm cpus=4 --vm nodes=2 --soak 600 >$(O)/soak-$$id.ktap || \
	    { code=1; grep -B1 '^ *not ok' $(O)/soak-$$id.ktap; }; done; exit $$code

.PHONY: check-fast
check-fast: lint check-clang check-unit check-python ## what needs no kernel and no root

.PHONY: check-clang
check-clang:
	$(Q)$(MAKE) --no-print-directory O=$(O)/clang CC=clang all

# Tests pin threads to CPUs and count to the last interrupt: one suite at a time,
# also under -j.
alone := flock $(perf).lock

.PHONY: check-unit
check-unit: $(units)
	$(Q)CMOCKA_MESSAGE_OUTPUT=TAP $(alone) prove -Q --exec '' $(units)

sanitizers := asan tsan
asan_flags := -fsanitize=address,undefined -Wl,--wrap=_exit
tsan_flags := -fsanitize=thread
sanitized = CFLAGS='-O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all $($(1)_flags)' \
	$(MAKE) --no-print-directory O=$(O)/$(1) perf=$(perf)
# One test asks for more memory than there can be, and wants to be told.
export ASAN_OPTIONS := allocator_may_return_null=1:detect_stack_use_after_return=1
export TSAN_OPTIONS := allocator_may_return_null=1
export UBSAN_OPTIONS := print_stacktrace=1

.PHONY: check-sanitize $(sanitizers:%=check-%)
check-sanitize: $(sanitizers:%=check-%) ## unit tests under ASan, UBSan and TSan

# Of all ways to a call each is tried, up to a few; FULL=1: each call.
.PHONY: check-fault
check-fault: $(perf_libs) ## let calls of the C library fail, one at a time; FULL=1
	+$(Q)$(call sanitized,asan) -j$(jobs) $(O)/asan/tests/tlbbench
	$(Q)TLBBENCH=$(abspath $(O))/asan/tests/tlbbench TLBBENCH_FAULT=$(abspath $(O))/asan/tests/tlbbench \
	  $(pytest) bench/tests/test_fault.py bench/tests/test_cli.py

# Built side by side, run one after the other: tests pin threads to CPUs.
$(sanitizers:%=check-%): check-%: $(perf_libs)
	+$(Q)$(call sanitized,$*) -j$(jobs) units
	+$(Q)$(call sanitized,$*) check-unit

.PHONY: units
units: $(units)

pytest := $(PYTHON) -m pytest -q -rs -p no:cacheprovider

.PHONY: check-python
check-python: $(O)/tlbbench $(accuracy)
	$(Q)bench/tools/docs --check $(O)/tlbbench
	$(Q)TLBBENCH=$(abspath $(O))/tlbbench $(alone) $(pytest) -m 'not vm and not slow and not tunes' bench/tests report/tests kernels/tests

# clang is there anyway, and Debian's gcc for arm64 would be 80 MB more.
arm64_units := $(O)/arm64/t_clock $(O)/arm64/t_hist
$(arm64_units): $(O)/arm64/%: bench/tests/%.c $(wildcard bench/base/*.[ch] bench/tests/*.h bench/tests/mini/*.h)
	@mkdir -p $(@D)
	$(call say,ARM64,$@)
	$(Q)clang --target=aarch64-linux-gnu -fuse-ld=lld -static -Ibench/tests/mini $(CPPFLAGS) $(CFLAGS) \
	  $(filter %.c,$^) -lm -o $@

.PHONY: check-arm64
check-arm64: $(arm64_units) ## clock and histogram of arm64, emulated
	$(Q)prove -Q --exec qemu-aarch64 $(arm64_units)

.PHONY: lint
lint: $(perf_libs) ## style, layers, manual, spelling
	$(Q)git ls-files --error-unmatch Makefile >/dev/null || \
	  { echo 'lint: git must know this checkout (see safe.directory in git-config(1))' >&2; exit 1; }
	$(Q)clang-format --dry-run -Werror $(c_files)
	$(Q)bench/tools/check-layers
	$(Q)bench/tools/check-prose
	$(Q)shellcheck $(shell_files)
	$(Q)$(PYTHON) -m flake8 --max-line-length 100 $(python_files)
	$(Q)mandoc -Tlint -W warning bench/man/*.1
	$(Q)codespell -q 3 -L nd,extraversion,damon -S './build,./results/*T*Z*,./.git,*.svg,./bench/tests/data' .
	$(Q)kernels/check --fast
	$(Q)printf '%s\n' $(filter-out bench/tests/%,$(filter %.c,$(c_files))) | \
	  xargs -P$(jobs) -I{} clang-tidy --quiet {} -- $(tidy_flags) >$(O)/tidy.log 2>&1 || \
	  { grep -E -A3 'error: |not found|No such' $(O)/tidy.log >&2; exit 1; }

.PHONY: format
format: ## clang-format all C files
	$(Q)clang-format -i $(c_files)

# Its report is what the tests compare with; look at git diff afterwards.
.PHONY: published
published: ## write the report of the published campaign anew
	$(Q)report/run compare results/published/example-* >/dev/null
	$(Q)for form in benchstat csv kcidb openmetrics hgrm; do \
	  report/run export --format $$form results/published/example-* >/dev/null || exit 1; done

.PHONY: packages
packages: ## print the line that installs all packages
	@echo apt-get install --no-install-recommends $$(sed 's/\#.*//' .packages)

.PHONY: clean
clean: ## remove what was built here; kernels in the cache stay
	rm -rf $(O)
