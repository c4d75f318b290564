/*
 * SBP-2 target: malformed configuration ROMs, responses and status blocks, by a
 * seed each. What is done to the ROM depends on the seed and on the ROM; what
 * is done to a response or status, on the seed and on how many there were since
 * it was set: never on time.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "qemu/bswap.h"
#include "sbp2.h"

#define ROM_QUADLETS    ((FW_CSR_CONFIG_ROM_END - FW_CSR_CONFIG_ROM) / 4)

static const FWFaultName fault_names[SBP2_FUZZ_KINDS] = {
    [SBP2_FUZZ_ROM]      = { NULL, "fuzz-rom-done" },
    [SBP2_FUZZ_RESPONSE] = { NULL, "fuzz-response-done" },
    [SBP2_FUZZ_STATUS]   = { NULL, "fuzz-status-done" },
};

static const struct {
    const char *seed, *changes;
    unsigned most;              /* times, for one seed */
} kinds[SBP2_FUZZ_KINDS] = {
    [SBP2_FUZZ_ROM]      = { "fuzz-rom", "fuzz-rom-changes", 1 },
    [SBP2_FUZZ_RESPONSE] = { "fuzz-response", "fuzz-response-changes", 3 },
    [SBP2_FUZZ_STATUS]   = { "fuzz-status", "fuzz-status-changes", 4 },
};

/* Chance */

static unsigned below(FWRandom *random, unsigned limit)
{
    return fw_random(random) % limit;
}

uint32_t sbp2_fuzz_quadlet(FWRandom *random)
{
    static const uint32_t odd[] = {
        0, 1, 0xffff, 0x10000, 0xffffff, 0x7fffffff, 0x80000000, 0xffff0000,
        0xffffffff,
    };

    return below(random, 2) ? odd[below(random, ARRAY_SIZE(odd))] :
                              fw_random(random);
}

static void flip_bits(FWRandom *random, uint8_t *data, size_t length)
{
    unsigned times = 1 + below(random, 8);

    while (times--) {
        data[below(random, length)] ^= 1 << below(random, 8);
    }
}

static void note_change(SBP2Fuzz *f, SBP2FuzzKind kind, const char *name,
                        unsigned at)
{
    g_string_append_printf(f->changes[kind], "%s@%u ", name, at);
}

/* Responses */

size_t sbp2_fuzz_response(SBP2Target *t, uint8_t *data, size_t length)
{
    SBP2Fuzz *f = &t->fuzz;
    FWRandom *random = &f->random[SBP2_FUZZ_RESPONSE];
    unsigned at;

    if (!length || !fw_fault(&f->fault[SBP2_FUZZ_RESPONSE])) {
        return length;
    }
    switch (below(random, 4)) {
    case 0:
        flip_bits(random, data, length);
        note_change(f, SBP2_FUZZ_RESPONSE, "flip", 0);
        break;
    case 1:
        at = below(random, DIV_ROUND_UP(length, 4));
        stl_be_p(data + 4 * at, sbp2_fuzz_quadlet(random));
        note_change(f, SBP2_FUZZ_RESPONSE, "quadlet", at);
        break;
    case 2:
        stw_be_p(data, sbp2_fuzz_quadlet(random));
        note_change(f, SBP2_FUZZ_RESPONSE, "length", 0);
        break;
    default:
        length = below(random, length);
        note_change(f, SBP2_FUZZ_RESPONSE, "short", length);
        break;
    }
    return length;
}

/* Status blocks */

/* A field of the first quadlet, by its lowest bit and its width */
static const struct {
    const char *name;
    unsigned start, bits;
} status_fields[] = {
    { "sbp-status", 16, 8 }, { "len", 24, 3 }, { "dead", 27, 1 },
    { "resp", 28, 2 }, { "src", 30, 2 }, { "orb-offset-hi", 0, 16 },
};

static void status_field(SBP2Fuzz *f, FWRandom *random, uint8_t *block)
{
    unsigned i = below(random, ARRAY_SIZE(status_fields));

    stl_be_p(block, deposit32(ldl_be_p(block), status_fields[i].start,
                              status_fields[i].bits, fw_random(random)));
    note_change(f, SBP2_FUZZ_STATUS, status_fields[i].name, 0);
}

static void status_noise(FWRandom *random, uint8_t *data, size_t length)
{
    while (length--) {
        *data++ = fw_random(random);
    }
}

static size_t status_change(SBP2Fuzz *f, uint8_t *block, size_t length)
{
    FWRandom *random = &f->random[SBP2_FUZZ_STATUS];

    switch (below(random, 8)) {
    case 0:
        stl_be_p(block + 4, sbp2_fuzz_quadlet(random));
        note_change(f, SBP2_FUZZ_STATUS, "orb-offset-lo", 4);
        break;
    case 1:
        flip_bits(random, block, 8);
        note_change(f, SBP2_FUZZ_STATUS, "flip", 0);
        break;
    case 2:
        length = 1 + below(random, SBP2_MAX_STATUS);
        note_change(f, SBP2_FUZZ_STATUS, "size", length);
        break;
    case 3:
        length = SBP2_MAX_STATUS;
        stl_be_p(block, deposit32(ldl_be_p(block), 24, 3, length / 4 - 1));
        /* fall through */
    case 4:
        status_noise(random, block + 8, SBP2_MAX_STATUS - 8);
        note_change(f, SBP2_FUZZ_STATUS, "sense", length);
        break;
    default:
        status_field(f, random, block);
        break;
    }
    return length;
}

