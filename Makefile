# qw: make, make run, make test, make install. Variables: CC, CFLAGS, LDFLAGS, PREFIX, DESTDIR, OPENMP=1, SAN=address,undefined
CC      ?= cc
ifeq ($(origin CC),default)
CC      := cc
endif
CFLAGS  ?= -O2 -g
PREFIX  ?= /usr/local
SAN     ?=
OPENMP  ?=

comma   := ,
# One build folder per compiler, target and option set, so that switching between them rebuilds nothing.
MACHINE := $(shell $(CC) -dumpmachine)
BUILD   := .build/$(subst /,_,$(notdir $(firstword $(CC))))-$(MACHINE)$(if $(OPENMP),-openmp)$(if $(SAN),-$(subst $(comma),-,$(SAN)))
FLAGS   := -std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -fno-math-errno -Wall -Wextra -Iinclude -Isrc $(CFLAGS) -ffp-contract=off -pthread \
           $(if $(OPENMP),-fopenmp) $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)
LINK    := $(LDFLAGS) -pthread $(if $(OPENMP),-fopenmp) $(if $(SAN),-fsanitize=$(SAN))

# Kernels: common/ is plain C for every file; each instruction set's file has flags of its own and is chosen at run time.
ARCH    := $(firstword $(subst -, ,$(MACHINE)))
ifneq ($(filter x86_64 amd64,$(ARCH)),)
KERNELS := reference x86/sse41 x86/avx2 x86/avx512vnni
FEATURES_C := src/kernels/x86/features.c
else ifneq ($(filter aarch64 arm64,$(ARCH)),)
KERNELS := reference arm/neon arm/dotprod arm/i8mm
FEATURES_C := src/kernels/arm/features.c
KFLAGS_neon := -mtune=cortex-a53
else ifneq ($(filter arm%,$(ARCH)),)
KERNELS := reference arm/neon
FEATURES_C := src/kernels/arm/features.c
KFLAGS_neon := -mfpu=neon $(if $(findstring clang,$(shell $(CC) --version)),,-fno-schedule-insns)
else
KERNELS := reference
FEATURES_C := src/kernels/other/features.c
endif
KFLAGS_sse41 := -msse4.1
KFLAGS_avx2  := -mavx2 -mfma -mf16c
KFLAGS_avx512vnni := -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mfma -mf16c
KFLAGS_dotprod := -march=armv8.2-a+dotprod $(if $(findstring clang,$(shell $(CC) --version)),-mllvm -aarch64-enable-ldst-opt=false -mllvm -enable-post-misched=false)
KFLAGS_i8mm  := -march=armv8.2-a+dotprod+i8mm

# The levels that are built, for the table in features.c.
LEVEL_FLAGS := $(foreach k,$(notdir $(KERNELS)),-DQW_LEVEL_$k)

LAYERS  := base sys text chat sample model model/formats engine
KERNEL_C := $(KERNELS:%=src/kernels/%.c)
ENGINE  := $(foreach d,$(LAYERS),$(wildcard src/$d/*.c)) src/kernels/dispatch.c $(FEATURES_C) $(KERNEL_C)
CLI     := $(wildcard src/cli/*.c src/cli/commands/*.c)
TESTS   := $(wildcard tests/test_*.c) tests/example.c
FUZZ    := $(wildcard tests/fuzz_*.c)
ENGINE_O := $(ENGINE:%.c=$(BUILD)/%.o)
CLI_O   := $(CLI:%.c=$(BUILD)/%.o)
TEST_BINS := $(TESTS:tests/%.c=$(BUILD)/%)

all: qw

qw: $(BUILD)/qw
	cp $(BUILD)/qw $@.new && mv -f $@.new $@

$(BUILD)/qw: $(ENGINE_O) $(CLI_O)
	$(CC) $^ $(LINK) -lm -o $@

$(TEST_BINS): $(BUILD)/%: $(BUILD)/tests/%.o $(ENGINE_O)
	$(CC) $^ $(LINK) -lm -o $@


$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(if $(filter $(KERNEL_C),$<),$(if $(SAN),,-O3) -fno-trapping-math $(KFLAGS_$(*F))) $(if $(filter $(FEATURES_C),$<),$(LEVEL_FLAGS)) -MMD -MP -c $< -o $@

# Changed flags rebuild.
$(BUILD)/flags: .FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(FLAGS) $(LINK) $(foreach k,$(notdir $(KERNELS)),$(KFLAGS_$k)) $(LEVEL_FLAGS)' > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@
.FORCE:

run: qw
	./qw chat

test: qw $(TEST_BINS)
	BUILD=$(BUILD) CC='$(CC)' MAKE='$(MAKE)' sh tests/run.sh

# A libFuzzer program for each tests/fuzz_*.c; needs clang. FUZZ_SECONDS=60 is how long each runs on its seed corpus.
FUZZ_SECONDS ?= 60
.build/fuzz/%: tests/%.c .FORCE
	$(MAKE) -s BUILD=.build/fuzz CC=clang CFLAGS='-O1 -g' SAN=fuzzer-no-link,address,undefined $(ENGINE:%.c=.build/fuzz/%.o) .build/fuzz/tests/$*.o
	clang -fsanitize=fuzzer,address,undefined $(ENGINE:%.c=.build/fuzz/%.o) .build/fuzz/tests/$*.o -pthread -lm -o $@
fuzz:
	FUZZ_SECONDS=$(FUZZ_SECONDS) MAKE='$(MAKE)' sh tests/fuzz.sh $(FUZZ:tests/%.c=.build/fuzz/%)

install: qw
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/qw/models/tiny
	install -m 755 qw $(DESTDIR)$(PREFIX)/bin/qw
	install -m 644 models/tiny/* $(DESTDIR)$(PREFIX)/share/qw/models/tiny

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/qw
	rm -rf $(DESTDIR)$(PREFIX)/share/qw

clean:
	rm -rf .build qw

-include $(shell find .build $(BUILD) -name '*.d' 2>/dev/null)
.PHONY: all run test fuzz install uninstall clean .FORCE
.DELETE_ON_ERROR:
