/*
 * What happens on a bus, written into a file.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "qemu/error-report.h"
#include "qemu/timer.h"
#include "fw-capture.h"

#define RECORD_VERSION      1
#define NOBODY              0xffff
#define ACK_AT              6   /* in the record of a packet */

enum {
    RECORD_PACKET       = 1,
    RECORD_PHY_PACKET   = 2,
    RECORD_RESET        = 3,
    RECORD_SELF_ID      = 4,
    RECORD_NODE         = 5,
    RECORD_CABLE        = 6,
};

/* pcapng */
enum {
    BLOCK_SECTION       = 0x0a0d0d0a,
    BLOCK_INTERFACE     = 1,
    BLOCK_PACKET        = 6,
    BYTE_ORDER_MAGIC    = 0x1a2b3c4d,
    LINKTYPE_USER0      = 147,
    OPTION_END          = 0,
    OPTION_DESCRIPTION  = 3,
    OPTION_TSRESOL      = 9,
};

struct FWCapture {
    FILE *file;
    char *path;
};

/* Records are big endian, as the bus is, and the blocks around them little */

static void put_be16(GByteArray *to, uint16_t value)
{
    uint8_t raw[2] = { value >> 8, value };

    g_byte_array_append(to, raw, sizeof(raw));
}

static void put_be32(GByteArray *to, uint32_t value)
{
    put_be16(to, value >> 16);
    put_be16(to, value);
}

static void put_le16(GByteArray *to, uint16_t value)
{
    put_be16(to, value << 8 | value >> 8);
}

static void put_le32(GByteArray *to, uint32_t value)
{
    put_le16(to, value);
    put_le16(to, value >> 16);
}

static void put_bytes(GByteArray *to, const void *data, size_t length)
{
    g_byte_array_append(to, data, length);
}

/* Up to the next quadlet */
static void put_padding(GByteArray *to)
{
    static const uint8_t zeros[4];

    put_bytes(to, zeros, ROUND_UP(to->len, 4) - to->len);
}

static void put_option(GByteArray *to, uint16_t code, const void *data,
                       uint16_t length)
{
    put_le16(to, code);
    put_le16(to, length);
    put_bytes(to, data, length);
    put_padding(to);
}

/* The file is complete up to here, even if QEMU is killed later on */
static void capture_write(FWCapture *capture, const GByteArray *data)
{
    if (fwrite(data->data, data->len, 1, capture->file) == 1 &&
        !fflush(capture->file)) {
        return;
    }
    warn_report("capture of the FireWire bus ends here: cannot write to %s: "
                "%s", capture->path, strerror(errno));
    fclose(capture->file);
    capture->file = NULL;
}

static void block_write(FWCapture *capture, uint32_t type,
                        const GByteArray *body)
{
    g_autoptr(GByteArray) block = g_byte_array_new();
    uint32_t length = 12 + body->len;

    if (!capture->file) {
        return;
    }
    put_le32(block, type);
    put_le32(block, length);
    put_bytes(block, body->data, body->len);
    put_le32(block, length);
    capture_write(capture, block);
}

static void section_write(FWCapture *capture)
{
    g_autoptr(GByteArray) body = g_byte_array_new();

    put_le32(body, BYTE_ORDER_MAGIC);
    put_le16(body, 1);
    put_le16(body, 0);
    put_le32(body, UINT32_MAX);     /* length of the section: not known */
    put_le32(body, UINT32_MAX);
    block_write(capture, BLOCK_SECTION, body);
}

static void interface_write(FWCapture *capture)
{
    static const char description[] = "IEEE 1394 bus";
    static const uint8_t nanoseconds = 9;
    g_autoptr(GByteArray) body = g_byte_array_new();

    put_le16(body, LINKTYPE_USER0);
    put_le16(body, 0);
    put_le32(body, 0);              /* packets are never cut short */
    put_option(body, OPTION_DESCRIPTION, description, strlen(description));
    put_option(body, OPTION_TSRESOL, &nanoseconds, 1);
    put_option(body, OPTION_END, NULL, 0);
    block_write(capture, BLOCK_INTERFACE, body);
}

static void record_write(FWCapture *capture, const GByteArray *record)
{
    g_autoptr(GByteArray) body = g_byte_array_new();
    uint64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);

    put_le32(body, 0);              /* interface */
    put_le32(body, now >> 32);
    put_le32(body, now);
    put_le32(body, record->len);
    put_le32(body, record->len);
    put_bytes(body, record->data, record->len);
    put_padding(body);
    block_write(capture, BLOCK_PACKET, body);
}

static GByteArray *record_new(unsigned kind, const FWNode *node)
{
    GByteArray *record = g_byte_array_new();
    uint8_t head[] = { RECORD_VERSION, kind };

    put_bytes(record, head, sizeof(head));
    put_be16(record, node ? node->number : NOBODY);
    return record;
}