/* @block has room for SBP2_MAX_STATUS bytes */
size_t sbp2_fuzz_status(SBP2Target *t, uint8_t *block, size_t length)
{
    SBP2Fuzz *f = &t->fuzz;
    FWRandom *random = &f->random[SBP2_FUZZ_STATUS];
    unsigned times;

    if (!f->fault[SBP2_FUZZ_STATUS].left || below(random, f->rate) ||
        !fw_fault(&f->fault[SBP2_FUZZ_STATUS])) {
        return length;
    }
    for (times = 1 + below(random, 2); times; times--) {
        length = status_change(f, block, length);
    }
    return length;
}

/* Configuration ROM */

void sbp2_fuzz_rom(SBP2Target *t)
{
    SBP2Fuzz *f = &t->fuzz;

    if (fw_fault(&f->fault[SBP2_FUZZ_ROM])) {
        sbp2_fuzz_rom_bytes(FW_DEVICE(t)->rom, &f->random[SBP2_FUZZ_ROM],
                            f->changes[SBP2_FUZZ_ROM]);
    }
}

/* From the beginning of the seed's sequence, or no more with 0 */
void sbp2_fuzz_start(SBP2Fuzz *f, SBP2FuzzKind kind, uint32_t seed)
{
    FWRandom *random = &f->random[kind];

    f->seed[kind] = seed;
    random->state = seed;
    g_string_truncate(f->changes[kind], 0);
    f->fault[kind].left = seed ? 1 + below(random, kinds[kind].most) : 0;
    if (kind == SBP2_FUZZ_STATUS) {
        f->rate = 1 + below(random, 16);
    }
}

/* Properties */

static SBP2FuzzKind kind_of(const char *name)
{
    SBP2FuzzKind kind = 0;

    while (strcmp(kinds[kind].seed, name)) {
        kind++;
    }
    return kind;
}

static void get_seed(Object *obj, Visitor *v, const char *name, void *opaque,
                     Error **errp)
{
    visit_type_uint32(v, name, &SBP2_TARGET(obj)->fuzz.seed[kind_of(name)],
                      errp);
}

static void set_seed(Object *obj, Visitor *v, const char *name, void *opaque,
                     Error **errp)
{
    SBP2Target *t = SBP2_TARGET(obj);
    SBP2FuzzKind kind = kind_of(name);
    uint32_t seed;

    if (!visit_type_uint32(v, name, &seed, errp)) {
        return;
    }
    sbp2_fuzz_start(&t->fuzz, kind, seed);
    if (kind == SBP2_FUZZ_ROM) {
        sbp2_rom_build(t);
    }
}

static char *get_changes(Object *obj, Error **errp, SBP2FuzzKind kind)
{
    return g_strdup(SBP2_TARGET(obj)->fuzz.changes[kind]->str);
}

static char *get_rom_changes(Object *obj, Error **errp)
{
    return get_changes(obj, errp, SBP2_FUZZ_ROM);
}

static char *get_response_changes(Object *obj, Error **errp)
{
    return get_changes(obj, errp, SBP2_FUZZ_RESPONSE);
}

static char *get_status_changes(Object *obj, Error **errp)
{
    return get_changes(obj, errp, SBP2_FUZZ_STATUS);
}

/* The ROM itself, in hexadecimal digits, without the zeros at its end */
static char *get_rom(Object *obj, Error **errp)
{
    const uint8_t *rom = FW_DEVICE(obj)->rom;
    GString *text = g_string_new(NULL);
    unsigned i, used = 0;

    for (i = 0; i < sizeof(FW_DEVICE(obj)->rom); i++) {
        used = rom[i] ? i / 4 * 4 + 4 : used;
    }
    for (i = 0; i < used; i++) {
        g_string_append_printf(text, "%02x", rom[i]);
    }
    return g_string_free(text, false);
}

/* Any other ROM: it takes effect when it is read again */
static void set_rom(Object *obj, const char *text, Error **errp)
{
    FWDevice *dev = FW_DEVICE(obj);
    size_t length = strlen(text), i;

    if (length % 8 || length > 2 * sizeof(dev->rom) ||
        strspn(text, "0123456789abcdefABCDEF") != length) {
        error_setg(errp, "a ROM is at most %d quadlets, in hexadecimal digits",
                   ROM_QUADLETS);
        return;
    }
    memset(dev->rom, 0, sizeof(dev->rom));
    for (i = 0; i < length / 2; i++) {
        dev->rom[i] = g_ascii_xdigit_value(text[2 * i]) << 4 |
                      g_ascii_xdigit_value(text[2 * i + 1]);
    }
}

void sbp2_fuzz_init(SBP2Target *t)
{
    Object *obj = OBJECT(t);
    unsigned i;

    fw_faults_add_properties(obj, t->fuzz.fault, fault_names, SBP2_FUZZ_KINDS);
    for (i = 0; i < SBP2_FUZZ_KINDS; i++) {
        t->fuzz.changes[i] = g_string_new(NULL);
        object_property_add(obj, kinds[i].seed, "uint32", get_seed, set_seed,
                            NULL, NULL);
    }
    object_property_add_str(obj, kinds[SBP2_FUZZ_ROM].changes,
                            get_rom_changes, NULL);
    object_property_add_str(obj, kinds[SBP2_FUZZ_RESPONSE].changes,
                            get_response_changes, NULL);
    object_property_add_str(obj, kinds[SBP2_FUZZ_STATUS].changes,
                            get_status_changes, NULL);
    object_property_add_str(obj, "rom", get_rom, set_rom);
}

void sbp2_fuzz_finalize(SBP2Target *t)
{
    unsigned i;

    for (i = 0; i < SBP2_FUZZ_KINDS; i++) {
        g_string_free(t->fuzz.changes[i], true);
    }
}
