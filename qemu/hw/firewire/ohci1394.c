/*
 * 1394 Open Host Controller Interface 1.1: PCI device, registers, interrupts.
 *
 * Isochronous transmit is not modelled: the registers exist, as the standard
 * demands, but a context that is started goes dead at once.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "qemu/timer.h"
#include "hw/pci/msi.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "compat-qemu.h"
#include "ohci1394.h"
#include "fw-node.h"
#include "trace.h"

/* In Red Hat's range for QEMU's own devices; no driver has a quirk for it */
#define OHCI_DEVICE_ID          0x1394
#define OHCI_CLASS              0x0c00
#define OHCI_PROG_IF            0x10

#define VERSION_1_10            0x00010010
#define BUS_ID_1394             0x31333934

#define TICKS_PER_SECOND        24576000
#define TICKS_PER_CYCLE         3072
#define CYCLES_PER_SECOND       8000

#define ISO_MASK                ((1u << OHCI_ISO_CONTEXTS) - 1)
#define BANDWIDTH_INITIAL       4915

/**
 * One register, or a pair of set and clear addresses
 * @writable: bits that software changes
 * @reset: value after a hardware or soft reset
 */
typedef struct OHCIRegister {
    uint16_t offset;
    bool pair;
    uint32_t writable;
    uint32_t reset;
    const char *name;
} OHCIRegister;

static const OHCIRegister ohci_registers[] = {
    { OHCI_VERSION, false, 0, VERSION_1_10, "Version" },
    { OHCI_GUID_ROM, false, 0, 0, "GUID_ROM" },
    { OHCI_AT_RETRIES, false, 0xffff0fff, 0, "ATRetries" },
    { OHCI_CSR_DATA, false, 0xffffffff, 0, "CSRData" },
    { OHCI_CSR_COMPARE, false, 0xffffffff, 0, "CSRCompareData" },
    { OHCI_CSR_CONTROL, false, 0x00000003, 0, "CSRControl" },
    { OHCI_CONFIG_ROM_HDR, false, 0xffffffff, 0, "ConfigROMhdr" },
    { OHCI_BUS_ID, false, 0, BUS_ID_1394, "BusID" },
    { OHCI_BUS_OPTIONS, false, 0xfffff0c0, 0, "BusOptions" },
    { OHCI_GUID_HI, false, 0, 0, "GUIDHi" },
    { OHCI_GUID_LO, false, 0, 0, "GUIDLo" },
    { OHCI_CONFIG_ROM_MAP, false, 0xfffffc00, 0, "ConfigROMmap" },
    { OHCI_POSTED_WRITE_LO, false, 0, 0, "PostedWriteAddressLo" },
    { OHCI_POSTED_WRITE_HI, false, 0, 0, "PostedWriteAddressHi" },
    { OHCI_VENDOR_ID, false, 0, 0, "VendorID" },
    { OHCI_HC_CONTROL, true, 0xe0cf0000, OHCI_HC_PROGRAM_PHY, "HCControl" },
    { OHCI_SELF_ID_BUFFER, false, 0xfffff800, 0, "SelfIDBuffer" },
    { OHCI_SELF_ID_COUNT, false, 0, 0, "SelfIDCount" },
    { OHCI_IR_MULTI_HI, true, 0xffffffff, 0, "IRMultiChanMaskHi" },
    { OHCI_IR_MULTI_LO, true, 0xffffffff, 0, "IRMultiChanMaskLo" },
    { OHCI_INT_EVENT, true, 0x6fff833f, 0, "IntEvent" },
    { OHCI_INT_MASK, true, 0xefff83ff, 0, "IntMask" },
    { OHCI_IT_EVENT, true, ISO_MASK, 0, "IsoXmitIntEvent" },
    { OHCI_IT_MASK, true, ISO_MASK, 0, "IsoXmitIntMask" },
    { OHCI_IR_EVENT, true, ISO_MASK, 0, "IsoRecvIntEvent" },
    { OHCI_IR_MASK, true, ISO_MASK, 0, "IsoRecvIntMask" },
    { OHCI_INITIAL_BANDWIDTH, false, 0x1fff, BANDWIDTH_INITIAL,
      "InitialBandwidthAvailable" },
    { OHCI_INITIAL_CHANNELS_HI, false, 0xffffffff, 0xffffffff,
      "InitialChannelsAvailableHi" },
    { OHCI_INITIAL_CHANNELS_LO, false, 0xffffffff, 0xffffffff,
      "InitialChannelsAvailableLo" },
    { OHCI_FAIRNESS, false, 0xff, 0, "FairnessControl" },
    { OHCI_LINK_CONTROL, true, 0x00700600, 0, "LinkControl" },
    { OHCI_NODE_ID, false, 0x0000ffc0, 0x0000ffc0, "NodeID" },
    { OHCI_PHY_CONTROL, false, 0, 0, "PhyControl" },
    { OHCI_CYCLE_TIMER, false, 0, 0, "IsochronousCycleTimer" },
    { OHCI_AS_FILTER_HI, true, 0xffffffff, 0, "AsynchronousRequestFilterHi" },
    { OHCI_AS_FILTER_LO, true, 0xffffffff, 0, "AsynchronousRequestFilterLo" },
    { OHCI_PHYS_FILTER_HI, true, 0xffffffff, 0, "PhysicalRequestFilterHi" },
    { OHCI_PHYS_FILTER_LO, true, 0xffffffff, 0, "PhysicalRequestFilterLo" },
    { OHCI_PHYS_UPPER_BOUND, false, 0, 0, "PhysicalUpperBound" },
};

