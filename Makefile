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
BUILD   := .build/$(subst /,_,$(notdir $(firstword $(CC))))-$(shell $(CC) -dumpmachine)$(if $(OPENMP),-openmp)$(if $(SAN),-$(subst $(comma),-,$(SAN)))
FLAGS   := -std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -ffp-contract=off -fno-math-errno -Wall -Wextra -Iinclude -Isrc $(CFLAGS) -pthread \
           $(if $(OPENMP),-fopenmp) $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)
LINK    := $(LDFLAGS) -pthread $(if $(OPENMP),-fopenmp) $(if $(SAN),-fsanitize=$(SAN))

ENGINE  := $(wildcard src/*.c src/kernels/*.c)
CLI     := $(wildcard src/cli/*.c)
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

$(BUILD)/src/kernels/%.o: KFLAGS := -O3

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(KFLAGS) -MMD -MP -c $< -o $@

# Changed flags rebuild.
$(BUILD)/flags: .FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(FLAGS) $(LINK)' | cmp -s - $@ || echo '$(CC) $(FLAGS) $(LINK)' > $@
.FORCE:

run: qw
	./qw chat

test: qw $(TEST_BINS)
	BUILD=$(BUILD) CC='$(CC)' MAKE='$(MAKE)' sh tests/run.sh

# A libFuzzer program for each tests/fuzz_*.c; needs clang. `make fuzz FUZZ_SECONDS=60` runs each on its seed corpus.
FUZZ_SECONDS ?= 60
FUZZ_FLAGS := -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
.build/fuzz/%: tests/%.c $(ENGINE) $(wildcard src/*.h src/kernels/*.h include/*.h)
	@mkdir -p $(@D)
	clang $(filter-out $(CFLAGS),$(FLAGS)) $(FUZZ_FLAGS) $< $(ENGINE) -lm -o $@
fuzz: $(FUZZ:tests/%.c=.build/fuzz/%)
	FUZZ_SECONDS=$(FUZZ_SECONDS) sh tests/fuzz.sh $^

install: qw
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/qw/models/tiny
	install -m 755 qw $(DESTDIR)$(PREFIX)/bin/qw
	install -m 644 models/tiny/* $(DESTDIR)$(PREFIX)/share/qw/models/tiny

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/qw
	rm -rf $(DESTDIR)$(PREFIX)/share/qw

clean:
	rm -rf .build qw

-include $(shell find .build -name '*.d' 2>/dev/null)
.PHONY: all run test fuzz install uninstall clean .FORCE
.DELETE_ON_ERROR:
