/*
 * A bus that two processes share: the protocol between them. Both run the same
 * program on one machine, so messages are its own structures.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "fw-link.h"

typedef enum FWLinkType {
    /* To the near end */
    LINK_STATE,                 /* body: FWLinkState */
    LINK_RESET,                 /* value: short */
    LINK_SEND,                  /* value: generation; body: FWPacket */
    LINK_CANCEL,
    LINK_ACK,                   /* value: of the packet with this tag */
    /* To the far end */
    LINK_RESET_BEGIN,
    LINK_RESET_END,             /* body: FWSelfIDs */
    LINK_SENT,                  /* value: its acknowledge */
    LINK_PACKET,                /* with a tag: to be acknowledged */
    /* Both ways */
    LINK_PHY,                   /* value: quadlet */
} FWLinkType;

typedef struct FWLinkMessage {
    uint32_t length;            /* of all of it */
    uint32_t type;
    uint32_t tag;
    uint32_t value;
} FWLinkMessage;

/* What others see of a node, and it decides */
typedef struct FWLinkState {
    uint32_t speed;
    uint8_t ports, power_class, gap_count;
    bool link_active, contender, gap_count_kept, force_root;
} FWLinkState;

/* A packet that is with the bus. At the near end it is ours */
struct FWLinkSent {
    FWLink *link;
    uint32_t tag;
    FWPacket *packet;
    FWNode *node;
    FWSent *sent;
    void *opaque;
    QTAILQ_ENTRY(FWLinkSent) next;
};

static void link_write(FWLink *link, FWLinkType type, uint32_t tag,
                       uint32_t value, const void *body, size_t length)
{
    FWLinkMessage message = {
        .length = sizeof(message) + length, .type = type, .tag = tag,
        .value = value,
    };

    if (!link->open) {
        return;
    }
    link->write(link, &message, sizeof(message));
    if (length) {
        link->write(link, body, length);
    }
}

static size_t packet_size(const FWPacket *p)
{
    return offsetof(FWPacket, payload) +
           (fw_packet_has_payload(p) ? p->length : 0);
}

static FWLinkSent *sent_new(FWLink *link, uint32_t tag)
{
    FWLinkSent *s = g_new0(FWLinkSent, 1);

    s->link = link;
    s->tag = tag;
    QTAILQ_INSERT_TAIL(&link->sent, s, next);
    return s;
}

static void sent_free(FWLinkSent *s)
{
    QTAILQ_REMOVE(&s->link->sent, s, next);
    if (!s->link->far) {
        g_free(s->packet);
    }
    g_free(s);
}

static void sent_drop_all(FWLink *link)
{
    FWLinkSent *s, *next;

    QTAILQ_FOREACH_SAFE(s, &link->sent, next, next) {
        sent_free(s);
    }
}

/* The far end: its bus' medium */

static void far_state(FWLink *link)
{
    const FWNode *node = fw_bus_first_node(link->bus);
    FWLinkState state = {
        .speed = node->speed, .ports = node->ports,
        .power_class = node->power_class, .gap_count = node->gap_count,
        .link_active = node->link_active, .contender = node->contender,
        .gap_count_kept = node->gap_count_kept,
        .force_root = node->force_root,
    };

    link_write(link, LINK_STATE, 0, 0, &state, sizeof(state));
}

static void far_send(void *medium, FWNode *node, FWPacket *packet,
                     FWSent *sent, void *opaque)
{
    FWLink *link = medium;
    FWLinkSent *s = sent_new(link, ++link->next_tag);

    s->packet = packet;
    s->node = node;
    s->sent = sent;
    s->opaque = opaque;
    link_write(link, LINK_SEND, s->tag, link->generation, packet,
               packet_size(packet));
}

static void far_cancel(void *medium, FWNode *node)
{
    sent_drop_all(medium);
    link_write(medium, LINK_CANCEL, 0, 0, NULL, 0);
}

static void far_send_phy(void *medium, FWNode *node, uint32_t quadlet)
{
    link_write(medium, LINK_PHY, 0, quadlet, NULL, 0);
}

static void far_reset(void *medium, FWNode *node, bool short_reset)
{
    far_state(medium);
    link_write(medium, LINK_RESET, 0, short_reset, NULL, 0);
}

static const FWMedium far_medium = {
    .send = far_send,
    .cancel = far_cancel,
    .send_phy = far_send_phy,
    .reset = far_reset,
};

/* Cancelled ones are not there any more, and not told of */
static void far_sent(FWLink *link, uint32_t tag, FWAck ack)
{
    FWLinkSent *s, copy;

    QTAILQ_FOREACH(s, &link->sent, next) {
        if (s->tag == tag) {
            copy = *s;
            sent_free(s);
            copy.sent(copy.node, copy.packet, ack, copy.opaque);
            return;
        }
    }
}

static void far_sent_all(FWLink *link)
{
    while (!QTAILQ_EMPTY(&link->sent)) {
        far_sent(link, QTAILQ_FIRST(&link->sent)->tag, FW_ACK_BUS_RESET);
    }
}

static void far_packet(FWLink *link, FWNode *node, uint32_t tag,
                       const FWPacket *packet)
{
    FWAck ack;

    if (packet->tcode == FW_TCODE_STREAM) {
        if (node->ops->stream) {
            node->ops->stream(node, packet);
        }
        return;
    }
    ack = node->ops->receive(node, packet);
    if (tag) {
        link_write(link, LINK_ACK, tag, ack, NULL, 0);
    }
}

static void far_reset_end(FWLink *link, FWNode *node, const FWSelfIDs *ids)
{
    link->generation = ids->generation;
    fw_bus_far_reset_end(node, ids);
    /* Its link may have come up meanwhile */
    far_state(link);
}

static void far_message(FWLink *link, const FWLinkMessage *m, const void *body)
{
    FWNode *node = fw_bus_first_node(link->bus);

    switch (m->type) {
    case LINK_RESET_BEGIN:
        fw_bus_far_reset_begin(node);
        break;
    case LINK_RESET_END:
        far_reset_end(link, node, body);
        break;
    case LINK_SENT:
        far_sent(link, m->tag, m->value);
        break;
    case LINK_PACKET:
        far_packet(link, node, m->tag, body);
        break;
    case LINK_PHY:
        fw_bus_phy_configure(node, m->value);
        if (node->ops->phy_packet) {
            node->ops->phy_packet(node, m->value);
        }
        break;
    default:
        break;
    }
}

/* The near end: a node on the bus */

static FWLink *node_link(FWNode *node)
{
    return container_of(node, FWLink, node);
}

static void near_forward(FWLink *link, uint32_t tag, const FWPacket *packet)
{
    link_write(link, LINK_PACKET, tag, 0, packet, packet_size(packet));
}

static FWAck near_receive(FWNode *node, const FWPacket *packet)
{
    FWLink *link = node_link(node);

    if ((packet->dest_id & 0x3f) == FW_BROADCAST_PHY) {
        near_forward(link, 0, packet);
        return FW_ACK_COMPLETE;
    }
    link->awaited = ++link->next_tag;
    near_forward(link, link->awaited, packet);
    return FW_ACK_LATER;
}

static void near_stream(FWNode *node, const FWPacket *packet)
{
    near_forward(node_link(node), 0, packet);
}

static void near_phy_packet(FWNode *node, uint32_t quadlet)
{
    link_write(node_link(node), LINK_PHY, 0, quadlet, NULL, 0);
}

static void near_acknowledge(FWLink *link, uint32_t tag, FWAck ack)
{
    if (tag && tag == link->awaited) {
        link->awaited = 0;
        fw_bus_acknowledge(link->bus, ack);
    }
}

static void near_reset_begin(FWNode *node)
{
    FWLink *link = node_link(node);

    near_acknowledge(link, link->awaited, FW_ACK_MISSING);
    link_write(link, LINK_RESET_BEGIN, 0, 0, NULL, 0);
}

static void near_reset_end(FWNode *node, const FWSelfIDs *ids)
{
    FWLink *link = node_link(node);

    link->generation = ids->generation;
    link_write(link, LINK_RESET_END, 0, 0, ids, sizeof(*ids));
}

static const FWNodeOps near_ops = {
    .receive = near_receive,
    .stream = near_stream,
    .phy_packet = near_phy_packet,
    .reset_begin = near_reset_begin,
    .reset_end = near_reset_end,
};

