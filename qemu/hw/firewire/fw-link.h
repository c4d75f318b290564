/*
 * A bus that two processes share: the protocol between them.
 *
 * The near end has the bus, with a node on it that stands for the one node of
 * the far end. The far end's bus has its medium there: what its node sends
 * goes to the near end, and what the bus brings comes back, all in one order.
 * So there is one arbiter, one topology and one generation, and a packet that
 * was sent before its sender knew of a bus reset does not survive that.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_FIREWIRE_FW_LINK_H
#define HW_FIREWIRE_FW_LINK_H

#include "fw-bus.h"

typedef struct FWLink FWLink;
typedef struct FWLinkSent FWLinkSent;

/**
 * struct FWLink - an end
 * @write: takes bytes for the other end, in order
 * @far: which end it is
 * @bus: at the far end with one node on it
 * @node: at the near end: the far one's
 */
struct FWLink {
    void (*write)(FWLink *link, const void *data, size_t length);
    bool far;
    FWBus *bus;
    FWNode node;

    /* private */
    bool open;
    GByteArray *in;
    QTAILQ_HEAD(, FWLinkSent) sent;     /* given to the bus, not yet back */
    uint32_t next_tag;
    uint32_t awaited;           /* tag of a packet with no acknowledge yet */
    uint32_t generation;
};

/* Before: @write, @far, @bus and at the near end the node's name are set */
bool fw_link_init(FWLink *link, Error **errp);
void fw_link_destroy(FWLink *link);

/* The other end is there, or gone: which is a cable, plugged in or pulled */
void fw_link_open(FWLink *link);
void fw_link_close(FWLink *link);

/* Bytes from the other end */
void fw_link_receive(FWLink *link, const void *data, size_t length);

#endif
