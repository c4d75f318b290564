/*
 * What happens on a bus, written into a file: pcapng, link type USER0, its
 * records as Documentation/lab.rst describes them.
 *
 * All but fw_capture_open() may be given no capture, and do nothing then.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_FIREWIRE_FW_CAPTURE_H
#define HW_FIREWIRE_FW_CAPTURE_H

#include "fw-topology.h"

typedef struct FWCapture FWCapture;

FWCapture *fw_capture_open(const char *path, Error **errp);
void fw_capture_close(FWCapture *capture);
const char *fw_capture_path(const FWCapture *capture);

/* A node is on the bus from now on; needed before anything else names it */
void fw_capture_node(FWCapture *capture, const FWNode *node);
/* Its cable was plugged in or pulled */
void fw_capture_cable(FWCapture *capture, const FWNode *node);
/* A packet arrives: a record of it, which the acknowledge makes complete */
GByteArray *fw_capture_packet(FWCapture *capture, const FWNode *sender,
                              const FWPacket *packet);
void fw_capture_acknowledge(FWCapture *capture, GByteArray *record, FWAck ack);
void fw_capture_phy_packet(FWCapture *capture, const FWNode *sender,
                           uint32_t quadlet);
/* A bus reset begins; @node is NULL if nobody on the bus initiated it */
void fw_capture_reset(FWCapture *capture, const FWNode *node,
                      bool short_reset);
/* @tree is in the order of physical IDs */
void fw_capture_self_id(FWCapture *capture, const FWTree *tree,
                        const FWSelfIDs *ids);

#endif
