## make             builds ./qw
## make run         builds it and chats with the bundled model
## make test        runs the tests that this machine can run; QW_CI=1 runs all
## make lib         builds libqw.a and libqw.so
## make install     installs qw, its manual and completions, qw-fetch, qw.h, the
##                  library, qw.pc and the bundled model
## make uninstall   removes what install wrote
## make dist        builds static binaries for other machines, and archives of them
## make release     does that, tests them, and says what to publish
## make debug       builds ./qw with debug information
## make fuzz        runs the fuzzers (clang), FUZZ_SECONDS=60 each
## make clean       removes everything that was built
##
## Variables: CC, CFLAGS (-O2), LDFLAGS, PREFIX (/usr/local), LIBDIR
## (PREFIX/lib), DESTDIR, OPENMP=1 (OpenMP instead of the thread pool),
## SAN=address,undefined (sanitizers), V=1 (shows the commands). Without -j,
## make starts as many jobs as there are cores, one for each 300 MB free.
ifeq ($(origin CC),default)
CC      := cc
endif
CFLAGS  ?= -O2
PREFIX  ?= /usr/local
LIBDIR  ?= $(PREFIX)/lib
SAN     ?=
OPENMP  ?=
DEBUG   ?=
comma   := ,

# An explicit -j wins. (make 3.81 cannot be told here.)
ifeq ($(MAKELEVEL)$(findstring j,$(firstword -$(MAKEFLAGS)))$(filter -j%,$(MAKEFLAGS)),0)
ifneq ($(filter 4.% 5.%,$(MAKE_VERSION)),)
MAKEFLAGS += $(shell sh tools/jobs.sh)
endif
endif

# One line for each file; make -s shows nothing, V=1 the commands.
ifeq ($(V)$(findstring s,$(firstword -$(MAKEFLAGS))),)
say     = @echo '$1'
Q       := @
endif

# One folder for each compiler, target and set of options: to switch between them rebuilds nothing.
MACHINE := $(shell $(CC) -dumpmachine)
OPTIONS := $(if $(OPENMP),-openmp)$(if $(DEBUG),-debug)$(if $(SAN),-$(subst $(comma),-,$(SAN)))
BUILD   := .build/$(subst /,_,$(notdir $(firstword $(CC))))-$(MACHINE)$(OPTIONS)
FLAGS   := -std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -fno-math-errno -Wall -Wextra \
           -Iinclude -Isrc $(CFLAGS) $(if $(DEBUG),-g) -ffp-contract=off -pthread \
           $(if $(OPENMP),-fopenmp) \
           $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)
LINK    := $(CFLAGS) $(LDFLAGS) -pthread $(if $(OPENMP),-fopenmp) $(if $(SAN),-fsanitize=$(SAN))

# Kernels: common/ is plain C for every file; each instruction set's file has flags of its own and
# is chosen at run time. The slowest to compile come first: the rest fills up the other cores.
ARCH    := $(firstword $(subst -, ,$(MACHINE)))
ifneq ($(filter x86_64 amd64,$(ARCH)),)
FAMILY  := x86
KERNELS := x86/avx2 x86/sse41 x86/avx512vnni reference
else ifneq ($(filter aarch64 arm64,$(ARCH)),)
FAMILY  := arm
KERNELS := arm/dotprod arm/i8mm arm/neon reference
KFLAGS_neon := -mtune=cortex-a53
KFLAGS_reference := -O2             # is only compared with: 64-bit ARM always has NEON
else ifneq ($(filter arm%,$(ARCH)),)
FAMILY  := arm
KERNELS := arm/neon reference
else
FAMILY  := other
KERNELS := reference
endif
ifneq ($(filter arm/%,$(KERNELS)),)
CLANG   := $(findstring clang,$(shell $(CC) --version))
ifeq ($(KFLAGS_neon),)
KFLAGS_neon := -mfpu=neon $(if $(CLANG),,-fno-schedule-insns)
endif
endif
KFLAGS_sse41 := -msse4.1
KFLAGS_avx2 := -mavx2 -mfma -mf16c
KFLAGS_avx512vnni := -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mfma -mf16c
KFLAGS_dotprod := -march=armv8.2-a+dotprod $(if $(CLANG),\
    -mllvm -aarch64-enable-ldst-opt=false -mllvm -enable-post-misched=false)
KFLAGS_i8mm := -march=armv8.2-a+dotprod+i8mm

