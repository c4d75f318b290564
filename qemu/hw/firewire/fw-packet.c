/*
 * IEEE 1394 asynchronous primary packets: what each transaction code carries.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "fw-bus.h"

bool fw_packet_is_request(const FWPacket *p)
{
    switch (p->tcode) {
    case FW_TCODE_WRITE_QUADLET:
    case FW_TCODE_WRITE_BLOCK:
    case FW_TCODE_READ_QUADLET:
    case FW_TCODE_READ_BLOCK:
    case FW_TCODE_LOCK_REQUEST:
        return true;
    default:
        return false;
    }
}

bool fw_packet_is_response(const FWPacket *p)
{
    switch (p->tcode) {
    case FW_TCODE_WRITE_RESPONSE:
    case FW_TCODE_READ_QUADLET_RESPONSE:
    case FW_TCODE_READ_BLOCK_RESPONSE:
    case FW_TCODE_LOCK_RESPONSE:
        return true;
    default:
        return false;
    }
}

bool fw_packet_has_payload(const FWPacket *p)
{
    switch (p->tcode) {
    case FW_TCODE_WRITE_BLOCK:
    case FW_TCODE_READ_BLOCK_RESPONSE:
    case FW_TCODE_LOCK_REQUEST:
    case FW_TCODE_LOCK_RESPONSE:
    case FW_TCODE_STREAM:
        return true;
    default:
        return false;
    }
}

size_t fw_packet_wire_length(const FWPacket *p)
{
    size_t header_crc = 4;
    size_t header = p->tcode == FW_TCODE_STREAM ? 4 : 16;

    if (fw_packet_has_payload(p)) {
        return header + header_crc +
               (p->length ? ROUND_UP(p->length, 4) + 4 : 0);
    }
    switch (p->tcode) {
    case FW_TCODE_READ_QUADLET:
    case FW_TCODE_WRITE_RESPONSE:
        return 12 + header_crc;
    default:
        return 16 + header_crc;
    }
}
