# make           build/stoker                    make check      units, properties, goldens, fuzz corpora, style
# make SAN=1     the same with ASan and UBSan    make bench      cost, bound, time, memory beside the peers
# make help      every target
ifeq ($(origin CC),default)
  CC := gcc
endif
BUILD ?= build
SAN ?= 0
OPT ?= -O2

STD := -std=c17 -D_GNU_SOURCE -I.
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
ifeq ($(SAN),1)
  BUILD := build/san
  OPT := -O1 -g
  HARD := -fPIE -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
  LDHARD := -pie -fsanitize=address,undefined
endif
ALL_CFLAGS = $(STD) $(WARN) $(OPT) -g $(HARD) $(CFLAGS)
LIBS := -lglpk -lcjson -lyaml -lm

ROOMS := base solver cloud cloud/aws provisioner/api provisioner/spark provisioner/state provisioner/plan provisioner/cmd
MAIN := provisioner/cmd/main.c
# Everything but main() is in one archive, so that tests can reach it all.
SRC := $(filter-out $(MAIN),$(foreach room,$(ROOMS),$(wildcard $(room)/*.c)))
ASM := $(wildcard cloud/aws/*.S)
LIB_OBJ := $(SRC:%.c=$(BUILD)/%.o) $(ASM:%.S=$(BUILD)/%.o)
MAIN_OBJ := $(MAIN:%.c=$(BUILD)/%.o)

.PHONY: all clean
all: $(BUILD)/stoker

$(BUILD)/libstoker.a: $(LIB_OBJ)
	@rm -f $@
	@$(AR) rcs $@ $(LIB_OBJ)

$(BUILD)/stoker: $(MAIN_OBJ) $(BUILD)/libstoker.a
	@$(CC) $(LDHARD) -o $@ $(MAIN_OBJ) $(BUILD)/libstoker.a $(LIBS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/%.o: %.S
	@mkdir -p $(@D)
	@$(CC) -I. -c -o $@ $<

# What tables.S puts into the program.
$(BUILD)/cloud/aws/tables.o: $(wildcard data/*.tsv)

# Unit and property tests: one program a file, cmocka.
TEST_SRC := $(wildcard tests/unit/*.c tests/property/*.c)
TESTS := $(TEST_SRC:%.c=$(BUILD)/%)
# What several of them share: generators, brute force.
SUPPORT_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/support/*.c))
$(BUILD)/tests/%: tests/%.c $(SUPPORT_OBJ) $(BUILD)/libstoker.a
	@mkdir -p $(@D)
	@$(CC) $(ALL_CFLAGS) $(LDHARD) -MMD -MP -o $@ $< $(SUPPORT_OBJ) $(BUILD)/libstoker.a -lcmocka $(LIBS)

.PHONY: tests
tests: $(TESTS)
	@set -e; for t in $(TESTS); do echo "# $$t"; $$t; done

clean:
	rm -rf build

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
