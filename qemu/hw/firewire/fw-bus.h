/*
 * IEEE 1394 serial bus
 *
 * An FWBus is one shared medium. Nodes attach to it, form a tree of ports,
 * and exchange asynchronous packets; a bus reset makes them identify
 * themselves anew. The bus knows nothing of controllers or of SBP-2.
 *
 * Everything here runs under the big QEMU lock, in the main loop or in a
 * virtual CPU's thread. Deliveries are always deferred to a timer on
 * QEMU_CLOCK_VIRTUAL: no operation of a node is ever entered from within
 * fw_bus_send() or fw_bus_reset().
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_FIREWIRE_FW_BUS_H
#define HW_FIREWIRE_FW_BUS_H

#include "hw/qdev-core.h"
#include "qom/object.h"

#define TYPE_FW_BUS "fw-bus"
OBJECT_DECLARE_SIMPLE_TYPE(FWBus, FW_BUS)

typedef struct FWNode FWNode;
typedef struct FWPacket FWPacket;

#define FW_MAX_NODES        63
#define FW_MAX_PORTS        27
#define FW_MAX_PAYLOAD      4096
#define FW_LOCAL_BUS        0xffc0      /* bus_ID 0x3ff in bits 15:6 */
#define FW_BROADCAST_PHY    0x3f

/* Packet speeds */
typedef enum FWSpeed { FW_S100, FW_S200, FW_S400, FW_S800 } FWSpeed;

/* Transaction codes, IEEE 1394-1995 table 6-9 */
enum {
    FW_TCODE_WRITE_QUADLET  = 0x0,
    FW_TCODE_WRITE_BLOCK    = 0x1,
    FW_TCODE_WRITE_RESPONSE = 0x2,
    FW_TCODE_READ_QUADLET   = 0x4,
    FW_TCODE_READ_BLOCK     = 0x5,
    FW_TCODE_READ_QUADLET_RESPONSE = 0x6,
    FW_TCODE_READ_BLOCK_RESPONSE   = 0x7,
    FW_TCODE_LOCK_REQUEST   = 0x9,
    FW_TCODE_STREAM         = 0xa,
    FW_TCODE_LOCK_RESPONSE  = 0xb,
};

/* Extended transaction codes of lock requests, IEEE 1394-1995 table 6-10 */
enum {
    FW_EXT_MASK_SWAP        = 1,
    FW_EXT_COMPARE_SWAP     = 2,
    FW_EXT_FETCH_ADD        = 3,
    FW_EXT_LITTLE_ADD       = 4,
    FW_EXT_BOUNDED_ADD      = 5,
    FW_EXT_WRAP_ADD         = 6,
};

/* Response codes, IEEE 1394-1995 table 6-11 */
enum {
    FW_RCODE_COMPLETE       = 0,
    FW_RCODE_CONFLICT_ERROR = 4,
    FW_RCODE_DATA_ERROR     = 5,
    FW_RCODE_TYPE_ERROR     = 6,
    FW_RCODE_ADDRESS_ERROR  = 7,
};

/* Acknowledge codes, IEEE 1394-1995 table 6-13; the last three are ours */
typedef enum FWAck {
    FW_ACK_COMPLETE         = 0x1,
    FW_ACK_PENDING          = 0x2,
    FW_ACK_BUSY_X           = 0x4,
    FW_ACK_BUSY_A           = 0x5,
    FW_ACK_BUSY_B           = 0x6,
    FW_ACK_DATA_ERROR       = 0xd,
    FW_ACK_TYPE_ERROR       = 0xe,
    FW_ACK_MISSING          = 0x100,    /* nobody answered */
    FW_ACK_BUS_RESET        = 0x101,    /* flushed by a bus reset, not sent */
    FW_ACK_LATER            = 0x102,    /* fw_bus_acknowledge() will tell */
} FWAck;

