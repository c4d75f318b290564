/*
 * What the target malforms: by the seed alone, within bounds, and everything
 * that it can do is done by some seed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "sbp2.h"
#include "test.h"

#define ROM_SIZE    (FW_CSR_CONFIG_ROM_END - FW_CSR_CONFIG_ROM)
#define UNIT        15          /* the unit directory of good_rom */

void sbp2_rom_build(SBP2Target *t)
{
}

/* Root directory with a text leaf, unit directory, Unit_Unique_ID leaf */
static void good_rom(FWDevice *dev)
{
    FWRomDir *root = fw_rom_dir_new();
    const uint32_t unique_id[] = { 0x0030e000, 0x00000001 };
    FWRomDir *unit;

    fw_rom_add_immediate(root, 0x03, 0x0030e0);
    fw_rom_add_text(root, "Lab disk!");
    unit = fw_rom_add_dir(root, 0xd1);
    fw_rom_add_immediate(unit, 0x12, 0x00609e);
    fw_rom_add_leaf(unit, 0x8d, unique_id, 2);
    fw_rom_add_immediate(unit, 0x14, 0x000001);
    dev->rom_generation = 0;
    fw_device_set_rom(dev, root);
    fw_rom_dir_free(root);
}

static char *malform(FWDevice *dev, uint32_t seed)
{
    FWRandom random = { seed };
    GString *changes = g_string_new(NULL);

    good_rom(dev);
    sbp2_fuzz_rom_bytes(dev->rom, &random, changes);
    return g_string_free(changes, false);
}

static void rom_by_seed(void)
{
    g_autofree FWDevice *a = g_new0(FWDevice, 1);
    g_autofree FWDevice *b = g_new0(FWDevice, 1);
    unsigned same = 0;
    uint32_t seed;

    for (seed = 1; seed <= 1000; seed++) {
        g_autofree char *first = malform(a, seed);
        g_autofree char *again = malform(b, seed);

        g_assert_cmpstr(first, ==, again);
        g_assert_cmpint(memcmp(a->rom, b->rom, ROM_SIZE), ==, 0);
        good_rom(b);
        same += !memcmp(a->rom, b->rom, ROM_SIZE);
    }
    /* An entry can be exchanged with itself, and a value be what it was */
    g_assert_cmpuint(same, <, 50);
}

static bool unit_crc_is_right(const FWDevice *dev)
{
    uint32_t quadlet[ROM_SIZE / 4];
    unsigned i, length;

    for (i = 0; i < ROM_SIZE / 4; i++) {
        quadlet[i] = ldl_be_p(&dev->rom[4 * i]);
    }
    length = MIN(quadlet[UNIT] >> 16, ROM_SIZE / 4 - UNIT - 1);
    return fw_rom_crc(&quadlet[UNIT + 1], length) == (quadlet[UNIT] & 0xffff);
}

static void rom_changes(void)
{
    static const char *const names[] = {
        "flip@", "quadlet@", "length@", "offset@", "key@", "value@", "drop@",
        "double@", "exchange@", "truncate@",
    };
    unsigned seen[G_N_ELEMENTS(names)] = { 0 }, right = 0, i;
    g_autofree FWDevice *dev = g_new0(FWDevice, 1);
    uint32_t seed;

    for (seed = 1; seed <= 1000; seed++) {
        g_autofree char *changes = malform(dev, seed);

        for (i = 0; i < G_N_ELEMENTS(names); i++) {
            seen[i] += strstr(changes, names[i]) != NULL;
        }
        right += unit_crc_is_right(dev);
    }
    for (i = 0; i < G_N_ELEMENTS(names); i++) {
        g_assert_cmpuint(seen[i], >, 100);
    }
    g_assert_cmpuint(right, >, 700);
    g_assert_cmpuint(right, <, 980);
}