/* The header as it stands on the bus, IEEE 1394-1995 6.2, without its CRC */
static void put_header(GByteArray *to, const FWPacket *p)
{
    bool request = fw_packet_is_request(p);

    if (p->tcode == FW_TCODE_STREAM) {
        put_be16(to, p->length);
        put_be16(to, p->tag << 14 | p->channel << 8 | p->tcode << 4 | p->sy);
        return;
    }
    put_be16(to, p->dest_id);
    put_be16(to, p->tlabel << 10 | p->rt << 8 | p->tcode << 4);
    put_be16(to, p->source_id);
    put_be16(to, request ? p->offset >> 32 : p->rcode << 12);
    put_be32(to, request ? p->offset : 0);
    switch (p->tcode) {
    case FW_TCODE_READ_QUADLET:
    case FW_TCODE_WRITE_RESPONSE:
        break;
    case FW_TCODE_WRITE_QUADLET:
    case FW_TCODE_READ_QUADLET_RESPONSE:
        put_be32(to, p->data);
        break;
    default:
        put_be16(to, p->length);
        put_be16(to, p->ext_tcode);
        break;
    }
}

GByteArray *fw_capture_packet(FWCapture *capture, const FWNode *sender,
                              const FWPacket *packet)
{
    GByteArray *record;

    if (!capture) {
        return NULL;
    }
    record = record_new(RECORD_PACKET, sender);
    put_be16(record, packet->speed);
    put_be16(record, 0);
    put_header(record, packet);
    if (fw_packet_has_payload(packet)) {
        put_bytes(record, packet->payload, packet->length);
    }
    return record;
}

void fw_capture_acknowledge(FWCapture *capture, GByteArray *record, FWAck ack)
{
    if (capture) {
        record->data[ACK_AT] = ack >> 8;
        record->data[ACK_AT + 1] = ack;
        record_write(capture, record);
    }
}

void fw_capture_phy_packet(FWCapture *capture, const FWNode *sender,
                           uint32_t quadlet)
{
    g_autoptr(GByteArray) record = NULL;

    if (!capture) {
        return;
    }
    record = record_new(RECORD_PHY_PACKET, sender);
    put_be32(record, quadlet);
    put_be32(record, ~quadlet);
    record_write(capture, record);
}

void fw_capture_reset(FWCapture *capture, const FWNode *node, bool short_reset)
{
    g_autoptr(GByteArray) record = NULL;

    if (!capture) {
        return;
    }
    record = record_new(RECORD_RESET, node);
    put_be32(record, short_reset);
    record_write(capture, record);
}

void fw_capture_self_id(FWCapture *capture, const FWTree *tree,
                        const FWSelfIDs *ids)
{
    g_autoptr(GByteArray) record = NULL;
    uint8_t summary[] = {
        ids->root_id, ids->irm_id, ids->gap_count, tree->count,
    };
    unsigned i;

    if (!capture) {
        return;
    }
    record = record_new(RECORD_SELF_ID, NULL);
    put_be32(record, ids->generation);
    put_bytes(record, summary, sizeof(summary));
    for (i = 0; i < tree->count; i++) {
        put_be16(record, tree->node[i]->number);
    }
    put_padding(record);
    for (i = 0; i < ids->quadlets; i++) {
        put_be32(record, ids->self_id[i]);
    }
    record_write(capture, record);
}

void fw_capture_node(FWCapture *capture, const FWNode *node)
{
    g_autoptr(GByteArray) record = NULL;

    if (!capture) {
        return;
    }
    record = record_new(RECORD_NODE, node);
    put_bytes(record, node->name, strlen(node->name));
    record_write(capture, record);
}

void fw_capture_cable(FWCapture *capture, const FWNode *node)
{
    g_autoptr(GByteArray) record = NULL;

    if (!capture) {
        return;
    }
    record = record_new(RECORD_CABLE, node);
    put_be32(record, node->connected);
    record_write(capture, record);
}

FWCapture *fw_capture_open(const char *path, Error **errp)
{
    FILE *file = fopen(path, "wb");
    FWCapture *capture;

    if (!file) {
        error_setg_file_open(errp, errno, path);
        return NULL;
    }
    capture = g_new0(FWCapture, 1);
    capture->file = file;
    capture->path = g_strdup(path);
    section_write(capture);
    interface_write(capture);
    return capture;
}

const char *fw_capture_path(const FWCapture *capture)
{
    return capture ? capture->path : "";
}

void fw_capture_close(FWCapture *capture)
{
    if (!capture) {
        return;
    }
    if (capture->file) {
        fclose(capture->file);
    }
    g_free(capture->path);
    g_free(capture);
}