static const OHCIRegister *register_at(unsigned offset, bool *clear)
{
    unsigned i;

    for (i = 0; i < ARRAY_SIZE(ohci_registers); i++) {
        const OHCIRegister *reg = &ohci_registers[i];

        *clear = reg->pair && offset == reg->offset + 4u;
        if (offset == reg->offset || *clear) {
            return reg;
        }
    }
    return NULL;
}

/* Interrupts */

/* IntEvent.isochRx follows from the contexts' events, OHCI 6.1 */
static uint32_t int_event(const OHCI1394State *s)
{
    uint32_t value = ohci_reg(s, OHCI_INT_EVENT);

    if (ohci_reg(s, OHCI_IR_EVENT) & ohci_reg(s, OHCI_IR_MASK)) {
        value |= OHCI_INT_ISO_RECEIVE;
    }
    return value;
}

static bool interrupt_level(const OHCI1394State *s)
{
    uint32_t mask = ohci_reg(s, OHCI_INT_MASK);

    return mask & OHCI_INT_MASTER && int_event(s) & mask & ~OHCI_INT_MASTER;
}

static void update_interrupt(OHCI1394State *s)
{
    PCIDevice *pci = PCI_DEVICE(s);
    bool level = interrupt_level(s);

    if (!msi_enabled(pci)) {
        pci_set_irq(pci, level);
    } else if (level) {
        msi_notify(pci, 0);
    }
}

void ohci_raise(OHCI1394State *s, uint32_t events)
{
    s->regs[OHCI_INT_EVENT / 4] |= events;
    trace_ohci1394_event(events, int_event(s), ohci_reg(s, OHCI_INT_MASK));
    update_interrupt(s);
}

void ohci_raise_ir(OHCI1394State *s, unsigned index)
{
    s->regs[OHCI_IR_EVENT / 4] |= 1u << index;
    ohci_raise(s, 0);
}

/* DMA */

bool ohci_dma_read(OHCI1394State *s, uint32_t address, void *data, size_t n)
{
    return pci_dma_read(PCI_DEVICE(s), address, data, n) == MEMTX_OK;
}

bool ohci_dma_write(OHCI1394State *s, uint32_t address, const void *data,
                    size_t n)
{
    return pci_dma_write(PCI_DEVICE(s), address, data, n) == MEMTX_OK;
}