static void near_sent(FWNode *node, FWPacket *packet, FWAck ack, void *opaque)
{
    FWLinkSent *s = opaque;

    link_write(s->link, LINK_SENT, s->tag, ack, NULL, 0);
    sent_free(s);
}

/* Its sender may not have known yet that the generation is over */
static void near_send(FWLink *link, uint32_t tag, uint32_t generation,
                      const void *body, size_t length)
{
    FWLinkSent *s;

    if (generation != link->generation) {
        link_write(link, LINK_SENT, tag, FW_ACK_BUS_RESET, NULL, 0);
        return;
    }
    s = sent_new(link, tag);
    s->packet = g_new0(FWPacket, 1);
    memcpy(s->packet, body, length);
    fw_bus_send(&link->node, s->packet, near_sent, s);
}

static void near_state(FWLink *link, const FWLinkState *state)
{
    FWNode *node = &link->node;

    node->speed = state->speed;
    node->ports = state->ports;
    node->power_class = state->power_class;
    node->link_active = state->link_active;
    node->contender = state->contender;
    node->gap_count = state->gap_count;
    node->gap_count_kept = state->gap_count_kept;
    node->force_root = state->force_root;
    fw_bus_set_connected(node, true);
}

static void near_message(FWLink *link, const FWLinkMessage *m,
                         const void *body)
{
    switch (m->type) {
    case LINK_STATE:
        near_state(link, body);
        break;
    case LINK_RESET:
        fw_bus_reset(link->bus, &link->node, m->value);
        break;
    case LINK_SEND:
        near_send(link, m->tag, m->value, body, m->length - sizeof(*m));
        break;
    case LINK_CANCEL:
        fw_bus_cancel(&link->node);
        sent_drop_all(link);
        break;
    case LINK_ACK:
        near_acknowledge(link, m->tag, m->value);
        break;
    case LINK_PHY:
        fw_bus_send_phy(&link->node, m->value);
        break;
    default:
        break;
    }
}

/* Both ends */

static bool next_message(FWLink *link, FWLinkMessage *m, FWPacket *body)
{
    if (link->in->len < sizeof(*m)) {
        return false;
    }
    memcpy(m, link->in->data, sizeof(*m));
    if (m->length < sizeof(*m) || m->length > sizeof(*m) + sizeof(*body)) {
        fw_link_close(link);    /* whoever that is, it is no end of a link */
        return false;
    }
    if (link->in->len < m->length) {
        return false;
    }
    memcpy(body, link->in->data + sizeof(*m), m->length - sizeof(*m));
    g_byte_array_remove_range(link->in, 0, m->length);
    return true;
}

void fw_link_receive(FWLink *link, const void *data, size_t length)
{
    g_autofree FWPacket *body = g_new0(FWPacket, 1);    /* the longest one */
    FWLinkMessage m;

    g_byte_array_append(link->in, data, length);
    while (link->open && next_message(link, &m, body)) {
        if (link->far) {
            far_message(link, &m, body);
        } else {
            near_message(link, &m, body);
        }
    }
}

void fw_link_open(FWLink *link)
{
    link->open = true;
    if (link->far) {
        /* Its reset tells the other end of the node, which plugs it in */
        fw_bus_set_medium(link->bus, &far_medium, link);
    }
}

void fw_link_close(FWLink *link)
{
    if (!link->open) {
        return;
    }
    link->open = false;
    g_byte_array_set_size(link->in, 0);
    if (link->far) {
        far_sent_all(link);
        fw_bus_set_medium(link->bus, NULL, NULL);
        return;
    }
    near_acknowledge(link, link->awaited, FW_ACK_MISSING);
    fw_bus_cancel(&link->node);
    sent_drop_all(link);
    fw_bus_set_connected(&link->node, false);
}

bool fw_link_init(FWLink *link, Error **errp)
{
    link->in = g_byte_array_new();
    QTAILQ_INIT(&link->sent);
    if (link->far) {
        return true;
    }
    link->node.ops = &near_ops;
    link->node.ports = 1;
    return fw_bus_attach(link->bus, &link->node, NULL, errp);
}

void fw_link_destroy(FWLink *link)
{
    fw_link_close(link);
    if (!link->far) {
        fw_bus_detach(&link->node);
    }
    g_byte_array_free(link->in, true);
}