/**
 * struct FWPacket - an asynchronous primary packet, decoded; a stream packet
 *                   has @channel, @tag and @sy instead of addresses
 * @data: quadlet_data in host byte order (write quadlet, read quadlet
 *        response); for block packets the bytes are in @payload
 * @payload: block payload as it stands on the bus, @length bytes
 * @length: data_length: bytes in @payload, or bytes asked for by a read
 */
struct FWPacket {
    FWSpeed speed;
    uint8_t tcode;
    uint8_t tlabel;
    uint8_t rt;
    uint8_t rcode;
    uint16_t ext_tcode;
    uint16_t dest_id;
    uint16_t source_id;
    uint64_t offset;            /* 48-bit destination_offset of requests */
    uint32_t data;
    uint8_t channel, tag, sy;
    uint16_t length;
    uint8_t payload[FW_MAX_PAYLOAD];
};

bool fw_packet_is_request(const FWPacket *p);
bool fw_packet_is_response(const FWPacket *p);
bool fw_packet_has_payload(const FWPacket *p);
/* Length on the bus in bytes: header, header CRC, payload, data CRC */
size_t fw_packet_wire_length(const FWPacket *p);

/* What every node learns when self-identification is over */
typedef struct FWSelfIDs {
    uint8_t phy_id;             /* of the node that is told */
    uint8_t root_id;
    uint8_t irm_id;             /* FW_BROADCAST_PHY if there is none */
    uint8_t nodes;
    uint8_t gap_count;
    unsigned generation;        /* of the bus; counts every reset */
    unsigned quadlets;          /* in self_id: packets without their inverse */
    uint32_t self_id[FW_MAX_NODES * 4];
} FWSelfIDs;

/**
 * struct FWNodeOps - what the bus asks of a node
 * @receive: a primary packet addressed to this node arrived in the current
 *           generation. Returns the acknowledge; anything that follows from
 *           it (a response) goes out by a later fw_bus_send().
 * @stream: another node sent a stream packet, to whoever listens. Optional.
 * @phy_packet: a PHY packet (extended or configuration) was broadcast;
 *              also given to its sender. Optional.
 * @snoop: a primary packet, whoever it is for, the node's own too; optional,
 *         and called where the node's snoops is set. Nothing may be sent or
 *         cancelled from within.
 * @reset_begin: the bus went into reset. Packets that are not yet sent were
 *               already given back with FW_ACK_BUS_RESET.
 * @reset_end: self-identification is over.
 */
typedef struct FWNodeOps {
    FWAck (*receive)(FWNode *node, const FWPacket *packet);
    void (*stream)(FWNode *node, const FWPacket *packet);
    void (*phy_packet)(FWNode *node, uint32_t quadlet);
    void (*snoop)(FWNode *node, const FWPacket *packet);
    void (*reset_begin)(FWNode *node);
    void (*reset_end)(FWNode *node, const FWSelfIDs *ids);
} FWNodeOps;

/**
 * struct FWNode - one node (PHY and link) on the bus
 *
 * The upper part belongs to the node and is read by the bus at every self-ID
 * phase; call fw_bus_reset() after a change that others have to see.
 */
struct FWNode {
    const FWNodeOps *ops;
    const char *name;           /* for trace events */
    uint32_t speed;             /* FWSpeed of PHY and link */
    uint8_t ports;              /* number of ports of the PHY, 1 to 27 */
    bool link_active;           /* L bit */
    bool snoops;                /* hears what is not for it */
    bool contender;             /* c bit: IRM and bus manager capable */
    uint8_t power_class;
    bool connected;             /* cable is in; set by fw_bus_set_connected() */

    /* Kept by the bus */
    FWBus *bus;
    uint16_t number;            /* in the order of being attached */
    FWNode *upstream;           /* the other end of the cable ... */
    uint8_t upstream_port;      /* ... at this port there */
    FWNode *port_peer[FW_MAX_PORTS];    /* by port, NULL: not connected */
    uint8_t phy_id;
    uint8_t gap_count;
    bool gap_count_kept;        /* survives the next bus reset */
    bool force_root;            /* RHB, set by PHY configuration packets */
    bool initiated_reset;       /* i bit of the next self-ID packet */
    bool reset_wanted;
    bool in_reset;
    bool visited;
    bool fair;                  /* sent its request of this fairness interval */
    uint8_t parent_port;        /* FW_MAX_PORTS: root */
    QTAILQ_ENTRY(FWNode) next;
};

/**
 * fw_bus_attach - put a node on the bus
 * @upstream: the node it is plugged into, or NULL for the default: the node
 *            that was attached first, while it has a free port, then the
 *            nearest one that has (breadth first)
 *
 * A node that is connected causes a bus reset.
 */
bool fw_bus_attach(FWBus *bus, FWNode *node, FWNode *upstream, Error **errp);
void fw_bus_detach(FWNode *node);

/* Pull or plug the cable between a node and its upstream node */
void fw_bus_set_connected(FWNode *node, bool connected);

/* Start a bus reset; @node is the initiator, or NULL for the bus itself */
void fw_bus_reset(FWBus *bus, FWNode *node, bool short_reset);

/* Likewise, @kind is what a property was set to: "short" or "long" */
void fw_bus_reset_kind(FWBus *bus, FWNode *node, const char *kind,
                       Error **errp);
bool fw_bus_in_reset(FWBus *bus);

/* Speed of the path from @from to another node of its tree */
FWSpeed fw_bus_path_speed(FWBus *bus, FWNode *from, uint8_t phy_id);

/* fw_bus_is_timed() - do packets take their time? */
bool fw_bus_is_timed(const FWBus *bus);

/**
 * typedef FWSent - a packet that was given to the bus is done with
 * @ack: what the receiver answered. Broadcasts and stream packets give
 *       FW_ACK_COMPLETE.
 */
typedef void FWSent(FWNode *node, FWPacket *packet, FWAck ack, void *opaque);

/**
 * fw_bus_send - queue a primary packet for transmission
 * @packet: stays the caller's and unchanged until @sent was called;
 *          source_id is filled in by the caller
 *
 * One packet per node and kind (request, response) occupies the bus at a
 * time; a node may queue several, they go out in order. @sent is always
 * called, and called once. No retries here: a busy ack is the sender's affair.
 */
void fw_bus_send(FWNode *node, FWPacket *packet, FWSent *sent, void *opaque);

/**
 * fw_bus_acknowledge - the acknowledge that was to come later
 *
 * Until then the packet keeps the medium. Nothing happens where it waits for
 * none.
 */
void fw_bus_acknowledge(FWBus *bus, FWAck ack);

/**
 * struct FWMedium - where the medium of a bus is, if not here
 *
 * Its functions stand in for those of the bus with the same names.
 */
typedef struct FWMedium {
    void (*send)(void *medium, FWNode *node, FWPacket *packet, FWSent *sent,
                 void *opaque);
    void (*cancel)(void *medium, FWNode *node);
    void (*send_phy)(void *medium, FWNode *node, uint32_t quadlet);
    void (*reset)(void *medium, FWNode *node, bool short_reset);
} FWMedium;

/**
 * fw_bus_set_medium - the bus is but an end of one that is elsewhere
 * @ops: or NULL: it is here again, and its nodes are alone
 *
 * Its nodes are then told by fw_bus_far_reset_begin() and
 * fw_bus_far_reset_end() of the resets there are.
 */
void fw_bus_set_medium(FWBus *bus, const FWMedium *ops, void *medium);
FWNode *fw_bus_first_node(FWBus *bus);
/* What a PHY configuration packet does to a node */
void fw_bus_phy_configure(FWNode *node, uint32_t quadlet);
void fw_bus_far_reset_begin(FWNode *node);
void fw_bus_far_reset_end(FWNode *node, const FWSelfIDs *ids);

/* Forget everything queued by this node; its FWSents are not called */
void fw_bus_cancel(FWNode *node);

/* Broadcast a PHY packet (first quadlet; the bus adds the inverse) */
void fw_bus_send_phy(FWNode *node, uint32_t quadlet);

#endif