bool ohci_descriptor_read(OHCI1394State *s, uint32_t address,
                          OHCIDescriptor *desc)
{
    uint8_t raw[OHCI_DESC_SIZE];

    if (!ohci_dma_read(s, address, raw, sizeof(raw))) {
        return false;
    }
    desc->req_count = lduw_le_p(raw);
    desc->control = lduw_le_p(raw + 2);
    desc->data = ldl_le_p(raw + 4);
    desc->branch = ldl_le_p(raw + 8);
    desc->res_count = lduw_le_p(raw + 12);
    desc->status = lduw_le_p(raw + 14);
    return true;
}

/* res_count and status are one quadlet, so that software sees both or none */
void ohci_descriptor_write_status(OHCI1394State *s, uint32_t address,
                                  uint16_t res_count, uint16_t status)
{
    uint8_t raw[4];

    stw_le_p(raw, res_count);
    stw_le_p(raw + 2, status);
    ohci_dma_write(s, address + 12, raw, sizeof(raw));
}

void ohci_context_dead(OHCIContext *ctx, unsigned event)
{
    trace_ohci1394_dead(ctx->name, event);
    ctx->control = (ctx->control & ~(OHCI_CTX_ACTIVE | 0x1fu)) |
                   OHCI_CTX_DEAD | event;
    ohci_raise(ctx->ohci, OHCI_INT_UNRECOVERABLE);
}

/* From CommandPtr, or from the branch of the block before */
uint32_t ohci_block_next(OHCIContext *ctx)
{
    OHCIDescriptor desc;

    if (ctx->command) {
        return ctx->command;
    }
    if (ctx->waiting &&
        ohci_descriptor_read(ctx->ohci, ctx->waiting, &desc)) {
        return desc.branch & 0xf ? desc.branch : 0;
    }
    return 0;
}

/* Its branch is read when it is needed: software may append until then */
void ohci_block_done(OHCIContext *ctx, uint32_t last)
{
    ctx->waiting = last;
    ctx->command = 0;
}

/* Cycle timer: 7 bits seconds, 13 bits cycles, 12 bits ticks */

static int64_t clock_ticks(void)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);

    return muldiv64(now, TICKS_PER_SECOND, NANOSECONDS_PER_SECOND);
}

static int64_t cycle_ticks(const OHCI1394State *s)
{
    return s->cycle_base_ticks +
           (s->cycle_runs ? clock_ticks() - s->cycle_since_ticks : 0);
}

uint32_t ohci_cycle_timer(const OHCI1394State *s)
{
    int64_t ticks = cycle_ticks(s);
    uint32_t seconds = ticks / TICKS_PER_SECOND % 128;
    uint32_t rest = ticks % TICKS_PER_SECOND;

    return seconds << 25 | rest / TICKS_PER_CYCLE << 12 |
           rest % TICKS_PER_CYCLE;
}

uint16_t ohci_timestamp(const OHCI1394State *s)
{
    return ohci_cycle_timer(s) >> 12;
}

static void cycle_64_schedule(OHCI1394State *s)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    int64_t period = 64ll * TICKS_PER_SECOND;
    int64_t left = period - cycle_ticks(s) % period;

    if (!s->cycle_runs) {
        timer_del(s->cycle_64);
        return;
    }
    timer_mod(s->cycle_64, now + muldiv64(left, NANOSECONDS_PER_SECOND,
                                          TICKS_PER_SECOND) + 1);
}

static void cycle_64_fn(void *opaque)
{
    OHCI1394State *s = opaque;

    ohci_raise(s, OHCI_INT_CYCLE_64);
    cycle_64_schedule(s);
}

/* From @ticks on it runs, or stands still, as LinkControl says */
static void cycle_timer_set(OHCI1394State *s, int64_t ticks)
{
    s->cycle_runs = ohci_reg(s, OHCI_LINK_CONTROL) & OHCI_LINK_CYCLE_TIMER;
    s->cycle_base_ticks = ticks;
    s->cycle_since_ticks = clock_ticks();
    cycle_64_schedule(s);
}

static void cycle_timer_write(OHCI1394State *s, uint32_t value)
{
    cycle_timer_set(s, (int64_t)(value >> 25) * TICKS_PER_SECOND +
                       extract32(value, 12, 13) % CYCLES_PER_SECOND *
                       TICKS_PER_CYCLE + (value & 0xfff) % TICKS_PER_CYCLE);
}

/* Resets */

static void soft_reset(OHCI1394State *s)
{
    unsigned i;

    fw_bus_cancel(&s->node);
    ohci_physical_drop(s);
    memset(s->regs, 0, sizeof(s->regs));
    for (i = 0; i < ARRAY_SIZE(ohci_registers); i++) {
        s->regs[ohci_registers[i].offset / 4] = ohci_registers[i].reset;
    }
    s->regs[OHCI_GUID_HI / 4] = s->guid >> 32;
    s->regs[OHCI_GUID_LO / 4] = s->guid;
    s->regs[OHCI_BUS_OPTIONS / 4] = (uint32_t)s->max_rec << 12 |
                                    MIN(s->node.speed, FW_S800);
    ohci_at_soft_reset(&s->at_request);
    ohci_at_soft_reset(&s->at_response);
    ohci_ar_soft_reset(&s->ar_request);
    ohci_ar_soft_reset(&s->ar_response);
    ohci_ir_soft_reset(s);
    s->rom_map = 0;
    ohci_phy_update_node(s);
    cycle_timer_set(s, cycle_ticks(s));
    update_interrupt(s);
}

bool ohci_link_is_up(const OHCI1394State *s)
{
    return ohci_reg(s, OHCI_HC_CONTROL) & OHCI_HC_LINK_ENABLE;
}

/* Writes with side effects; others are stored by the table's masks */

static void hc_control_changed(OHCI1394State *s, uint32_t old)
{
    uint32_t value = ohci_reg(s, OHCI_HC_CONTROL);

    if (value & ~old & OHCI_HC_SOFT_RESET) {
        soft_reset(s);      /* the bit reads zero when it is done: now */
        return;
    }
    ohci_phy_update_node(s);
}

static void csr_control_write(OHCI1394State *s, uint32_t value)
{
    unsigned select = value & 3;

    s->regs[OHCI_CSR_DATA / 4] =
        ohci_csr_compare_swap(s, select, ohci_reg(s, OHCI_CSR_COMPARE),
                              ohci_reg(s, OHCI_CSR_DATA));
    s->regs[OHCI_CSR_CONTROL / 4] = select | 1u << 31;
}

static void register_changed(OHCI1394State *s, unsigned offset, uint32_t old,
                             uint32_t written)
{
    switch (offset) {
    case OHCI_HC_CONTROL:
        hc_control_changed(s, old);
        break;
    case OHCI_CSR_CONTROL:
        csr_control_write(s, written);
        break;
    case OHCI_PHY_CONTROL:
        ohci_phy_control(s, written);
        break;
    case OHCI_CYCLE_TIMER:
        cycle_timer_write(s, written);
        break;
    case OHCI_LINK_CONTROL:
        cycle_timer_set(s, cycle_ticks(s));
        break;
    case OHCI_INT_EVENT:
    case OHCI_INT_MASK:
    case OHCI_IR_EVENT:
    case OHCI_IR_MASK:
        update_interrupt(s);
        break;
    default:
        break;
    }
}

static void ohci_register_write(OHCI1394State *s, unsigned offset,
                                uint32_t value)
{
    bool clear;
    const OHCIRegister *reg = register_at(offset, &clear);
    uint32_t old, *stored;

    if (!reg) {
        qemu_log_mask(LOG_GUEST_ERROR, "ohci1394: write to %03x\n", offset);
        return;
    }
    trace_ohci1394_write(reg->name, clear ? "Clear" : "", value);
    stored = &s->regs[reg->offset / 4];
    old = *stored;
    if (clear) {
        *stored = old & ~(value & reg->writable);
    } else if (reg->pair) {
        *stored = old | (value & reg->writable);
    } else {
        *stored = (old & ~reg->writable) | (value & reg->writable);
    }
    register_changed(s, reg->offset, old, value);
}

