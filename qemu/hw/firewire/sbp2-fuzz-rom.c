/*
 * SBP-2 target: a configuration ROM, malformed at random: lengths, offsets,
 * keys, entries, its end. Mostly the CRCs are right all the same.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "sbp2.h"

#define ROM_QUADLETS    ((FW_CSR_CONFIG_ROM_END - FW_CSR_CONFIG_ROM) / 4)
#define ROOT_DIRECTORY  5
#define MAX_BLOCKS      32

/* Types of a directory entry's key */
#define KEY_TYPE(entry)     ((entry) >> 30)
#define KEY_TYPE_LEAF       2
#define KEY_TYPE_DIRECTORY  3

typedef struct Block {
    unsigned at, length;
    bool directory;
} Block;

typedef struct Rom {
    FWRandom *random;
    uint32_t quadlet[ROM_QUADLETS];
    unsigned used;
    Block block[MAX_BLOCKS];
    unsigned blocks;
} Rom;

static unsigned below(Rom *rom, unsigned limit)
{
    return fw_random(rom->random) % limit;
}

static Block *block_at(Rom *rom, unsigned at)
{
    unsigned i;

    for (i = 0; i < rom->blocks; i++) {
        if (rom->block[i].at == at) {
            return &rom->block[i];
        }
    }
    return NULL;
}

/* A directory comes before those that it points to */
static void find_directories(Rom *rom)
{
    unsigned i, at;

    rom->block[0].directory = true;
    for (i = 0; i < rom->blocks; i++) {
        Block *b = &rom->block[i];

        for (at = b->at + 1; b->directory && at <= b->at + b->length; at++) {
            uint32_t entry = rom->quadlet[at];
            Block *to = block_at(rom, at + (entry & 0xffffff));

            if (KEY_TYPE(entry) == KEY_TYPE_DIRECTORY && to) {
                to->directory = true;
            }
        }
    }
}

/* The ROM is a good one still: one block behind the other */
static void rom_read(Rom *rom, const uint8_t *bytes)
{
    unsigned i, at = ROOT_DIRECTORY;

    for (i = 0; i < ROM_QUADLETS; i++) {
        rom->quadlet[i] = ldl_be_p(bytes + 4 * i);
    }
    rom->used = 1 + (rom->quadlet[0] >> 16 & 0xff);
    rom->blocks = 0;
    while (at < rom->used && rom->blocks < MAX_BLOCKS) {
        unsigned length = rom->quadlet[at] >> 16;

        rom->block[rom->blocks++] = (Block) { .at = at, .length = length };
        at += 1 + length;
    }
    find_directories(rom);
}

static void rom_write(const Rom *rom, uint8_t *bytes)
{
    unsigned i;

    for (i = 0; i < ROM_QUADLETS; i++) {
        stl_be_p(bytes + 4 * i, rom->quadlet[i]);
    }
}

/* Mostly behind the bus information block: without that nobody reads on */
static unsigned any_quadlet(Rom *rom)
{
    unsigned from = below(rom, 16) ? ROOT_DIRECTORY : 0;

    return from + below(rom, rom->used - from);
}

static Block *any_block(Rom *rom)
{
    return &rom->block[below(rom, rom->blocks)];
}

static Block *any_directory(Rom *rom)
{
    Block *b;

    do {
        b = any_block(rom);
    } while (!b->directory || !b->length);
    return b;
}

static unsigned any_entry(Rom *rom)
{
    Block *b = any_directory(rom);

    return b->at + 1 + below(rom, b->length);
}

/* Each changes one thing, and says which quadlet */

static unsigned rom_flip(Rom *rom)
{
    unsigned at = any_quadlet(rom);

    rom->quadlet[at] ^= 1u << below(rom, 32);
    return at;
}

static unsigned rom_quadlet(Rom *rom)
{
    unsigned at = any_quadlet(rom);

    rom->quadlet[at] = sbp2_fuzz_quadlet(rom->random);
    return at;
}

static unsigned rom_length(Rom *rom)
{
    Block *b = any_block(rom);
    const uint32_t lengths[] = {
        0, 1, b->length - 1, b->length + 1, rom->used, ROM_QUADLETS - b->at,
        0xffff, fw_random(rom->random),
    };
    uint32_t length = lengths[below(rom, ARRAY_SIZE(lengths))];

    rom->quadlet[b->at] = length << 16 | (rom->quadlet[b->at] & 0xffff);
    return b->at;
}

/* To itself, to any block, its own directory among them, or anywhere */
static unsigned rom_offset(Rom *rom)
{
    unsigned at = any_entry(rom);
    unsigned block = any_block(rom)->at, quadlet = any_quadlet(rom);
    const uint32_t offsets[] = {
        0, 1, block - at, quadlet - at, ROM_QUADLETS - 1 - at,
        ROM_QUADLETS - at, 0x7fffff, 0xffffff, fw_random(rom->random),
    };
    uint32_t offset = offsets[below(rom, ARRAY_SIZE(offsets))];

    rom->quadlet[at] = (rom->quadlet[at] & 0xff000000) | (offset & 0xffffff);
    return at;
}

static unsigned rom_key(Rom *rom)
{
    unsigned at = any_entry(rom);

    rom->quadlet[at] = (rom->quadlet[at] & 0xffffff) |
                       fw_random(rom->random) << 24;
    return at;
}

static unsigned rom_value(Rom *rom)
{
    unsigned at = any_entry(rom);

    rom->quadlet[at] = (rom->quadlet[at] & 0xff000000) |
                       (sbp2_fuzz_quadlet(rom->random) & 0xffffff);
    return at;
}

/* An entry that is at @to now points to where it pointed from @from */
static uint32_t moved(uint32_t entry, unsigned from, unsigned to)
{
    if (KEY_TYPE(entry) < KEY_TYPE_LEAF) {
        return entry;
    }
    return (entry & 0xff000000) | ((entry + from - to) & 0xffffff);
}

static unsigned rom_drop(Rom *rom)
{
    Block *b = any_directory(rom);
    unsigned last = b->at + b->length;
    unsigned at = b->at + 1 + below(rom, b->length);
    unsigned i;

    for (i = at; i < last; i++) {
        rom->quadlet[i] = moved(rom->quadlet[i + 1], i + 1, i);
    }
    rom->quadlet[b->at] -= 0x10000;
    return at;
}

static unsigned rom_double(Rom *rom)
{
    unsigned from = any_entry(rom), to = any_entry(rom);

    rom->quadlet[to] = moved(rom->quadlet[from], from, to);
    return to;
}

static unsigned rom_exchange(Rom *rom)
{
    unsigned a = any_entry(rom), b = any_entry(rom);
    uint32_t entry = rom->quadlet[a];

    rom->quadlet[a] = moved(rom->quadlet[b], b, a);
    rom->quadlet[b] = moved(entry, a, b);
    return a;
}

/* The ROM ends, with nothing or with noise behind it */
static unsigned rom_truncate(Rom *rom)
{
    unsigned at = any_quadlet(rom), i;
    bool noise = below(rom, 2);

    for (i = at; i < ROM_QUADLETS; i++) {
        rom->quadlet[i] = noise ? fw_random(rom->random) : 0;
    }
    return at;
}

static const struct {
    const char *name;
    unsigned (*change)(Rom *rom);
} rom_changes[] = {
    { "flip", rom_flip }, { "quadlet", rom_quadlet }, { "length", rom_length },
    { "offset", rom_offset }, { "key", rom_key }, { "value", rom_value },
    { "drop", rom_drop }, { "double", rom_double },
    { "exchange", rom_exchange }, { "truncate", rom_truncate },
};

static void rom_correct_crcs(Rom *rom)
{
    unsigned i;

    for (i = 0; i < rom->blocks; i++) {
        uint32_t *header = &rom->quadlet[rom->block[i].at];
        unsigned room = ROM_QUADLETS - 1 - rom->block[i].at;

        *header = (*header & 0xffff0000) |
                  fw_rom_crc(header + 1, MIN(*header >> 16, room));
    }
    rom->quadlet[0] = (rom->quadlet[0] & 0xffff0000) |
                      fw_rom_crc(&rom->quadlet[1], rom->used - 1);
}

void sbp2_fuzz_rom_bytes(uint8_t *bytes, FWRandom *random, GString *changes)
{
    g_autofree Rom *rom = g_new0(Rom, 1);
    unsigned times;

    rom->random = random;
    rom_read(rom, bytes);
    for (times = 1 + below(rom, 4); times; times--) {
        unsigned i = below(rom, ARRAY_SIZE(rom_changes));

        g_string_append_printf(changes, "%s@%u ", rom_changes[i].name,
                               rom_changes[i].change(rom));
    }
    if (below(rom, 4)) {
        rom_correct_crcs(rom);
    }
    rom_write(rom, bytes);
}
