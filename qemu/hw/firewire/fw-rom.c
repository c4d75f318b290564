/*
 * Configuration ROM writer (IEEE 1212-2001, IEEE 1394a-2000 8.3.2.5).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "fw-node.h"

#define ROM_QUADLETS    ((FW_CSR_CONFIG_ROM_END - FW_CSR_CONFIG_ROM) / 4)
#define BUS_INFO_LENGTH 4
#define KEY_TEXT_LEAF   0x81

typedef struct FWRomEntry {
    uint8_t key;
    uint32_t value;
    GArray *leaf;               /* of uint32_t, without its header */
    FWRomDir *dir;
} FWRomEntry;

struct FWRomDir {
    GArray *entries;
};

typedef struct RomImage {
    uint32_t quadlet[ROM_QUADLETS];
    unsigned used;
    bool overflow;
} RomImage;

FWRomDir *fw_rom_dir_new(void)
{
    FWRomDir *dir = g_new0(FWRomDir, 1);

    dir->entries = g_array_new(false, true, sizeof(FWRomEntry));
    return dir;
}

void fw_rom_dir_free(FWRomDir *dir)
{
    unsigned i;

    for (i = 0; i < dir->entries->len; i++) {
        FWRomEntry *e = &g_array_index(dir->entries, FWRomEntry, i);

        if (e->leaf) {
            g_array_free(e->leaf, true);
        }
        if (e->dir) {
            fw_rom_dir_free(e->dir);
        }
    }
    g_array_free(dir->entries, true);
    g_free(dir);
}

void fw_rom_add_immediate(FWRomDir *dir, uint8_t key, uint32_t value)
{
    FWRomEntry entry = { .key = key, .value = value & 0xffffff };

    g_array_append_val(dir->entries, entry);
}

void fw_rom_add_csr_offset(FWRomDir *dir, uint8_t key, uint64_t address)
{
    fw_rom_add_immediate(dir, key, (address - FW_CSR_BASE) / 4);
}

void fw_rom_add_leaf(FWRomDir *dir, uint8_t key, const uint32_t *quadlets,
                     unsigned count)
{
    FWRomEntry entry = {
        .key = key,
        .leaf = g_array_new(false, true, sizeof(uint32_t)),
    };

    g_array_append_vals(entry.leaf, quadlets, count);
    g_array_append_val(dir->entries, entry);
}

/* Minimal ASCII textual descriptor: type and specifier 0, then the bytes */
void fw_rom_add_text(FWRomDir *dir, const char *text)
{
    uint32_t quadlets[18] = { 0 };
    size_t length = MIN(strlen(text), 64);
    size_t i;

    for (i = 0; i < length; i++) {
        quadlets[2 + i / 4] |= (uint32_t)(uint8_t)text[i] << (24 - i % 4 * 8);
    }
    fw_rom_add_leaf(dir, KEY_TEXT_LEAF, quadlets, 2 + DIV_ROUND_UP(length, 4));
}

FWRomDir *fw_rom_add_dir(FWRomDir *dir, uint8_t key)
{
    FWRomEntry entry = { .key = key, .dir = fw_rom_dir_new() };

    g_array_append_val(dir->entries, entry);
    return entry.dir;
}

/* CRC-16 of IEEE 1212, over quadlets, most significant nibble first */
uint16_t fw_rom_crc(const uint32_t *quadlets, unsigned count)
{
    uint32_t crc = 0;
    unsigned i;
    int shift;

    for (i = 0; i < count; i++) {
        for (shift = 28; shift >= 0; shift -= 4) {
            uint32_t sum = (crc >> 12 ^ quadlets[i] >> shift) & 0xf;

            crc = (crc << 4 ^ sum << 12 ^ sum << 5 ^ sum) & 0xffff;
        }
    }
    return crc;
}

static unsigned image_reserve(RomImage *image, unsigned count)
{
    unsigned at = image->used;

    if (at + count > ROM_QUADLETS) {
        image->overflow = true;
        return 0;
    }
    image->used += count;
    return at;
}

static void image_header(RomImage *image, unsigned at, unsigned count)
{
    image->quadlet[at] = count << 16 |
                         fw_rom_crc(&image->quadlet[at + 1], count);
}

static unsigned image_put_leaf(RomImage *image, const GArray *leaf)
{
    unsigned at = image_reserve(image, 1 + leaf->len);

    if (!image->overflow) {
        memcpy(&image->quadlet[at + 1], leaf->data, leaf->len * 4);
        image_header(image, at, leaf->len);
    }
    return at;
}

/* The directory, then what its entries point to */
static unsigned image_put_dir(RomImage *image, const FWRomDir *dir)
{
    unsigned count = dir->entries->len;
    unsigned at = image_reserve(image, 1 + count);
    unsigned i;

    for (i = 0; i < count && !image->overflow; i++) {
        FWRomEntry *e = &g_array_index(dir->entries, FWRomEntry, i);
        unsigned here = at + 1 + i;
        uint32_t value = e->value;

        if (e->leaf) {
            value = image_put_leaf(image, e->leaf) - here;
        } else if (e->dir) {
            value = image_put_dir(image, e->dir) - here;
        }
        image->quadlet[here] = (uint32_t)e->key << 24 | (value & 0xffffff);
    }
    if (!image->overflow) {
        image_header(image, at, count);
    }
    return at;
}

static uint32_t bus_options(const FWDevice *dev, unsigned generation)
{
    return (uint32_t)dev->irmc << 31 | (uint32_t)dev->cmc << 30 |
           (uint32_t)dev->bmc << 28 | (dev->cmc ? 100u : 0xffu) << 16 |
           (uint32_t)dev->max_rec << 12 | generation << 4 | dev->node.speed;
}

void fw_device_set_rom(FWDevice *dev, FWRomDir *root)
{
    RomImage image = { .used = 1 + BUS_INFO_LENGTH };
    unsigned i;

    /* ROM generation 1 means: unknown; 2 to 15 change with the content */
    dev->rom_generation = dev->rom_generation % 14 + 2;
    image.quadlet[1] = 0x31333934;      /* "1394" */
    image.quadlet[2] = bus_options(dev, dev->rom_generation);
    image.quadlet[3] = dev->guid >> 32;
    image.quadlet[4] = dev->guid;
    image_put_dir(&image, root);
    if (image.overflow) {
        g_assert_not_reached();
    }
    image.quadlet[0] = BUS_INFO_LENGTH << 24 | (image.used - 1) << 16 |
                       fw_rom_crc(&image.quadlet[1], image.used - 1);
    for (i = 0; i < ROM_QUADLETS; i++) {
        stl_be_p(&dev->rom[4 * i], image.quadlet[i]);
    }
}
