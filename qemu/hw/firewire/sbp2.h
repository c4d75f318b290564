/*
 * SBP-2 target (ANSI NCITS 325-1998): wire formats, and what the parts of the
 * model share.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_FIREWIRE_SBP2_H
#define HW_FIREWIRE_SBP2_H

#include "hw/scsi/scsi.h"
#include "fw-node.h"

#define TYPE_SBP2_TARGET "sbp2-target"
OBJECT_DECLARE_SIMPLE_TYPE(SBP2Target, SBP2_TARGET)

/* Where the registers are */
#define SBP2_MANAGEMENT_AGENT   (FW_CSR_BASE + 0x10000)
#define SBP2_COMMAND_AGENTS     (FW_CSR_BASE + 0x20000)
#define SBP2_AGENT_STRIDE       0x20

/* Of a property that was not given */
#define SBP2_BY_PERSONA         UINT32_MAX

#define SBP2_MAX_LUNS           64
#define SBP2_MAX_LOGINS         64
#define SBP2_MAX_ORB            256
#define SBP2_ORB_HEADER         20
#define SBP2_MAX_CDB            16
#define SBP2_MAX_STATUS         32
#define SBP2_PASSWORD_SIZE      16
/* Packets of one task that are under way at a time */
#define SBP2_WINDOW             8

enum {
    SBP2_AGENT_STATE            = 0x00,
    SBP2_AGENT_RESET            = 0x04,
    SBP2_ORB_POINTER            = 0x08,
    SBP2_DOORBELL               = 0x10,
    SBP2_UNSOLICITED_ENABLE     = 0x14,
};

enum {
    SBP2_LOGIN                  = 0x0,
    SBP2_QUERY_LOGINS           = 0x1,
    SBP2_RECONNECT              = 0x3,
    SBP2_SET_PASSWORD           = 0x4,
    SBP2_LOGOUT                 = 0x7,
    SBP2_ABORT_TASK             = 0xb,
    SBP2_ABORT_TASK_SET         = 0xc,
    SBP2_LOGICAL_UNIT_RESET     = 0xe,
    SBP2_TARGET_RESET           = 0xf,
};

/* resp */
enum { SBP2_COMPLETE, SBP2_TRANSPORT_FAILURE, SBP2_ILLEGAL, SBP2_VENDOR };

/* sbp_status with resp COMPLETE */
enum {
    SBP2_OK                     = 0x00,
    SBP2_NOT_SUPPORTED          = 0x01,
    SBP2_ACCESS_DENIED          = 0x04,
    SBP2_LUN_NOT_SUPPORTED      = 0x05,
    SBP2_RESOURCES_UNAVAILABLE  = 0x08,
    SBP2_FUNCTION_REJECTED      = 0x09,
    SBP2_LOGIN_ID_UNKNOWN       = 0x0a,
    SBP2_DUMMY_COMPLETED        = 0x0b,
    SBP2_REQUEST_ABORTED        = 0x0c,
    SBP2_UNSPECIFIED            = 0xff,
};

/* sbp_status with resp TRANSPORT_FAILURE: what failed, and how */
enum {
    SBP2_OBJECT_ORB             = 0x00,
    SBP2_OBJECT_DATA            = 0x40,
    SBP2_OBJECT_PAGE_TABLE      = 0x80,
};

typedef enum SBP2AgentState {
    AGENT_RESET, AGENT_ACTIVE, AGENT_SUSPENDED, AGENT_DEAD,
} SBP2AgentState;

typedef struct SBP2Login SBP2Login;
typedef struct SBP2Task SBP2Task;
typedef struct SBP2LateStatus SBP2LateStatus;

/*
 * A status block on its way to an initiator
 * @agent: the login whose agent is dead if the block cannot be written, or NULL
 */
typedef struct SBP2Status {
    SBP2Login *agent;
    uint16_t node;
    uint64_t fifo;
    FWSpeed speed;
    uint64_t orb;
    unsigned src, resp, sbp_status;
    bool dead;
    uint8_t command_set[24];
    size_t length;              /* of command_set */
} SBP2Status;

typedef struct SBP2Segment {
    uint64_t base;
    uint32_t length;
} SBP2Segment;

/* A packet of data on its way */
typedef struct SBP2Chunk {
    SBP2Task *task;
    uint8_t *data;
    size_t length;
    bool busy;
} SBP2Chunk;

struct SBP2Task {
    SBP2Login *login;
    uint64_t orb;
    bool last;                  /* next_ORB was null when it was fetched */
    bool notify;
    bool to_initiator;
    FWSpeed speed;
    unsigned max_payload;
    uint16_t data_node;
    uint8_t cdb[SBP2_MAX_CDB];
    unsigned cdb_length;

    /* The initiator's buffer */
    SBP2Segment *segment;
    unsigned segments;
    uint8_t *page_table;
    size_t page_table_size, page_table_read;
    uint64_t page_table_base;
    unsigned at_segment;
    uint32_t in_segment;

    /* What the SCSI device gave or wants */
    SCSIRequest *req;
    bool with_device;           /* it is the SCSI device's turn */
    uint8_t *buffer;
    size_t buffer_length, buffer_started;
    SBP2Chunk chunk[SBP2_WINDOW];
    unsigned busy_chunks;
    int failed;                 /* rcode of a packet that did not get through */
    QEMUTimer *start;
    QTAILQ_ENTRY(SBP2Task) next;
};

struct SBP2Login {
    SBP2Target *target;
    bool used;
    bool suspended;             /* waits for a RECONNECT */
    bool exclusive;
    uint16_t id;
    uint16_t lun;
    uint16_t node_id;
    uint64_t eui_64;
    uint64_t status_fifo;
    unsigned hold_s;
    QEMUTimer *hold;

    /* Its command block agent */
    SBP2AgentState state;
    uint64_t next_orb;
    uint64_t current_orb;
    bool has_next, fetching, doorbell;
    bool abort_fetched;         /* ABORT TASK came for what is being fetched */
    bool wedged;                /* a fault: does nothing until AGENT_RESET */
    bool unsolicited_enabled;
    unsigned tasks_count;
    QTAILQ_HEAD(, SBP2Task) tasks;
};

typedef struct SBP2Management {
    bool busy;
    uint16_t source;
    FWSpeed speed;
    uint64_t orb;
    uint8_t raw[32];
    uint64_t eui_64;
    uint8_t eui_quadlet[4];
    uint8_t password[SBP2_PASSWORD_SIZE];   /* padded with zeros */
    uint8_t response[512];
    size_t response_length;
    unsigned resp, sbp_status;
} SBP2Management;

/* What can be made to go wrong: sbp2-faults.c has the names */
typedef enum SBP2FaultKind {
    /* The next so many */
    SBP2_FAULT_LOGIN_REFUSE,
    SBP2_FAULT_RECONNECT_REFUSE,
    SBP2_FAULT_LOGOUT_REFUSE,
    SBP2_FAULT_MANAGEMENT_BUSY,
    SBP2_FAULT_MANAGEMENT_LOST,
    SBP2_FAULT_STATUS_LOST,
    SBP2_FAULT_STATUS_TWICE,
    SBP2_FAULT_STATUS_WRONG_ORB,
    SBP2_FAULT_AGENT_DIES,
    SBP2_FAULT_AGENT_WEDGES,
    SBP2_FAULT_FORCE_STATUS,
    SBP2_FAULT_NOT_READY,
    /* As long as a value says so */
    SBP2_FAULT_CHAIN_WEDGES,
    SBP2_FAULT_DOORBELL_WEDGES,
    SBP2_FAULT_MANAGEMENT_LATE,
    SBP2_FAULT_RESPONSE_SHORT,
    SBP2_FAULT_HOLD,
    SBP2_FAULT_TARGET_FULL,
    SBP2_FAULT_FORGET,
    SBP2_FAULT_STATUS_LATE,
    SBP2_FAULT_DEAD_ON_CHECK,
    SBP2_FAULT_SPIN_UP,
    /* A persona's way was met */
    SBP2_FAULT_PAGE_TABLE,
    SBP2_FAULT_TRANSFER,
    SBP2_FAULT_SEGMENT,
    SBP2_FAULT_CAPACITY,
    SBP2_FAULT_POWER_CONDITION,
    SBP2_FAULT_RESERVE_WEDGES,
    SBP2_FAULTS
} SBP2FaultKind;

/* What else can go wrong at random */
enum {
    SBP2_MISCHIEF_ACK_BUSY = SBP2_FAULTS,
    SBP2_MISCHIEF_ACK_LOST,
    SBP2_MISCHIEF_RESPONSE_LOST,
    SBP2_MISCHIEF_FORGET,
    SBP2_MISCHIEF_RESET,
};

/* @kind: an SBP2FaultKind or one of the above; @most: times in a row */
typedef struct SBP2Mischief {
    const char *name;
    unsigned kind, most;
} SBP2Mischief;

/* @seed: 0 is none; @rate: one ORB in so many; @orbs: since the seed was set */
typedef struct SBP2Misbehave {
    uint32_t seed, rate, orbs, done;
    uint32_t value;
    FWRandom random;
    GString *sequence;
} SBP2Misbehave;

typedef enum SBP2FuzzKind {
    SBP2_FUZZ_ROM,              /* the configuration ROM */
    SBP2_FUZZ_RESPONSE,         /* to LOGIN, to QUERY LOGINS */
    SBP2_FUZZ_STATUS,           /* blocks of all ORBs */
    SBP2_FUZZ_KINDS
} SBP2FuzzKind;

/*
 * @seed: 0 is none; @fault: how many are still to be malformed, and were;
 * @rate: one status in so many; @changes: what was done, for people
 */
typedef struct SBP2Fuzz {
    uint32_t seed[SBP2_FUZZ_KINDS];
    FWRandom random[SBP2_FUZZ_KINDS];
    FWFault fault[SBP2_FUZZ_KINDS];
    GString *changes[SBP2_FUZZ_KINDS];
    unsigned rate;
} SBP2Fuzz;

/* A unit that spins up, or was stopped */
typedef struct SBP2Medium {
    bool stopped;
    int64_t ready_at;
} SBP2Medium;

typedef struct SBP2Faults {
    FWFault fault[SBP2_FAULTS];

    /* Values that go with them */
    uint32_t login_refuse, reconnect_refuse, logout_refuse;
    uint32_t management_late_ms, response_length, max_target_logins;
    uint32_t status_late_ms, force_resp, force_sbp_status;
    int64_t login_hold;         /* -1: as it should be */
    bool chain_wedges, doorbell_wedges, dead_on_check;
    uint32_t spin_up_ms;

    SBP2Medium medium[SBP2_MAX_LUNS];
    QEMUTimer *management_late;
    QTAILQ_HEAD(, SBP2LateStatus) late;
} SBP2Faults;

/**
 * struct SBP2Ways - what an initiator has to know of a device; 0 is the usual
 * @max_transfer: bytes of one command
 * @min_segment: bytes of each segment in a page table
 * @busy_ms: after each command requests are acknowledged busy for so long
 * @device_type: what INQUIRY and ROM say the logical units are
 * @capacity_off_by_one: READ CAPACITY tells a block that there is not
 * @needs_power_condition: START STOP UNIT without one does nothing
 * @reserve_wedges: on a second RESERVE(6) the agent does nothing any more
 */
typedef struct SBP2Ways {
    uint32_t max_transfer, min_segment, busy_ms, device_type;
    bool no_page_tables, capacity_off_by_one, needs_power_condition;
    bool reserve_wedges;
} SBP2Ways;

struct SBP2Target {
    FWDevice parent_obj;
    SCSIBus scsi;
    Notifier machine_done;
    unsigned with_device;       /* so many tasks */
    SBP2Login login[SBP2_MAX_LOGINS];
    SBP2Management management;
    uint8_t password[SBP2_PASSWORD_SIZE];   /* all zero: there is none */

    /* Properties */
    char *vendor_name, *model_name, *persona;
    uint32_t vendor_id, model_id, firmware_revision;
    uint32_t mgt_orb_timeout, orb_size, max_hold_s, max_logins, queue_depth;
    uint64_t cmd_latency_ns, media_latency_ns, media_jitter_ns;
    FWRandom jitter;
    SBP2Ways ways;
    bool reserved[SBP2_MAX_LUNS];
    SBP2Faults faults;
    SBP2Misbehave misbehave;
    SBP2Fuzz fuzz;

    struct {
        uint32_t logins, reconnects, logouts, commands, management;
        uint32_t refused, aborted, max_tasks, welcomes;
        uint32_t orb_pointers, doorbells, chained, out_of_order;
        uint32_t statuses_refused;
    } count;
};

static inline unsigned sbp2_node_of_pointer(uint64_t pointer)
{
    return pointer >> 48;
}

/* sbp2-target.c: afresh, with another generation */
void sbp2_rom_build(SBP2Target *t);

/* sbp2-management.c */
void sbp2_management_write(SBP2Target *t, FWRequest *req, const uint8_t *data,
                           size_t length);
void sbp2_management_bus_reset(SBP2Target *t);
void sbp2_management_status(SBP2Target *t);
SBP2Login *sbp2_login_by_id(SBP2Target *t, uint16_t id);
void sbp2_login_drop(SBP2Login *login);

/* sbp2-fetch.c */
void sbp2_agent_write(SBP2Login *login, FWRequest *req, unsigned offset,
                      const uint8_t *data, size_t length);
void sbp2_agent_read(SBP2Login *login, FWRequest *req, unsigned offset,
                     size_t length);
void sbp2_agent_reset(SBP2Login *login);
void sbp2_agent_abort_task(SBP2Login *login, uint64_t orb);
/* Of the whole list: no task is left, and no status tells of them */
void sbp2_agent_abort_all(SBP2Login *login);
void sbp2_agent_abort_task_set(SBP2Login *login);
void sbp2_task_end(SBP2Task *task, unsigned resp, unsigned sbp_status,
                   const uint8_t *command_set, size_t length);
void sbp2_send_status(SBP2Target *t, const SBP2Status *status);
/* The login is over: what becomes of a status on its way concerns nobody */
void sbp2_agent_forget_status(SBP2Login *login);

/* sbp2-data.c */
void sbp2_task_start(SBP2Task *task, const uint8_t *orb);
void sbp2_task_cancel_io(SBP2Task *task);
void sbp2_task_free(SBP2Task *task);
extern const SCSIBusInfo sbp2_scsi_info;

/*
 * sbp2-faults.c. What is asked with a question here is answered with "no" as
 * long as nobody asked for trouble.
 */
void sbp2_faults_init(SBP2Target *t);
void sbp2_faults_power_up(SBP2Target *t, uint32_t spin_up_ms);
void sbp2_faults_forget_logins(SBP2Target *t);
void sbp2_faults_realize(SBP2Target *t);
void sbp2_faults_unrealize(SBP2Target *t);
void sbp2_faults_bus_reset(SBP2Target *t);
/* Does the next of @kind, one of those that are counted down, go wrong? */
bool sbp2_fault(SBP2Target *t, SBP2FaultKind kind);
/* sbp_status to refuse a management function with, or SBP2_OK */
unsigned sbp2_faults_refuse(SBP2Target *t, unsigned function);
bool sbp2_faults_target_full(SBP2Target *t);
/* Does sbp2_management_status() have to wait? Then it is called later. */
bool sbp2_faults_management_late(SBP2Target *t);
unsigned sbp2_faults_response_length(SBP2Target *t, unsigned length);
unsigned sbp2_faults_hold_s(SBP2Target *t, unsigned hold_s);
/* Send the status of a command, if so, when and how the faults want it */
void sbp2_faults_send_status(SBP2Target *t, const SBP2Status *status);
/* Does the agent do nothing any more, by one of the two that say so? */
bool sbp2_faults_wedges(SBP2Target *t, SBP2FaultKind kind);
/* Does this SCSI status, as a status block has it, leave a dead agent? */
bool sbp2_faults_check_kills(SBP2Target *t, const uint8_t *command_set);
/* Was the command ended here, or put off, before the SCSI device saw it? */
bool sbp2_faults_command(SBP2Task *task);

/* sbp2-misbehave.c */
void sbp2_misbehave_init(SBP2Target *t);
void sbp2_misbehave_finalize(SBP2Target *t);
/* An ORB was fetched: something may go wrong */
void sbp2_misbehave(SBP2Target *t);
/* What goes wrong with the next ORB, and how often in a row; NULL: nothing */
const SBP2Mischief *sbp2_misbehave_next(SBP2Misbehave *m, unsigned *times);

/* sbp2-fuzz.c */
void sbp2_fuzz_init(SBP2Target *t);
void sbp2_fuzz_finalize(SBP2Target *t);
void sbp2_fuzz_start(SBP2Fuzz *f, SBP2FuzzKind kind, uint32_t seed);
/* What the target is about to show or send; the length that it has then */
void sbp2_fuzz_rom(SBP2Target *t);
size_t sbp2_fuzz_response(SBP2Target *t, uint8_t *data, size_t length);
/* @block has room for SBP2_MAX_STATUS bytes */
size_t sbp2_fuzz_status(SBP2Target *t, uint8_t *block, size_t length);
/* What programs stumble over, half of the time */
uint32_t sbp2_fuzz_quadlet(FWRandom *random);

/* sbp2-fuzz-rom.c: @bytes are a whole good ROM before, and anything after */
void sbp2_fuzz_rom_bytes(uint8_t *bytes, FWRandom *random, GString *changes);

/* sbp2-persona.c */
bool sbp2_persona_apply(SBP2Target *t, Error **errp);
/* Was the command ended, because of where its data is to go? */
bool sbp2_ways_refuse_buffer(SBP2Task *task);
/* Was it ended, or left undone for ever, before the SCSI device saw it? */
bool sbp2_ways_command(SBP2Task *task);
/* Data of the SCSI device, before the initiator gets it */
void sbp2_ways_data(SBP2Task *task, uint8_t *data, size_t length);
void sbp2_ways_command_end(SBP2Target *t);

#endif
