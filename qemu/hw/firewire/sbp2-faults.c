/*
 * SBP-2 target: what can be made to go wrong, by properties that are written
 * while the guest runs. Each has a counter that says how often it happened.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "qemu/timer.h"
#include "scsi/constants.h"
#include "sbp2.h"
#include "trace.h"

static const FWFaultName fault_names[SBP2_FAULTS] = {
    [SBP2_FAULT_LOGIN_REFUSE]     = { "login-refuse-count",
                                      "login-refuse-done" },
    [SBP2_FAULT_RECONNECT_REFUSE] = { "reconnect-refuse-count",
                                      "reconnect-refuse-done" },
    [SBP2_FAULT_LOGOUT_REFUSE]    = { "logout-refuse-count",
                                      "logout-refuse-done" },
    [SBP2_FAULT_MANAGEMENT_BUSY]  = { "management-busy",
                                      "management-busy-done" },
    [SBP2_FAULT_MANAGEMENT_LOST]  = { "management-lost",
                                      "management-lost-done" },
    [SBP2_FAULT_STATUS_LOST]      = { "status-lost", "status-lost-done" },
    [SBP2_FAULT_STATUS_TWICE]     = { "status-twice", "status-twice-done" },
    [SBP2_FAULT_STATUS_WRONG_ORB] = { "status-wrong-orb",
                                      "status-wrong-orb-done" },
    [SBP2_FAULT_AGENT_DIES]       = { "agent-dies", "agent-dies-done" },
    [SBP2_FAULT_AGENT_WEDGES]     = { "agent-wedges", "agent-wedges-done" },
    [SBP2_FAULT_FORCE_STATUS]     = { "force-status", "force-status-done" },
    [SBP2_FAULT_NOT_READY]        = { "not-ready-count", "not-ready-done" },
    [SBP2_FAULT_CHAIN_WEDGES]     = { NULL, "chain-wedges-done" },
    [SBP2_FAULT_DOORBELL_WEDGES]  = { NULL, "doorbell-wedges-done" },
    [SBP2_FAULT_DEAD_ON_CHECK]    = { NULL, "dead-on-check-done" },
    [SBP2_FAULT_MANAGEMENT_LATE]  = { NULL, "management-late-done" },
    [SBP2_FAULT_RESPONSE_SHORT]   = { NULL, "login-response-length-done" },
    [SBP2_FAULT_HOLD]             = { NULL, "login-hold-done" },
    [SBP2_FAULT_TARGET_FULL]      = { NULL, "max-target-logins-done" },
    [SBP2_FAULT_FORGET]           = { NULL, "forget-logins-done" },
    [SBP2_FAULT_STATUS_LATE]      = { NULL, "status-late-done" },
    [SBP2_FAULT_SPIN_UP]          = { NULL, "spin-up-done" },
    [SBP2_FAULT_PAGE_TABLE]       = { NULL, "no-page-tables-done" },
    [SBP2_FAULT_TRANSFER]         = { NULL, "max-transfer-done" },
    [SBP2_FAULT_SEGMENT]          = { NULL, "min-segment-done" },
    [SBP2_FAULT_CAPACITY]         = { NULL, "capacity-off-by-one-done" },
    [SBP2_FAULT_POWER_CONDITION]  = { NULL, "needs-power-condition-done" },
    [SBP2_FAULT_RESERVE_WEDGES]   = { NULL, "reserve-wedges-done" },
};

/* The values that take effect by being read; the others have functions below */
static const struct {
    const char *name;
    size_t offset;
} values[] = {
    { "login-refuse", offsetof(SBP2Target, faults.login_refuse) },
    { "reconnect-refuse", offsetof(SBP2Target, faults.reconnect_refuse) },
    { "logout-refuse", offsetof(SBP2Target, faults.logout_refuse) },
    { "management-late-ms", offsetof(SBP2Target, faults.management_late_ms) },
    { "login-response-length", offsetof(SBP2Target, faults.response_length) },
    { "max-target-logins", offsetof(SBP2Target, faults.max_target_logins) },
    { "status-late-ms", offsetof(SBP2Target, faults.status_late_ms) },
    { "force-resp", offsetof(SBP2Target, faults.force_resp) },
    { "force-sbp-status", offsetof(SBP2Target, faults.force_sbp_status) },
    { "max-transfer", offsetof(SBP2Target, ways.max_transfer) },
    { "min-segment", offsetof(SBP2Target, ways.min_segment) },
    { "busy-ms", offsetof(SBP2Target, ways.busy_ms) },
    { "device-type", offsetof(SBP2Target, ways.device_type) },
};

static const struct {
    const char *name;
    size_t offset;
} flags[] = {
    { "chain-wedges", offsetof(SBP2Target, faults.chain_wedges) },
    { "doorbell-wedges", offsetof(SBP2Target, faults.doorbell_wedges) },
    { "dead-on-check", offsetof(SBP2Target, faults.dead_on_check) },
    { "no-page-tables", offsetof(SBP2Target, ways.no_page_tables) },
    { "capacity-off-by-one", offsetof(SBP2Target, ways.capacity_off_by_one) },
    { "needs-power-condition",
      offsetof(SBP2Target, ways.needs_power_condition) },
    { "reserve-wedges", offsetof(SBP2Target, ways.reserve_wedges) },
};

static int64_t now_ns(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

static void note(SBP2Target *t, SBP2FaultKind kind)
{
    fw_fault_note(&t->faults.fault[kind]);
}

bool sbp2_fault(SBP2Target *t, SBP2FaultKind kind)
{
    return fw_fault(&t->faults.fault[kind]);
}

/* Agents */

bool sbp2_faults_wedges(SBP2Target *t, SBP2FaultKind kind)
{
    bool wedges = kind == SBP2_FAULT_CHAIN_WEDGES ? t->faults.chain_wedges :
                                                    t->faults.doorbell_wedges;

    if (wedges) {
        note(t, kind);
    }
    return wedges;
}

bool sbp2_faults_check_kills(SBP2Target *t, const uint8_t *command_set)
{
    bool kills = t->faults.dead_on_check &&
                 (command_set[0] & 0x3f) == CHECK_CONDITION;

    if (kills) {
        note(t, SBP2_FAULT_DEAD_ON_CHECK);
    }
    return kills;
}

/* Management */

unsigned sbp2_faults_refuse(SBP2Target *t, unsigned function)
{
    SBP2Faults *f = &t->faults;
    const struct {
        unsigned function, status;
        SBP2FaultKind kind;
    } refusals[] = {
        { SBP2_LOGIN, f->login_refuse, SBP2_FAULT_LOGIN_REFUSE },
        { SBP2_RECONNECT, f->reconnect_refuse, SBP2_FAULT_RECONNECT_REFUSE },
        { SBP2_LOGOUT, f->logout_refuse, SBP2_FAULT_LOGOUT_REFUSE },
    };
    unsigned i;

    for (i = 0; i < ARRAY_SIZE(refusals); i++) {
        if (refusals[i].function == function && refusals[i].status &&
            sbp2_fault(t, refusals[i].kind)) {
            return refusals[i].status & 0xff;
        }
    }
    return SBP2_OK;
}

bool sbp2_faults_target_full(SBP2Target *t)
{
    unsigned i, count = 0;

    for (i = 0; i < SBP2_MAX_LOGINS; i++) {
        count += t->login[i].used;
    }
    if (!t->faults.max_target_logins || count < t->faults.max_target_logins) {
        return false;
    }
    note(t, SBP2_FAULT_TARGET_FULL);
    return true;
}

static void management_late(void *opaque)
{
    sbp2_management_status(opaque);
}

bool sbp2_faults_management_late(SBP2Target *t)
{
    int64_t ms = t->faults.management_late_ms;

    if (!ms) {
        return false;
    }
    note(t, SBP2_FAULT_MANAGEMENT_LATE);
    timer_mod(t->faults.management_late, now_ns() + ms * SCALE_MS);
    return true;
}

unsigned sbp2_faults_response_length(SBP2Target *t, unsigned length)
{
    unsigned wanted = t->faults.response_length;

    if (!wanted || wanted >= length) {
        return length;
    }
    note(t, SBP2_FAULT_RESPONSE_SHORT);
    return wanted;
}

unsigned sbp2_faults_hold_s(SBP2Target *t, unsigned hold_s)
{
    if (t->faults.login_hold < 0) {
        return hold_s;
    }
    note(t, SBP2_FAULT_HOLD);
    return t->faults.login_hold + 1;
}

void sbp2_faults_forget_logins(SBP2Target *t)
{
    unsigned i;

    for (i = 0; i < SBP2_MAX_LOGINS; i++) {
        if (t->login[i].used) {
            sbp2_login_drop(&t->login[i]);
            note(t, SBP2_FAULT_FORGET);
        }
    }
}

static void set_forget_logins(Object *obj, bool value, Error **errp)
{
    if (value) {
        sbp2_faults_forget_logins(SBP2_TARGET(obj));
    }
}

static void get_login_hold(Object *obj, Visitor *v, const char *name,
                           void *opaque, Error **errp)
{
    visit_type_int64(v, name, &SBP2_TARGET(obj)->faults.login_hold, errp);
}

static void set_login_hold(Object *obj, Visitor *v, const char *name,
                           void *opaque, Error **errp)
{
    int64_t value;

    if (!visit_type_int64(v, name, &value, errp)) {
        return;
    }
    if (value < -1 || value > 0xffff) {
        error_setg(errp, "login-hold is 0 to 65535, or -1 for none of them");
        return;
    }
    SBP2_TARGET(obj)->faults.login_hold = value;
}

/* Status of commands */

struct SBP2LateStatus {
    SBP2Target *target;
    SBP2Status status;
    QEMUTimer *timer;
    QTAILQ_ENTRY(SBP2LateStatus) next;
};

static void late_free(SBP2LateStatus *late)
{
    QTAILQ_REMOVE(&late->target->faults.late, late, next);
    timer_free(late->timer);
    g_free(late);
}

static void late_free_all(SBP2Target *t)
{
    SBP2LateStatus *late, *next;

    QTAILQ_FOREACH_SAFE(late, &t->faults.late, next, next) {
        late_free(late);
    }
}

/*
 * Whatever became of the command meanwhile, and of this status: a slow target
 * does not care
 */
static void late_due(void *opaque)
{
    SBP2LateStatus *late = opaque;

    note(late->target, SBP2_FAULT_STATUS_LATE);
    sbp2_send_status(late->target, &late->status);
    late_free(late);
}

static void send_when_due(SBP2Target *t, const SBP2Status *status)
{
    int64_t ms = t->faults.status_late_ms;
    SBP2LateStatus *late;

    if (!ms) {
        sbp2_send_status(t, status);
        return;
    }
    late = g_new0(SBP2LateStatus, 1);
    late->target = t;
    late->status = *status;
    late->status.agent = NULL;
    late->timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, late_due, late);
    QTAILQ_INSERT_TAIL(&t->faults.late, late, next);
    timer_mod(late->timer, now_ns() + ms * SCALE_MS);
}

void sbp2_faults_send_status(SBP2Target *t, const SBP2Status *status)
{
    SBP2Status wrong = *status;

    wrong.agent = NULL;     /* that nobody wants it is what is to be expected */
    if (sbp2_fault(t, SBP2_FAULT_STATUS_LOST)) {
        return;
    }
    if (sbp2_fault(t, SBP2_FAULT_STATUS_WRONG_ORB)) {
        /* In the midst of the right one, so it is nobody else's */
        wrong.orb += 4;
        status = &wrong;
    }
    send_when_due(t, status);
    if (sbp2_fault(t, SBP2_FAULT_STATUS_TWICE)) {
        wrong = *status;
        wrong.agent = NULL;
        send_when_due(t, &wrong);
    }
}

/* Medium: a disk that spins up, a drive or scanner that is not ready yet */

#define ASCQ_BECOMING_READY     0x01
#define ASCQ_START_REQUIRED     0x02

static bool needs_medium(uint8_t opcode)
{
    switch (opcode) {
    case TEST_UNIT_READY:
    case FORMAT_UNIT:
    case READ_6:
    case WRITE_6:
    case READ_CAPACITY_10:
    case READ_10:
    case WRITE_10:
    case SEEK_10:
    case WRITE_VERIFY_10:
    case VERIFY_10:
    case PRE_FETCH:
    case SYNCHRONIZE_CACHE:
    case WRITE_SAME_10:
    case UNMAP:
    case READ_TOC:
    case READ_16:
    case WRITE_16:
    case WRITE_VERIFY_16:
    case VERIFY_16:
    case PRE_FETCH_16:
    case SYNCHRONIZE_CACHE_16:
    case WRITE_SAME_16:
    case SERVICE_ACTION_IN_16:
    case READ_12:
    case WRITE_12:
    case WRITE_VERIFY_12:
    case VERIFY_12:
        return true;
    default:
        return false;
    }
}

/* NOT READY, 04/xx, as a status block carries it (SBP-2 annex B) */
static void not_ready(SBP2Task *task, uint8_t ascq)
{
    uint8_t sense[16] = { CHECK_CONDITION, NOT_READY, 0x04, ascq };

    sbp2_task_end(task, SBP2_COMPLETE, SBP2_OK, sense, sizeof(sense));
}

/* When a unit will be ready that starts to spin up now */
static int64_t spun_up_ns(const SBP2Faults *f)
{
    return now_ns() + f->spin_up_ms * (int64_t)SCALE_MS;
}

/*
 * The SCSI device answers START STOP UNIT; here it is only noted, and put off
 * if it is to be answered when the unit is ready.
 */