static uint32_t ohci_register_read(OHCI1394State *s, unsigned offset)
{
    bool clear;
    const OHCIRegister *reg = register_at(offset, &clear);
    uint32_t value;

    if (!reg) {
        qemu_log_mask(LOG_GUEST_ERROR, "ohci1394: read of %03x\n", offset);
        return 0;
    }
    value = ohci_reg(s, reg->offset);
    if (reg->offset == OHCI_CYCLE_TIMER) {
        value = ohci_cycle_timer(s);
    } else if (reg->offset == OHCI_INT_EVENT) {
        value = int_event(s);
    }
    /* The clear addresses of events show those that are not masked */
    if (clear && (reg->offset == OHCI_INT_EVENT ||
                  reg->offset == OHCI_IT_EVENT ||
                  reg->offset == OHCI_IR_EVENT)) {
        value &= ohci_reg(s, reg->offset + 8);
    }
    trace_ohci1394_read(reg->name, clear ? "Clear" : "", value);
    return value;
}

/* Context registers: ContextControlSet, Clear, CommandPtr */

static OHCIContext *context_at(OHCI1394State *s, unsigned base)
{
    switch (base) {
    case OHCI_AT_REQUEST:
        return &s->at_request.ctx;
    case OHCI_AT_RESPONSE:
        return &s->at_response.ctx;
    case OHCI_AR_REQUEST:
        return &s->ar_request.ctx;
    default:
        return &s->ar_response.ctx;
    }
}

static void context_control(OHCI1394State *s, unsigned base, uint32_t set,
                            uint32_t clear)
{
    switch (base) {
    case OHCI_AT_REQUEST:
        ohci_at_control(&s->at_request, set, clear);
        break;
    case OHCI_AT_RESPONSE:
        ohci_at_control(&s->at_response, set, clear);
        break;
    case OHCI_AR_REQUEST:
        ohci_ar_control(&s->ar_request, set, clear);
        break;
    default:
        ohci_ar_control(&s->ar_response, set, clear);
        break;
    }
}

static void context_write(OHCI1394State *s, unsigned offset, uint32_t value)
{
    unsigned base = offset & ~0x1fu;
    OHCIContext *ctx = context_at(s, base);

    trace_ohci1394_context_write(ctx->name, offset & 0x1f, value);
    switch (offset & 0x1f) {
    case 0x00:
        context_control(s, base, value, 0);
        break;
    case 0x04:
        context_control(s, base, 0, value);
        break;
    case 0x0c:
        if (!(ctx->control & (OHCI_CTX_RUN | OHCI_CTX_ACTIVE))) {
            ctx->command = value;
        }
        break;
    default:
        break;
    }
}

static uint32_t context_read(OHCI1394State *s, unsigned offset)
{
    OHCIContext *ctx = context_at(s, offset & ~0x1fu);

    return (offset & 0x1f) == 0x0c ? ctx->command : ctx->control;
}

static uint64_t ohci_mmio_read(void *opaque, hwaddr offset, unsigned size)
{
    OHCI1394State *s = opaque;

    if (offset >= OHCI_IR_CONTEXT) {
        return ohci_ir_read(s, offset);
    }
    if (offset >= OHCI_IT_CONTEXT) {
        return 0;
    }
    return offset >= OHCI_AT_REQUEST ? context_read(s, offset) :
                                       ohci_register_read(s, offset);
}

static void ohci_mmio_write(void *opaque, hwaddr offset, uint64_t value,
                            unsigned size)
{
    OHCI1394State *s = opaque;

    if (offset >= OHCI_IR_CONTEXT) {
        ohci_ir_write(s, offset, value);
        return;
    }
    if (offset >= OHCI_IT_CONTEXT) {
        if (!(offset & 0xf) && value & OHCI_CTX_RUN) {
            qemu_log_mask(LOG_UNIMP, "ohci1394: no isochronous transmit\n");
            ohci_raise(s, OHCI_INT_UNRECOVERABLE);
        }
        return;
    }
    if (offset >= OHCI_AT_REQUEST) {
        context_write(s, offset, value);
    } else {
        ohci_register_write(s, offset, value);
    }
}