# What everything that is built depends on. levels.mk sets KERNELS again, to those that $(CC) can
# compile; make writes it once, before it builds anything else.
SETTINGS := $(strip $(CC) $(FLAGS) $(LINK) $(foreach k,$(KERNELS),$k $(KFLAGS_$(notdir $k))))
PROBES  := $(foreach k,$(KERNELS),'$k=$(strip $(KFLAGS_$(notdir $k)))')
DRY     := $(foreach o,n q t,$(findstring $o,$(firstword -$(MAKEFLAGS))))
ifneq ($(strip $(DRY)),)
$(eval $(shell cat $(BUILD)/levels.mk 2>/dev/null))
else ifneq ($(filter-out help debug fuzz clean uninstall,$(or $(MAKECMDGOALS),all)),)
-include $(BUILD)/levels.mk
endif

LAYERS  := base sys text chat chat/jinja sample model model/formats engine
KERNEL_C := $(KERNELS:%=src/kernels/%.c)
ENGINE  := $(foreach d,$(LAYERS),$(wildcard src/$d/*.c)) src/kernels/dispatch.c \
           src/kernels/check.c \
           $(wildcard src/kernels/$(FAMILY)/features.c) $(KERNEL_C)
TERMINAL := $(wildcard src/terminal/*.c)
CLI     := $(wildcard src/cli/*.c src/cli/commands/*.c)
TESTS   := $(wildcard tests/test_*.c) tests/example.c tests/render_jinja.c tests/edit_line.c
FUZZERS := $(wildcard tests/fuzz_*.c)
KERNEL_O := $(KERNEL_C:%.c=$(BUILD)/%.o)
ENGINE_O := $(ENGINE:%.c=$(BUILD)/%.o)
TERMINAL_O := $(TERMINAL:%.c=$(BUILD)/%.o)
CLI_O   := $(CLI:%.c=$(BUILD)/%.o)
LIB_O   := $(ENGINE:%.c=$(BUILD)/lib/%.o)
TEST_BINS := $(TESTS:tests/%.c=$(BUILD)/%)
FUZZ_BINS := $(FUZZERS:tests/%.c=$(BUILD)/%)

# The library's version is qw.h's; its soname changes whenever a program would have to be rebuilt.
VERSION := $(shell sed -n 's/^.define QW_VERSION "\(.*\)"/\1/p' include/qw.h)
SONAME  := libqw.so.0
COMMIT  := $(shell sh tools/commit.sh)
LIB_FLAGS := -fPIC -fvisibility=hidden -fno-lto

# The flags of one file: kernels have their own; two files must know which kernels there are, and
# one which commit this is.
file_flags = $(if $(filter $(KERNEL_C),$1),$(if $(SAN),,-O3) -fno-trapping-math \
    $(KFLAGS_$(basename $(notdir $1))))$(if $(filter %/dispatch.c %/features.c,$1),$(foreach \
    k,$(notdir $(KERNELS)),-DQW_LEVEL_$k))$(if $(filter %/cli/commit.c,$1),\
    -DQW_COMMIT='"$(COMMIT)"')

all: qw

help:
	@sed -n 's/^##[ ]\{0,1\}//p' $(firstword $(MAKEFILE_LIST))

qw: $(BUILD)/qw .build/last
	@cp $(BUILD)/qw $@.new && mv -f $@.new $@

$(BUILD)/qw: $(KERNEL_O) $(ENGINE_O) $(TERMINAL_O) $(CLI_O)
	$(call say,LD $@)
	$(Q)$(CC) $(ENGINE_O) $(TERMINAL_O) $(CLI_O) $(LINK) -lm -o $@

# qw with a slow model, for tests on a terminal; qw with a fault in a kernel, for its selftest; qw
# on a machine that is made up.
ALTERED := $(BUILD)/qw-slow $(BUILD)/qw-faulty $(BUILD)/qw-elsewhere
$(BUILD)/qw-slow: WRAP := decoder_forward
$(BUILD)/qw-elsewhere: WRAP := fopen fopen64 sched_getaffinity sched_setaffinity clock_gettime
$(BUILD)/qw-faulty: WRAP := kernels_choose
$(ALTERED): $(BUILD)/qw-%: $(BUILD)/tests/%.o $(KERNEL_O) $(ENGINE_O) $(TERMINAL_O) $(CLI_O)
	$(call say,LD $@)
	$(Q)$(CC) $< $(ENGINE_O) $(TERMINAL_O) $(CLI_O) $(LINK) $(WRAP:%=-Wl,--wrap=%) -lm -o $@

$(TEST_BINS): $(BUILD)/%: $(BUILD)/tests/%.o $(KERNEL_O) $(ENGINE_O) $(TERMINAL_O)
	$(call say,LD $@)
	$(Q)$(CC) $< $(MORE_O) $(ENGINE_O) $(TERMINAL_O) $(LINK) -lm -o $@

# test_doctor has the command line in it, but for main; fuzz_flags has not what prints the help and
# exits either.
TEST_CLI_O := $(filter-out %/cli/main.o,$(CLI_O))
FUZZ_CLI_O := $(filter-out %/cli/help.o,$(TEST_CLI_O))
$(BUILD)/test_doctor: MORE_O := $(TEST_CLI_O)
$(BUILD)/test_doctor: $(TEST_CLI_O)
$(BUILD)/fuzz_flags: MORE_O := $(FUZZ_CLI_O)
$(BUILD)/fuzz_flags: $(FUZZ_CLI_O)
$(FUZZ_BINS): $(BUILD)/%: $(BUILD)/tests/%.o $(KERNEL_O) $(ENGINE_O) $(TERMINAL_O)
	$(call say,LD $@)
	$(Q)$(CC) $< $(MORE_O) $(ENGINE_O) $(TERMINAL_O) $(LINK) -fsanitize=fuzzer -lm -o $@

$(BUILD)/%.o: %.c $(BUILD)/flags
	$(call say,CC $<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(FLAGS) $(call file_flags,$<) -MMD -MP -c $< -o $@

# The library's objects: only qw.h's functions are visible, and no compiler-specific format.
$(BUILD)/lib/%.o: %.c $(BUILD)/flags
	$(call say,CC $< (library))
	@mkdir -p $(@D)
	$(Q)$(CC) $(FLAGS) $(call file_flags,$<) $(LIB_FLAGS) -MMD -MP -c $< -o $@

# Changed flags rebuild; so does another choice of kernels, where it is compiled in.
ifneq ($(strip $(shell cat $(BUILD)/flags 2>/dev/null)),$(SETTINGS))
$(BUILD)/flags: .FORCE
endif
$(BUILD)/flags:
	@mkdir -p $(@D)
	@echo '$(SETTINGS)' > $@
$(BUILD)/levels.mk: $(BUILD)/flags tools/levels.sh
	@CC='$(CC) $(FLAGS)' sh tools/levels.sh $(PROBES) > $@
$(filter %/dispatch.o %/features.o,$(ENGINE_O) $(LIB_O)): $(BUILD)/levels.mk

# Another commit compiles the one file that knows it, and links.
ifneq ($(shell cat $(BUILD)/commit 2>/dev/null),$(COMMIT))
$(BUILD)/commit: .FORCE
endif
$(BUILD)/commit:
	@mkdir -p $(@D)
	@echo '$(COMMIT)' > $@
$(BUILD)/src/cli/commit.o: $(BUILD)/commit

# Which build the files in the project's root are from.
ifneq ($(strip $(shell cat .build/last 2>/dev/null)),$(BUILD))
.build/last: .FORCE
endif
.build/last:
	@mkdir -p $(@D)
	@echo '$(BUILD)' > $@
.FORCE:

lib: libqw.a libqw.so

libqw.a libqw.so: %: $(BUILD)/% .build/last
	@cp $< $@.new && mv -f $@.new $@

# One object in which everything but qw_ is local, so that no name of the engine meets a program's.
$(BUILD)/libqw.a: $(KERNEL_C:%.c=$(BUILD)/lib/%.o) $(LIB_O)
	$(call say,AR $@)
	$(Q)$(CC) $(CFLAGS) -fno-lto -r -nostdlib $(LIB_O) -o $(BUILD)/lib/all.o
	$(Q)$$($(CC) -print-prog-name=objcopy) --wildcard --keep-global-symbol='qw_*' \
	    $(BUILD)/lib/all.o $(BUILD)/lib/qw.o
	$(Q)rm -f $@ && $$($(CC) -print-prog-name=ar) rcs $@ $(BUILD)/lib/qw.o

$(BUILD)/libqw.so: $(KERNEL_C:%.c=$(BUILD)/lib/%.o) $(LIB_O)
	$(call say,LD $@)
	$(Q)$(CC) -shared -Wl,-soname,$(SONAME) $(LIB_O) $(LINK) -lm -o $@

dist: qw
	@MAKE='$(MAKE_COMMAND)' sh tools/dist.sh

release: qw
	@MAKE='$(MAKE_COMMAND)' sh tools/release.sh

debug:
	$(MAKE) DEBUG=1 qw

run: qw
	./qw chat

# The tests build more by themselves. (In a recipe with the variable MAKE, make -n would run them.)
test: qw $(TEST_BINS) $(ALTERED)
	@BUILD=$(BUILD) CC='$(CC)' MAKE='$(MAKE_COMMAND)' sh tests/run.sh

# A libFuzzer program for each tests/fuzz_*.c.
FUZZ_SECONDS ?= 60
fuzz:
	@FUZZ_SECONDS=$(FUZZ_SECONDS) MAKE='$(MAKE_COMMAND)' sh tests/fuzz.sh $(FUZZERS:tests/%.c=%)

# The manual and the completions: made of what the binary says of its flags. Where it cannot run,
# HOST_QW is one of the same version that can.
HOST_QW ?= $(BUILD)/qw
MANUALS := $(addprefix $(BUILD)/manual/,qw.1 qw.bash _qw qw.fish)
$(BUILD)/manual/flags.tsv: $(BUILD)/qw tools/flag_tables.sh
	@mkdir -p $(@D)
	$(Q)sh tools/flag_tables.sh $(HOST_QW) > $@
$(BUILD)/manual/qw.1: $(BUILD)/manual/flags.tsv tools/manual.sh include/qw.h
	$(Q)sh tools/manual.sh < $< > $@
$(BUILD)/manual/qw.bash: $(BUILD)/manual/flags.tsv tools/completions.sh
	$(Q)sh tools/completions.sh bash < $< > $@
$(BUILD)/manual/_qw: $(BUILD)/manual/flags.tsv tools/completions.sh
	$(Q)sh tools/completions.sh zsh < $< > $@
$(BUILD)/manual/qw.fish: $(BUILD)/manual/flags.tsv tools/completions.sh
	$(Q)sh tools/completions.sh fish < $< > $@

SHARE   := $(DESTDIR)$(PREFIX)/share
INSTALLED_MANUALS := man/man1/qw.1 bash-completion/completions/qw zsh/site-functions/_qw \
                     fish/vendor_completions.d/qw.fish
INSTALLED_LIBS := libqw.a libqw.so $(SONAME) libqw.so.$(VERSION) pkgconfig/qw.pc
install: qw lib $(MANUALS)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/qw/models/tiny
	install -d $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(LIBDIR)/pkgconfig
	install -d $(addprefix $(SHARE)/,$(dir $(INSTALLED_MANUALS)))
	install -m 755 qw $(DESTDIR)$(PREFIX)/bin/qw
	install -m 755 tools/fetch-model $(DESTDIR)$(PREFIX)/bin/qw-fetch
	install -m 644 models/tiny/* $(DESTDIR)$(PREFIX)/share/qw/models/tiny
	install -m 644 $(BUILD)/manual/qw.1 $(SHARE)/man/man1/qw.1
	install -m 644 $(BUILD)/manual/qw.bash $(SHARE)/bash-completion/completions/qw
	install -m 644 $(BUILD)/manual/_qw $(SHARE)/zsh/site-functions/_qw
	install -m 644 $(BUILD)/manual/qw.fish $(SHARE)/fish/vendor_completions.d/qw.fish
	install -m 644 include/qw.h $(DESTDIR)$(PREFIX)/include/qw.h
	install -m 644 libqw.a $(DESTDIR)$(LIBDIR)/libqw.a
	install -m 755 libqw.so $(DESTDIR)$(LIBDIR)/libqw.so.$(VERSION)
	ln -sf libqw.so.$(VERSION) $(DESTDIR)$(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libqw.so
	printf '%s\n' 'prefix=$(PREFIX)' 'includedir=$${prefix}/include' \
	    'libdir=$(LIBDIR:$(PREFIX)/%=$${prefix}/%)' '' 'Name: qw' 'Version: $(VERSION)' \
	    'Description: Qwen3 on any CPU' 'Cflags: -I$${includedir}' \
	    'Libs: -L$${libdir} -lqw' 'Libs.private: -lm -pthread $(if $(OPENMP),-fopenmp)' \
	    > $(DESTDIR)$(LIBDIR)/pkgconfig/qw.pc

uninstall:
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/,bin/qw bin/qw-fetch include/qw.h)
	rm -f $(INSTALLED_LIBS:%=$(DESTDIR)$(LIBDIR)/%)
	rm -f $(INSTALLED_MANUALS:%=$(SHARE)/%)
	rm -rf $(SHARE)/qw

clean:
	rm -rf .build qw libqw.a libqw.so

-include $(wildcard $(patsubst %.o,%.d,$(ENGINE_O) $(TERMINAL_O) $(CLI_O) $(LIB_O)) \
    $(patsubst %.c,$(BUILD)/%.d,$(TESTS) $(FUZZERS)))
.PHONY: all help lib dist release debug run test fuzz install uninstall clean .FORCE
.DELETE_ON_ERROR:
