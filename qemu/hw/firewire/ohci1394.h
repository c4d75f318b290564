/*
 * 1394 Open Host Controller Interface 1.1: what the parts of the model share.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_FIREWIRE_OHCI1394_H
#define HW_FIREWIRE_OHCI1394_H

#include "compat-qemu.h"
#include "fw-bus.h"

#if QEMU_VERSION_MAJOR >= 8
#include "hw/pci/pci_device.h"
#else
#include "hw/pci/pci.h"
#endif

#define TYPE_OHCI1394 "ohci1394"
OBJECT_DECLARE_SIMPLE_TYPE(OHCI1394State, OHCI1394)

#define OHCI_MMIO_SIZE          0x800
#define OHCI_ROM_SIZE           0x400
#define OHCI_ISO_CONTEXTS       4

/* Registers; where there is a set and a clear address, the set address */
enum {
    OHCI_VERSION                = 0x000,
    OHCI_GUID_ROM               = 0x004,
    OHCI_AT_RETRIES             = 0x008,
    OHCI_CSR_DATA               = 0x00c,
    OHCI_CSR_COMPARE            = 0x010,
    OHCI_CSR_CONTROL            = 0x014,
    OHCI_CONFIG_ROM_HDR         = 0x018,
    OHCI_BUS_ID                 = 0x01c,
    OHCI_BUS_OPTIONS            = 0x020,
    OHCI_GUID_HI                = 0x024,
    OHCI_GUID_LO                = 0x028,
    OHCI_CONFIG_ROM_MAP         = 0x034,
    OHCI_POSTED_WRITE_LO        = 0x038,
    OHCI_POSTED_WRITE_HI        = 0x03c,
    OHCI_VENDOR_ID              = 0x040,
    OHCI_HC_CONTROL             = 0x050,
    OHCI_SELF_ID_BUFFER         = 0x064,
    OHCI_SELF_ID_COUNT          = 0x068,
    OHCI_IR_MULTI_HI            = 0x070,
    OHCI_IR_MULTI_LO            = 0x078,
    OHCI_INT_EVENT              = 0x080,
    OHCI_INT_MASK               = 0x088,
    OHCI_IT_EVENT               = 0x090,
    OHCI_IT_MASK                = 0x098,
    OHCI_IR_EVENT               = 0x0a0,
    OHCI_IR_MASK                = 0x0a8,
    OHCI_INITIAL_BANDWIDTH      = 0x0b0,
    OHCI_INITIAL_CHANNELS_HI    = 0x0b4,
    OHCI_INITIAL_CHANNELS_LO    = 0x0b8,
    OHCI_FAIRNESS               = 0x0dc,
    OHCI_LINK_CONTROL           = 0x0e0,
    OHCI_NODE_ID                = 0x0e8,
    OHCI_PHY_CONTROL            = 0x0ec,
    OHCI_CYCLE_TIMER            = 0x0f0,
    OHCI_AS_FILTER_HI           = 0x100,
    OHCI_AS_FILTER_LO           = 0x108,
    OHCI_PHYS_FILTER_HI         = 0x110,
    OHCI_PHYS_FILTER_LO         = 0x118,
    OHCI_PHYS_UPPER_BOUND       = 0x120,
    OHCI_AT_REQUEST             = 0x180,
    OHCI_AT_RESPONSE            = 0x1a0,
    OHCI_AR_REQUEST             = 0x1c0,
    OHCI_AR_RESPONSE            = 0x1e0,
    OHCI_IT_CONTEXT             = 0x200,
    OHCI_IR_CONTEXT             = 0x400,
};

/* IntEvent */
#define OHCI_INT_AT_REQUEST     (1u << 0)
#define OHCI_INT_AT_RESPONSE    (1u << 1)
#define OHCI_INT_AR_REQUEST     (1u << 4)
#define OHCI_INT_AR_RESPONSE    (1u << 5)
#define OHCI_INT_ISO_RECEIVE    (1u << 7)
#define OHCI_INT_POSTED_WRITE   (1u << 8)
#define OHCI_INT_SELF_ID2       (1u << 15)
#define OHCI_INT_SELF_ID        (1u << 16)
#define OHCI_INT_BUS_RESET      (1u << 17)
#define OHCI_INT_PHY            (1u << 19)
#define OHCI_INT_CYCLE_64       (1u << 21)
#define OHCI_INT_UNRECOVERABLE  (1u << 24)
#define OHCI_INT_PHY_REG        (1u << 26)
#define OHCI_INT_MASTER         (1u << 31)

/* HCControl */
#define OHCI_HC_BIB_VALID       (1u << 31)
#define OHCI_HC_NO_SWAP         (1u << 30)
#define OHCI_HC_PROGRAM_PHY     (1u << 23)
#define OHCI_HC_PHY_ENHANCE     (1u << 22)
#define OHCI_HC_LPS             (1u << 19)
#define OHCI_HC_POSTED_WRITE    (1u << 18)
#define OHCI_HC_LINK_ENABLE     (1u << 17)
#define OHCI_HC_SOFT_RESET      (1u << 16)

/* LinkControl */
#define OHCI_LINK_RCV_SELF_ID   (1u << 9)
#define OHCI_LINK_RCV_PHY       (1u << 10)
#define OHCI_LINK_CYCLE_TIMER   (1u << 20)

/* NodeID */
#define OHCI_NODE_VALID         (1u << 31)
#define OHCI_NODE_ROOT          (1u << 30)
#define OHCI_NODE_CPS           (1u << 27)

/* ContextControl */
#define OHCI_CTX_RUN            (1u << 15)
#define OHCI_CTX_WAKE           (1u << 12)
#define OHCI_CTX_DEAD           (1u << 11)
#define OHCI_CTX_ACTIVE         (1u << 10)
#define OHCI_CTX_STATUS         0x1fff

/* Event codes; acknowledges are 0x10 + ack */
enum {
    OHCI_EVT_NO_STATUS          = 0x00,
    OHCI_EVT_LONG_PACKET        = 0x02,
    OHCI_EVT_MISSING_ACK        = 0x03,
    OHCI_EVT_DESCRIPTOR_READ    = 0x06,
    OHCI_EVT_DATA_READ          = 0x07,
    OHCI_EVT_DATA_WRITE         = 0x08,
    OHCI_EVT_BUS_RESET          = 0x09,
    OHCI_EVT_TCODE_ERR          = 0x0b,
    OHCI_EVT_UNKNOWN            = 0x0e,
    OHCI_EVT_FLUSHED            = 0x0f,
    OHCI_EVT_ACK                = 0x10,
};

/* Descriptor control fields and layout, OHCI 3.1 */
#define OHCI_DESC_SIZE          16
#define OHCI_DESC_CMD(c)        extract32(c, 12, 4)
#define OHCI_DESC_KEY(c)        extract32(c, 8, 3)
#define OHCI_DESC_IRQ(c)        extract32(c, 4, 2)
#define OHCI_DESC_WAIT(c)       extract32(c, 0, 2)
enum { OHCI_CMD_OUTPUT_MORE, OHCI_CMD_OUTPUT_LAST, OHCI_CMD_INPUT_MORE,
       OHCI_CMD_INPUT_LAST };
enum { OHCI_KEY_NORMAL = 0, OHCI_KEY_IMMEDIATE = 2 };

#define OHCI_TCODE_PHY          0xe

typedef struct OHCIDescriptor {
    uint16_t req_count;
    uint16_t control;
    uint32_t data;
    uint32_t branch;
    uint16_t res_count;
    uint16_t status;
} OHCIDescriptor;

/* A DMA context */
typedef struct OHCIContext {
    OHCI1394State *ohci;
    const char *name;
    uint32_t control;
    uint32_t command;           /* CommandPtr: address and Z */
    uint32_t waiting;           /* last descriptor of the block done last */
    uint32_t interrupt;
    bool response;
} OHCIContext;

typedef struct OHCITransmit {
    OHCIContext ctx;
    FWPacket packet;
    bool busy;                  /* the bus has the packet */
    unsigned retries;
    uint32_t last;              /* address of its OUTPUT_LAST descriptor */
    uint32_t branch;            /* and what that branches to */
    bool irq;
    QEMUTimer *retry;
} OHCITransmit;

typedef struct OHCIReceive {
    OHCIContext ctx;
    OHCIDescriptor desc;        /* of the buffer that is being filled */
    bool loaded;
} OHCIReceive;

typedef struct OHCIIsoReceive {
    OHCIContext ctx;
    unsigned index;
    uint32_t match;             /* ContextMatch */
} OHCIIsoReceive;

/* Response to a request that hardware serves */
typedef struct OHCIResponse OHCIResponse;

struct OHCI1394State {
    PCIDevice parent_obj;
    MemoryRegion mmio;
    FWNode node;
    FWBus *bus;                 /* property fwbus: join this one */
    uint64_t guid;
    uint8_t max_rec;
    uint32_t oversized;         /* requests for more than max_rec allows */
    bool msi;

    uint32_t regs[OHCI_IT_CONTEXT / 4];
    uint32_t csr[4];            /* bus manager, bandwidth, channels hi, lo */
    uint32_t rom_map;           /* ConfigROMmap in force since the last reset */
    uint8_t phy[16];
    bool cycle_runs;
    int64_t cycle_base_ticks;   /* of the cycle timer, when */
    int64_t cycle_since_ticks;  /* ... the clock said this */
    QEMUTimer *cycle_64;
    unsigned self_id_generation;
    unsigned nodes;
    uint16_t node_id;

    OHCITransmit at_request, at_response;
    OHCIReceive ar_request, ar_response;
    OHCIIsoReceive ir[OHCI_ISO_CONTEXTS];
    QTAILQ_HEAD(, OHCIResponse) responses;
};

/* ohci1394.c */
static inline uint32_t ohci_reg(const OHCI1394State *s, unsigned offset)
{
    return s->regs[offset / 4];
}

void ohci_raise(OHCI1394State *s, uint32_t events);
uint32_t ohci_cycle_timer(const OHCI1394State *s);
/* Seconds (3 bits) and cycle (13 bits), as in descriptors and trailers */
uint16_t ohci_timestamp(const OHCI1394State *s);
bool ohci_dma_read(OHCI1394State *s, uint32_t address, void *data, size_t n);
bool ohci_dma_write(OHCI1394State *s, uint32_t address, const void *data,
                    size_t n);
bool ohci_descriptor_read(OHCI1394State *s, uint32_t address,
                          OHCIDescriptor *desc);
void ohci_descriptor_write_status(OHCI1394State *s, uint32_t address,
                                  uint16_t res_count, uint16_t status);
void ohci_context_dead(OHCIContext *ctx, unsigned event);
/*
 * A context works off its program block by block: address and Z of the next
 * one, 0 where there is none yet; @last is the last descriptor of one
 */
uint32_t ohci_block_next(OHCIContext *ctx);
void ohci_block_done(OHCIContext *ctx, uint32_t last);
/* An isochronous receive context has something to tell */
void ohci_raise_ir(OHCI1394State *s, unsigned index);
bool ohci_link_is_up(const OHCI1394State *s);

/* ohci1394-at.c */
void ohci_at_init(OHCI1394State *s, OHCITransmit *t, const char *name,
                  uint32_t interrupt, bool response);
void ohci_at_control(OHCITransmit *t, uint32_t set, uint32_t clear);
void ohci_at_bus_reset(OHCITransmit *t);
void ohci_at_soft_reset(OHCITransmit *t);

/* ohci1394-ar.c */
void ohci_ar_init(OHCI1394State *s, OHCIReceive *r, const char *name,
                  uint32_t interrupt);
void ohci_ar_control(OHCIReceive *r, uint32_t set, uint32_t clear);
FWAck ohci_ar_packet(OHCIReceive *r, const FWPacket *packet, FWAck ack);
void ohci_ar_phy_packet(OHCIReceive *r, uint32_t q1, uint32_t q2,
                        unsigned event);
void ohci_ar_soft_reset(OHCIReceive *r);

/* ohci1394-ir.c */
void ohci_ir_init(OHCI1394State *s);
void ohci_ir_write(OHCI1394State *s, unsigned offset, uint32_t value);
uint32_t ohci_ir_read(OHCI1394State *s, unsigned offset);
void ohci_ir_packet(OHCI1394State *s, const FWPacket *packet);
void ohci_ir_soft_reset(OHCI1394State *s);

/* ohci1394-phy.c */
void ohci_phy_init(OHCI1394State *s);
void ohci_phy_control(OHCI1394State *s, uint32_t value);
void ohci_phy_update_node(OHCI1394State *s);

/* ohci1394-physical.c */
bool ohci_accesses_rom(const FWPacket *p);
bool ohci_physical_serves(OHCI1394State *s, const FWPacket *p, FWAck *ack);
void ohci_physical_bus_reset(OHCI1394State *s);
void ohci_physical_drop(OHCI1394State *s);
uint32_t ohci_csr_compare_swap(OHCI1394State *s, unsigned select,
                               uint32_t compare, uint32_t value);

#endif