static const MemoryRegionOps ohci_mmio_ops = {
    .read = ohci_mmio_read,
    .write = ohci_mmio_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 4, .max_access_size = 4 },
    .impl = { .min_access_size = 4, .max_access_size = 4 },
};

/* What the bus asks of the node */

static OHCI1394State *node_ohci(FWNode *node)
{
    return container_of(node, OHCI1394State, node);
}

static bool request_passes(const OHCI1394State *s, const FWPacket *p)
{
    uint32_t hi = ohci_reg(s, OHCI_AS_FILTER_HI);
    unsigned phy_id = p->source_id & 0x3f;

    /* Bit 31 lets everybody in */
    if (hi & (1u << 31)) {
        return true;
    }
    return phy_id < 32 ? ohci_reg(s, OHCI_AS_FILTER_LO) & (1u << phy_id) :
                         hi & (1u << (phy_id - 32));
}

static FWAck ohci_receive(FWNode *node, const FWPacket *p)
{
    OHCI1394State *s = node_ohci(node);
    bool passes = request_passes(s, p);
    FWAck ack;

    if (!ohci_link_is_up(s)) {
        return FW_ACK_MISSING;
    }
    if (fw_packet_is_response(p)) {
        return ohci_ar_packet(&s->ar_response, p, FW_ACK_COMPLETE);
    }
    if (!fw_packet_is_request(p)) {
        return FW_ACK_TYPE_ERROR;
    }
    if (p->length > 2u << s->max_rec) {
        s->oversized++;
        return FW_ACK_TYPE_ERROR;
    }
    /* The filter lets everybody read the configuration ROM, OHCI 5.14.1 */
    if ((passes || ohci_accesses_rom(p)) && ohci_physical_serves(s, p, &ack)) {
        return ack;
    }
    if (!passes) {
        return FW_ACK_MISSING;
    }
    return ohci_ar_packet(&s->ar_request, p, FW_ACK_PENDING);
}

static void ohci_stream(FWNode *node, const FWPacket *p)
{
    OHCI1394State *s = node_ohci(node);

    if (ohci_link_is_up(s)) {
        ohci_ir_packet(s, p);
    }
}

static void ohci_phy_packet(FWNode *node, uint32_t quadlet)
{
    OHCI1394State *s = node_ohci(node);

    if (ohci_reg(s, OHCI_LINK_CONTROL) & OHCI_LINK_RCV_PHY) {
        ohci_ar_phy_packet(&s->ar_request, quadlet, ~quadlet,
                           OHCI_EVT_NO_STATUS);
    }
}

static void ohci_reset_begin(FWNode *node)
{
    OHCI1394State *s = node_ohci(node);

    s->regs[OHCI_NODE_ID / 4] &= ~OHCI_NODE_VALID;
    s->regs[OHCI_PHYS_FILTER_HI / 4] = 0;
    s->regs[OHCI_PHYS_FILTER_LO / 4] = 0;
    s->regs[OHCI_AS_FILTER_HI / 4] &= 1u << 31;
    s->regs[OHCI_AS_FILTER_LO / 4] = 0;
    ohci_physical_bus_reset(s);
    ohci_raise(s, OHCI_INT_BUS_RESET);
    ohci_at_bus_reset(&s->at_request);
    ohci_at_bus_reset(&s->at_response);
}

/* The next configuration ROM image takes effect, OHCI 5.5.6 */
static void rom_take_over(OHCI1394State *s)
{
    uint8_t quadlet[12];
    uint32_t map = ohci_reg(s, OHCI_CONFIG_ROM_MAP);

    if (!(ohci_reg(s, OHCI_HC_CONTROL) & OHCI_HC_BIB_VALID) ||
        !ohci_dma_read(s, map, quadlet, sizeof(quadlet))) {
        return;
    }
    s->rom_map = map;
    s->regs[OHCI_CONFIG_ROM_HDR / 4] = ldl_be_p(quadlet);
    s->regs[OHCI_BUS_OPTIONS / 4] =
        (ldl_be_p(quadlet + 8) & 0xfffff0c0) |
        (ohci_reg(s, OHCI_BUS_OPTIONS) & ~0xfffff0c0u);
}

static void csr_bus_reset(OHCI1394State *s)
{
    s->csr[0] = FW_BROADCAST_PHY;
    s->csr[1] = ohci_reg(s, OHCI_INITIAL_BANDWIDTH);
    s->csr[2] = ohci_reg(s, OHCI_INITIAL_CHANNELS_HI);
    s->csr[3] = ohci_reg(s, OHCI_INITIAL_CHANNELS_LO);
}

/* Header, then each self-ID quadlet with its inverse, OHCI 11.3 */
static void self_id_store(OHCI1394State *s, const FWSelfIDs *ids)
{
    uint32_t buffer = ohci_reg(s, OHCI_SELF_ID_BUFFER);
    uint8_t raw[4 + 8 * FW_MAX_NODES * 4];
    size_t length = 4;
    unsigned i;

    stl_le_p(raw, s->self_id_generation << 16 | ohci_timestamp(s));
    for (i = 0; i < ids->quadlets; i++) {
        stl_le_p(raw + length, ids->self_id[i]);
        stl_le_p(raw + length + 4, ~ids->self_id[i]);
        length += 8;
    }
    ohci_dma_write(s, buffer, raw, length);
    s->regs[OHCI_SELF_ID_COUNT / 4] = s->self_id_generation << 16 | length;
}

static void ohci_reset_end(FWNode *node, const FWSelfIDs *ids)
{
    OHCI1394State *s = node_ohci(node);
    bool root = ids->phy_id == ids->root_id;

    s->self_id_generation = (s->self_id_generation + 1) & 0xff;
    s->node_id = FW_LOCAL_BUS | ids->phy_id;
    s->regs[OHCI_NODE_ID / 4] = OHCI_NODE_VALID |
                                (root ? OHCI_NODE_ROOT : 0) |
                                OHCI_NODE_CPS | s->node_id;
    csr_bus_reset(s);
    if (!ohci_link_is_up(s)) {
        return;
    }
    rom_take_over(s);
    ohci_ar_phy_packet(&s->ar_request, 0, s->self_id_generation << 16,
                       OHCI_EVT_BUS_RESET);
    if (ohci_reg(s, OHCI_LINK_CONTROL) & OHCI_LINK_RCV_SELF_ID) {
        self_id_store(s, ids);
        ohci_raise(s, OHCI_INT_SELF_ID | OHCI_INT_SELF_ID2);
    }
}

static const FWNodeOps ohci_node_ops = {
    .receive = ohci_receive,
    .stream = ohci_stream,
    .phy_packet = ohci_phy_packet,
    .reset_begin = ohci_reset_begin,
    .reset_end = ohci_reset_end,
};

/* qdev */