/* A directory from which an entry was taken points where it did */
static void rom_drop(void)
{
    g_autofree FWDevice *dev = g_new0(FWDevice, 1);
    g_autofree char *changes = NULL;
    uint32_t seed = 0;

    do {
        g_free(changes);
        changes = malform(dev, ++seed);
    } while (strcmp(changes, "drop@16 "));
    g_assert_cmphex(ldl_be_p(&dev->rom[4 * UNIT]) >> 16, ==, 2);
    g_assert_cmphex(ldl_be_p(&dev->rom[4 * 16]), ==, 0x8d000003);
    g_assert_cmphex(ldl_be_p(&dev->rom[4 * 17]), ==, 0x14000001);
    g_assert_cmphex(ldl_be_p(&dev->rom[4 * 19]) >> 16, ==, 2);
}

static SBP2Target *target_new(void)
{
    SBP2Target *t = g_new0(SBP2Target, 1);

    sbp2_fuzz_init(t);
    return t;
}

static void target_free(SBP2Target *t)
{
    sbp2_fuzz_finalize(t);
    g_free(t);
}

/* The next @count statuses, one behind the other, with their lengths */
static GByteArray *statuses(SBP2Target *t, uint32_t seed, unsigned count)
{
    GByteArray *sent = g_byte_array_new();

    sbp2_fuzz_start(&t->fuzz, SBP2_FUZZ_STATUS, seed);
    while (count--) {
        uint8_t block[1 + SBP2_MAX_STATUS] = { 0, 0x41, [8] = 0x20 };

        block[0] = sbp2_fuzz_status(t, block + 1, 8);
        g_assert_cmpuint(block[0], >=, 1);
        g_assert_cmpuint(block[0], <=, SBP2_MAX_STATUS);
        g_byte_array_append(sent, block, sizeof(block));
    }
    return sent;
}

static unsigned done(const SBP2Target *t, SBP2FuzzKind kind)
{
    return t->fuzz.fault[kind].done;
}

static void status(void)
{
    SBP2Target *t = target_new();
    unsigned before = 0, most = 0;
    uint32_t seed;

    for (seed = 1; seed <= 300; seed++) {
        GByteArray *first = statuses(t, seed, 200);
        unsigned times = done(t, SBP2_FUZZ_STATUS) - before;
        GByteArray *again = statuses(t, seed, 200);

        g_assert_cmpuint(times, >=, 1);
        most = MAX(most, times);
        g_assert_cmpint(memcmp(first->data, again->data, first->len), ==, 0);
        before = done(t, SBP2_FUZZ_STATUS);
        g_byte_array_free(first, true);
        g_byte_array_free(again, true);
    }
    g_assert_cmpuint(most, ==, 4);
    g_byte_array_free(statuses(t, 0, 200), true);
    g_assert_cmpuint(done(t, SBP2_FUZZ_STATUS), ==, before);
    target_free(t);
}

static void response(void)
{
    static const uint8_t good[16] = { 0, 16, 0, 1, 0xff, 0xff, 0xf0 };
    SBP2Target *t = target_new();
    unsigned changed = 0, shorter = 0, i;
    uint32_t seed;

    for (seed = 1; seed <= 300; seed++) {
        sbp2_fuzz_start(&t->fuzz, SBP2_FUZZ_RESPONSE, seed);
        for (i = 0; i < 4; i++) {
            uint8_t data[16];
            size_t length;

            memcpy(data, good, sizeof(data));
            length = sbp2_fuzz_response(t, data, sizeof(data));
            g_assert_cmpuint(length, <=, sizeof(data));
            shorter += length < sizeof(data);
            changed += length < sizeof(data) || memcmp(data, good, 16);
        }
    }
    g_assert_cmpuint(done(t, SBP2_FUZZ_RESPONSE), >=, 300);
    g_assert_cmpuint(done(t, SBP2_FUZZ_RESPONSE), <=, 900);
    g_assert_cmpuint(changed, <=, done(t, SBP2_FUZZ_RESPONSE));
    g_assert_cmpuint(changed, >, 300);
    g_assert_cmpuint(shorter, >, 50);
    target_free(t);
}

void fuzz_tests(void)
{
    g_test_add_func("/fuzz/rom/by-seed", rom_by_seed);
    g_test_add_func("/fuzz/rom/changes", rom_changes);
    g_test_add_func("/fuzz/rom/drop", rom_drop);
    g_test_add_func("/fuzz/status", status);
    g_test_add_func("/fuzz/response", response);
}