static bool start_stop(SBP2Task *task, SBP2Medium *medium)
{
    bool immediate = task->cdb[1] & 1;
    bool eject = task->cdb[4] & 2;
    bool start = task->cdb[4] & 1;
    unsigned condition = task->cdb[4] >> 4;

    if (condition || eject) {
        return false;
    }
    if (start && medium->stopped) {
        medium->ready_at = spun_up_ns(&task->login->target->faults);
    }
    medium->stopped = !start;
    if (start && !immediate && now_ns() < medium->ready_at) {
        timer_mod(task->start, medium->ready_at);
        return true;
    }
    return false;
}

static bool medium_command(SBP2Task *task)
{
    SBP2Target *t = task->login->target;
    SBP2Medium *medium = &t->faults.medium[task->login->lun];
    uint8_t opcode = task->cdb[0];

    if (opcode == TEST_UNIT_READY && sbp2_fault(t, SBP2_FAULT_NOT_READY)) {
        not_ready(task, ASCQ_BECOMING_READY);
        return true;
    }
    if (!t->faults.spin_up_ms) {
        return false;
    }
    if (opcode == START_STOP) {
        return start_stop(task, medium);
    }
    if (!needs_medium(opcode) ||
        (!medium->stopped && now_ns() >= medium->ready_at)) {
        return false;
    }
    note(t, SBP2_FAULT_SPIN_UP);
    not_ready(task, medium->stopped ? ASCQ_START_REQUIRED :
                                      ASCQ_BECOMING_READY);
    return true;
}

static void get_spin_up(Object *obj, Visitor *v, const char *name,
                        void *opaque, Error **errp)
{
    visit_type_uint32(v, name, &SBP2_TARGET(obj)->faults.spin_up_ms, errp);
}

void sbp2_faults_power_up(SBP2Target *t, uint32_t spin_up_ms)
{
    SBP2Faults *f = &t->faults;
    unsigned i;

    f->spin_up_ms = spin_up_ms;
    for (i = 0; i < SBP2_MAX_LUNS; i++) {
        f->medium[i].stopped = false;
        f->medium[i].ready_at = spun_up_ns(f);
    }
}

/* Power was switched on just now, says whoever writes this */
static void set_spin_up(Object *obj, Visitor *v, const char *name,
                        void *opaque, Error **errp)
{
    uint32_t ms;

    if (visit_type_uint32(v, name, &ms, errp)) {
        sbp2_faults_power_up(SBP2_TARGET(obj), ms);
    }
}

bool sbp2_faults_command(SBP2Task *task)
{
    SBP2Target *t = task->login->target;

    if (sbp2_fault(t, SBP2_FAULT_FORCE_STATUS)) {
        sbp2_task_end(task, t->faults.force_resp & 3,
                      t->faults.force_sbp_status & 0xff, NULL, 0);
        return true;
    }
    return medium_command(task);
}

/* The target's life */

static void get_flag(Object *obj, Visitor *v, const char *name, void *opaque,
                     Error **errp)
{
    visit_type_bool(v, name, opaque, errp);
}

static void set_flag(Object *obj, Visitor *v, const char *name, void *opaque,
                     Error **errp)
{
    visit_type_bool(v, name, opaque, errp);
}

void sbp2_faults_init(SBP2Target *t)
{
    Object *obj = OBJECT(t);
    unsigned i;

    t->faults.login_hold = -1;
    fw_faults_add_properties(obj, t->faults.fault, fault_names, SBP2_FAULTS);
    for (i = 0; i < ARRAY_SIZE(values); i++) {
        void *value = (char *)t + values[i].offset;

        object_property_add_uint32_ptr(obj, values[i].name, value,
                                       OBJ_PROP_FLAG_READWRITE);
    }
    for (i = 0; i < ARRAY_SIZE(flags); i++) {
        object_property_add(obj, flags[i].name, "bool", get_flag, set_flag,
                            NULL, (char *)t + flags[i].offset);
    }
    object_property_add_bool(obj, "forget-logins", NULL, set_forget_logins);
    object_property_add(obj, "login-hold", "int64", get_login_hold,
                        set_login_hold, NULL, NULL);
    object_property_add(obj, "spin-up-ms", "uint32", get_spin_up, set_spin_up,
                        NULL, NULL);
}

void sbp2_faults_realize(SBP2Target *t)
{
    QTAILQ_INIT(&t->faults.late);
    t->faults.management_late = timer_new_ns(QEMU_CLOCK_VIRTUAL,
                                             management_late, t);
}

void sbp2_faults_unrealize(SBP2Target *t)
{
    late_free_all(t);
    timer_free(t->faults.management_late);
}

/* What is still to be sent belongs to the past */
void sbp2_faults_bus_reset(SBP2Target *t)
{
    late_free_all(t);
    timer_del(t->faults.management_late);
}