static void ohci_realize(PCIDevice *pci, Error **errp)
{
    OHCI1394State *s = OHCI1394(pci);
    DeviceState *dev = DEVICE(pci);
    static unsigned serial;

    if (s->node.ports < 1 || s->node.ports > FW_MAX_PORTS ||
        s->node.speed > FW_S800) {
        error_setg(errp, "ports is 1 to %d, speed 0 (S100) to 3 (S800)",
                   FW_MAX_PORTS);
        return;
    }
    if (!s->guid) {
        s->guid = 0x00525400c0de0000ull + serial++;
    }
    pci->config[PCI_INTERRUPT_PIN] = 1;
    pci->config[PCI_CLASS_PROG] = OHCI_PROG_IF;
    memory_region_init_io(&s->mmio, OBJECT(s), &ohci_mmio_ops, s, "ohci1394",
                          OHCI_MMIO_SIZE);
    pci_register_bar(pci, 0, PCI_BASE_ADDRESS_SPACE_MEMORY, &s->mmio);
    if (s->msi && msi_init(pci, 0, 1, true, false, errp) < 0) {
        return;
    }
    QTAILQ_INIT(&s->responses);
    ohci_at_init(s, &s->at_request, "AT request", OHCI_INT_AT_REQUEST, false);
    ohci_at_init(s, &s->at_response, "AT response", OHCI_INT_AT_RESPONSE,
                 true);
    ohci_ar_init(s, &s->ar_request, "AR request", OHCI_INT_AR_REQUEST);
    ohci_ar_init(s, &s->ar_response, "AR response", OHCI_INT_AR_RESPONSE);
    ohci_ir_init(s);
    s->cycle_64 = timer_new_ns(QEMU_CLOCK_VIRTUAL, cycle_64_fn, s);
    cycle_64_schedule(s);

    s->node.ops = &ohci_node_ops;
    s->node.name = dev->id ?: TYPE_OHCI1394;
    s->node.connected = true;
    if (!s->bus) {
        s->bus = FW_BUS(qbus_new(TYPE_FW_BUS, dev, NULL));
    }
    ohci_phy_init(s);
    fw_bus_attach(s->bus, &s->node, NULL, errp);
}

static void ohci_exit(PCIDevice *pci)
{
    OHCI1394State *s = OHCI1394(pci);

    fw_bus_detach(&s->node);
    ohci_physical_drop(s);
    timer_free(s->cycle_64);
    timer_free(s->at_request.retry);
    timer_free(s->at_response.retry);
    msi_uninit(pci);
}

static void ohci_reset(DeviceState *dev)
{
    OHCI1394State *s = OHCI1394(dev);

    ohci_phy_init(s);
    soft_reset(s);
}

static const VMStateDescription ohci_vmstate = {
    .name = TYPE_OHCI1394,
    .unmigratable = 1,
};

static FW_PROPERTY ohci_properties[] = {
    DEFINE_PROP_LINK("fwbus", OHCI1394State, bus, TYPE_FW_BUS, FWBus *),
    DEFINE_PROP_UINT64("guid", OHCI1394State, guid, 0),
    DEFINE_PROP_UINT8("ports", OHCI1394State, node.ports, 3),
    DEFINE_PROP_UINT32("speed", OHCI1394State, node.speed, FW_S400),
    DEFINE_PROP_UINT8("max-rec", OHCI1394State, max_rec, 10),
    DEFINE_PROP_BOOL("msi", OHCI1394State, msi, true),
    FW_PROPERTIES_END
};

static void ohci_init(Object *obj)
{
    OHCI1394State *s = OHCI1394(obj);

    object_property_add_uint32_ptr(obj, "oversized", &s->oversized,
                                   OBJ_PROP_FLAG_READ);
}

static void ohci_class_init(ObjectClass *klass, FW_CLASS_DATA data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    PCIDeviceClass *pc = PCI_DEVICE_CLASS(klass);

    pc->realize = ohci_realize;
    pc->exit = ohci_exit;
    pc->vendor_id = PCI_VENDOR_ID_REDHAT;
    pc->device_id = OHCI_DEVICE_ID;
    pc->class_id = OHCI_CLASS;
    pc->revision = 1;
    dc->desc = "IEEE 1394 (FireWire) OHCI controller";
    dc->vmsd = &ohci_vmstate;
    device_class_set_props(dc, ohci_properties);
    device_class_set_legacy_reset(dc, ohci_reset);
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
}

static const TypeInfo ohci_info = {
    .name = TYPE_OHCI1394,
    .parent = TYPE_PCI_DEVICE,
    .instance_size = sizeof(OHCI1394State),
    .instance_init = ohci_init,
    .class_init = ohci_class_init,
    .interfaces = (InterfaceInfo[]) {
        { INTERFACE_CONVENTIONAL_PCI_DEVICE },
        { }
    },
};

static void ohci_register_types(void)
{
    type_register_static(&ohci_info);
}

type_init(ohci_register_types)
