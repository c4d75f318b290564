/*
 * IEEE 1394 node in software: transaction layer, CSRs and configuration ROM
 * for devices that are not a controller (the SBP-2 target, the intruder).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_FIREWIRE_FW_NODE_H
#define HW_FIREWIRE_FW_NODE_H

#include "fw-bus.h"

#define TYPE_FW_DEVICE "fw-device"
OBJECT_DECLARE_TYPE(FWDevice, FWDeviceClass, FW_DEVICE)

#define FW_CSR_BASE             0xfffff0000000ull
#define FW_CSR_STATE_CLEAR      0x000
#define FW_CSR_STATE_SET        0x004
#define FW_CSR_NODE_IDS         0x008
#define FW_CSR_RESET_START      0x00c
#define FW_CSR_SPLIT_TIMEOUT_HI 0x018
#define FW_CSR_SPLIT_TIMEOUT_LO 0x01c
#define FW_CSR_BUSY_TIMEOUT     0x210
#define FW_CSR_CONFIG_ROM       0x400
#define FW_CSR_CONFIG_ROM_END   0x800

/* Numbers at random, the same ones each time; @state starts as the seed */
typedef struct FWRandom { uint64_t state; } FWRandom;

uint32_t fw_random(FWRandom *random);

/**
 * struct FWFault - something that goes wrong the next @left times
 * @done: how often it did, ever
 * @name: for trace events
 */
typedef struct FWFault {
    uint32_t left, done;
    const char *name;
} FWFault;

/* Names of its properties; without @left it is not counted down */
typedef struct FWFaultName {
    const char *left, *done;
} FWFaultName;

void fw_faults_add_properties(Object *obj, FWFault *faults,
                              const FWFaultName *names, unsigned count);
/* It happened */
void fw_fault_note(FWFault *fault);
/* Is it to happen now? Then it is counted as done */
bool fw_fault(FWFault *fault);

typedef enum FWNodeFault {
    FW_FAULT_ACK_BUSY,          /* a request is acknowledged with busy_X */
    FW_FAULT_ACK_LOST,          /* it is received, and the ack is not */
    FW_FAULT_RESPONSE_LOST,     /* of a split transaction */
    FW_FAULTS
} FWNodeFault;

/* A request that came in; valid until it is answered or the bus is reset */
typedef struct FWRequest FWRequest;
typedef struct FWTransaction FWTransaction;

/**
 * typedef FWTransactionDone - an outgoing transaction ended; may be NULL
 * @rcode: FW_RCODE_*, or one of FW_RCODE_SEND_ERROR and following
 * @data: response data as it stood on the bus (read and lock), valid only
 *        during the call
 */
typedef void FWTransactionDone(FWDevice *dev, int rcode,
                               const uint8_t *data, size_t length,
                               void *opaque);

/* rcodes that no node sends: how a transaction ended without a response */
enum {
    FW_RCODE_BUSY       = 0x12,     /* retry limit of BUSY_TIMEOUT used up */
    FW_RCODE_BUS_RESET  = 0x13,
    FW_RCODE_NO_ACK     = 0x15,
    FW_RCODE_TIMEOUT    = 0x16,     /* SPLIT_TIMEOUT passed */
};

/**
 * struct FWDeviceClass - a node in software
 * @write: write request (quadlet or block) outside the CSRs that the core
 *         serves itself. Data as on the bus.
 * @read: read request there.
 * @lock: lock request there. Optional.
 * @snoop: any packet on the bus. Optional; see struct FWNodeOps.
 * @bus_reset: a bus reset ended; dev->node_id and dev->generation are new,
 *             every open transaction was ended with FW_RCODE_BUS_RESET.
 *
 * write, read and lock end with exactly one fw_device_respond(), at once or
 * later. At once means an unsplit transaction for writes (ack_complete) where
 * the device's "split-writes" property is off.
 */
struct FWDeviceClass {
    DeviceClass parent_class;

    void (*write)(FWDevice *dev, FWRequest *req, uint64_t offset,
                  const uint8_t *data, size_t length);
    void (*read)(FWDevice *dev, FWRequest *req, uint64_t offset,
                 size_t length);
    void (*lock)(FWDevice *dev, FWRequest *req, uint64_t offset,
                 uint16_t ext_tcode, const uint8_t *data, size_t length);
    void (*snoop)(FWDevice *dev, const FWPacket *packet);
    void (*bus_reset)(FWDevice *dev);
};

uint16_t fw_request_source(const FWRequest *req);
FWSpeed fw_request_speed(const FWRequest *req);
bool fw_request_is_quadlet(const FWRequest *req);

/* @data, @length: for reads and locks; NULL, 0 for writes and errors */
void fw_device_respond(FWDevice *dev, FWRequest *req, int rcode,
                       const uint8_t *data, size_t length);

/**
 * Outgoing transactions. @done is always called exactly once, never from
 * within these functions. Retries on busy as BUSY_TIMEOUT says, ends after
 * SPLIT_TIMEOUT. Requests of an old @generation end with FW_RCODE_BUS_RESET.
 * A quadlet transaction is used where @length is 4 and @offset is aligned.
 */
void fw_device_read(FWDevice *dev, uint16_t dest_id, unsigned generation,
                    uint64_t offset, size_t length, FWSpeed speed,
                    FWTransactionDone *done, void *opaque);
void fw_device_write(FWDevice *dev, uint16_t dest_id, unsigned generation,
                     uint64_t offset, const uint8_t *data, size_t length,
                     FWSpeed speed, FWTransactionDone *done, void *opaque);

/* Forget all open transactions that were started with @opaque: no done call */
void fw_device_cancel(FWDevice *dev, void *opaque);

/**
 * struct FWRomWriter - builds an IEEE 1212 configuration ROM
 *
 * Directories are written as lists of entries; the writer places leaves and
 * sub-directories, resolves offsets and fills lengths and CRCs.
 */
typedef struct FWRomDir FWRomDir;

FWRomDir *fw_rom_dir_new(void);
void fw_rom_dir_free(FWRomDir *dir);                    /* whole tree */
void fw_rom_add_immediate(FWRomDir *dir, uint8_t key, uint32_t value);
void fw_rom_add_csr_offset(FWRomDir *dir, uint8_t key, uint64_t address);
void fw_rom_add_text(FWRomDir *dir, const char *text);  /* key 0x81 leaf */
void fw_rom_add_leaf(FWRomDir *dir, uint8_t key,
                     const uint32_t *quadlets, unsigned count);
FWRomDir *fw_rom_add_dir(FWRomDir *dir, uint8_t key);
uint16_t fw_rom_crc(const uint32_t *quadlets, unsigned count);

/**
 * fw_device_set_rom - install bus information block + @root
 *
 * Uses the device's properties for the bus information block (guid, irmc,
 * cmc, isc, bmc, cyc_clk_acc, max_rec, max_rom, link speed).
 */
void fw_device_set_rom(FWDevice *dev, FWRomDir *root);

/**
 * struct FWDevice - common part of software nodes
 *
 * qdev on a TYPE_FW_BUS. Properties: guid, speed (0 to 3: S100 to S800), ports,
 * contender, cmc, irmc, bmc, max-rec, and at run time connected (cable in or
 * out), replug-after (out, and in again after so many ms), split-writes and
 * the faults ack-busy, ack-lost and response-lost.
 */
struct FWDevice {
    DeviceState parent_obj;
    FWNode node;

    uint64_t guid;
    bool cmc, irmc, bmc;
    uint8_t max_rec;            /* code of the bus information block */
    bool split_writes;
    int64_t busy_until;         /* requests are acknowledged busy until then */

    /* Current generation */
    uint16_t node_id;           /* FW_LOCAL_BUS | phy_id */
    unsigned generation;
    bool alone;                 /* no other node is connected */
    uint32_t busy_timeout;      /* CSR, written by initiators */

    uint32_t split_timeout_hi;  /* CSR, seconds */
    uint32_t split_timeout_lo;  /* CSR, 125 us cycles in 31:19 */

    FWFault fault[FW_FAULTS];

    uint8_t rom_generation;
    uint8_t rom[FW_CSR_CONFIG_ROM_END - FW_CSR_CONFIG_ROM];

    /* private */
    QEMUTimer *replug;
    uint8_t next_tlabel;
    QTAILQ_HEAD(, FWTransaction) transactions;
    QTAILQ_HEAD(, FWRequest) requests;
};

#endif
